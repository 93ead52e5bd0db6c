"""Effects in sentences: differences with an interval, and those that it says to be clear."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pandas as pd

from lcgan_core.book.figures.forest import difference
from lcgan_core.book.words import linked, listed
from lcgan_core.metrics.claims import Measure
from lcgan_core.protocol.paper import percent, signed


def finding(heading: str, says: str = "") -> str:
    """A heading, and what carries it.

    >>> finding("it is so", "+.1")
    '## It is so\\n\\n+.1'
    """
    return f"## {heading[0].upper()}{heading[1:]}\n\n{says}".rstrip()


def clear(rows: pd.DataFrame) -> pd.Series:
    """Whether each row's 95 % interval excludes 0."""
    return (rows.ci_low > 0) | (rows.ci_high < 0)


def moved(rows: pd.DataFrame, what: str, up: str = "rose", down: str = "fell") -> str:
    """Where a difference has an interval without 0, and on which side.

    >>> rows = pd.DataFrame({"fraction": [0.1, 1.0], "ci_low": [0.01, -0.5], "ci_high": [0.1, 0.5]})
    >>> moved(rows, "recall"), moved(rows[1:], "recall")
    ('recall rose at 10%', 'no clear change of recall')
    """
    sides = {up: rows.ci_low > 0, down: rows.ci_high < 0}
    found = [f"{verb} at {shares_of(rows[at])}" for verb, at in sides.items() if at.any()]
    return f"{what} {' and '.join(found)}" if found else f"no clear change of {what}"


def against_original(
    differences: pd.DataFrame, names: Iterable[str], measure: Measure
) -> pd.DataFrame:
    """The rows of arm minus *original* in a measure, from the smallest fraction on."""
    of = differences[
        (differences.metric == measure.metric) & (differences.lesion == measure.lesion)
    ]
    rows = [difference(of, name, "original") for name in names]
    return pd.concat(rows).sort_values("fraction", kind="stable")


def shares_of(rows: pd.DataFrame) -> str:
    return listed(percent(fraction) for fraction in rows.fraction)


def with_ends(row: pd.Series, write: Callable[[float], str] = signed) -> str:
    """A linked value with its interval."""
    if pd.isna(row.ci_low):
        return linked(write(row.value), row)
    return linked(f"{write(row.value)} ({write(row.ci_low)} to {write(row.ci_high)})", row)


def at_fraction(row: pd.Series, write: Callable[[float], str] = signed) -> str:
    return f"{with_ends(row, write)} at {percent(row.fraction)}"
