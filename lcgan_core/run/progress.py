"""The progress bar of every long task, and what stands beside it."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Mapping
from typing import Any

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


def show_progress(bar: tqdm, epoch: int, sums: Mapping[str, Any], steps: int) -> None:
    """Write the epoch and the mean losses beside a bar that is about to be drawn again.

    sums: of each loss over `steps` steps, scalars on any device. Reading one makes a GPU wait, so
    that it is done only when somebody looks. Calls do not count as code that a result follows from:
    see `code`.
    """
    if bar.disable or time.time() - bar.last_print_t < bar.mininterval:
        return
    losses = (f"{name} {float(total) / steps:.3g}" for name, total in sums.items())
    bar.set_postfix_str(", ".join([f"epoch {epoch}", *losses]), refresh=False)
