"""The one training loop of the three networks: epochs, data order, checkpoints, loss history."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

import pandas as pd
import torch
from torch import Tensor, nn

from lcgan_core.errors import UserError
from lcgan_core.loops import checkpoint
from lcgan_core.progress import progress

CHECKPOINT = "checkpoint.safetensors"
SECONDS_BETWEEN_CHECKPOINTS = 10.0


class Task(Protocol):
    """A network to train: what it is made of, and one optimiser step on a batch."""

    @property
    def modules(self) -> Mapping[str, nn.Module]: ...

    @property
    def optimizers(self) -> Mapping[str, torch.optim.Optimizer]: ...

    def step(self, batch: Tensor) -> dict[str, Tensor]:
        """One optimiser step on the samples with indices `batch`; returns scalar losses."""
        ...


def device() -> torch.device:
    """The GPU where there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def seed_of(*parts: object) -> int:
    """A seed for one purpose, so that adding a purpose changes no other's random numbers.

    >>> seed_of(1, "order") == seed_of(1, "order") != seed_of(1, "noise")
    True
    """
    text = "/".join(str(part) for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:7])


def fit(
    task: Task,
    samples: int,
    *,
    epochs: int,
    batch: int,
    seed: int,
    work: Path,
    label: str,
    after_epoch: Callable[[int], None] | None = None,
) -> pd.DataFrame:
    """Train `task` for `epochs` over `samples` samples; returns mean losses, a row an epoch.

    Goes on from the checkpoint in `work` where there is one. Every epoch draws its random numbers
    from (seed, epoch) alone, so an interrupted training ends as an uninterrupted one.
    `after_epoch(epoch)` is called with 1..epochs. Raises UserError where a loss is not finite, and
    on Ctrl-C, naming the epoch that the next run goes on after.
    """
    path = work / CHECKPOINT
    history: list[dict[str, float]] = []
    if path.exists():
        history = checkpoint.load(path, task.modules, task.optimizers)["history"]
    saved = time.monotonic()
    remaining = range(len(history) + 1, epochs + 1)
    try:
        for epoch in progress(remaining, label, "epoch"):
            history.append({"epoch": epoch, **_epoch(task, samples, batch, seed, epoch, label)})
            if after_epoch:
                after_epoch(epoch)
            if time.monotonic() - saved > SECONDS_BETWEEN_CHECKPOINTS or epoch == epochs:
                checkpoint.save(path, task.modules, task.optimizers, {"history": history})
                saved = time.monotonic()
    except KeyboardInterrupt:
        done = len(checkpoint_history(path))
        raise UserError(
            f"Interrupted: {label} stopped in epoch {len(history) + 1} of {epochs}; "
            f"run the same command again to go on after epoch {done}."
        ) from None
    return pd.DataFrame(history)


def checkpoint_history(path: Path) -> list:
    """The losses that a checkpoint has behind it; empty where there is none."""
    return checkpoint.load(path, {})["history"] if path.exists() else []


def _epoch(task: Task, samples: int, batch: int, seed: int, epoch: int, label: str) -> dict:
    torch.manual_seed(seed_of(seed, "noise", epoch))
    order = torch.randperm(
        samples, generator=torch.Generator().manual_seed(seed_of(seed, "order", epoch))
    ).to(device())
    sums: dict[str, Tensor] = {}
    batches = order.split(batch)
    for module in task.modules.values():
        module.train()
    for indices in batches:
        for name, loss in task.step(indices).items():
            # summed on the device: reading a loss would make the device wait at every step
            sums[name] = sums.get(name, 0) + loss.detach()
    means = {name: float(total) / len(batches) for name, total in sums.items()}
    bad = [name for name, mean in means.items() if not math.isfinite(mean)]
    if bad:
        raise UserError(
            f"{label}: {', '.join(bad)} loss is not a number in epoch {epoch}; "
            "lower the learning rate of this network in the profile."
        )
    return means
