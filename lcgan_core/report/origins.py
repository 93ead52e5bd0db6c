"""Where a number comes from: its row in a CSV of the run, and the jobs that made that row."""

from __future__ import annotations

import re

import pandas as pd

from lcgan_core.report.claims import claims
from lcgan_core.report.tables import percent

RESULTS_PAGE, RUNS_PAGE = "all_results.html", "all_runs.html"
"""Beside every page of the folder book/."""
CELL = ("metric", "hemorrhage")
KEYS = {
    "results": ("fraction", "arm", *CELL),
    "draws": ("fraction", "arm", "draw", *CELL),
    "differences": ("fraction", "arm", "baseline", *CELL),
    "by_size": ("fraction", "arm", "size", *CELL),
    "sensitivity": ("fraction", "arm", "rule", *CELL),
    "claims": ("claim", "share"),
}
"""File -> the columns that tell its rows apart."""


def anchor(*parts: object) -> str:
    """Name of a place on a page, the same in every run.

    >>> anchor("results", 0.25, "both", "dice_image", "all")
    'results-0.25-both-dice_image-all'
    >>> anchor("by_size", 1.0, "below 1 cm2")
    'by_size-1-below-1-cm2'
    """
    words = (f"{part:g}" if isinstance(part, float) else str(part) for part in parts)
    return re.sub(r"[^\w.]+", "-", "-".join(words)).strip("-")


def linked(name: str, table: pd.DataFrame) -> pd.DataFrame:
    """A CSV's table with a column `href`: the place of each row on the page of all results."""
    keys = table[list(KEYS[name])].itertuples(index=False, name=None)
    return table.assign(href=[f"{RESULTS_PAGE}#{anchor(name, *key)}" for key in keys])


def jobs(row: pd.Series, runs: pd.DataFrame) -> list[str]:
    """Names in runs.csv of the networks whose predictions a row is made from, in their order.

    A row of claims.csv names no arm; it is found among the claims that are put to a run.
    """
    trained = runs[runs.stage == "segmentation"]
    if "claim" in row:
        wanted = _cells(row, sorted(trained.fraction.unique()))
    else:
        wanted = {(row.fraction, row.arm), (row.fraction, row.get("baseline", row.arm))}
    there = [cell in wanted for cell in zip(trained.fraction, trained.what, strict=True)]
    made = trained[there]
    return list(made.job[made.draw == row.draw] if "draw" in row else made.job)


def _cells(row: pd.Series, fractions: list[float]) -> set[tuple[float, str]]:
    """(fraction, arm) of every term of a claim, by its words and shares."""
    for claim in claims():
        shares = " and ".join(percent(fractions[k]) for k in sorted({k for _, k, _ in claim.terms}))
        if (claim.says, shares) == (row.claim, row["share"]):
            return {(fractions[k], arm) for _, k, arm in claim.terms}
    return set()
