"""The paper's printed numbers, the fractions of ours compared with them, and its notation."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from lcgan_core.lesions import FIVE

DATA = Path(__file__).parents[1] / "data"
"""A link to the repository's `data/`, so that an installed package has the files too."""
TABLES = DATA / "paper_tables.csv"


def paper_results() -> pd.DataFrame:
    """The paper's printed numbers, long form like results.csv (data/paper_tables.csv)."""
    return pd.read_csv(TABLES)


def beside(fractions: Iterable[float]) -> dict[float, float]:
    """Our fractions of the training patients -> those of the paper that they are compared with.

    As many fractions as the paper has are paired with its own from the smallest up; of any other
    number, only those that the paper has too are paired.

    >>> beside([0.125, 0.25, 0.5, 1.0])
    {0.125: 0.025, 0.25: 0.1, 0.5: 0.25, 1.0: 1.0}
    >>> beside([0.1, 0.3, 1.0])
    {0.1: 0.1, 1.0: 1.0}
    """
    ours = sorted({float(fraction) for fraction in fractions})
    theirs = sorted(paper_results().fraction.unique().tolist())
    if len(ours) == len(theirs):
        return dict(zip(ours, theirs, strict=True))
    return {fraction: fraction for fraction in ours if fraction in theirs}


def comparable(names: Iterable[str]) -> bool:
    """Whether a store's classes are the paper's five: only then are the two compared.

    >>> comparable(("SDH", "EDH", "SAH", "IVH", "IPH")), comparable(("PHE", "IPH"))
    (True, False)
    """
    return set(names) == set(FIVE.names)


def percent(fraction: float) -> str:
    """A fraction in the paper's notation; two that differ in the sixth decimal differ here too.

    >>> percent(0.025), percent(1.0)
    ('2.5%', '100%')
    """
    return f"{100 * fraction:.6g}%"


def signed(value: float) -> str:
    """A difference in the paper's notation.

    >>> signed(0.127), signed(-0.0004)
    ('+.127', '-.000')
    """
    return f"{value:+.3f}".replace("0.", ".", 1)
