"""Where a slice lies: the DICOM plane attributes as vectors and as a NIfTI affine."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pydicom

LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
SAME_ORIENTATION = 1e-3
Vector = Sequence[float]


def normal(orientation: Vector) -> np.ndarray:
    """(3,) unit normal in LPS of an ImageOrientationPatient, from the feet up.

    >>> normal([1, 0, 0, 0, -1, 0]).tolist()
    [0.0, 0.0, 1.0]
    """
    (a, b, c, d, e, f) = map(float, orientation)  # np.cross takes ten times as long for one pair
    across = np.array([b * f - c * e, c * d - a * f, a * e - b * d])
    return across / np.sqrt(across @ across) * (np.sign(across[2]) or 1.0) + 0.0


def degrees_from_axial(orientation: Vector) -> float:
    """Angle between the slice normal and the patient's long axis, 0..90.

    >>> degrees_from_axial([1, 0, 0, 0, 0, -1])
    90.0
    """
    return float(np.degrees(np.arccos(np.clip(abs(normal(orientation)[2]), 0, 1))))


def is_orthonormal(orientation: Vector) -> bool:
    """Whether rows and columns run along unit vectors at right angles."""
    rows, columns = np.array(orientation[:3]), np.array(orientation[3:])
    products = [rows @ rows - 1, columns @ columns - 1, rows @ columns]
    return bool(np.abs(products).max() < 0.01)


def to_affine(
    orientation: Vector, spacing: Vector, first: Vector, last: Vector, slices: int
) -> np.ndarray:
    """(4, 4) from (column, row, slice) index to RAS mm, as NIfTI has it.

    spacing: (row, column) mm as DICOM's PixelSpacing; first, last: ImagePositionPatient of the
    outer slices. The third column steps from slice to slice and so keeps a gantry tilt.
    """
    rows, columns = np.split(np.asarray(orientation, float), 2)
    start = np.asarray(first, float)
    step = np.cross(rows, columns)
    if slices > 1:
        step = (np.asarray(last, float) - start) / (slices - 1)
    affine = np.eye(4)
    affine[:3] = np.column_stack([rows * spacing[1], columns * spacing[0], step, start])
    return LPS_TO_RAS @ affine


def series_affine(slices: Sequence[pydicom.Dataset]) -> np.ndarray:
    """The affine of sorted CT slices, see to_affine."""
    first, last = slices[0], slices[-1]
    return to_affine(
        first.ImageOrientationPatient,
        first.PixelSpacing,
        first.ImagePositionPatient,
        last.ImagePositionPatient,
        len(slices),
    )
