"""Trainings that were begun and are not finished: how far each got, and where its curves lie."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lcgan_core.protocol.config import Config
from lcgan_core.run import artefacts
from lcgan_core.run.plan import Job, jobs

CHECKPOINT, CURVES = "checkpoint.safetensors", "losses.png"
"""As the training engine calls them."""
LONGEST = 100_000_000
"""Bytes that a header may have, as safetensors limits it."""


def begun(config: Config) -> Iterator[tuple[Job, str]]:
    """Each job with a checkpoint of an unfinished training, and a sentence's end about it."""
    for job in jobs(config):
        final = artefacts.folder(config, job)
        work = final.with_name(f".{final.name}.partial")
        found = sorted(work.rglob(CHECKPOINT), key=lambda path: path.stat().st_mtime)
        if found and (notes := _notes(found[-1])):
            yield job, _how_far(notes) + _curves(found[-1].with_name(CURVES))


def _how_far(notes: dict[str, Any]) -> str:
    """The step of the last checkpoint, and of how many where that is known; the epoch.

    >>> _how_far({"done": 40, "history": [], "identity": {"rounds": [30, 60]}})
    'step 40 of 60'
    >>> _how_far({"done": 40, "history": [{"epoch": 1}], "identity": {}})
    'step 40, in epoch 2'
    """
    rounds = notes["identity"].get("rounds")
    if rounds:
        return f"step {notes['done']} of {rounds[-1]}"
    return f"step {notes['done']}, in epoch {len(notes['history']) + 1}"


def _curves(path: Path) -> str:
    return f"; losses so far: {path}" if path.is_file() else ""


def _notes(path: Path) -> dict[str, Any] | None:
    """The notes of a checkpoint, read from its header without a network library."""
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(min(length, LONGEST)))
        notes = json.loads(header["__metadata__"]["notes"])
        return notes if {"done", "history", "identity"} <= notes.keys() else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
