"""Training a segmenter while the subset's validation patients watch (paper 5)."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from lcgan_core.cohort.slices import Slices
from lcgan_core.metrics import dice_image
from lcgan_core.run import artefacts
from lcgan_core.segmenters.base import Segmenter, save
from lcgan_core.training.engine import Monitor, Schedule, Task, clean, fit
from lcgan_core.training.pairs import Pairs

CHECKS = 10
"""How often, at equal distances, the validation slices are segmented."""
TRAIN, VALIDATION = "train Dice", "validation Dice"
RISE = 0.01
"""A validation Dice that rose by more than a point in the last third of the steps still rises; one
that never left zero has yet to."""
HISTORY, FACTS, INITIALISATION = "history.csv", "training.json", "initialisation.txt"


def train(
    method: Segmenter,
    phases: Sequence[Pairs],
    schedule: Schedule,
    seed: int,
    subset: Slices,
    validation: Slices,
    work: Path,
    label: str,
) -> None:
    """Train `method` on each phase in turn, for equal parts of the steps, and save its network.

    The network is that of the check with the best mean Dice per image on `validation`, and of equal
    checks the last, since a hard lesion may long score 0; the Dice on as many slices of `subset` is
    measured beside it. `work` gets the network, its history, how it was initialised, and what
    `facts` reads.
    """
    monitor = _monitor(method, subset, validation)
    of_phase = schedule._replace(steps=math.ceil(schedule.steps / len(phases)))
    before: Task | None = None
    for number, pairs in enumerate(phases):
        task = method.task(pairs, seed)
        if before is None:
            artefacts.write_text(work / INITIALISATION, method.initialisation + "\n")
        else:
            for name, network in before.modules.items():
                task.modules[name].load_state_dict(network.state_dict())
        before = task
        place = work / f"phase-{number + 1}"
        place.mkdir(exist_ok=True)
        history = fit(task, len(pairs), of_phase, seed, place, label, monitor=monitor)
    save(task, work)
    history.to_csv(work / HISTORY, index=False)
    artefacts.write_text(work / FACTS, json.dumps(_facts(history), indent=1) + "\n")
    for number in range(len(phases)):  # kept until now, so that no phase is trained again
        clean(work / f"phase-{number + 1}")
        (work / f"phase-{number + 1}").rmdir()


def history(folder: Path) -> pd.DataFrame:
    """The learning curve: step, mean losses since the row before, both Dice."""
    return pd.read_csv(folder / HISTORY)


def initialisation(folder: Path) -> str:
    """Which weights the segmenter started from, in a sentence."""
    return (folder / INITIALISATION).read_text().strip()


def facts(folder: Path) -> dict:
    """How a training went: its `steps`, the `best_step` whose network was kept, `train_dice` and
    `validation_dice` there, the `rise` of the latter in the last third, whether it `converged`."""
    return json.loads((folder / FACTS).read_text())


def _monitor(method: Segmenter, subset: Slices, validation: Slices) -> Monitor:
    every = max(len(subset.images) // len(validation.images), 1)
    shown = {
        TRAIN: (subset.images[::every], subset.labels[::every]),
        VALIDATION: (validation.images, validation.labels),
    }

    def measure() -> dict[str, float]:
        return {
            name: float(dice_image(method.segment(images), truth, len(subset.classes)).nanmean())
            for name, (images, truth) in shown.items()
        }

    return Monitor(measure, VALIDATION, CHECKS)


def _facts(history: pd.DataFrame) -> dict:
    steps, dice = history.step, history[VALIDATION].fillna(0)
    ranked = history[VALIDATION].fillna(-1)
    best = int(ranked[ranked == ranked.max()].index[-1])
    rise = dice.max() - dice[steps <= steps.iloc[-1] * 2 / 3].max()
    return {
        "steps": int(steps.iloc[-1]),
        "best_step": int(steps[best]),
        "train_dice": float(history[TRAIN][best]),
        "validation_dice": float(dice[best]),
        "rise": float(rise),
        "converged": bool(rise <= RISE and dice.max() > 0),
    }
