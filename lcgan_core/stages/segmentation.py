"""Stage 5: one FCN-8s for an arm and a fraction, scored on the test patients (paper 4.1)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from lcgan_core import metrics, runs
from lcgan_core.loops import checkpoint
from lcgan_core.loops.engine import clean, fit, seed_of
from lcgan_core.loops.segmentation import SegmentationTask, segment
from lcgan_core.plan import Job
from lcgan_core.profiles import Config
from lcgan_core.stages import augmentation, cohort

COPIES = {
    "original": (),
    "gan": ("gan",),
    "traditional": ("traditional",),
    "both": ("gan", "traditional"),
}
"""What an arm adds to the original slices."""


@dataclass(frozen=True)
class Segmentation:
    """A trained arm: loss history, and pixel counts (test slices, 5) behind every metric."""

    folder: Path
    history: pd.DataFrame
    overlap: metrics.Overlap
    initialisation: str

    def predictions(self) -> np.ndarray:
        """Label maps of the test slices, (N, H, W) uint8, memory-mapped."""
        return np.load(self.folder / "predictions.npy", mmap_mode="r")


def run(config: Config, fraction: float, arm: str) -> Segmentation:
    """Train and test FCN-8s on the subset plus what `arm` adds, unless that is done already."""
    folder = runs.ensure(
        config,
        Job("segmentation", fraction, arm),
        lambda work: _segment(config, fraction, arm, work),
    )
    counts = np.load(folder / "overlap.npz")
    return Segmentation(
        folder,
        pd.read_csv(folder / "history.csv"),
        metrics.Overlap(**counts),
        (folder / "initialisation.txt").read_text().strip(),
    )


def arm_slices(config: Config, fraction: float, arm: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Training images and labels of an arm: the N originals, then its copies."""
    subset = cohort.training_slices(config, fraction)
    images, labels = [subset.images], [subset.labels]
    for kind in COPIES[arm]:
        copies = augmentation.run(config, fraction).pairs(kind)
        images.append(torch.from_numpy(np.array(copies[0])))
        labels.append(torch.from_numpy(np.array(copies[1])))
    return torch.cat(images), torch.cat(labels)


def _segment(config: Config, fraction: float, arm: str, work: Path) -> None:
    images, labels = arm_slices(config, fraction, arm)
    # the arms of a fraction share their seed: they differ in their data, not in their luck
    seed = seed_of(config.seed, "segmentation", fraction)
    task = SegmentationTask(config.segmentation, images, labels, seed)
    history = fit(
        task,
        len(images),
        epochs=config.segmentation.epochs,
        batch=config.segmentation.batch,
        seed=seed,
        work=work,
        label=f"FCN-8s, {fraction:.4g} of the patients, {arm}",
    )
    test = cohort.test_slices(config)
    prediction = segment(task.fcn, test.images)
    overlap = metrics.overlap(prediction.numpy(), test.labels.numpy())
    np.savez_compressed(
        work / "overlap.npz",
        intersection=overlap.intersection,
        predicted=overlap.predicted,
        truth=overlap.truth,
    )
    np.save(work / "predictions.npy", prediction.numpy())
    history.to_csv(work / "history.csv", index=False)
    runs.write_text(work / "initialisation.txt", task.initialisation + "\n")
    checkpoint.save(work / "fcn.safetensors", task.modules, {}, {})
    clean(work)
