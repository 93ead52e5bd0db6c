"""From the grey levels of windowed pictures back to HU, which are exact inside the window only.

A picture of 8 bits that shows a window of 200 HU or fewer has a grey level for every whole HU and
none between, so that the levels tell the width of the window, and how they were rounded. They do
not tell its level: that is stated, or the customary one for the width where brain then has the HU
of brain.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from lcgan_core.errors import UserError

CUSTOMARY = {40: 40, 80: 40, 100: 50, 120: 40, 200: 80}
"""Width -> level, HU, of the windows in which head CTs are usually exported."""
TELLING = 200
"""Wider windows use nearly all of the 256 levels, which then tell nothing."""
FEWEST = 20
"""Fewer levels are no scan."""
EDGE = 16
"""Grey levels next to black and white: JPEG smears air and bone into them."""
FULL = 0.9
"""Of a window's levels, the share that a whole head shows: its edges pass through all."""
BRAIN = (20, 40)
"""HU of the commonest tissue in a head where the level is not stated."""
LIKELY = (10, 55)
"""The same where it is stated: an infant's or a swollen brain, or one full of contrast agent."""


class Window(NamedTuple):
    level: float
    width: float

    def __str__(self) -> str:
        return f"{self.level:g}/{self.width:g}"

    @classmethod
    def parse(cls, text: str) -> Window:
        """From the command line, as in 40/120; raises UserError.

        >>> Window.parse("40/120")
        Window(level=40.0, width=120.0)
        """
        try:
            level, width = map(float, text.split("/"))
        except ValueError:
            level = width = np.nan
        if not (abs(level) <= 3000 and 1 <= width <= 5000):
            raise UserError(
                f"--window {text} is no window; write its level and width in HU, as in 40/120."
            )
        return cls(level, width)


class Scale(NamedTuple):
    """hu: (256,) HU of each grey level; exact: HU of black and of white, between which HU are
    known; note: where the window is from, for the report."""

    hu: np.ndarray
    exact: tuple[float, float]
    note: str


def scale_of(counts: np.ndarray, stated: Window | None) -> Scale:
    """The HU of a series' grey levels; counts: (256,) pixels of each level.

    Raises ValueError, with the rest of a sentence whose subject is the series, where the window
    cannot be told or contradicts the levels or the HU of brain.
    """
    steps, cut = _steps(counts)
    window, origin = stated, "as stated"
    if window is None:
        # some formulas, DICOM's too, spread a window of 80 HU over 79 steps
        width = next((w for w in (steps, steps + 1) if w in CUSTOMARY), 0)
        if not width:
            seen = f"tells a width of {steps} HU, but not the level" if steps else "tells nothing"
            raise ValueError(
                f"{seen} of its window by its grey levels; state it with --window LEVEL/WIDTH, as "
                "in --window 40/120."
            )
        shown = np.count_nonzero(counts)
        window, origin = Window(CUSTOMARY[width], width), f"told by {shown} grey levels"
    elif steps and steps not in (window.width, window.width - 1):
        raise ValueError(
            f"has the grey levels of a window {steps} HU wide, not {window.width:g} as stated; "
            "give the pictures of each window on their own, with theirs."
        )
    low, grey = window.level - window.width / 2, np.arange(256)
    span = steps or window.width
    above = np.ceil(grey * span / 255 - 1e-6) if cut else grey * span / 255
    hu = np.rint(low + np.rint(above) if steps else low + above).astype(np.int16)
    commonest = int(hu[EDGE + counts[EDGE:-EDGE].argmax()])
    lowest, highest = LIKELY if stated else BRAIN
    if not lowest <= commonest <= highest:
        raise ValueError(
            f"has its commonest tissue at {commonest} HU in the window {window}, where brain is "
            "not; state the right window with --window LEVEL/WIDTH."
        )
    note = f"window {window} {origin}, HU known from {low:g} to {low + span:g}"
    if not steps:
        note += ", and not exactly: the grey levels are not those of whole HU"
    return Scale(hu, (low, low + span), note)


def could_show(counts: np.ndarray, window: Window) -> bool:
    """Whether a picture has only grey levels of whole HU in a window; counts: (256,) pixels.

    >>> two, three = (np.bincount([0, level, 255], minlength=256) for level in (2, 3))
    >>> could_show(two, Window(40, 120)), could_show(three, Window(40, 120))
    (True, False)
    """
    levels = np.flatnonzero(counts)
    return any(np.isin(levels, made).all() for made in _made(round(window.width)))


def known_to_all(ranges: Iterable[Sequence[float] | None]) -> dict[str, list[float]]:
    """For a store's manifest: the HU that are known in all of its series, where not all are.

    >>> known_to_all([None, (0, 80), (-20, 100)]), known_to_all([None])
    ({'hu_exact': [0, 80]}, {})
    """
    given = [each for each in ranges if each]
    if not given:
        return {}
    return {"hu_exact": [max(low for low, _ in given), min(high for _, high in given)]}


def _steps(counts: np.ndarray) -> tuple[int, bool]:
    """HU between black and white, and whether levels were cut off rather than rounded; (0, False)
    where the levels do not tell."""
    levels = np.flatnonzero(counts)
    if len(levels) < FEWEST or levels[0] != 0 or levels[-1] != 255:
        return 0, False
    for steps in range(len(levels) - 1, min(TELLING, round(len(levels) / FULL)) + 1):
        for cut, made in enumerate(_made(steps)):
            if np.isin(levels, made).all():
                return steps, bool(cut)
    return 0, False


def _made(steps: int) -> tuple[np.ndarray, np.ndarray]:
    """The grey levels of `steps` + 1 whole HU, rounded (a half up or down) and cut off."""
    ideal = np.arange(steps + 1) * 255 / steps
    rounded = np.concatenate([np.floor(ideal + 0.5), np.ceil(ideal - 0.5)])
    return rounded, np.floor(ideal + 1e-6)
