"""From any voxel order to slices as a radiologist sees them: patient right left, anterior up."""

from __future__ import annotations

import numpy as np
from nibabel.orientations import (
    apply_orientation,
    axcodes2ornt,
    inv_ornt_aff,
    io_orientation,
    ornt_transform,
)

DISPLAY = axcodes2ornt("LPS")
"""Columns run to the patient's left, rows to the back, slices from the feet up."""
TOLERANCE_MM = 0.1


def to_display(voxels: np.ndarray, affine: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Turn (I, J, K) voxels by flips and swaps of axes; returns (S, H, W) slices, new affine.

    `affine` (4, 4) takes voxel indices to RAS mm, as NIfTI has it; the one returned takes
    (column, row, slice) to RAS mm. Tilt and obliquity are kept: nothing is resampled.

    >>> slices, affine = to_display(np.zeros((2, 3, 4)), np.diag([1.0, 1.0, 5.0, 1.0]))
    >>> slices.shape, affine[:3, 3].tolist()
    ((4, 3, 2), [1.0, 2.0, 0.0])
    """
    turn = ornt_transform(io_orientation(affine), DISPLAY)
    return apply_orientation(voxels, turn).T, affine @ inv_ornt_aff(turn, voxels.shape)


def normal_of(affine: np.ndarray) -> np.ndarray:
    """(3,) unit normal of the slices of a display affine, in RAS, from the feet up."""
    normal = np.cross(affine[:3, 0], affine[:3, 1])
    return normal / np.linalg.norm(normal) * (np.sign(normal[2]) or 1.0)


def tilt_of(affine: np.ndarray) -> float:
    """Gantry tilt in degrees: the angle between the slices' normal and the step between slices.

    Positive where the slices rise toward the face.

    >>> tilt_of(np.diag([0.5, 0.5, 5.0, 1.0]))
    0.0
    """
    step = affine[:3, 2] / np.linalg.norm(affine[:3, 2])
    normal = normal_of(affine)
    angle = float(np.degrees(np.arccos(np.clip(abs(normal @ step), -1, 1))))
    return round(angle if normal[1] <= step[1] else -angle, 2) + 0.0


def apart(a: np.ndarray, b: np.ndarray, shape: tuple[int, ...]) -> float:
    """The largest distance, mm, between the corners of an (I, J, K) volume under two affines."""
    corners = np.array(np.meshgrid(*([0, n - 1] for n in shape), [1])).reshape(4, -1)
    return float(np.linalg.norm(((a - b) @ corners)[:3], axis=0).max())


def near(affine: np.ndarray) -> float:
    """How far apart two grids may be and still count as the same: half the smallest step, mm.

    affine: (3 or 4, N) whose first columns are the steps that count.
    """
    steps = np.linalg.norm(affine[:3, : min(3, affine.shape[1])], axis=0)
    return max(TOLERANCE_MM, float(steps.min()) / 2)
