"""What a mask's values mean: integers by a stated map, or one class for all that is not zero."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from lcgan_core.cohort.series import Refused
from lcgan_core.errors import UserError
from lcgan_core.lesions import HEMORRHAGES, LABELS

LEFT_OUT = 255
"""A slice that holds it is left out of the series: which classes it shows cannot be told."""


class Classes(Protocol):
    """Turns (I, J, K) mask values, in the image's voxel order, into labels; picklable."""

    def __call__(self, mask: np.ndarray, path: Path) -> tuple[np.ndarray, tuple[str, ...]]:
        """(I, J, K) uint8 labels 0..5 or LEFT_OUT, and notes for the report; raises Refused."""
        ...


@dataclass(frozen=True)
class LabelMap:
    """Integers to label values; 0 is background, what is mapped to 0 is ignored.

    >>> LabelMap(((1, 4),))(np.array([[[0, 1, 1]]]), Path("a.nii"))[0].tolist()
    [[[0, 4, 4]]]
    """

    pairs: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, labels: dict[str, str]) -> LabelMap:
        """From {"1": "EDH", "2": ""}; raises UserError for an empty or ill-formed map."""
        if not labels:
            raise UserError(
                "The masks need a label map, for a number alone does not say what it means; give "
                'it as --labels "1=EDH,2=IPH".'
            )
        for key, name in labels.items():
            if not (key.isdecimal() and int(key) > 0 and (name == "" or name in LABELS)):
                raise UserError(
                    f'The label map holds "{key}={name}"; map a whole number above 0 to one of '
                    f"{', '.join(HEMORRHAGES)}, or to nothing to ignore it."
                )
        return cls(tuple((int(key), LABELS.get(name, 0)) for key, name in labels.items()))

    def __call__(self, mask: np.ndarray, path: Path) -> tuple[np.ndarray, tuple[str, ...]]:
        known = {0: 0, **dict(self.pairs)}
        labels = np.zeros(mask.shape, np.uint8)
        for value in np.unique(
            mask[mask != 0]
        ):  # few voxels are marked, and sorting all takes long
            near = float(np.rint(value))  # a scale factor of 1/255 makes 1 a little more or less
            if near not in known or abs(value - near) > 1e-3:
                told = ", ".join(
                    f"{key}={HEMORRHAGES[to - 1] if to else ''}" for key, to in self.pairs
                )
                raise Refused(
                    path, f"holds the value {value:g}, which is not in the label map ({told}); "
                    "complete the map."
                )  # fmt: skip
            if known[int(near)]:
                labels[mask == value] = known[int(near)]
        return labels, ()


@dataclass(frozen=True)
class OneClass:
    """All that is not background is one haemorrhage type, label value 1..5.

    >>> OneClass(3)(np.array([[[0, 1, 255]]]), Path("a.nii"))[0].tolist()
    [[[0, 3, 3]]]
    """

    label: int

    def __call__(self, mask: np.ndarray, path: Path) -> tuple[np.ndarray, tuple[str, ...]]:
        return np.where(bleeding(mask, path), np.uint8(self.label), np.uint8(0)), ()


def bleeding(mask: np.ndarray, path: Path) -> np.ndarray:
    """Where a binary mask is not background: above 0, for sets use 1 or 255; raises Refused."""
    if not np.isfinite(mask).all() or mask.min() < 0:
        raise Refused(path, "is no binary mask: it holds values below 0; write it anew as 0 and 1.")
    return mask > 0


def majority(raters: list[np.ndarray]) -> np.ndarray:
    """The label that more than half of the raters gave a voxel, elsewhere background.

    >>> a, b, c = np.array([1, 1, 2], np.uint8), np.array([1, 2, 2], np.uint8), np.uint8([1, 0, 0])
    >>> majority([a, b, c]).tolist(), majority([a, b]).tolist()
    ([1, 0, 2], [1, 0, 2])
    """
    labels = np.zeros(raters[0].shape, np.uint8)
    for value in range(1, len(HEMORRHAGES) + 1):
        votes = sum((rater == value).astype(np.uint8) for rater in raters)
        labels[2 * votes > len(raters)] = value
    return labels
