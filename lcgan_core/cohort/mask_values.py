"""From a mask's values to labels: the contract of a decoder, binary masks, several raters."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from lcgan_core.cohort.series import Refused

EXCLUDED = 255
"""Marks a slice that is left out of the series: nobody can tell which classes it shows."""


class MaskDecoder(Protocol):
    """Turns (I, J, K) mask values, in the image's voxel order, into labels; picklable."""

    def __call__(self, mask: np.ndarray, path: Path) -> tuple[np.ndarray, tuple[str, ...]]:
        """(I, J, K) uint8 labels 0..K or EXCLUDED, and notes for the report; raises Refused."""
        ...


@dataclass(frozen=True)
class OneClass:
    """Everything that is not background is one class, whose label value is `label`.

    >>> OneClass(3)(np.array([[[0, 1, 255]]]), Path("a.nii"))[0].tolist()
    [[[0, 3, 3]]]
    """

    label: int

    def __call__(self, mask: np.ndarray, path: Path) -> tuple[np.ndarray, tuple[str, ...]]:
        return np.where(lesion(mask, path), np.uint8(self.label), np.uint8(0)), ()


def lesion(mask: np.ndarray, path: Path) -> np.ndarray:
    """Where a binary mask is above 0 (some sets write 1, others 255); raises Refused."""
    if not np.isfinite(mask).all() or mask.min() < 0:
        raise Refused(
            path, "is not a binary mask: it holds values below 0; write it again as 0 and 1."
        )
    return mask > 0


def majority(raters: list[np.ndarray]) -> np.ndarray:
    """The label that more than half of the raters gave a voxel, elsewhere background.

    >>> a, b, c = np.array([1, 1, 2], np.uint8), np.array([1, 2, 2], np.uint8), np.uint8([1, 0, 0])
    >>> majority([a, b, c]).tolist(), majority([a, b]).tolist()
    ([1, 0, 2], [1, 0, 2])
    """
    labels = np.zeros(raters[0].shape, np.uint8)
    for value in range(1, max(int(rater.max()) for rater in raters) + 1):
        votes = sum((rater == value).astype(np.uint8) for rater in raters)
        labels[2 * votes > len(raters)] = value
    return labels
