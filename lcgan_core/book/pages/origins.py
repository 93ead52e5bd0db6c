"""Where a number comes from: its row in a CSV of the run, and the jobs that made that row."""

from __future__ import annotations

import re

import pandas as pd

from lcgan_core.book.contents import TABLES, Bundle
from lcgan_core.metrics.claims import claims
from lcgan_core.protocol.paper import percent
from lcgan_core.run.plan import Job

RESULTS_PAGE, RUNS_PAGE = "all_results.html", "all_runs.html"
"""Beside every page of the folder book/."""
Networks = set[tuple[float, str]]
"""Fractions and arms."""


def anchor(*parts: object) -> str:
    """Name of a place on a page, the same in every run.

    >>> anchor("results", "fcn8s", 0.25, "both", "dice_image", "all")
    'results-fcn8s-0.25-both-dice_image-all'
    >>> anchor("by_size", 1.0, "below 1 cm2")
    'by_size-1-below-1-cm2'
    """
    words = (f"{part:g}" if isinstance(part, float) else str(part) for part in parts)
    return re.sub(r"[^\w.]+", "-", "-".join(words)).strip("-")


def linked(name: str, table: pd.DataFrame) -> pd.DataFrame:
    """A CSV's table with a column `href`: the place of each row on the page of all results."""
    keys = table[list(TABLES[name].keys)].itertuples(index=False, name=None)
    return table.assign(href=[f"{RESULTS_PAGE}#{anchor(name, *key)}" for key in keys])


def tables(bundle: Bundle) -> dict[str, pd.DataFrame]:
    """Every table of a bundle, linked."""
    return {name: linked(name, bundle.table(name)) for name in TABLES}


def of_first_segmenter(table: pd.DataFrame, bundle: Bundle) -> pd.DataFrame:
    """The rows of the run's first segmenter: where there are several, pages show this one."""
    return table[table.segmenter == bundle.segmenters[0]]


def jobs(bundle: Bundle, name: str, row: pd.Series, runs: pd.DataFrame) -> list[str]:
    """Names in runs.csv of the jobs that a row of a table is made from, in their order: the
    networks whose predictions it measures, the selection that scored it, or the copies that it
    describes."""
    match TABLES[name].stage:
        case "selection":
            return [selection(row.generator, row.fraction, row.draw)]
        case "augmentation":
            return [bundle.record["sources"][name]]
    if name == "claims":
        wanted = networks_of_claims(bundle).get((row.id, row["share"]), set())
    else:
        wanted = {(row.fraction, row.arm), (row.fraction, row.get("baseline", row.arm))}
    made = runs[(runs.stage == "segmentation") & (runs.segmenter == row.segmenter)]
    made = made[[cell in wanted for cell in zip(made.fraction, made.what, strict=True)]]
    return list(made.job[made.draw == row.draw] if name == "draws" else made.job)


def selection(generator: str, fraction: float, draw: int) -> str:
    """Name of the job that chose among the candidates of one training.

    >>> selection("lcgan", 0.25, 1), selection("lcgan", 0.025, 3)
    ('selection/0.25-lcgan', 'selection/0.025-draw3-lcgan')
    """
    return Job("selection", generator, float(fraction), int(draw)).place


def networks_of_claims(bundle: Bundle) -> dict[tuple[str, str], Networks]:
    """(id, share) of every claim that can be put to the run -> what its terms measure."""
    found = {}
    for claim in claims(bundle.record["config"]["fractions"], bundle.classes):
        networks = {(fraction, arm) for _, fraction, arm in claim.terms}
        shares = " and ".join(map(percent, sorted({fraction for fraction, _ in networks})))
        found[claim.id, shares] = networks
    return found
