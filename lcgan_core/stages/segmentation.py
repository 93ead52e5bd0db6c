"""Stage 5: one segmenter for an arm and a fraction, and its predictions (paper 4.1)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

from lcgan_core.cohort.slices import Slices
from lcgan_core.protocol.arms import ARMS
from lcgan_core.protocol.config import Config
from lcgan_core.run.plan import Job
from lcgan_core.seeds import seed_of, seed_of_draw
from lcgan_core.segmenters.base import Segmenter, segmenter
from lcgan_core.segmenters.training import train
from lcgan_core.stages import augmentation, cohort
from lcgan_core.training.pairs import Pairs, Redrawn


def segment(config: Config, job: Job, inputs: Mapping[str, Path], work: Path) -> None:
    """Train a segmenter on the subset and what the arm adds; segment the test patients."""
    method = trained(config, job, inputs, work)
    test = cohort.test_slices(config, inputs["cohort"], job.draw)
    np.save(work / "predictions.npy", method.segment(test.images).numpy())


def trained(config: Config, job: Job, inputs: Mapping[str, Path], work: Path) -> Segmenter:
    """A job's segmenter after its training, of which `work` keeps the state and the facts."""
    heads, of = inputs["cohort"], (job.fraction or 1.0, job.draw)
    subset = cohort.training_slices(config, heads, *of)
    validation = cohort.validation_slices(config, heads, *of)
    method = segmenter(job.segmenter or "", config, len(subset.classes))
    # the arms of a draw have the same seed: they differ only in their data
    purpose = "segmentation, again" if ARMS[job.what].other_seed else "segmentation"
    seed = seed_of(seed_of_draw(config.seed, job.draw), purpose, job.fraction)
    schedule = method.schedule(job.fraction or 1.0)
    schedule = schedule._replace(steps=round(schedule.steps * config.times(job.what)))
    label = f"{job.segmenter}, {cohort.name_of(*of)}, {job.what}"
    train(
        method, phases(config, job, subset, inputs), schedule, seed, subset, validation, work, label
    )
    return method


def phases(config: Config, job: Job, subset: Slices, inputs: Mapping[str, Path]) -> list[Pairs]:
    """What an arm trains on, one phase after another: usually one, of the N slices of the subset
    and then its copies.

    For an arm with new copies at every step, the copies here are the slices themselves.
    """
    arm = ARMS[job.what]
    images, labels = [subset.images], [subset.labels]
    for kind in arm.copies:
        copies = (subset.images, subset.labels)
        if kind != "original":
            made = augmentation.pairs(inputs[kind])
            copies = (torch.from_numpy(np.array(made[0])), torch.from_numpy(np.array(made[1])))
        images.append(copies[0])
        labels.append(copies[1])
    of_phases = (slice(1, None), slice(1)) if arm.pretrained else (slice(None),)
    parts = [(torch.cat(images[part]), torch.cat(labels[part])) for part in of_phases]
    if arm.redrawn:
        return [Redrawn(*part, config.traditional) for part in parts]
    return [Pairs(*part) for part in parts]


def predictions(folder: Path) -> np.ndarray:
    """Label maps of the test slices (N, H, W) uint8, memory-mapped."""
    return np.load(folder / "predictions.npy", mmap_mode="r")
