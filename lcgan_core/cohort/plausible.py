"""Whether a mask can be that of its scan: a check of the pixels, which no header can cheat.

A lesion lies within the head, and its HU differ from those around it. A mask that was mirrored or
turned on its way here shows neither, but the same mask mirrored or turned back does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from lcgan_core.cohort.series import Refused, Series
from lcgan_core.lesions import Classes

SOLID = -300
"""HU above which a pixel belongs to the head; what it encloses does too."""
COARSE, MOST = 128, 5_000
"""Pixels across a slice on which the head is looked for, and voxels of a mask looked at."""
OUTSIDE = 0.5
"""A mask of which more lies outside the head is none of this scan."""
WITHIN, WITHIN_TURNED = 0.8, 0.95
"""Less of it in the head than the first, and more than the second when turned: it is turned."""
TISSUE = (0, 100)
"""HU between which soft tissue and blood lie."""
RIM = 1 / 64
"""Of a slice's side, how wide a rim around a mask it is compared with."""
CLEARLY = 0.1
"""By how much better a mask has to fit when turned, where a header says that it is not turned."""
FEWEST = 20
"""Voxels below which a mask may fit better elsewhere by chance."""
STAYS = 0.5
"""A mask of which more lies on itself when turned is nearly symmetric: either way is right."""
TURNS = {
    (True, True): "turned by 180 degrees",
    (True, False): "mirrored front to back",
    (False, True): "mirrored left to right",
}


def check(series: Series, classes: Classes, path: Path, as_given: bool = False) -> dict[str, float]:
    """Columns of the report: `outside_NAME`, share of a class's voxels outside the head, `hu_NAME`,
    their median HU, `fit` of the mask as it lies, `fit_turned` at best otherwise; see fit_of.

    Raises Refused where most of a mask lies outside the head; and, unless it is the user's word
    that it lies right (as_given), where it would fit clearly better mirrored or turned (and chance
    cannot be why), or, if nothing states its geometry, where it does not fit best as it lies. What
    was outlined by HU fits anywhere, so that only what was drawn is judged.
    """
    columns: dict[str, float] = {}
    at = np.unravel_index(_marked(series.labels), series.labels.shape)
    values = series.labels[at]
    if not len(values):
        return columns
    shown = int(series.hu.min()), int(series.hu.max())
    head = heads(series.hu, shown[0])
    outside = ~_at(head, at, series.hu.shape)
    hu = series.hu[at]
    for name, label in classes.labels.items():
        its = values == label
        if its.any():
            columns[f"outside_{name}"] = round(float(outside[its].mean()), 3)
            columns[f"hu_{name}"] = float(np.median(hu[its]))
    tissue = max(TISSUE[0], shown[0]), min(TISSUE[1], shown[1])
    if series.by_hu:
        kept = np.where(np.isin(series.labels, series.by_hu), np.uint8(0), series.labels)
        series, drawn = replace(series, labels=kept), ~np.isin(values, series.by_hu)
        at = tuple(each[drawn] for each in at)
    if len(at[0]):
        columns |= _lies_right(series, head, at, tissue, path, as_given)
    if outside.mean() > OUTSIDE:
        raise Refused(
            path,
            f"has a mask of which {outside.mean():.0%} lies outside the head; give the mask that "
            "was drawn on this scan.",
        )
    return columns


def _lies_right(
    series: Series,
    head: np.ndarray,
    drawn: tuple[np.ndarray, ...],
    tissue: tuple[int, int],
    path: Path,
    as_given: bool,
) -> dict[str, float]:
    """`fit` and `fit_turned`; drawn: the indices of its labels. Raises Refused."""
    fit, turned, how = fits(series.hu, series.labels, head, drawn, tissue)
    if not as_given and turned > fit + CLEARLY and len(drawn[0]) >= FEWEST:
        raise Refused(
            path,
            f"has a mask that does not fit as it lies, but would if {how}; give the mask with the "
            "header of the scan that it was drawn on, or take it with --as-given if it lies right.",
        )
    if not as_given and series.by_order and turned >= fit:
        raise Refused(
            path,
            "has a mask of which nothing says how it lies, and which fits no better as it is than "
            "mirrored or turned; give it with its geometry, or take it with --as-given if it lies "
            "right.",
        )
    return {"fit": round(fit, 3), "fit_turned": round(turned, 3)}


def heads(hu: np.ndarray, lowest: int) -> np.ndarray:
    """(S, h, w) bool: the head on each slice, filled, on every n-th pixel of (S, H, W) HU."""
    step = max(1, min(hu.shape[1:]) // COARSE)
    # windowed pictures know no air: their lowest HU is what lies outside the head
    solid = (hu[:, ::step, ::step] > max(SOLID, lowest)).astype(np.uint8)
    found = np.empty(solid.shape, bool)
    for one, into in zip(solid, found, strict=True):
        around = cv2.copyMakeBorder(1 - one, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=1)
        cv2.floodFill(around, None, (0, 0), 2)  # type: ignore[call-overload]
        into[:] = around[1:-1, 1:-1] != 2
    return found


def fits(
    hu: np.ndarray,
    labels: np.ndarray,
    head: np.ndarray,
    drawn: tuple[np.ndarray, ...],
    tissue: tuple[int, int],
) -> tuple[float, float, str]:
    """How well a mask fits as it lies, and how well at best mirrored or turned, and how that is.

    hu, labels: (S, H, W); head: as `heads` gives it; drawn: the indices of the labels that are not
    0, at least one; tissue: as in fit_of. A mask that lies in the head only when it is turned fits
    by 1 then.
    """
    voxels = _around(labels, drawn)
    values = labels[tuple(voxels)]
    mask = values > 0
    astray = _within(head, voxels[:, mask], hu.shape) < WITHIN
    best, called = 0.0, ""
    for at, how in _turns(voxels, hu.shape):
        turned = at[:, mask]
        if (labels[tuple(turned[:, _inside(turned, hu.shape)])] > 0).sum() > STAYS * mask.sum():
            continue
        back = astray and _within(head, turned, hu.shape) > WITHIN_TURNED
        fit = 1.0 if back else fit_of(hu, at, values, tissue)
        if fit > best:
            best, called = fit, how
    return fit_of(hu, voxels, values, tissue), best, called


def fit_of(
    hu: np.ndarray, voxels: np.ndarray, values: np.ndarray, tissue: tuple[int, int] = TISSUE
) -> float:
    """How well labels tell the HU of soft tissue apart: the share of their variance, 0..1.

    voxels: (3, N), also beyond the scan; values: (N,) their labels, 0 beside the mask; tissue: HU
    between which it lies, and of a windowed picture only those that are neither black nor white. A
    mask that lies partly on bone, air or nothing fits by its other part only.

    >>> hu = np.array([[[-1000, 30, 32, 60, 62, 900]]])
    >>> voxels = np.array([[0] * 4, [0] * 4, range(1, 5)])
    >>> round(fit_of(hu, voxels, np.array([0, 0, 1, 1])), 3)  # 900 / (900 + 4)
    0.996
    """
    inside = _inside(voxels, hu.shape)
    seen = hu[tuple(voxels[:, inside])].astype(float)
    soft = (seen > tissue[0]) & (seen < tissue[1])
    seen, told = seen[soft], values[inside][soft]
    spread = float(((seen - seen.mean()) ** 2).sum()) if seen.size else 0.0
    if not spread:
        return 0.0
    groups = [seen[told == value] for value in np.unique(told)]
    between = sum(len(group) * (group.mean() - seen.mean()) ** 2 for group in groups)
    return float(between / spread * (told > 0).sum() / (values > 0).sum())


def _at(head: np.ndarray, voxels: np.ndarray | tuple, shape: tuple[int, ...]) -> np.ndarray:
    """(N,) whether (3, N) voxels of the full grid lie in the coarse head."""
    step = max(1, min(shape[1:]) // COARSE)
    k, y, x = voxels
    return head[k, y // step, x // step]


def _inside(voxels: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """(N,) whether (3, N) voxels lie within the scan."""
    beyond = (voxels < 0) | (voxels >= np.array(shape)[:, None])
    return np.logical_not(beyond.any(axis=0))


def _within(head: np.ndarray, voxels: np.ndarray, shape: tuple[int, ...]) -> float:
    """The share of (3, N) voxels that lie in the head; some may lie beyond the scan."""
    inside = _inside(voxels, shape)
    return float(_at(head, voxels[:, inside], shape).sum()) / voxels.shape[1]


def _marked(labels: np.ndarray) -> np.ndarray:
    """(N,) flat indices of what is not 0; NumPy finds them ten times as fast among booleans."""
    return np.flatnonzero(labels != 0)


def _around(labels: np.ndarray, drawn: tuple[np.ndarray, ...]) -> np.ndarray:
    """(3, N) voxels of a mask and of a rim around it, at most about MOST."""
    margin = max(1, round(min(labels.shape[1:]) * RIM))
    rim = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * margin + 1,) * 2)
    top, left = (max(0, at.min() - margin) for at in drawn[1:])
    bottom, right = (at.max() + margin + 1 for at in drawn[1:])
    # in C order, which OpenCV asks for and a mask that was resampled has not
    part = (labels[:, top:bottom, left:right] != 0).astype(np.uint8, order="C")
    for k in np.unique(drawn[0]):
        cv2.dilate(part[k], rim, dst=part[k])
    voxels = _marked(part)
    thin = voxels[:: max(1, len(voxels) // MOST)]
    return np.array(np.unravel_index(thin, part.shape)) + [[0], [top], [left]]


def _turns(voxels: np.ndarray, shape: tuple[int, ...]) -> Iterator[tuple[np.ndarray, str]]:
    """The voxels after each mirroring and quarter turn but none, and what it is called."""
    last = np.array(shape) - 1
    for swapped in (False, True):
        for over in (False, True):
            for down in (False, True):
                for across in (False, True):
                    if not (swapped or over or down or across):
                        continue
                    at = voxels[[0, 2, 1]] if swapped else voxels.copy()
                    for axis, flipped in enumerate((over, down, across)):
                        if flipped:
                            at[axis] = last[axis] - at[axis]
                    how = "turned by 90 degrees" if swapped else TURNS.get((down, across), "")
                    yield at, " and ".join(filter(None, [how, "upside down" * over]))
