"""A NIfTI mask as labels on a DICOM series, turned by the two affines."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from nibabel.orientations import apply_orientation, inv_ornt_aff, io_orientation, ornt_transform

from lcgan_core.cohort.dicom.stack import Stack
from lcgan_core.cohort.label_map import LabelMap
from lcgan_core.cohort.nifti_file import read_nifti, read_nifti_grid
from lcgan_core.cohort.orientation import apart, near
from lcgan_core.cohort.series import Refused


def check_grid(path: Path, stack: Stack) -> None:
    """Raises Refused where a mask was not drawn on this series; reads its header only."""
    _turn(path, *read_nifti_grid(path), stack)


def read_nifti_mask(path: Path, stack: Stack, labels: LabelMap) -> tuple[np.ndarray, list[str]]:
    """(S, H, W) uint8 labels on the stack's grid, and notes; raises Refused."""
    voxels, affine = read_nifti(path)
    turn, notes = _turn(path, voxels.shape, affine, stack)
    return apply_orientation(labels(voxels, path)[0], turn).T, notes


def _turn(
    path: Path, shape: tuple[int, ...], affine: np.ndarray, stack: Stack
) -> tuple[np.ndarray, list[str]]:
    """Flips and swaps of axes that lay a mask on (column, row, slice) of the series."""
    turn = ornt_transform(io_orientation(affine), io_orientation(stack.affine))
    expected = stack.shape[::-1]
    turned = tuple(shape[k] for k in np.argsort(turn[:, 0]))
    if turned != expected:
        raise Refused(
            path,
            f"has {turned} voxels (columns, rows, slices), the CT series {expected}; give "
            "the mask that was drawn on this series.",
        )
    grid = affine @ inv_ornt_aff(turn, shape)
    away, most = apart(grid, stack.affine, expected), near(stack.affine)
    if away <= most:
        return turn, []
    if any(apart(grid, straight, expected) <= most for straight in _straightened(stack)):
        return turn, ["The mask's header lacks the gantry tilt; it was matched slice by slice."]
    raise Refused(
        path,
        f"lies up to {away:.1f} mm away from the CT series; give the mask that was drawn on "
        "this series, with its affine.",
    )


def _straightened(stack: Stack) -> list[np.ndarray]:
    """The series' affine as ITK writes it for a tilted gantry, from either end of the series.

    ITK knows no shear: it steps along the slice normal, by the length of the slanting step
    (5.39 mm for slices 5 mm apart at 22 degrees) or, in other versions, by the true distance.
    """
    affine = stack.affine
    last = stack.shape[0] - 1
    step = affine[:3, 2]
    across = np.cross(affine[:3, 0], affine[:3, 1])
    across *= np.sign(across @ step) / np.linalg.norm(across)
    grids = []
    for length in (np.linalg.norm(step), across @ step):
        for fixed in (0, last):
            grid = affine.copy()
            grid[:3, 2] = across * length
            grid[:3, 3] += fixed * (step - grid[:3, 2])
            grids.append(grid)
    return grids
