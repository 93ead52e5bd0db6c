"""Real slices with another slice's mask: the floor that every useful copy has to beat.

Every mask is used once, so that images and masks are those of the originals; only that they belong
together is lost.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from lcgan_core.copies.base import Originals
from lcgan_core.protocol.config import Config


def copies(
    originals: Originals, generator: torch.Generator, config: Config
) -> tuple[Tensor, Tensor]:
    """The images with their masks exchanged; on the CPU."""
    images, labels = originals.images.cpu(), originals.labels.cpu()
    return images, labels[exchanged(originals.table.patient.to_numpy(), generator)]


def exchanged(patients: np.ndarray, generator: torch.Generator) -> Tensor:
    """(N,) int64, a permutation: the slice whose mask each slice gets.

    Never its own, unless it is the only one; another patient's, unless more than half of the slices
    are one patient's: then only for as many of them as the others have slices.

    >>> exchanged(np.array(["a", "a", "b", "b"]), torch.Generator().manual_seed(1)) // 2
    tensor([1, 1, 0, 0])
    """
    order = torch.randperm(len(patients), generator=generator)
    _, patient, count = np.unique(patients[order.numpy()], return_inverse=True, return_counts=True)
    turn = torch.randperm(len(count), generator=generator)
    # with each patient's slices in a row, a step as long as the longest row leaves every row
    order = order[turn[torch.from_numpy(patient)].argsort(stable=True)]
    step = int(count.max()) if len(count) > 1 else 1
    taken = torch.empty_like(order)
    taken[order] = order.roll(-step)
    return taken
