"""Stage 6: predictions to pixel counts to results.csv, with patient-level intervals (paper 5)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from lcgan_core.lesions import FIVE
from lcgan_core.metrics import overlap, verdicts
from lcgan_core.metrics.bootstrap import draw_weights, patient_weights
from lcgan_core.metrics.cells import Cells, cells, with_patient_mean
from lcgan_core.metrics.estimates import Estimate, estimate
from lcgan_core.metrics.inference import means
from lcgan_core.metrics.overlap import scaled_area
from lcgan_core.metrics.same_types import over_same_types
from lcgan_core.metrics.subgroups import by_size, sensitivity, with_components
from lcgan_core.protocol.config import Config
from lcgan_core.run import artefacts
from lcgan_core.run.plan import Job, segmentations
from lcgan_core.run.progress import progress
from lcgan_core.seeds import seed_of
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
OF_TRAINING = [
    "profile", "seed", "segmenter", "fraction", "arm", "draw", "steps", "best_step", "train_dice",
    "validation_dice", "dice_image", "converged",
]  # fmt: skip
"""training.csv: how far each network was trained, and its Dice on the slices that it has seen, on
the validation patients and on the test patients."""
Arm = tuple[str, float, str]
"""Segmenter, fraction and arm."""
ARM = ["segmenter", "fraction", "arm"]


def evaluate(config: Config, job: Job, inputs: Mapping[str, Path], work: Path) -> None:
    """Score the predictions of all arms in all draws; write results.csv and the other tables."""
    grid = _Grid(config, inputs)
    draws = _spread(grid.table(_draws(grid.arms), OF_DRAWS))
    named = {
        "results": grid.table(_rows(grid.arms)),
        "draws": draws,
        "differences": grid.table(_differences(grid.arms), [*_with("baseline"), "draws", "p"]),
        "by_size": grid.table(_grouped(grid.groups, "size"), _with("size")),
        "sensitivity": grid.table(_grouped(grid.rules, "rule"), _with("rule")),
        "claims": verdicts.put_to(grid.arms, grid.names),
        "training": grid.table(_training(config, inputs, draws), OF_TRAINING),
    }
    for name, made in named.items():
        with artefacts.atomic(work / f"{name}.csv") as temporary:
            made.to_csv(temporary, index=False, float_format="%.6f")
    facts = json.dumps(_facts(config, inputs), indent=1)
    artefacts.write_text(work / "run.json", facts + "\n")


class _Test(NamedTuple):
    """What the networks of a draw are tested on: labels (N, H, W), patients (N,), areas (N, K)."""

    labels: np.ndarray
    patients: np.ndarray
    areas: np.ndarray


class _Grid:
    """The estimates of every arm: as the tables have them, by lesion area, under other rules."""

    def __init__(self, config: Config, inputs: Mapping[str, Path]):
        self.config = config
        self.names = cohort.store_of(inputs["cohort"]).classes.names
        self.tests = _tests(config, inputs["cohort"])
        self.patients = np.unique(np.concatenate([test.patients for test in self.tests.values()]))
        self.weights = patient_weights(
            len(self.patients), config.evaluation.resamples, seed_of(config.seed, "bootstrap")
        )
        self.arms: dict[Arm, Estimate] = {}
        self.groups: dict[Arm, dict[str, Estimate]] = {}
        self.rules: dict[Arm, dict[str, Estimate]] = {}
        of_arms: dict[Arm, dict[int, Path]] = {}
        for job in segmentations(config):
            assert job.fraction is not None and job.segmenter is not None
            arm = (job.segmenter, job.fraction, job.what)
            of_arms.setdefault(arm, {})[job.draw] = inputs[job.key]
        for arm, folders in progress(of_arms.items(), "evaluating", "arm", len(of_arms)):
            self._add(arm, folders)
        self._extend()

    def _add(self, arm: Arm, of_draws: Mapping[int, Path]) -> None:
        size, names = self.config.image_size, self.names
        tests = [self.tests[draw] for draw in of_draws]
        guesses = [segmentation.predictions(folder) for folder in of_draws.values()]
        counts = [
            overlap(guess, test.labels, classes=len(names))
            for guess, test in zip(guesses, tests, strict=True)
        ]
        area = scaled_area(size)
        whole = self._by_patient([cells(one, names, area) for one in counts], tests)
        self.arms[arm] = self._resampled([with_patient_mean(part) for part in whole])
        self.groups[arm] = self._each(
            tests,
            (by_size(one, names, test.areas) for one, test in zip(counts, tests, strict=True)),
        )
        self.rules[arm] = self._each(
            tests,
            (
                [
                    *sensitivity(one, names, size),
                    with_components(guess, test.labels, names, size),
                ]
                for one, guess, test in zip(counts, guesses, tests, strict=True)
            ),
        )

    def _extend(self) -> None:
        """Give the arms of each segmenter and fraction the mean over the same types."""
        for place in dict.fromkeys(arm[:2] for arm in self.arms):
            alike = {arm[2]: part for arm, part in self.arms.items() if arm[:2] == place}
            self.arms |= {(*place, arm): part for arm, part in over_same_types(alike).items()}

    def _each(
        self, tests: Sequence[_Test], of_draws: Iterable[Iterable[tuple[str, Cells]]]
    ) -> dict[str, Estimate]:
        tables: dict[str, list[Cells]] = {}
        for parts in of_draws:
            for name, part in parts:
                tables.setdefault(name, []).append(part)
        return {
            name: self._resampled(self._by_patient(parts, tests)) for name, parts in tables.items()
        }

    def _by_patient(self, of_draws: Sequence[Cells], tests: Sequence[_Test]) -> list[Cells]:
        return [
            table.by_patient(test.patients, among=self.patients)
            for table, test in zip(of_draws, tests, strict=True)
        ]

    def _resampled(self, by_patient: Sequence[Cells]) -> Estimate:
        # one seed for all: fractions with equally many draws get the same ones in a resample
        seed = seed_of(self.config.seed, "draws")
        draws = draw_weights(len(by_patient), self.config.evaluation.resamples, seed)
        return estimate(by_patient, self.weights, draws)

    def table(self, rows: Iterator[dict], columns: Sequence[str] = COLUMNS) -> pd.DataFrame:
        """Rows with the run's name and seed in front."""
        start = {"profile": self.config.name, "seed": self.config.seed}
        return pd.DataFrame([start | row for row in rows], columns=list(columns))


def _tests(config: Config, heads: Path) -> dict[int, _Test]:
    """What each draw is tested on; draws with the same patients share it."""
    store = cohort.store_of(heads)
    tests: dict[int, _Test] = {}
    known: dict[bytes, _Test] = {}
    for draw in range(1, max(config.draws) + 1):
        rows = cohort.test_rows(config, heads, draw)
        if (key := rows.tobytes()) not in known:
            table = store.slices.iloc[rows]
            known[key] = _Test(
                store.labels[rows], table.patient.to_numpy(), table[store.classes.areas].to_numpy()
            )
        tests[draw] = known[key]
    return tests


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
            for row, p in zip(difference.rows(), means([difference]).p, strict=True):
                yield {**_named(second), "baseline": first[2], **row, "p": float(p)}


def _grouped(grid: dict[Arm, dict[str, Estimate]], column: str) -> Iterator[dict]:
    for arm, parts in grid.items():
        for name, part in parts.items():
            for row in part.rows():
                yield {**_named(arm), column: name, **row}


def _training(
    config: Config, inputs: Mapping[str, Path], draws: pd.DataFrame
) -> Iterator[dict]:
    """What each network's job noted of its training, beside its Dice per image on the test."""
    image = draws[draws.metric == "dice_image"].set_index([*ARM, "draw"]).value
    for job in segmentations(config):
        place = (job.segmenter, job.fraction, job.what, job.draw)
        noted = segmentation.training_facts(inputs[job.key])
        yield {**dict(zip([*ARM, "draw"], place, strict=True)), "dice_image": image[place], **noted}


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
    store = cohort.store_of(heads)
    return {
        "profile": config.name,
        "overrides": config.nameless()["overrides"],
        "cohort": config.cohort_name,
        "classes": store.classes.to_json(),
        "patients": cohort_tables.patient_counts(heads),
        "slices": len(store.slices),
        "lesion_slices": {
            "train": len(cohort.training_rows(config, heads, config.fractions[-1])),
            "test": len(cohort.test_rows(config, heads, 1)),
        },
        "draws": list(zip(config.fractions, config.draws, strict=True)),
        "remarks": cohort_tables.remarks(config, heads),
        "image_size": config.image_size,
        "segmenters": list(config.segmenters),
        "initialisation": segmentation.initialisation(firsts[config.segmenters[0]]),
        "code": records[0]["code"],
        "versions": records[0]["versions"],
        "device": sorted({record["device"] for record in records}),
        "training_seconds": round(sum(record["seconds"] for record in records)),
    }
