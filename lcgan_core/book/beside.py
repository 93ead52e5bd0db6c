"""Which numbers of the paper are compared with a run's: none if its lesion classes differ."""

from __future__ import annotations

import pandas as pd

from lcgan_core.protocol import paper


def lesions(results: pd.DataFrame) -> list[str]:
    """The names of the lesion classes of a results.csv, in label order."""
    return [name for name in results.lesion.unique() if name != "all"]


def numbers(results: pd.DataFrame) -> pd.DataFrame:
    """The paper's printed numbers; without any row where the run's classes are not its five."""
    printed = paper.paper_results()
    return printed if paper.comparable(lesions(results)) else printed[:0]


def fractions(results: pd.DataFrame) -> dict[float, float | None]:
    """Each fraction of the run -> the paper's that it is compared with; None if there is none."""
    ours = [float(fraction) for fraction in sorted(results.fraction.unique())]
    pairs = paper.beside(ours) if len(numbers(results)) else {}
    return {fraction: pairs.get(fraction) for fraction in ours}
