"""Stage 6: predictions to pixel counts to results.csv, with patient-level intervals (paper 5)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

from lcgan_core.errors import UserError
from lcgan_core.lesions import FIVE
from lcgan_core.metrics import overlap, verdicts
from lcgan_core.metrics.cells import cells
from lcgan_core.metrics.claims import ALL
from lcgan_core.metrics.estimates import Estimate
from lcgan_core.metrics.inference import means
from lcgan_core.metrics.overlap import scaled_area
from lcgan_core.protocol.config import Config
from lcgan_core.protocol.paper import DATA
from lcgan_core.run import artefacts
from lcgan_core.run.plan import Job, segmentations
from lcgan_core.segmenters.training import facts, initialisation
from lcgan_core.stages import cohort, cohort_tables
from lcgan_core.stages.grid import Arm, Grid

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
ARM = ["segmenter", "fraction", "arm"]


def evaluate(config: Config, job: Job, inputs: Mapping[str, Path], work: Path) -> None:
    """Score the predictions of all arms in all draws; write results.csv and the other tables."""
    grid, table = Grid(config, inputs), partial(_table, config)
    draws = _spread(table(_draws(grid.arms), OF_DRAWS))
    named = {
        "results": table(_rows(grid.arms)),
        "draws": draws,
        "differences": table(_differences(grid.arms), [*_with("baseline"), "draws", "p"]),
        "by_size": table(_grouped(grid.groups, "size"), _with("size")),
        "sensitivity": table(_grouped(grid.rules, "rule"), _with("rule")),
        "claims": verdicts.put_to(grid.arms, grid.names, _primary(config, grid.names)),
        "training": table(_training(config, inputs, draws), OF_TRAINING),
    }
    for name, made in named.items():
        with artefacts.atomic(work / f"{name}.csv") as temporary:
            made.to_csv(temporary, index=False, float_format="%.6f")
    about = json.dumps(_facts(config, inputs), indent=1)
    artefacts.write_text(work / "run.json", about + "\n")


def _primary(config: Config, names: Sequence[str]) -> str:
    """The class of the primary outcome; UserError where the cohort has no such class."""
    primary = config.evaluation.primary
    if primary not in (ALL, *names):
        raise UserError(
            f"evaluation_primary = {primary} is no class of the cohort; allowed: "
            f"{', '.join((ALL, *names))}."
        )
    return primary


def _table(config: Config, rows: Iterator[dict], columns: Sequence[str] = COLUMNS) -> pd.DataFrame:
    """Rows with the run's name and seed in front."""
    start = {"profile": config.name, "seed": config.seed}
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
            for row, p in zip(difference.rows(), means([difference]).p, strict=True):
                yield {**_named(second), "baseline": first[2], **row, "p": float(p)}


def _grouped(grid: dict[Arm, dict[str, Estimate]], column: str) -> Iterator[dict]:
    for arm, parts in grid.items():
        for name, part in parts.items():
            for row in part.rows():
                yield {**_named(arm), column: name, **row}


def _training(config: Config, inputs: Mapping[str, Path], draws: pd.DataFrame) -> Iterator[dict]:
    """What each network's job noted of its training, beside its Dice per image on the test."""
    images = draws[draws.metric == "dice_image"].set_index([*ARM, "draw"]).value.to_dict()
    for job in segmentations(config):
        place = (job.segmenter, job.fraction, job.what, job.draw)
        noted = facts(inputs[job.key])
        yield {
            **dict(zip([*ARM, "draw"], place, strict=True)),
            "dice_image": images[place],
            **noted,
        }


def stored_label_maps() -> pd.DataFrame:
    """Every metric on the label maps stored in data/label_maps.npz: the same on every machine."""
    with np.load(DATA / "label_maps.npz") as maps:
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
        "publish": store.manifest.get("publish", ""),
        "citation": store.manifest.get("citation", ""),
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
