"""Frames of a SEG on a grid of their own, laid on a series by their geometry alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from lcgan_core.cohort import placing
from lcgan_core.cohort.dicom.geometry import normal, to_affine
from lcgan_core.cohort.dicom.stack import Stack
from lcgan_core.cohort.series import Refused

UNEVEN = 0.1
"""Share of the step between frames by which one may lie off its place."""


def volume_of(
    path: Path, positions: np.ndarray, orientation: Sequence[float], spacing: Sequence[float]
) -> tuple[list[int], np.ndarray]:
    """Plane of each frame, from the feet up, and the (4, 4) affine of (column, row, plane).

    positions: (N, 3) LPS mm of the frames' first pixels, as many frames to a plane as there are
    segments; planes without a frame are empty. Raises Refused where they are not evenly spaced.
    """
    heights = positions @ normal(orientation)
    order = np.unique(heights.round(3), return_index=True)[1]
    first, last = positions[order[0]], positions[order[-1]]
    steps = np.diff(heights[order])
    step = float(steps.min()) if len(steps) else 1.0
    planes = np.rint((heights - heights[order[0]]) / step).astype(int)
    count = int(planes.max()) + 1
    affine = to_affine(orientation, spacing, first, last, count)
    along = first + planes[:, None] * (last - first) / max(count - 1, 1)
    if np.linalg.norm(along - positions, axis=1).max() > UNEVEN * max(step, *spacing):
        raise Refused(
            path,
            "has frames that are spaced unevenly on a grid of their own; export the segmentation "
            "on the grid of the series.",
        )
    return planes.tolist(), affine


def lay(
    path: Path, volume: np.ndarray, affine: np.ndarray, stack: Stack
) -> tuple[np.ndarray, tuple[str, ...]]:
    """(S, H, W) labels of a (K, H, W) volume on the series by the nearest voxel, and notes."""
    placed, notes = placing.resampled(volume.T, affine, stack.grid, path)
    return placed.T, notes
