"""Stage 6: every arm's pixel counts to results.csv, with patient-level intervals (paper 5)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

from lcgan_core.cohort.store import AREAS
from lcgan_core.errors import UserError
from lcgan_core.metrics import claims, overlap
from lcgan_core.metrics.bootstrap import draw_weights, patient_weights
from lcgan_core.metrics.cells import Cells, cells
from lcgan_core.metrics.estimates import Estimate, estimate
from lcgan_core.metrics.subgroups import by_size, sensitivity, with_components
from lcgan_core.protocol.profiles import Config
from lcgan_core.run import artefacts
from lcgan_core.run.plan import Job, segmentations
from lcgan_core.run.progress import progress
from lcgan_core.seeds import seed_of
from lcgan_core.stages import cohort, segmentation

COLUMNS = [
    "profile", "seed", "fraction", "arm", "metric", "hemorrhage", "value", "ci_low", "ci_high", "n",
]  # fmt: skip
OF_DRAWS = [
    "profile", "seed", "fraction", "arm", "draw", "metric", "hemorrhage", "value", "n", "sd",
]  # fmt: skip
"""draws.csv: each draw's value of a cell; sd, over the draws, is the same in all rows of a cell."""
Arm = tuple[float, str]
"""Fraction and name of an arm."""


@dataclass(frozen=True)
class Evaluation:
    """results.csv as a table, and its folder."""

    folder: Path
    results: pd.DataFrame

    def table(self, name: str) -> pd.DataFrame:
        """Another table of the folder: draws, differences, by_size, sensitivity or claims."""
        return pd.read_csv(self.folder / f"{name}.csv")


def run(config: Config) -> Evaluation:
    """Evaluate all arms in all draws, training what is missing; writes results.csv."""
    folder = artefacts.ensure(config, Job("evaluation"), lambda work: _evaluate(config, work))
    path = folder / "results.csv"
    return Evaluation(folder, read_results(path, config.name))


def read_results(path: Path, profile: str) -> pd.DataFrame:
    """A results.csv of the given profile; UserError if it is none, of another profile or lacks a
    row."""
    try:
        results = pd.read_csv(path)
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read as results ({error}); run stage 6 anew.") from None
    if list(results.columns) != COLUMNS:
        raise UserError(
            f"{path} is not a results file: its columns are {', '.join(results.columns)}; "
            "run stage 6 anew."
        )
    others = set(results.profile) - {profile}
    if others or results.empty:
        found = f"of profile '{others.pop()}'" if others else "empty"
        raise UserError(
            f"{path} is {found}, not of '{profile}'; delete it or name the right profile."
        )
    arms, measures = (
        results.groupby(columns).size().index
        for columns in (["fraction", "arm"], ["metric", "hemorrhage"])
    )
    there = set(results[["fraction", "arm", "metric", "hemorrhage"]].itertuples(False, None))
    lacking = [row for arm in arms for of in measures if (row := (*arm, *of)) not in there]
    if lacking:
        raise UserError(
            f"{path} lacks {len(lacking)} rows, the first of {', '.join(map(str, lacking[0]))}; "
            "restore the file, or delete its folder and run stage 6 anew."
        )
    return results


def _evaluate(config: Config, work: Path) -> None:
    test = cohort.test_slices(config)
    patients, areas = test.table.patient.to_numpy(), test.table[AREAS].to_numpy()
    size, resamples = config.image_size, config.evaluation.resamples
    weights = patient_weights(len(set(patients)), resamples, seed_of(config.seed, "bootstrap"))
    grid: dict[Arm, Estimate] = {}
    groups: dict[Arm, dict[str, Estimate]] = {}
    rules: dict[Arm, dict[str, Estimate]] = {}

    def resampled(of_draws: Sequence[Cells]) -> Estimate:
        # one seed for all: where fractions have as many draws, a resample takes the same ones
        draws = draw_weights(len(of_draws), resamples, seed_of(config.seed, "draws"))
        return estimate([table.by_patient(patients) for table in of_draws], weights, draws)

    def each(of_draws: Iterable[Iterable[tuple[str, Cells]]]) -> dict[str, Estimate]:
        tables: dict[str, list[Cells]] = {}
        for parts in of_draws:
            for name, part in parts:
                tables.setdefault(name, []).append(part)
        return {name: resampled(of_draws) for name, of_draws in tables.items()}

    arms = [(fraction, arm) for fraction in config.fractions for arm in config.arms_at(fraction)]
    for arm in progress(arms, "evaluating", "arm"):
        fraction, name = arm
        done = [segmentation.run(config, fraction, name, k) for k in config.draws_at(fraction)]
        grid[arm] = resampled([cells(one.overlap, scaled_min_area(size)) for one in done])
        groups[arm] = each(by_size(one.overlap, areas) for one in done)
        rules[arm] = each(
            [
                *sensitivity(one.overlap, size),
                with_components(one.predictions(), test.labels.numpy(), size),
            ]
            for one in done
        )

    def table(rows: Iterator[dict], columns: list[str] = COLUMNS) -> pd.DataFrame:
        start = {"profile": config.name, "seed": config.seed}
        return pd.DataFrame([start | row for row in rows], columns=columns)

    named = {
        "results": table(_rows(grid)),
        "draws": _spread(table(_draws(grid), OF_DRAWS)),
        "differences": table(_differences(grid), [*_with("baseline"), "draws"]),
        "by_size": table(_grouped(groups, "size"), _with("size")),
        "sensitivity": table(_grouped(rules, "rule"), _with("rule")),
        "claims": claims.put_to(grid),
    }
    for name, made in named.items():
        with artefacts.atomic(work / f"{name}.csv") as temporary:
            made.to_csv(temporary, index=False, float_format="%.6f")
    artefacts.write_text(work / "run.json", json.dumps(_facts(config), indent=1) + "\n")


def _with(column: str) -> list[str]:
    """The columns of results.csv and one more behind the arm."""
    at = COLUMNS.index("arm") + 1
    return [*COLUMNS[:at], column, *COLUMNS[at:]]


def _rows(grid: dict[Arm, Estimate]) -> Iterator[dict]:
    for (fraction, arm), cells_of_arm in grid.items():
        for row in cells_of_arm.rows():
            yield {"fraction": fraction, "arm": arm, **row}


def _draws(grid: dict[Arm, Estimate]) -> Iterator[dict]:
    for (fraction, arm), cells_of_arm in grid.items():
        for row in cells_of_arm.draw_rows():
            yield {"fraction": fraction, "arm": arm, **row}


def _spread(draws: pd.DataFrame) -> pd.DataFrame:
    """draws.csv with the standard deviation between a cell's draws; NaN with fewer than two."""
    cell = draws.groupby(["fraction", "arm", "metric", "hemorrhage"])
    return draws.assign(sd=cell.value.transform("std"))


def _differences(grid: dict[Arm, Estimate]) -> Iterator[dict]:
    """Each arm minus each one before it, in each draw; n counts patients with a case in both."""
    for (fraction, baseline), (other, arm) in combinations(grid, 2):
        if fraction == other:
            difference = grid[fraction, arm] - grid[fraction, baseline]
            for row in difference.rows():
                yield {"fraction": fraction, "arm": arm, "baseline": baseline, **row}


def _grouped(grid: dict[Arm, dict[str, Estimate]], column: str) -> Iterator[dict]:
    for (fraction, arm), parts in grid.items():
        for name, part in parts.items():
            for row in part.rows():
                yield {"fraction": fraction, "arm": arm, column: name, **row}


def scaled_min_area(image_size: int) -> int:
    """The paper's 200 pixels, taken as an area on the 256-pixel grid.

    >>> [scaled_min_area(size) for size in (64, 128, 256, 512)]
    [12, 50, 200, 800]
    """
    return 200 * image_size**2 // 256**2


def stored_label_maps() -> pd.DataFrame:
    """Every metric on the label maps stored in data/label_maps.npz: the same on every machine."""
    with np.load(artefacts.REPOSITORY / "data" / "label_maps.npz") as maps:
        counts = overlap(maps["prediction"], maps["truth"])
        size = maps["truth"].shape[-1]
    table = cells(counts, scaled_min_area(size))
    rows = [
        {"metric": metric, "hemorrhage": name, "value": value}
        for (metric, name), value in zip(table.names, table.values()[0], strict=True)
    ]
    return pd.DataFrame(rows).round(6).pivot(index="hemorrhage", columns="metric", values="value")


def _facts(config: Config) -> dict:
    """What a reader must know of the run beside its numbers."""
    jobs = segmentations(config)
    records = [artefacts.provenance(artefacts.folder(config, job)) for job in jobs]
    store = cohort.run(config)
    return {
        "profile": config.name,
        "overrides": config.nameless()["overrides"],
        "cohort": config.cohort_name,
        "patients": cohort.patient_counts(config),
        "slices": len(store.slices),
        "lesion_slices": {
            "train": len(cohort.training_slices(config, max(config.fractions)).table),
            "test": len(cohort.test_slices(config).table),
        },
        "draws": list(zip(config.fractions, config.draws, strict=True)),
        "remarks": cohort.remarks(config),
        "image_size": config.image_size,
        "initialisation": segmentation.run(config, config.fractions[0], "original").initialisation,
        "code": records[0]["code"],
        "versions": records[0]["versions"],
        "device": sorted({record["device"] for record in records}),
        "training_seconds": round(sum(record["seconds"] for record in records)),
    }
