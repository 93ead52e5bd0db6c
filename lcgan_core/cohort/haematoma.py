"""A haematoma outlined by its HU inside a box that an expert drew: semi-automatic.

The slice is blurred lightly. Of what lies in the box, without bone, the haematoma is what is
brighter than halfway between the brain there and the blood there, and than LEAST. Parts that reach
the edge of the box belong to something else, since the box encloses the haematoma; of the others
the largest are taken, without holes. Fixed limits do worse: fresh blood is 65 HU in one person and
42 in another, and beside bone brain itself is near 46.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

BLUR = 1.5
"""Pixels: standard deviation of the blur."""
START, LEAST = 40.0, 37.0
"""HU at which the search for the halfway begins, and of cortex, below which it never ends."""
TURNS = 20
BONE_RIM = 5
"""Pixels around bone that bone makes brighter."""
SPECK, TINY = 30, 100
"""Pixels: a smaller part is noise; a smaller haematoma is in doubt."""
LARGEST = 0.2
"""Of the largest part's area, what another part needs."""
FAINT = 12
"""HU: blood that is less brighter than brain is in doubt."""

Box = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels; right and bottom are the first beyond."""


class Outlined(NamedTuple):
    """mask: (H, W) bool; doubts: why it may be wrong, in the words of a report."""

    mask: np.ndarray
    doubts: tuple[str, ...]


def outline(hu: np.ndarray, box: Box, oedema: np.ndarray, white: float) -> Outlined:
    """The haematoma in `box`; hu: (H, W); oedema: (H, W) bool, which stays what it is.

    white: HU of bone, or at which a window ends.

    >>> y, x = np.mgrid[:64, :64]
    >>> hu = np.where(np.hypot(y - 30, x - 30) < 10, 65, 30)
    >>> found = outline(hu, (15, 15, 46, 46), np.zeros(hu.shape, bool), 100)
    >>> found.doubts, bool(np.abs(found.mask.astype(int) - (hu > 50)).sum() < 10)
    ((), True)
    """
    left, top, right, bottom = box
    within = np.zeros(hu.shape, bool)
    within[top:bottom, left:right] = True
    blurred = cv2.GaussianBlur(hu.astype(np.float32), (0, 0), BLUR)
    tissue = within & ~_bone(hu >= white, within)
    limit = halfway(blurred[tissue & ~oedema])
    opened = cv2.morphologyEx(
        (tissue & (blurred > limit)).astype(np.uint8), cv2.MORPH_OPEN, _disc(2)
    )
    mask, cut_off = _of_the_box(opened, within)
    mask = _filled(mask) & ~oedema
    if not mask.any():
        return Outlined(mask, ("nothing in the box is brighter than brain",))
    contrast = np.median(blurred[mask]) - np.median(blurred[tissue & ~oedema & ~mask])
    doubts = {
        "something larger, or the haematoma, reaches the edge of the box": cut_off,
        f"the haematoma has fewer than {TINY} pixels": mask.sum() < TINY,
        f"the haematoma is less than {FAINT} HU brighter than brain": contrast < FAINT,
    }
    return Outlined(mask, tuple(why for why, so in doubts.items() if so))


def halfway(hu: np.ndarray) -> float:
    """HU halfway between the medians of brain and blood, which it parts itself (isodata).

    hu: (N,); Ridler and Calvard, IEEE Trans. Syst. Man Cybern. 8:630 (1978).

    >>> halfway(np.array([30] * 60 + [66] * 40)), halfway(np.array([30] * 60 + [42] * 40))
    (48.0, 37.0)
    """
    limit = START
    for _ in range(TURNS):
        blood, brain = hu[hu > limit], hu[hu <= limit]
        if not (blood.size and brain.size):
            break
        limit, before = max(LEAST, float(np.median(blood) + np.median(brain)) / 2), limit
        if limit == before:
            break
    return limit


def extent(mask: np.ndarray) -> Box:
    """The smallest box around a mask that is not empty.

    >>> extent(np.pad(np.ones((2, 3), bool), 1))
    (1, 1, 4, 3)
    """
    y, x = np.nonzero(mask)
    return int(x.min()), int(y.min()), int(x.max()) + 1, int(y.max()) + 1


def _bone(white: np.ndarray, within: np.ndarray) -> np.ndarray:
    """White that reaches beyond the box, which no haematoma does, and a rim around it."""
    parts = cv2.connectedComponents(white.astype(np.uint8), connectivity=4)[1]
    bone = white & np.isin(parts, np.unique(parts[white & ~within]))
    return cv2.dilate(bone.astype(np.uint8), _disc(BONE_RIM)) > 0


def _of_the_box(bright: np.ndarray, within: np.ndarray) -> tuple[np.ndarray, bool]:
    """The largest parts that lie in the box, or where there are none those that it cuts off.

    And whether the largest of all is cut off.
    """
    count, parts, numbers, _ = cv2.connectedComponentsWithStats(bright, connectivity=4)
    areas = numbers[:, cv2.CC_STAT_AREA] * (np.arange(count) > 0)  # part 0 is all the rest
    inner = cv2.erode(within.astype(np.uint8), np.ones((3, 3), np.uint8), borderValue=0) > 0
    whole = areas * ~np.isin(np.arange(count), parts[within & ~inner])
    taken = areas if whole.max() < SPECK else whole
    mask = np.isin(parts, np.flatnonzero(taken >= max(SPECK, LARGEST * taken.max())))
    return mask, bool(whole.max() < areas.max())


def _filled(mask: np.ndarray) -> np.ndarray:
    outlines = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)[0]
    filled = cv2.drawContours(mask.astype(np.uint8), outlines, -1, 1, cv2.FILLED)
    return np.asarray(filled) > 0


def _disc(radius: int) -> np.ndarray:
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1,) * 2)
