"""Which settings of the segmenter and of the traditional copies a profile should have.

COMMAND: python -m tools.settings --fraction 0.1 --draws 3 --folder _build/settings [--only NAME]

Each candidate setting is tried on patients that decide nothing else: the training patients outside
the subset, at most 60 of them. The test patients are not looked at. The folder keeps what has been
computed; the same command goes on where it stopped. Results: settings.csv in that folder, which the
book shows as book/settings.csv.

The rule, written on 28 November 2026 before the networks of draws 2 and 3 were trained: a
candidate takes the place of what `compact` has where its mean Dice over patients and draws is
higher by WORTH, or by WORTH_ITS_COST where it takes more than twice the time. Three draws cannot
exclude chance; the table shows the interval, and the rule only decides what is tried on the test
patients, once. `bfloat16` takes three fifths of the time where the hardware has it; it is taken
unless its mean Dice is lower by WORTH_ITS_COST, as was written before it was trained.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from lcgan_core.cohort.slices import Slices
from lcgan_core.protocol import profiles
from lcgan_core.protocol.config import Config
from lcgan_core.run import artefacts
from lcgan_core.run.plan import COHORT, Job

PATIENTS = 60
"""At most so many patients decide."""
WORTH, WORTH_ITS_COST = 0.01, 0.02
"""Gain in Dice for which a setting is changed."""


class Candidate(NamedTuple):
    """An arm under overrides of FIRST, and the candidate that it is compared with."""

    arm: str
    overrides: dict[str, Any] = {}
    baseline: str = "scale 1"


FIRST = {"segmentation_scale": 1, "segmentation_steps": [400, 800, 1200, 2400]}
"""What `compact` had when the candidates were compared."""
TWICE = {"segmentation_steps": [800, 1600, 2400, 4800]}
LARGE = {"segmentation_scale": 2} | TWICE
WIDE = {
    "segmentation_width": 64,
    "segmentation_batch_norm": False,
    "segmentation_learning_rate": 1e-4,
    "segmentation_precision": "auto",  # two seconds a step even so, of 134 million parameters
}
CANDIDATES = {
    "scale 1": Candidate("original"),
    "again": Candidate("original_again"),
    "scale 2": Candidate("original", {"segmentation_scale": 2}),
    "twice the steps": Candidate("original", TWICE),
    "scale 2, twice the steps": Candidate("original", LARGE, "scale 2"),
    "bfloat16": Candidate(
        "original", LARGE | {"segmentation_precision": "auto"}, "scale 2, twice the steps"
    ),
    "traditional: gain": Candidate("traditional", {"traditional_contrast": "gain"}),
    "traditional: about_mean": Candidate("traditional", {"traditional_contrast": "about_mean"}),
    "traditional: hu_offset": Candidate("traditional", {"traditional_contrast": "hu_offset"}),
    "traditional: per_pixel": Candidate("traditional", {"traditional_contrast": "per_pixel"}),
    "geometry": Candidate("geometry"),
    "equal epochs": Candidate("geometry", {"equal_steps": False}, "geometry"),
    "random, width 64": Candidate("original", WIDE),
    "hed, width 64": Candidate(
        "original", WIDE | {"segmentation_weights": "hed"}, "random, width 64"
    ),
}

TITLES = {
    "dice": "Dice",
    "train_dice": "in training",
    "validation_dice": "in validation",
    "converged": "share converged",
    "baseline": "compared with",
    "ci_low": "from",
    "ci_high": "to",
}


def main() -> None:
    """Train what is missing, one candidate and draw after another, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fraction", type=float, default=0.1)
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=artefacts.REPOSITORY / "_build/settings")
    parser.add_argument("--only", nargs="*", default=list(CANDIDATES))
    asked = parser.parse_args()
    for draw in range(1, asked.draws + 1):
        for name in asked.only:
            score(name, asked.fraction, draw, asked.folder)
    table = differences(asked.folder, asked.fraction)
    titled = table.rename(columns=TITLES)
    titled.to_csv(asked.folder / "settings.csv", index=False, float_format="%.3f")
    print(table.to_string(index=False, float_format="%.3f"))


def score(name: str, fraction: float, draw: int, folder: Path) -> None:
    """Train a candidate, unless that was done, and keep each deciding patient's mean Dice."""
    from lcgan_core.protocol.arms import ARMS
    from lcgan_core.stages import augmentation  # torch is slow to import

    work = folder / f"{fraction:g}-{draw}-{name.replace(': ', '-').replace(' ', '-')}"
    if (work / "patients.csv").is_file():
        return
    work.mkdir(parents=True, exist_ok=True)
    candidate = CANDIDATES[name]
    config = profiles.load("compact", **FIRST | candidate.overrides)
    heads = artefacts.ensure(profiles.load("compact"), COHORT)
    job = Job("segmentation", candidate.arm, fraction, draw, config.segmenters[0])
    inputs = {"cohort": heads}
    for kind in ARMS[candidate.arm].copies:
        inputs[kind] = work / kind
        shutil.rmtree(inputs[kind], ignore_errors=True)
        inputs[kind].mkdir()
        copies = Job("augmentation", kind, fraction, draw)
        augmentation.copy(config, copies, {"cohort": heads}, inputs[kind])
    decide(config, job, inputs, work, candidate=name)


def decide(config: Config, job: Job, inputs: dict[str, Path], work: Path, **named: str) -> None:
    """Train a job's segmenter and keep each deciding patient's mean Dice, under the given names."""
    from lcgan_core import metrics
    from lcgan_core.segmenters import training
    from lcgan_core.stages import segmentation

    assert job.fraction is not None
    method = segmentation.trained(config, job, inputs, work)
    deciding = spare(config, inputs["cohort"], job.fraction, job.draw)
    dice = metrics.dice_image(
        method.segment(deciding.images), deciding.labels, len(deciding.classes)
    )
    by_patient = pd.Series(dice.numpy()).groupby(deciding.patients).mean()
    facts = training.facts(work)
    table = by_patient.rename_axis("patient").rename("dice").reset_index()
    for column in ("train_dice", "validation_dice", "converged", "steps", "best_step"):
        table[column] = facts[column]
    with artefacts.atomic(work / "patients.csv") as temporary:
        table.assign(**named, draw=job.draw).to_csv(temporary, index=False)


def spare(config: Config, heads: Path, fraction: float, draw: int) -> Slices:
    """Slices of those who decide: of the training patients, some that the subset does not have."""
    from lcgan_core.cohort import slices
    from lcgan_core.stages import cohort

    store = cohort.store_of(heads)
    everybody, subset = (
        set.union(*cohort.subset_patients(config, store, share, draw)) for share in (1.0, fraction)
    )
    table = store.slices
    shown = table[store.classes.areas].sum(axis=1) > 0
    deciding = table.patient.isin(sorted(everybody - subset)[:PATIENTS])
    window = config.window
    return slices.read(store, np.flatnonzero(shown & deciding), window.level, window.width)


def differences(folder: Path, fraction: float) -> pd.DataFrame:
    """One row per candidate: mean Dice over patients and draws, and its difference to its baseline
    with a 95 % t interval over the draws' differences."""
    parts = [pd.read_csv(path) for path in sorted(folder.glob(f"{fraction:g}-*/patients.csv"))]
    scores = pd.concat(parts).pivot_table(index="draw", columns="candidate", values="dice")
    others = (
        pd.concat(parts).groupby("candidate")[["train_dice", "validation_dice", "converged"]].mean()
    )
    rows = []
    for name in [name for name in CANDIDATES if name in scores]:
        baseline = CANDIDATES[name].baseline
        row = {
            "candidate": name,
            "draws": int(scores[name].notna().sum()),
            "dice": scores[name].mean(),
            **others.loc[name],
            "baseline": baseline,
        }
        if baseline in scores and baseline != name:
            change = (scores[name] - scores[baseline]).dropna()
            half = stats.t.ppf(0.975, len(change) - 1) * change.std() / np.sqrt(len(change))
            row |= {
                "change": change.mean(),
                "ci_low": change.mean() - half,
                "ci_high": change.mean() + half,
            }
        rows.append(row)
    return pd.DataFrame(rows)


if __name__ == "__main__":
    main()
