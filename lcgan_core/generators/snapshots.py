"""The training of a generator whose candidates are its network after some of the epochs."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path

import numpy as np
from torch import Tensor, nn

from lcgan_core.training import checkpoint
from lcgan_core.training.curves import draw_samples
from lcgan_core.training.engine import Schedule, Task, clean, fit


def train_generator(
    task: Task,
    network: nn.Module,
    paint_few: Callable[[], Tensor],
    samples: int,
    batch: int,
    epochs: Collection[int],
    seed: int,
    work: Path,
    label: str,
) -> list[int]:
    """Train `task` for as many epochs as the last of `epochs`; keep `network` after each of them.

    Writes the losses of each epoch, and beside each kept network what `paint_few` paints with it,
    (k, H, W) uint8. Returns the epochs, ascending.
    """

    def keep(epoch: int) -> None:
        if epoch in epochs:
            checkpoint.save(file(work, epoch), {"generator": network}, {}, {"epoch": epoch})
            few = paint_few().numpy()
            np.save(work / f"samples-{epoch}.npy", few)
            draw_samples(few, work / f"samples-{epoch}.png")

    schedule = Schedule(batch, epochs=max(epochs))
    history = fit(task, samples, schedule, seed, work, label, after_epoch=keep)
    history.to_csv(work / "history.csv", index=False)
    clean(work)
    return sorted(epochs)


def file(folder: Path, candidate: int) -> Path:
    """Where the network of a candidate is."""
    return folder / f"generator-{candidate}.safetensors"
