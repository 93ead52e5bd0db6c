"""Where a number comes from: its row in a CSV of the run, and the jobs that made that row."""

from __future__ import annotations

import re

import pandas as pd

from lcgan_core.book.contents import TABLES, Bundle
from lcgan_core.protocol import methods
from lcgan_core.run.plan import Job

RESULTS_PAGE, RUNS_PAGE = "all_results.html", "all_runs.html"
"""Beside every page of the folder book/."""
Networks = dict[tuple[str, float, str], dict[int, str]]
"""Segmenter, fraction and arm -> draw -> the job that trained the network."""


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
    """Every table that a bundle has, linked."""
    there = [name for name in TABLES if (bundle.folder / f"{name}.csv").exists()]
    return {name: linked(name, bundle.table(name)) for name in there}


def of_first_segmenter(table: pd.DataFrame, bundle: Bundle) -> pd.DataFrame:
    """The rows of the run's first segmenter: where there are several, charts show this one."""
    return table[table.segmenter == bundle.segmenters[0]]


def of_each_segmenter(table: pd.DataFrame, bundle: Bundle) -> dict[str, pd.DataFrame]:
    """Segmenter -> its rows, the first one's first."""
    return {name: table[table.segmenter == name] for name in bundle.segmenters}


def networks(runs: pd.DataFrame) -> Networks:
    """The networks of runs.csv whose predictions the rows of tables measure."""
    found: Networks = {}
    trained = runs[runs.stage == "segmentation"]
    columns = (trained[name] for name in ("segmenter", "fraction", "what", "draw", "job"))
    for *network, draw, job in zip(*columns, strict=True):
        found.setdefault((network[0], network[1], network[2]), {})[draw] = job
    return found


def jobs(bundle: Bundle, name: str, row: pd.Series, trained: Networks) -> list[str]:
    """Names in runs.csv of the jobs that a row of a table is made from: the networks that it
    measures, the selection that scored it, or the copies that it describes."""
    match TABLES[name].stage:
        case "selection":
            return [selection(row.generator, row.fraction, row.draw)]
        case "augmentation" if "generator" in row:
            fraction = bundle.record["shown_fraction"]
            return [Job("augmentation", methods.kind_of(row.generator), fraction).place]
        case "augmentation":
            return [bundle.record["sources"][name]]
    if name == "claims":
        wanted = cells_of_claims(bundle).get((row.id, row["share"]), set())
    else:
        wanted = {(row.fraction, row.arm), (row.fraction, row.get("baseline", row.arm))}
    return [
        job
        for (segmenter, *cell), of_draws in trained.items()
        if segmenter == row.segmenter and tuple(cell) in wanted
        for draw, job in of_draws.items()
        if "draw" not in TABLES[name].keys or draw == row.draw
    ]


def selection(generator: str, fraction: float, draw: int) -> str:
    """Name of the job that chose among the candidates of one training.

    >>> selection("lcgan", 0.25, 1), selection("lcgan", 0.025, 3)
    ('selection/0.25-lcgan', 'selection/0.025-draw3-lcgan')
    """
    return Job("selection", generator, float(fraction), int(draw)).place


def cells_of_claims(bundle: Bundle) -> dict[tuple[str, str], set[tuple[float, str]]]:
    """(id, share) of every claim that can be tested on the run -> fraction and arm of its terms."""
    return {
        (claim.id, claim.share): {(fraction, arm) for _, fraction, arm in claim.terms}
        for claim in bundle.claims
    }
