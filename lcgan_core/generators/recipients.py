"""Whose slice a lesion is painted into: another patient's, where it may plausibly lie.

    masks    (N, H, W)   bool, the lesions of a mask
    images   (M, H, W)   uint8 0..255, windowed, the slices to choose from

A lesion's place is told by the skull: a subdural haematoma lies along it, ventricles amid it. A
slice is the more plausible, the more of the lesion it has room for (inside the skull, not on air),
and the better the inside of its skull covers that of the slice which the mask was drawn on (Dice):
then head, level and tilt agree, and a place in the one means the same in the other. One of the
CHOICE most plausible slices is taken at random, so that no head returns with every mask.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from lcgan_core.copies.copy_paste import inside_skull, takes
from lcgan_core.errors import UserError

CHOICE = 5
GRID = 64
"""Rows and columns on which slices are compared; larger ones are averaged to it."""
AT_ONCE = 256
"""Masks or slices."""
FILES = ("images", "labels", "patients")


@dataclass(frozen=True)
class Heads:
    """Slices to paint into: images and labels (M, H, W) uint8, patients (M,) int64, counted."""

    images: Tensor
    labels: Tensor
    patients: Tensor

    @classmethod
    def of(cls, images: Tensor, labels: Tensor, patients: np.ndarray) -> Heads:
        """The slices of at least two patients; UserError if there is only one."""
        _, counted = np.unique(patients, return_inverse=True)
        if counted.max() < 1:
            raise UserError(
                "The generator inpaint paints one patient's lesions into another's slices, and the "
                "subset has slices of one patient only; raise the fraction, or leave out the arms "
                "that it paints."
            )
        return cls(images, labels, torch.from_numpy(counted.astype(np.int64)))

    def save(self, folder: Path) -> None:
        """Keep them beside the networks that were trained on them."""
        for name in FILES:
            np.save(folder / f"heads-{name}.npy", getattr(self, name).numpy())

    @classmethod
    def load(cls, folder: Path) -> Heads:
        """What `save` kept."""
        return cls(*(torch.from_numpy(np.load(folder / f"heads-{name}.npy")) for name in FILES))


def choose(masks: Tensor, heads: Heads, generator: torch.Generator) -> Tensor:
    """(N,) int64: the slice that each mask is painted into, never one of the mask's own patient.

    A mask's own slice is the one whose mask is most like it: itself, if it is one of them.
    """
    drawn_on, inside = _grid(heads.labels > 0), _grid(inside_skull(heads.images))
    space, taken = _grid(takes(heads.images)), []
    for lesion in _grid(masks).split(AT_ONCE):
        own = _dice(lesion, drawn_on).argmax(1)
        room = lesion @ space.T / lesion.sum(1, keepdim=True).clip(1e-6)
        plausible = room * _dice(inside[own], inside)
        plausible[heads.patients[own][:, None] == heads.patients] = -1
        best = plausible.topk(min(CHOICE, len(heads.images)), dim=1)
        weight = (best.values >= 0).float()  # fewer than CHOICE slices may be other patients'
        taken.append(best.indices.gather(1, torch.multinomial(weight, 1, generator=generator)))
    return torch.cat(taken)[:, 0]


def _grid(masks: Tensor) -> Tensor:
    """(N, GRID * GRID) float32, the proportion of each field that a mask covers."""
    step = max(masks.shape[-1] // GRID, 1)
    return torch.cat(
        [F.avg_pool2d(part[:, None].float(), step).flatten(1) for part in masks.split(AT_ONCE)]
    )


def _dice(one: Tensor, other: Tensor) -> Tensor:
    """(N, M) Dice of every mask of one set with every mask of another; 0 for two empty ones."""
    both = (one**2).sum(1)[:, None] + (other**2).sum(1)
    return 2 * one @ other.T / both.clip(1e-6)
