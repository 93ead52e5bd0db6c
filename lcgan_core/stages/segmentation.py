"""Stage 5: one FCN-8s for an arm and a fraction, scored on the test patients (paper 4.1)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from lcgan_core import metrics
from lcgan_core.protocol.arms import ARMS
from lcgan_core.protocol.profiles import Config
from lcgan_core.run import artefacts
from lcgan_core.run.plan import Job
from lcgan_core.seeds import seed_of, seed_of_draw
from lcgan_core.segmenters.fcn8s import RedrawnTask, SegmentationTask, segment
from lcgan_core.stages import augmentation, cohort
from lcgan_core.training import checkpoint
from lcgan_core.training.engine import clean, fit


@dataclass(frozen=True)
class Segmentation:
    """A trained arm: loss history, and pixel counts (test slices, 5) behind every metric."""

    folder: Path
    history: pd.DataFrame
    overlap: metrics.Overlap
    initialisation: str

    @property
    def network(self) -> Path:
        """File of the trained FCN-8s."""
        return self.folder / "fcn.safetensors"

    def predictions(self) -> np.ndarray:
        """Label maps of the test slices, (N, H, W) uint8, memory-mapped."""
        return np.load(self.folder / "predictions.npy", mmap_mode="r")


def run(config: Config, fraction: float, arm: str, draw: int = 1) -> Segmentation:
    """Train and test FCN-8s on the subset plus what `arm` adds, unless that is done already."""
    folder = artefacts.ensure(
        config,
        Job("segmentation", fraction, arm, draw),
        lambda work: _segment(config, fraction, arm, draw, work),
    )
    counts = np.load(folder / "overlap.npz")
    return Segmentation(
        folder,
        pd.read_csv(folder / "history.csv"),
        metrics.Overlap(**counts),
        (folder / "initialisation.txt").read_text().strip(),
    )


def arm_slices(
    config: Config, fraction: float, arm: str, draw: int = 1
) -> tuple[torch.Tensor, torch.Tensor]:
    """Training images and labels of an arm: the N originals, then its copies.

    The copies of an arm that draws them anew at every step are the originals here.
    """
    subset = cohort.training_slices(config, fraction, draw)
    made = augmentation.Augmentation(config, fraction, draw)
    images, labels = [subset.images], [subset.labels]
    for kind in ARMS[arm].copies:
        copies = (subset.images, subset.labels) if kind == "original" else made.pairs(kind)
        images.append(torch.as_tensor(np.array(copies[0])))
        labels.append(torch.as_tensor(np.array(copies[1])))
    return torch.cat(images), torch.cat(labels)


def epochs(arm: str, profile_epochs: int, equal_steps: bool) -> int:
    """Passes of an arm over its slices; with equal_steps as many steps as the largest arm takes.

    Whole passes: the steps are equal to half a pass.

    >>> [epochs(arm, 20, True) for arm in ("original", "gan", "both")]
    [60, 30, 20]
    >>> [epochs(arm, 20, False) for arm in ("original", "both", "both_equal_steps")]
    [20, 20, 7]
    """
    largest = 1 + max(len(known.copies) for known in ARMS.values())
    times = largest / (1 + len(ARMS[arm].copies)) if equal_steps else ARMS[arm].passes
    return max(round(profile_epochs * times), 1)


def _segment(config: Config, fraction: float, arm: str, draw: int, work: Path) -> None:
    images, labels = arm_slices(config, fraction, arm, draw)
    # the arms of a draw share their seed: they differ in their data, not in their luck
    seed = seed_of(seed_of_draw(config.seed, draw), "segmentation", fraction)
    make = RedrawnTask if ARMS[arm].redrawn else SegmentationTask
    task = make(config.segmentation, images, labels, seed)
    history = fit(
        task,
        len(images),
        epochs=epochs(arm, config.segmentation.epochs, config.equal_steps),
        batch=config.segmentation.batch,
        falling_rate=config.segmentation.optimizer == "adam",
        seed=seed,
        work=work,
        label=f"FCN-8s, {cohort.name_of(fraction, draw)}, {arm}",
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
    artefacts.write_text(work / "initialisation.txt", task.initialisation + "\n")
    checkpoint.save(work / "fcn.safetensors", task.modules, {}, {})
    clean(work)
