"""Frames of a SEG on a grid of their own, laid on a series by their geometry alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from lcgan_core.cohort import placing
from lcgan_core.cohort.dicom.geometry import SAME_ORIENTATION, normal, to_affine
from lcgan_core.cohort.dicom.scans import SAME_PLACE_MM
from lcgan_core.cohort.dicom.stack import WIDE, Stack
from lcgan_core.cohort.placing import Grid
from lcgan_core.cohort.series import Refused

UNEVEN = 0.1
"""Share of the step between frames by which one may lie off its place."""


class Planes(NamedTuple):
    """Plane of each frame, (4, 4) affine of (column, row, plane), and the scan's grid beside it."""

    of_frames: list[int]
    affine: np.ndarray
    grid: Grid


class Frames(NamedTuple):
    """Where the frames of a SEG lie, as many to a plane as there are segments, none to empty ones.

    positions: (N, 3) LPS mm of their first pixels; thickness: mm, None where it is not said.
    """

    positions: np.ndarray
    orientation: Sequence[float]
    spacing: Sequence[float]
    thickness: float | None


def planes_of(path: Path, frames: Frames, stack: Stack) -> Planes:
    """The planes of frames that lie in those of the slices, or else evenly spaced; or Refused."""
    return _on_slices(frames, stack) or Planes(*_evenly_spaced(path, frames), stack.grid)


def _on_slices(frames: Frames, stack: Stack) -> Planes | None:
    """Planes by the slices in which the frames lie, however these are spaced; None elsewhere.

    What counts is where a frame lies on its slice: each slice is counted as 1 mm from the last.
    """
    first, up = stack.slices[0], normal(frames.orientation)
    if np.abs(up - normal(first.orientation)).max() > SAME_ORIENTATION:
        return None
    away = np.abs(stack.heights - (frames.positions @ up)[:, None])
    slices = away.argmin(axis=1)
    offsets = frames.positions - np.array([item.position for item in stack.slices])[slices]
    if (
        away.min(axis=1).max() > SAME_PLACE_MM
        or np.ptp(offsets, axis=0).max() > UNEVEN * min(frames.spacing)
        or (frames.thickness or 0) > WIDE * np.diff(stack.heights).max()  # it covers several slices
    ):
        return None
    count = len(stack.slices)
    own, grid = (
        to_affine(orientation, spacing, at, (at + up * (count - 1)).tolist(), count)
        for orientation, spacing, at in (
            (frames.orientation, frames.spacing, offsets[0].tolist()),
            (first.orientation, first.spacing, (0.0, 0.0, 0.0)),
        )
    )
    return Planes(slices.tolist(), own, Grid(stack.shape[::-1], grid))


def _evenly_spaced(path: Path, frames: Frames) -> tuple[list[int], np.ndarray]:
    """Planes from the feet up, and their affine; Refused where they are not evenly spaced."""
    positions, orientation, spacing, _ = frames
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


def lay(path: Path, volume: np.ndarray, planes: Planes) -> tuple[np.ndarray, tuple[str, ...]]:
    """(S, H, W) labels of a (K, H, W) volume on the series by the nearest voxel, and notes."""
    placed, notes = placing.resampled(volume.T, planes.affine, planes.grid, path)
    return placed.T, notes
