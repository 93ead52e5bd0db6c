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
AROUND = np.mgrid[-1:2, -1:2].reshape(2, 9, 1)
"""Row and column of a pixel's neighbours and its own."""
FEWEST = 50
"""Voxels of blood below which brightness proves nothing."""
TURNS = {
    (True, True): "turned by 180 degrees",
    (True, False): "mirrored front to back",
    (False, True): "mirrored left to right",
}


def check(series: Series, classes: Classes, path: Path) -> dict[str, float]:
    """Columns of the report: `outside_NAME`, share of a class's voxels outside the head, `hu_NAME`.

    Raises Refused where most of a mask lies outside the head, or where it would fit clearly better
    mirrored or turned.
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
    blood = np.isin(values, [n for name, n in classes.labels.items() if name in FIVE.names])
    step = max(1, len(k) // MOST)
    chosen = np.column_stack([k, y, x])[::step]
    turned = better(series.hu, head, chosen, blood[::step])
    if turned:
        raise Refused(
            path,
            f"has a mask that does not fit as its header places it, but would if {turned}; give "
            "the mask with the header of the scan that it was drawn on.",
        )
    if outside.mean() > OUTSIDE:
        raise Refused(
            path,
            f"has a mask of which {outside.mean():.0%} lies outside the head; give the mask that "
            "was drawn on this scan.",
        )
    return columns


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
