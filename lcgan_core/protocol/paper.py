"""The paper's printed numbers, and shares and differences written as it writes them."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

TABLES = Path(__file__).parents[2] / "data" / "paper_tables.csv"


def paper_results() -> pd.DataFrame:
    """The paper's printed numbers, long form as results.csv (data/paper_tables.csv)."""
    return pd.read_csv(TABLES)


def percent(fraction: float) -> str:
    """A fraction as the paper prints it.

    >>> percent(0.025), percent(1.0)
    ('2.5%', '100%')
    """
    return f"{100 * fraction:.4g}%"


def signed(value: float) -> str:
    """A difference as the paper writes numbers.

    >>> signed(0.127), signed(-0.0004)
    ('+.127', '-.000')
    """
    return f"{value:+.3f}".replace("0.", ".", 1)
