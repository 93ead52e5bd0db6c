"""Stage 6: predictions to pixel counts to results.csv, with patient-level intervals (paper 5)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

from lcgan_core.lesions import FIVE
from lcgan_core.metrics import claims, overlap
from lcgan_core.metrics.bootstrap import draw_weights, patient_weights
from lcgan_core.metrics.cells import Cells, cells
from lcgan_core.metrics.estimates import Estimate, estimate
from lcgan_core.metrics.overlap import scaled_area
from lcgan_core.metrics.subgroups import by_size, sensitivity, with_components
from lcgan_core.protocol.config import Config
from lcgan_core.run import artefacts
from lcgan_core.run.plan import Job, segmentations
from lcgan_core.run.progress import progress
from lcgan_core.seeds import seed_of
from lcgan_core.segmenters.training import initialisation
from lcgan_core.stages import cohort, cohort_tables, segmentation

COLUMNS = [
    "profile", "seed", "segmenter", "fraction", "arm", "metric", "lesion",
    "value", "ci_low", "ci_high", "n",
]  # fmt: skip
OF_DRAWS = [
    "profile", "seed", "segmenter", "fraction", "arm", "draw", "metric", "lesion", "value", "n",
    "sd",
]  # fmt: skip
"""draws.csv: each draw's value of a cell; sd, over the draws, is the same in all rows of a cell."""
Arm = tuple[str, float, str]
"""Segmenter, fraction and arm."""
ARM = ["segmenter", "fraction", "arm"]


def evaluate(config: Config, job: Job, inputs: Mapping[str, Path], work: Path) -> None:
    """Score the predictions of all arms in all draws; write results.csv and the other tables."""
    grid = _Grid(config, inputs)
    named = {
        "results": grid.table(_rows(grid.arms)),
        "draws": _spread(grid.table(_draws(grid.arms), OF_DRAWS)),
        "differences": grid.table(_differences(grid.arms), [*_with("baseline"), "draws"]),
        "by_size": grid.table(_grouped(grid.groups, "size"), _with("size")),
        "sensitivity": grid.table(_grouped(grid.rules, "rule"), _with("rule")),
        "claims": claims.put_to(grid.arms, grid.names),
    }
    for name, made in named.items():
        with artefacts.atomic(work / f"{name}.csv") as temporary:
            made.to_csv(temporary, index=False, float_format="%.6f")
    facts = json.dumps(_facts(config, inputs), indent=1)
    artefacts.write_text(work / "run.json", facts + "\n")


class _Grid:
    """The estimates of every arm: as the tables have them, by lesion area, under other rules."""

    def __init__(self, config: Config, inputs: Mapping[str, Path]):
        self.config = config
        store, rows = cohort.store_of(inputs["cohort"]), cohort.test_rows(config, inputs["cohort"])
        table = store.slices.iloc[rows]
        self.names = store.classes.names
        self.truth, self.patients = store.labels[rows], table.patient.to_numpy()
        self.areas = table[store.classes.areas].to_numpy()
        self.weights = patient_weights(
            len(set(self.patients)), config.evaluation.resamples, seed_of(config.seed, "bootstrap")
        )
        self.arms: dict[Arm, Estimate] = {}
        self.groups: dict[Arm, dict[str, Estimate]] = {}
        self.rules: dict[Arm, dict[str, Estimate]] = {}
        of_arms: dict[Arm, list[Path]] = {}
        for job in segmentations(config):
            assert job.fraction is not None and job.segmenter is not None
            arm = (job.segmenter, job.fraction, job.what)
            of_arms.setdefault(arm, []).append(inputs[job.key])
        for arm, folders in progress(of_arms.items(), "evaluating", "arm", len(of_arms)):
            self._add(arm, folders)

    def _add(self, arm: Arm, of_draws: Sequence[Path]) -> None:
        size, names = self.config.image_size, self.names
        guesses = [segmentation.predictions(folder) for folder in of_draws]
        counts = [overlap(guess, self.truth, classes=len(names)) for guess in guesses]
        area = scaled_area(size)
        self.arms[arm] = self._resampled([cells(one, names, area) for one in counts])
        self.groups[arm] = self._each(by_size(one, names, self.areas) for one in counts)
        self.rules[arm] = self._each(
            [
                *sensitivity(one, names, size),
                with_components(guess, self.truth, names, size),
            ]
            for one, guess in zip(counts, guesses, strict=True)
        )

    def _each(self, of_draws: Iterable[Iterable[tuple[str, Cells]]]) -> dict[str, Estimate]:
        tables: dict[str, list[Cells]] = {}
        for parts in of_draws:
            for name, part in parts:
                tables.setdefault(name, []).append(part)
        return {name: self._resampled(parts) for name, parts in tables.items()}

    def _resampled(self, of_draws: Sequence[Cells]) -> Estimate:
        # one seed for all: fractions with equally many draws get the same ones in a resample
        seed = seed_of(self.config.seed, "draws")
        draws = draw_weights(len(of_draws), self.config.evaluation.resamples, seed)
        by_patient = [table.by_patient(self.patients) for table in of_draws]
        return estimate(by_patient, self.weights, draws)

    def table(self, rows: Iterator[dict], columns: Sequence[str] = COLUMNS) -> pd.DataFrame:
        """Rows with the run's name and seed in front."""
        start = {"profile": self.config.name, "seed": self.config.seed}
        return pd.DataFrame([start | row for row in rows], columns=list(columns))


def _named(arm: Arm) -> dict:
    return dict(zip(ARM, arm, strict=True))


def _with(column: str) -> list[str]:
    """The columns of results.csv and one more after the arm."""
    at = COLUMNS.index("arm") + 1
    return [*COLUMNS[:at], column, *COLUMNS[at:]]


def _rows(grid: dict[Arm, Estimate]) -> Iterator[dict]:
    for arm, cells_of_arm in grid.items():
        for row in cells_of_arm.rows():
            yield {**_named(arm), **row}


def _draws(grid: dict[Arm, Estimate]) -> Iterator[dict]:
    for arm, cells_of_arm in grid.items():
        for row in cells_of_arm.draw_rows():
            yield {**_named(arm), **row}


def _spread(draws: pd.DataFrame) -> pd.DataFrame:
    """draws.csv with the standard deviation between a cell's draws; NaN with fewer than two."""
    cell = draws.groupby([*ARM, "metric", "lesion"])
    return draws.assign(sd=cell.value.transform("std"))


def _differences(grid: dict[Arm, Estimate]) -> Iterator[dict]:
    """Each arm minus each earlier one, in each draw; n counts patients with a case in both."""
    for first, second in combinations(grid, 2):
        if first[:2] == second[:2]:
            difference = grid[second] - grid[first]
            for row in difference.rows():
                yield {**_named(second), "baseline": first[2], **row}


def _grouped(grid: dict[Arm, dict[str, Estimate]], column: str) -> Iterator[dict]:
    for arm, parts in grid.items():
        for name, part in parts.items():
            for row in part.rows():
                yield {**_named(arm), column: name, **row}


def stored_label_maps() -> pd.DataFrame:
    """Every metric on the label maps stored in data/label_maps.npz: the same on every machine."""
    with np.load(artefacts.REPOSITORY / "data" / "label_maps.npz") as maps:
        counts = overlap(maps["prediction"], maps["truth"])
        size = maps["truth"].shape[-1]
    table = cells(counts, FIVE.names, scaled_area(size))
    rows = [
        {"metric": metric, "lesion": name, "value": value}
        for (metric, name), value in zip(table.names, table.values()[0], strict=True)
    ]
    return pd.DataFrame(rows).round(6).pivot(index="lesion", columns="metric", values="value")


def _facts(config: Config, inputs: Mapping[str, Path]) -> dict:
    """What a reader must know about the run in addition to its numbers."""
    heads = inputs["cohort"]
    jobs = segmentations(config)
    records = [artefacts.provenance(inputs[job.key]) for job in jobs]
    firsts = {job.segmenter: inputs[job.key] for job in reversed(jobs) if job.what == "original"}
    store, used = cohort.store_of(heads), cohort_tables.used(config, heads)
    return {
        "profile": config.name,
        "overrides": config.nameless()["overrides"],
        "cohort": config.cohort_name,
        "classes": store.classes.to_json(),
        "patients": {side: rows.patient.nunique() for side, rows in used.items()},
        "slices": len(store.slices),
        "lesion_slices": {side: len(rows) for side, rows in used.items()},
        "draws": list(zip(config.fractions, config.draws, strict=True)),
        "remarks": cohort_tables.remarks(config, heads),
        "image_size": config.image_size,
        "segmenters": list(config.segmenters),
        "initialisation": initialisation(firsts[config.segmenters[0]]),
        "code": records[0]["code"],
        "versions": records[0]["versions"],
        "device": sorted({record["device"] for record in records}),
        "training_seconds": round(sum(record["seconds"] for record in records)),
    }
