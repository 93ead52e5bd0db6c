"""The progress bar of every long task."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from tqdm import tqdm


def progress(things: Iterable, label: str, unit: str, total: int | None = None) -> Iterable:
    """A progress bar where there is a terminal; never in a notebook, whose outputs nbval reads."""
    return tqdm(
        things,
        desc=label,
        unit=unit,
        total=total,
        file=sys.__stderr__,
        mininterval=1,
        leave=False,
        disable=None,
    )
