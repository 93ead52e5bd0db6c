"""A NIfTI mask on the grid of its scan, by one rule for every route: where its header says.

Grids that are one but for a rounding are matched voxel by voxel after flips and swaps of axes, all
others by the nearest voxel. The order of the voxels counts only where a header says nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from nibabel.orientations import apply_orientation, inv_ornt_aff, io_orientation, ornt_transform

from lcgan_core.cohort.nifti_file import Header
from lcgan_core.cohort.orientation import apart, near
from lcgan_core.cohort.series import Refused

LOST = 0.02
"""Share of a mask's labels that may lie beyond the scan: the rim of a lesion at the border."""
BY_ORDER = "The mask's header says nothing; it was matched voxel by voxel."
TILT = "The mask's header lacks the gantry tilt; it was matched slice by slice."


class Grid(NamedTuple):
    """The voxels of a scan: shape (I, J, K), affine (4, 4) to RAS mm, and what states them.

    starts: (K, 3) RAS mm of the first voxel of each slice, where these are spaced unevenly.
    """

    shape: tuple[int, ...]
    affine: np.ndarray
    states: bool = True
    starts: np.ndarray | None = None


def fits(header: Header, grid: Grid) -> bool:
    """Whether a mask lies on a grid voxel by voxel, as one that was drawn on it does."""
    return _turn(header, grid) is not None


def place(
    mask: np.ndarray, header: Header, grid: Grid, path: Path, by_index: bool = False
) -> tuple[np.ndarray, tuple[str, ...]]:
    """(I, J, K) values of a mask on the voxels of `grid`, and notes; raises Refused.

    by_index: a set's own word that masks of the scan's shape are in its voxel order, whatever
    their headers say.
    """
    silent = not (grid.states and header.states) or _says_nothing(header.affine)
    found = _turn(header, grid)
    if found:
        turn, note = found
        notes = (note, BY_ORDER if silent and not by_index else "")
        return apply_orientation(mask, turn), tuple(filter(None, notes))
    if by_index and mask.shape == grid.shape:
        return mask, ("Mask and image have different headers; matched voxel by voxel.",)
    if header.other is not None:
        raise Refused(
            path,
            "states two places (sform and qform), neither that of the scan; save the mask anew "
            "with one of them.",
        )
    if silent:
        if mask.shape == grid.shape:
            return mask, (BY_ORDER,)
        raise Refused(
            path,
            f"has {mask.shape} voxels, the scan {grid.shape}, and no header that says where they "
            "lie; give the mask that was drawn on this scan.",
        )
    own, shape = _along(header.affine, header.shape, grid.affine)
    if shape != grid.shape and _same_voxels(own, grid.affine):
        raise Refused(
            path,
            f"has {shape} voxels, the scan {grid.shape} of the same size; give the mask that was "
            "drawn on this scan.",
        )
    return resampled(mask, header.affine, grid, path)


def _along(
    affine: np.ndarray, shape: tuple[int, ...], other: np.ndarray
) -> tuple[np.ndarray, tuple[int, ...]]:
    """An affine and shape after the flips and swaps that bring its axes next to another's."""
    turn = ornt_transform(io_orientation(affine), io_orientation(other))
    turned = tuple(shape[k] for k in np.argsort(turn[:, 0]))
    return affine @ inv_ornt_aff(turn, shape), turned


def _same_voxels(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether voxels have one size and direction, so that grids differ by what they cover."""
    return bool(np.abs(a - b)[:3, :3].max() < 0.01 * np.linalg.norm(b[:3, :3], axis=0).min())


def _turn(header: Header, grid: Grid) -> tuple[np.ndarray, str] | None:
    """Flips and swaps of axes that lay a mask on a grid, and a note; None where none do."""
    slices = np.flatnonzero(io_orientation(grid.affine)[:, 0] == 2)[0]
    most = near(np.delete(grid.affine[:, :3], slices, axis=1))
    for affine, note in ((header.affine, ""), (header.other, "The mask's qform was taken.")):
        if affine is None:
            continue
        turn = ornt_transform(io_orientation(affine), io_orientation(grid.affine))
        own, shape = _along(affine, header.shape, grid.affine)
        if shape != grid.shape:
            continue
        if apart(own, grid.affine, grid.shape) <= most:
            return turn, note
        for one, other in ((grid.affine, own), (own, grid.affine)):
            straight = _straightened(one, grid.shape, int(slices))
            if any(apart(each, other, grid.shape) <= most for each in straight):
                return turn, TILT
    return None


def _straightened(affine: np.ndarray, shape: tuple[int, ...], slices: int) -> Iterator[np.ndarray]:
    """An affine as ITK writes it for a tilted gantry, from either end of the series.

    ITK knows no shear: it steps along the slice normal, by the length of the slanting step
    (5.39 mm for slices 5 mm apart at 22 degrees) or, in other versions, by the true distance.
    """
    step = affine[:3, slices]
    across = np.cross(*np.delete(affine[:3, :3], slices, axis=1).T)
    across *= np.sign(across @ step) / np.linalg.norm(across)
    for length in (np.linalg.norm(step), across @ step):
        for fixed in (0, shape[slices] - 1):
            grid = affine.copy()
            grid[:3, slices] = across * length
            grid[:3, 3] += fixed * (step - grid[:3, slices])
            yield grid


def _says_nothing(affine: np.ndarray) -> bool:
    """Whether an affine is what libraries write for an array alone: voxels of 1 mm from 0 on."""
    return np.allclose(np.abs(affine), np.eye(4), atol=1e-6)


def resampled(
    mask: np.ndarray, affine: np.ndarray, grid: Grid, path: Path
) -> tuple[np.ndarray, tuple[str, ...]]:
    """By the nearest voxel, as SimpleITK has it; Refused where labels would be lost."""
    back = np.linalg.inv(affine)
    marked = np.argwhere(mask != 0)
    where = (np.linalg.inv(grid.affine) @ affine)[:3] @ np.column_stack(
        [marked, np.ones(len(marked))]
    ).T
    beyond = ((where < -0.5) | (where >= np.array(grid.shape)[:, None] - 0.5)).any(axis=0)
    if len(marked) and beyond.mean() > LOST:
        away = apart(_along(affine, mask.shape, grid.affine)[0], grid.affine, grid.shape)
        raise Refused(
            path,
            f"lies up to {away:.1f} mm away from the scan, {beyond.mean():.0%} of its labels "
            "beside it; give the mask that was drawn on this scan, with its affine.",
        )
    result = np.zeros(grid.shape, mask.dtype)
    unseen = 0
    i, j = np.ogrid[: grid.shape[0], : grid.shape[1]]
    steps = back[:3, :3] @ grid.affine[:3, :2]
    for k in range(grid.shape[2]):
        start = grid.affine[:3] @ [0, 0, k, 1] if grid.starts is None else grid.starts[k]
        first = back[:3] @ [*start, 1]
        near_to = [
            np.floor(first[axis] + steps[axis, 0] * i + steps[axis, 1] * j + 0.5).astype(int)
            for axis in range(3)
        ]
        inside = np.logical_and.reduce(
            [(at >= 0) & (at < n) for at, n in zip(near_to, mask.shape, strict=True)]
        )
        unseen += not inside.any()
        result[:, :, k][inside] = mask[tuple(at[inside] for at in near_to)]
    if len(marked) and not result.any():
        raise Refused(path, "has labels between the slices only; give the mask of this scan.")
    notes = ["The mask lies on another grid; it was resampled to that of the scan."]
    if unseen:
        notes.append(f"{unseen} slices lie beyond the mask and count as without a lesion.")
    return result, tuple(notes)
