"""Where a number comes from: its row in a CSV of the run, and the jobs that made that row."""

from __future__ import annotations

import re

import pandas as pd

from lcgan_core.metrics.claims import claims
from lcgan_core.protocol.paper import percent
from lcgan_core.run.plan import Job

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
    "candidates": ("fraction", "draw", "epoch"),
    "memorisation": ("fraction", "draw", "space"),
    "kernel_distance": ("fraction", "draw", "set"),
    "densities": ("hemorrhage",),
}
"""File -> the columns that tell its rows apart."""
OF_SELECTION = ("candidates", "memorisation", "kernel_distance")


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


def jobs(name: str, row: pd.Series, runs: pd.DataFrame) -> list[str]:
    """Names in runs.csv of the jobs that a row of a file is made from, in their order: the networks
    whose predictions it measures, the selection that scored it, or the copies that it describes.

    A row of claims.csv names no arm; it is found among the claims that are put to a run.
    """
    if name in OF_SELECTION:
        return [selection(row.fraction, row.draw)]
    trained = runs[runs.stage == "segmentation"]
    if name == "densities":
        largest = sorted(trained.fraction.unique())[-2]
        return [f"augmentation/{largest:g}-gan"]
    if "claim" in row:
        wanted = _cells(row, sorted(trained.fraction.unique()))
    else:
        wanted = {(row.fraction, row.arm), (row.fraction, row.get("baseline", row.arm))}
    there = [cell in wanted for cell in zip(trained.fraction, trained.what, strict=True)]
    made = trained[there]
    return list(made.job[made.draw == row.draw] if "draw" in row else made.job)


def selection(fraction: float, draw: int) -> str:
    """Name of the job that chose among the snapshots of one training.

    >>> selection(0.25, 1), selection(0.025, 3)
    ('selection/0.25', 'selection/0.025-draw3')
    """
    return f"selection/{Job('selection', fraction, draw=int(draw)).key}"


def _cells(row: pd.Series, fractions: list[float]) -> set[tuple[float, str]]:
    """(fraction, arm) of every term of a claim, by its words and shares."""
    for claim in claims():
        shares = " and ".join(percent(fractions[k]) for k in sorted({k for _, k, _ in claim.terms}))
        if (claim.says, shares) == (row.claim, row["share"]):
            return {(fractions[k], arm) for _, k, arm in claim.terms}
    return set()
