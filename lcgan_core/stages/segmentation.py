"""Stage 5: one segmenter for an arm and a fraction, and its predictions (paper 4.1)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lcgan_core.protocol.arms import ARMS, LARGEST
from lcgan_core.protocol.config import Config
from lcgan_core.run import artefacts
from lcgan_core.run.plan import Job
from lcgan_core.seeds import seed_of, seed_of_draw
from lcgan_core.segmenters.base import save, segmenter
from lcgan_core.stages import augmentation, cohort
from lcgan_core.training.engine import clean, fit
from lcgan_core.training.pairs import Pairs, Redrawn


def segment(config: Config, job: Job, inputs: Mapping[str, Path], work: Path) -> None:
    """Train a segmenter on the subset and what the arm adds; segment the test patients."""
    test = cohort.test_slices(config, inputs["cohort"])
    pairs = arm_pairs(config, job, inputs)
    method = segmenter(job.segmenter or "", config, len(test.classes))
    # the arms of a draw have the same seed: they differ only in their data
    seed = seed_of(seed_of_draw(config.seed, job.draw), "segmentation", job.fraction)
    task = method.task(pairs, seed)
    schedule = method.schedule
    schedule = schedule._replace(epochs=epochs(job.what, schedule.epochs, config.equal_steps))
    label = f"{job.segmenter}, {cohort.name_of(job.fraction or 1.0, job.draw)}, {job.what}"
    history = fit(task, len(pairs), schedule, seed, work, label)
    np.save(work / "predictions.npy", method.segment(test.images).numpy())
    history.to_csv(work / "history.csv", index=False)
    artefacts.write_text(work / "initialisation.txt", method.initialisation + "\n")
    save(task, work)
    clean(work)


def arm_pairs(config: Config, job: Job, inputs: Mapping[str, Path]) -> Pairs:
    """What an arm trains on: the N slices of the subset, then its copies.

    For an arm with new copies at every step, the copies here are the slices themselves.
    """
    subset = cohort.training_slices(config, inputs["cohort"], job.fraction or 1.0, job.draw)
    images, labels = [subset.images], [subset.labels]
    for kind in ARMS[job.what].copies:
        copies = (subset.images, subset.labels)
        if kind != "original":
            made = augmentation.pairs(inputs[kind])
            copies = (torch.from_numpy(np.array(made[0])), torch.from_numpy(np.array(made[1])))
        images.append(copies[0])
        labels.append(copies[1])
    make = Redrawn if ARMS[job.what].redrawn else Pairs
    return make(torch.cat(images), torch.cat(labels))


def epochs(arm: str, profile_epochs: int, equal_steps: bool) -> int:
    """Passes of an arm over its slices; with equal_steps, as many steps as the largest arm.

    Passes are rounded to whole ones, so the steps are equal to within half a pass.

    >>> [epochs(arm, 20, True) for arm in ("original", "gan", "both")]
    [60, 30, 20]
    >>> [epochs(arm, 20, False) for arm in ("original", "both", "both_equal_steps")]
    [20, 20, 7]
    """
    times = LARGEST / (1 + len(ARMS[arm].copies)) if equal_steps else ARMS[arm].passes
    return max(round(profile_epochs * times), 1)


def training_facts(folder: Path) -> dict[str, Any]:
    """What training.json says: steps, best_step, train_dice, validation_dice, converged; {} if the
    job wrote none."""
    path = folder / "training.json"
    return json.loads(path.read_text()) if path.is_file() else {}


def predictions(folder: Path) -> np.ndarray:
    """Label maps of the test slices (N, H, W) uint8, memory-mapped."""
    return np.load(folder / "predictions.npy", mmap_mode="r")


def initialisation(folder: Path) -> str:
    """Which weights the segmenter started from, in a sentence."""
    return (folder / "initialisation.txt").read_text().strip()
