"""What a bundle contains: its tables with their keys, its pictures, and its record.

results.csv draws.csv differences.csv by_size.csv sensitivity.csv             of stage 6
claims.csv training.csv                                                      of stage 6, too
candidates.csv memorisation.csv kernel_distance.csv real_slices.csv   of stage 3, every selection
neighbours.csv densities.csv                           of the largest subset, in the first draw
densities_of_generators.csv, generators as .png and .svg      the same, where there are several
fig3 fig5 fig6 closest, each as .png and .svg                                pictures of slices
weights/          models of simulated heads, a folder for each fraction (`weights`); may be missing
viewers/                           the pictures of the viewers, and one CSV for each viewer
notebooks/                                       the executed notebook of each stage's page
no pictures, and notebooks without any, where the run's store forbids to publish them
runs.csv                       one row per job: its inputs, code, device and time
provenance.json       settings and facts of the run, where each part is from, a hash of each file
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from lcgan_core.errors import UserError
from lcgan_core.lesions import FIVE, Classes
from lcgan_core.metrics.claims import ALL, Claim, claims
from lcgan_core.protocol import methods

RECORD = "provenance.json"
VERSION = 4  # of the contents of a bundle


class Table(NamedTuple):
    """The stage that writes a table, and the columns that distinguish its rows."""

    stage: str
    keys: tuple[str, ...]


OF_GENERATORS = "densities_of_generators"
"""A table that only runs with several generators have."""
_NETWORK, _CELL = ("segmenter", "fraction", "arm"), ("metric", "lesion")
_SELECTION = ("generator", "fraction", "draw")
TABLES = {
    "results": Table("evaluation", (*_NETWORK, *_CELL)),
    "draws": Table("evaluation", (*_NETWORK, "draw", *_CELL)),
    "differences": Table("evaluation", (*_NETWORK, "baseline", *_CELL)),
    "by_size": Table("evaluation", (*_NETWORK, "size", *_CELL)),
    "sensitivity": Table("evaluation", (*_NETWORK, "rule", *_CELL)),
    "claims": Table("evaluation", ("id", "segmenter", "share")),
    "training": Table("evaluation", (*_NETWORK, "draw")),
    "candidates": Table("selection", (*_SELECTION, "epoch")),
    "memorisation": Table("selection", (*_SELECTION, "space")),
    "kernel_distance": Table("selection", (*_SELECTION, "set")),
    "densities": Table("augmentation", ("lesion",)),
    OF_GENERATORS: Table("augmentation", ("generator", "lesion")),
}
"""Every table whose rows the page of all results shows."""
VIEWERS = ("fig3", "fig5", "fig6")
SLICES = (*VIEWERS, "closest")
"""The pictures of slices that every run has."""
VIEWER_FOLDER = "viewers"
"""In a bundle, and below the book's _static."""


def of_stage(stage: str) -> list[str]:
    """The tables that a stage writes.

    >>> of_stage("selection")
    ['candidates', 'memorisation', 'kernel_distance']
    """
    return [name for name, table in TABLES.items() if table.stage == stage]


@dataclass(frozen=True)
class Bundle:
    """The folder of a collected run, and its record."""

    folder: Path
    record: Mapping[str, Any]

    @property
    def facts(self) -> dict[str, Any]:
        """The facts of the run that stage 6 wrote (run.json)."""
        return self.record["run"]

    @property
    def pictures(self) -> bool:
        """Whether it has pictures of slices."""
        return self.record.get("pictures", True)

    @property
    def classes(self) -> Classes:
        """The lesion classes of the run's store."""
        return classes_of(self.facts)

    @property
    def claims(self) -> list[Claim]:
        """Every claim that may have been tested on the run."""
        config = self.record["config"]
        return claims(config["fractions"], self.classes.names, self.primary)

    @property
    def primary(self) -> str:
        """The lesion class of the primary outcome; or ALL, as in bundles from before it was set."""
        return self.record["config"].get("evaluation", {}).get("primary", ALL)

    @property
    def segmenters(self) -> list[str]:
        """The run's segmenters, the paper's first if it is among them: charts show the first, and
        tables begin with it."""
        paper = methods.default_segmenter()
        return sorted(self.facts.get("segmenters") or [paper], key=lambda name: name != paper)

    def table(self, name: str) -> pd.DataFrame:
        """A CSV of the bundle."""
        return pd.read_csv(self.folder / f"{name}.csv")


def classes_of(facts: Mapping[str, Any]) -> Classes:
    """The lesion classes of a run (facts: its run.json); the paper's five where it lists none."""
    return Classes.from_json(facts["classes"]) if "classes" in facts else FIVE


def read_results(path: Path, run: str) -> pd.DataFrame:
    """A results.csv of the given run.

    Raises UserError if it is not a results file, is of another run, or lacks a row.
    """
    keys = [*TABLES["results"].keys]
    try:
        results = pd.read_csv(path)
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read as results ({error}); run stage 6 again.") from None
    if not {"profile", *keys, "value", "ci_low", "ci_high", "n"} <= set(results.columns):
        raise UserError(
            f"{path} is not a results file: its columns are {', '.join(results.columns)}; "
            "run stage 6 again."
        )
    others = set(results.profile) - {run}
    if others or results.empty:
        found = f"of the run '{others.pop()}'" if others else "empty"
        raise UserError(f"{path} is {found}, not of '{run}'; delete it or name the right profile.")
    networks, cells = (results.groupby(list(columns)).size().index for columns in (_NETWORK, _CELL))
    there = set(results[keys].itertuples(False, None))
    lacking = [row for one in networks for of in cells if (row := (*one, *of)) not in there]
    if lacking:
        raise UserError(
            f"{path} lacks {len(lacking)} rows, the first of {', '.join(map(str, lacking[0]))}; "
            "restore the file, or delete its folder and run stage 6 again."
        )
    return results
