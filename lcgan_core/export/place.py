"""Where slices lie in the patient, in RAS mm, and how that changes when they are resized."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lcgan_core.errors import UserError

EVEN = 1e-3
"""Part of the distance between slices by which it may differ and still count as even."""


@dataclass(frozen=True)
class Place:
    """Slices as a radiologist sees them.

    steps: (3, 2) mm from column to column and from row to row; starts: (S, 3) the middle of the
    first pixel of each slice; thickness: mm, of a single slice.
    """

    steps: np.ndarray
    starts: np.ndarray
    thickness: float = 5.0

    @classmethod
    def of_affine(cls, affine: np.ndarray, slices: int, thickness: float = 0.0) -> Place:
        """Of evenly spaced slices; affine (4, 4) takes (column, row, slice) to RAS mm."""
        starts = affine[:3, 3] + np.arange(slices)[:, None] * affine[:3, 2]
        step = float(np.linalg.norm(affine[:3, 2]))
        return cls(affine[:3, :2].copy(), starts, thickness or step)

    @classmethod
    def of_store(cls, positions: np.ndarray, pixel_mm: float, tilt: float, size: int) -> Place:
        """Of slices in a store, whose middle is taken for the patient's.

        positions: (S,) mm along the normal of the slices; tilt: degrees, as a store has it.

        >>> Place.of_store(np.array([0.0, 5.0]), 0.5, 0.0, 4).affine()[:3, 3].tolist()
        [0.75, 0.75, 0.0]
        """
        middle = (size - 1) / 2 * pixel_mm
        shift = np.tan(np.radians(tilt)) * (positions - positions[0])
        starts = np.stack([np.full(len(positions), middle), middle + shift, positions], axis=1)
        apart = np.diff(positions)
        return cls(
            np.array([[-pixel_mm, 0.0], [0.0, -pixel_mm], [0.0, 0.0]]),
            starts,
            float(np.median(apart)) if len(apart) else 5.0,
        )

    def __len__(self) -> int:
        return len(self.starts)

    def __getitem__(self, chosen: slice | list[int]) -> Place:
        return Place(self.steps, self.starts[chosen], self.thickness)

    @property
    def pixel(self) -> tuple[float, float]:
        """(row, column) mm, as DICOM orders them."""
        column, row = np.linalg.norm(self.steps, axis=0)
        return float(row), float(column)

    @property
    def normal(self) -> np.ndarray:
        """(3,) unit vector from a slice to the next, from the feet up."""
        across = np.cross(self.steps[:, 0], self.steps[:, 1])
        return across / np.linalg.norm(across) * (np.sign(across[2]) or 1.0)

    def is_even(self) -> bool:
        """Whether one step leads from each slice to the next, as a volume needs it."""
        steps = np.diff(self.starts, axis=0)
        off = np.linalg.norm(steps - steps.mean(0), axis=1) if len(steps) else np.zeros(1)
        return bool(off.max() <= EVEN * max(self.thickness, 1.0))

    def affine(self) -> np.ndarray:
        """(4, 4) from (column, row, slice) to RAS mm; UserError where slices are not even."""
        if not self.is_even():
            raise UserError(
                "These slices are not evenly spaced, so that no NIfTI volume can hold them; write "
                "them as dicom, png or store."
            )
        affine = np.eye(4)
        step = (
            (self.starts[-1] - self.starts[0]) / (len(self) - 1)
            if len(self) > 1
            else self.normal * self.thickness
        )
        affine[:3] = np.column_stack([self.steps, step, self.starts[0]])
        return affine

    def resized(self, shape: tuple[int, int], size: int) -> Place:
        """Of slices of `shape` (H, W) pixels that `cohort.resampling` brought to size x size."""
        row, column = self.pixel
        side = max(shape[0] * row, shape[1] * column)
        factors = np.array([side / size / column, side / size / row])
        padded = np.array([round(side / column), round(side / row)])
        before = (padded - np.array(shape[::-1])) // 2
        # the middle of the first new pixel, in old pixels
        first = (factors - 1) / 2 - before
        return Place(self.steps * factors, self.starts + self.steps @ first, self.thickness)
