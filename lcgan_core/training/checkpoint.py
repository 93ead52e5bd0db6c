"""Checkpoints: one safetensors file, everything that is not a tensor as JSON in its header."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from lcgan_core.errors import UserError
from lcgan_core.run.artefacts import atomic

Modules = Mapping[str, nn.Module]
Optimizers = Mapping[str, torch.optim.Optimizer]
UNREADABLE = (SafetensorError, KeyError, ValueError, OSError, TypeError, RecursionError)
"""TypeError: a file without notes."""


class Damaged(UserError):
    """A checkpoint that cannot be read, or belongs to another network."""


def save(path: Path, modules: Modules, optimizers: Optimizers, notes: dict) -> None:
    """Write networks, optimiser states and `notes` (JSON) to `path`, whole or not at all."""
    tensors = {
        f"{name}/{key}": value
        for name, module in modules.items()
        for key, value in module.state_dict().items()
    }
    for name, optimizer in optimizers.items():
        for index, state in optimizer.state_dict()["state"].items():
            for key, value in state.items():
                tensors[f"{name}/{index}/{key}"] = torch.as_tensor(value)
    # channels-last weights are kept in their layout only by the network itself
    tensors = {key: value.detach().contiguous().clone() for key, value in tensors.items()}
    with atomic(path) as temporary:
        write(tensors, temporary, {"notes": json.dumps(notes)})


def write(tensors: dict[str, Tensor], path: Path, metadata: dict[str, str]) -> None:
    """Write a safetensors file; raises OSError where the disk refuses, as other writers do.

    >>> write({}, Path("/dev/null/x.safetensors"), {})
    Traceback (most recent call last):
    NotADirectoryError: [Errno 20] Not a directory: '/dev/null/x.safetensors'
    """
    try:
        save_file(tensors, path, metadata=metadata)
    except SafetensorError as error:
        found = re.search(r"os error (\d+)", str(error))
        if found is None:
            raise
        number = int(found[1])
        raise OSError(number, os.strerror(number), str(path)) from None


def save_beside(path: Path, modules: Modules, optimizers: Optimizers, notes: dict) -> None:
    """Like save, keeping the checkpoint that was there as the previous one."""
    if path.exists():
        path.replace(previous(path))
    save(path, modules, optimizers, notes)


def previous(path: Path) -> Path:
    """Where the checkpoint before the last one is."""
    return path.with_name(f"previous-{path.name}")


def load_last(path: Path, modules: Modules, optimizers: Optimizers) -> dict | None:
    """Load the last readable checkpoint, with a message if it is the previous one; None if none.

    Raises UserError if there are checkpoints but none can be read.
    """
    there = [file for file in (path, previous(path)) if file.exists()]
    for file in there:
        try:
            return load(file, modules, optimizers)
        except Damaged as error:
            if file == there[-1]:
                raise
            print(f"{error} Resuming from the previous checkpoint.", file=sys.stderr)
    return None


def load(path: Path, modules: Modules, optimizers: Optimizers | None = None) -> dict:
    """Read a checkpoint into networks and optimisers; returns its notes.

    Raises Damaged, naming the file, if it is damaged or belongs to another network.
    """
    try:
        tensors, notes = _read(path)
        for name, module in modules.items():
            module.load_state_dict(_under(tensors, name))
    except (*UNREADABLE, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise Damaged(
            f"The checkpoint {path} is damaged or belongs to another network "
            f"({reason}); delete it to start again."
        ) from None
    for name, optimizer in (optimizers or {}).items():
        weights = [weight for group in optimizer.param_groups for weight in group["params"]]
        state: dict[int, dict[str, Tensor]] = {}
        for key, value in _under(tensors, name).items():
            index, field = key.split("/")
            weight = weights[int(index)]
            # fused optimisers read moments in the order in which the weight lies in memory
            kept = torch.empty_like(weight).copy_(value) if value.shape == weight.shape else value
            state.setdefault(int(index), {})[field] = kept
        optimizer.load_state_dict(optimizer.state_dict() | {"state": state})
    return notes


def notes_of(path: Path) -> dict | None:
    """The notes of the last readable checkpoint, without loading any network; None if none."""
    for file in (path, previous(path)):
        if file.exists():
            try:
                return _read(file)[1]
            except UNREADABLE:
                continue
    return None


def _read(path: Path) -> tuple[dict[str, Tensor], dict]:
    with safe_open(path, framework="pt") as file:
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        return tensors, json.loads(file.metadata()["notes"])


def _under(tensors: Mapping[str, Tensor], name: str) -> dict[str, Tensor]:
    prefix = f"{name}/"
    return {key[len(prefix) :]: value for key, value in tensors.items() if key.startswith(prefix)}
