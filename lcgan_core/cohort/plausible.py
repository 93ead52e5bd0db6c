"""Whether a mask can be that of its scan: a check of the pixels, which no header can cheat.

A bleeding lies within the head, and while it is fresh it is brighter than brain. A mask that was
mirrored or turned on its way here is neither, but the same mask mirrored or turned back is.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from lcgan_core.cohort.series import Refused, Series
from lcgan_core.lesions import FIVE, Classes

SOLID = -300
"""HU above which a pixel belongs to the head; what it encloses does too."""
COARSE, MOST = 128, 5_000
"""Pixels across a slice on which the head is looked for, and voxels of a mask looked at."""
OUTSIDE = 0.5
"""A mask of which more lies outside the head is none of this scan."""
WITHIN, WITHIN_TURNED = 0.8, 0.95
BRIGHT, BRIGHT_TURNED = 0.35, 0.6
"""Less than the first as it is and more than the second when turned: the mask is turned."""
ABOVE_BRAIN = (8, 80)
"""HU above brain at which blood is told from it."""
TISSUE = (0, 100)
"""HU between which soft tissue and blood lie."""
RIM = 1 / 64
"""Of a slice's side, how wide a rim around a mask it is compared with."""
STAYS = 0.5
"""A mask of which more lies on itself when it is turned is nearly symmetric: no way is wrong."""
AROUND = np.mgrid[-1:2, -1:2].reshape(2, 9, 1)
"""Row and column of a pixel's neighbours and its own."""
FEWEST = 50
"""Voxels of blood below which brightness proves nothing."""
TURNS = {
    (True, True): "turned by 180 degrees",
    (True, False): "mirrored front to back",
    (False, True): "mirrored left to right",
}


def check(
    series: Series, classes: Classes, path: Path, as_given: bool = False
) -> dict[str, float]:
    """Columns of the report: `outside_NAME`, share of a class's voxels outside the head, `hu_NAME`,
    their median HU, `fit` of the mask as it lies and `fit_turned`, the best otherwise.

    Raises Refused where most of a mask lies outside the head; and, unless it is the user's word
    that it lies right (as_given), where it would fit clearly better mirrored or turned, or, if no
    geometry is stated, where it does not fit best as it lies.
    """
    columns: dict[str, float] = {}
    labelled = np.flatnonzero(series.labels.any(axis=(1, 2)))
    if not len(labelled):
        return columns
    k, y, x = np.nonzero(series.labels[labelled])
    k = labelled[k]
    values = series.labels[k, y, x]
    head = heads(series.hu)
    outside = ~_at(head, (k, y, x), series.hu.shape)
    hu = series.hu[k, y, x]
    for name, label in classes.labels.items():
        its = values == label
        if its.any():
            columns[f"outside_{name}"] = round(float(outside[its].mean()), 3)
            columns[f"hu_{name}"] = float(np.median(hu[its]))
    fit, turned, best = fits(series.hu, series.labels)
    columns |= {"fit": round(fit, 3), "fit_turned": round(turned, 3)}
    blood = np.isin(values, [n for name, n in classes.labels.items() if name in FIVE.names])
    step = max(1, len(k) // MOST)
    chosen = np.column_stack([k, y, x])[::step]
    how = better(series.hu, head, chosen, blood[::step])
    if how and not as_given:
        raise Refused(
            path,
            f"has a mask that does not fit as its header places it, but would if {how}; give the "
            "mask with the header of the scan that it was drawn on, or say --as-given if it does "
            "lie right.",
        )
    if series.by_order and turned >= fit and not as_given:
        raise Refused(
            path,
            f"has a mask of which nothing states how it lies, and which fits no better as it is "
            f"than {best}; give a mask with geometry, or look at it and say --as-given.",
        )
    if outside.mean() > OUTSIDE:
        raise Refused(
            path,
            f"has a mask of which {outside.mean():.0%} lies outside the head; give the mask that "
            "was drawn on this scan.",
        )
    return columns


def fits(hu: np.ndarray, labels: np.ndarray) -> tuple[float, float, str]:
    """How well a mask fits as it lies, how well at best mirrored or turned, and how that is called.

    hu, labels: (S, H, W), with some labels.
    """
    wide = 2 * max(1, round(min(hu.shape[1:]) * RIM)) + 1
    rim = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (wide, wide))
    voxels = np.concatenate(
        [
            np.column_stack([np.full(len(y), k), y, x])
            for k in np.flatnonzero(labels.any(axis=(1, 2)))
            for y, x in [np.nonzero(cv2.dilate((labels[k] > 0).astype(np.uint8), rim))]
        ]
    )
    voxels = voxels[:: max(1, len(voxels) // MOST)]
    values = labels[tuple(voxels.T)]
    found = [(0.0, "")]
    for at, how in _turns(voxels, hu.shape):
        inside = ((at >= 0) & (at < hu.shape)).all(axis=1)
        there = labels[tuple(at[inside & (values > 0)].T)] > 0
        if there.sum() <= STAYS * (values > 0).sum():
            found.append((fit_of(hu, at, values), how))
    return fit_of(hu, voxels, values), *max(found)


def fit_of(hu: np.ndarray, voxels: np.ndarray, values: np.ndarray) -> float:
    """How well labels tell the HU of soft tissue apart: the share of their variance, 0..1.

    voxels: (N, 3), also beyond the scan; values: (N,) their labels, 0 beside the mask. A mask that
    lies partly on bone, air or nothing fits by its other part only.

    >>> hu = np.array([[[-1000, 30, 32, 60, 62, 900]]])
    >>> voxels = np.array([[0, 0, x] for x in range(1, 5)])
    >>> round(fit_of(hu, voxels, np.array([0, 0, 1, 1])), 3)  # 900 / (900 + 4)
    0.996
    """
    low, high = max(TISSUE[0], int(hu.min())), min(TISSUE[1], int(hu.max()))
    inside = ((voxels >= 0) & (voxels < hu.shape)).all(axis=1)
    seen = hu[tuple(voxels[inside].T)].astype(float)
    tissue = (seen > low) & (seen < high)  # what a window shows as black or white is not
    seen, told = seen[tissue], values[inside][tissue]
    spread = float(((seen - seen.mean()) ** 2).sum()) if seen.size else 0.0
    if not spread:
        return 0.0
    groups = [seen[told == value] for value in np.unique(told)]
    between = sum(len(group) * (group.mean() - seen.mean()) ** 2 for group in groups)
    return float(between / spread * (told > 0).sum() / (values > 0).sum())


def heads(hu: np.ndarray) -> np.ndarray:
    """(S, h, w) bool: the head on each slice, filled, on every n-th pixel of (S, H, W) HU."""
    step = max(1, min(hu.shape[1:]) // COARSE)
    # windowed pictures know no air: their lowest HU is what lies outside the head
    solid = (hu[:, ::step, ::step] > max(SOLID, int(hu.min()))).astype(np.uint8)
    found = np.empty(solid.shape, bool)
    for one, into in zip(solid, found, strict=True):
        around = cv2.copyMakeBorder(1 - one, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=1)
        cv2.floodFill(around, None, (0, 0), 2)  # type: ignore[call-overload]
        into[:] = around[1:-1, 1:-1] != 2
    return found


def better(hu: np.ndarray, head: np.ndarray, voxels: np.ndarray, blood: np.ndarray) -> str:
    """How a mask would have to be turned to fit clearly better; "" where it need not be.

    voxels: (N, 3) of the mask; blood: (N,) which of them are of a class that is blood.
    """
    brain = hu[:, :: max(1, hu.shape[1] // COARSE), :: max(1, hu.shape[2] // COARSE)]
    brain = brain[head[:, : brain.shape[1], : brain.shape[2]]]
    brain = brain[(brain > 0) & (brain < ABOVE_BRAIN[1])]
    middle = float(np.median(brain)) if brain.size else np.nan
    low, high = (middle + above for above in ABOVE_BRAIN)

    def bright(at: np.ndarray) -> float:
        k, y, x = at.T
        rows = (y + AROUND[0]).clip(0, hu.shape[1] - 1)
        columns = (x + AROUND[1]).clip(0, hu.shape[2] - 1)
        seen = hu[k, rows, columns].mean(axis=0)  # noise of one pixel tells nothing
        return float(((seen > low) & (seen < high)).mean())

    within = float(_at(head, voxels.T, hu.shape).mean())
    enough = blood.sum() >= FEWEST and brain.size > 0
    brightness = bright(voxels[blood]) if enough else 1.0
    if within >= WITHIN and brightness >= BRIGHT:
        return ""
    for at, how in _turns(voxels, hu.shape):
        inside = ((at >= 0) & (at < hu.shape)).all(axis=1)
        then = float((_at(head, at[inside].T, hu.shape)).sum()) / len(at)
        if within < WITHIN and then > WITHIN_TURNED:
            return how
        its = blood & inside
        fitting = then > WITHIN_TURNED and its.sum() > WITHIN_TURNED * blood.sum()
        if brightness < BRIGHT and fitting and bright(at[its]) > BRIGHT_TURNED:
            return how
    return ""


def _at(head: np.ndarray, voxels: np.ndarray | tuple, shape: tuple[int, ...]) -> np.ndarray:
    """(N,) whether (3, N) voxels of the full grid lie in the coarse head."""
    step = max(1, min(shape[1:]) // COARSE)
    k, y, x = voxels
    return head[k, y // step, x // step]


def _turns(voxels: np.ndarray, shape: tuple[int, ...]) -> Iterator[tuple[np.ndarray, str]]:
    """The voxels after each mirroring and quarter turn but none, and what it is called."""
    last = np.array(shape) - 1
    for swapped in (False, True):
        for over in (False, True):
            for down in (False, True):
                for across in (False, True):
                    if not (swapped or over or down or across):
                        continue
                    at = voxels[:, [0, 2, 1]] if swapped else voxels.copy()
                    for axis, flipped in enumerate((over, down, across)):
                        if flipped:
                            at[:, axis] = last[axis] - at[:, axis]
                    how = "turned by 90 degrees" if swapped else TURNS.get((down, across), "")
                    yield at, " and ".join(filter(None, [how, "upside down" * over]))
