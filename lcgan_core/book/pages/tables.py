"""Tables 1, 2 and 3 in the paper's layout, ours beside the paper's, from results.csv alone.

The results are those of one segmenter. Ours stand alone where the paper has no such fraction, or is
about other lesion classes.
"""

from __future__ import annotations

import pandas as pd

from lcgan_core.book import beside
from lcgan_core.book.words import ABSENT, linked, number
from lcgan_core.metrics.same_types import FOUND, SAME
from lcgan_core.metrics.verdicts import LEAST_PATIENTS
from lcgan_core.protocol.arms import ARMS, PAPER
from lcgan_core.protocol.paper import percent

ORDER = ("IPH", "IVH", "EDH", "SDH", "SAH")
"""Of the columns of the paper's Table 3."""


def cell(results: pd.DataFrame, **where: object) -> str:
    """The one value at `where`, with its 95 % interval; of few cases, their number instead."""
    chosen = results
    for column, value in where.items():
        chosen = chosen[chosen[column] == value]
    if chosen.empty:
        return ABSENT
    row = chosen.iloc[0]
    if pd.notna(row.value) and row.get("n", LEAST_PATIENTS) < LEAST_PATIENTS:
        return linked(f"{number(row.value)} (n = {row.n})", row)
    if "ci_low" not in row or pd.isna(row.ci_low):
        return linked(number(row.value), row)
    return linked(f"{number(row.value)} ({number(row.ci_low)} to {number(row.ci_high)})", row)


def table1(results: pd.DataFrame) -> pd.DataFrame:
    """DSC by arm and fraction of the training data (paper Table 1)."""
    return _by_fraction(results, {"": "dice_image"}).droplevel(0)


def table2(results: pd.DataFrame) -> pd.DataFrame:
    """Precision and recall by arm and fraction of the training data (paper Table 2)."""
    return _by_fraction(results, {"Precision": "precision", "Recall": "recall"})


def table3(results: pd.DataFrame) -> pd.DataFrame:
    """DSC of each lesion class by fraction and arm (paper Table 3).

    Our mean is over the types that all four arms found; beside it, how many an arm found.
    """
    paper = beside.numbers(results)
    lesions = ORDER if len(paper) else beside.lesions(results)
    rows = {}
    for ours, theirs in beside.fractions(results).items():
        share = f"{percent(theirs) if theirs else ABSENT} | {percent(ours)}"
        for arm in PAPER:
            row = {}
            for lesion in (*lesions, "all"):
                column = "Mean" if lesion == "all" else lesion
                where = {"arm": arm, "metric": "dice_class_detected", "lesion": lesion}
                if len(paper):
                    row[column, "paper"] = cell(paper, fraction=theirs, **where)
                if lesion == "all":
                    where["metric"] = SAME
                row[column, "ours"] = cell(results, fraction=ours, **where)
            row["types", "found"] = _found(results, fraction=ours, arm=arm)
            rows[share if len(paper) else percent(ours), ARMS[arm].title] = row
    frame = pd.DataFrame(rows).T
    frame.index.names = ["paper | ours" if len(paper) else "fraction", ""]
    return frame


def _found(results: pd.DataFrame, fraction: float, arm: str) -> str:
    """How many types an arm found, as a mean over its draws, of those that the test slices have."""
    chosen = (results.fraction == fraction) & (results.arm == arm) & (results.metric == FOUND)
    return next((f"{row.value:.3g} of {row.n}" for _, row in results[chosen].iterrows()), ABSENT)


def _by_fraction(results: pd.DataFrame, metrics: dict[str, str]) -> pd.DataFrame:
    """One row per score and arm, one column per fraction and source.

    The paper prints the entire data set in rows of their own, in the middle column.
    """
    paper, pairs = beside.numbers(results), beside.fractions(results)
    rows: dict[tuple[str, str], dict] = {}
    for heading, metric in metrics.items():
        for arm in PAPER:
            where = {"arm": arm, "metric": metric, "lesion": "all"}
            row = rows[heading, ARMS[arm].title] = {}
            for ours, theirs in pairs.items():
                if theirs:
                    row[f"paper {percent(theirs)}"] = cell(paper, fraction=theirs, **where)
                row[f"ours {percent(ours)}"] = cell(results, fraction=ours, **where)
    return pd.DataFrame(rows).T
