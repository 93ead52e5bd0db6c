"""Stage 4: one synthetic and one traditional copy of every slice of the subset (paper 4.2, 4.3)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from lcgan_core import runs
from lcgan_core.labels import LABELS
from lcgan_core.loops.engine import seed_of
from lcgan_core.loops.lcgan import load_generator, synthesise
from lcgan_core.plan import Job
from lcgan_core.profiles import Config
from lcgan_core.stages import cohort, selection, training
from lcgan_core.transforms import traditional
from lcgan_core.transforms.windows import to_hu

BATCH = 256  # images transformed at once


@dataclass(frozen=True)
class Augmentation:
    """Copies of the subset's N slices: image and label arrays (N, H, W) uint8, memory-mapped."""

    folder: Path

    def pairs(self, kind: str) -> tuple[np.ndarray, np.ndarray]:
        """Images and labels of kind "gan" or "traditional", in the order of the subset."""
        return (
            np.load(self.folder / f"{kind}-images.npy", mmap_mode="r"),
            np.load(self.folder / f"{kind}-labels.npy", mmap_mode="r"),
        )


def run(config: Config, fraction: float) -> Augmentation:
    """Write the copies of the N% subset, unless that is done already."""
    folder = runs.ensure(
        config, Job("augmentation", fraction), lambda work: _augment(config, fraction, work)
    )
    return Augmentation(folder)


def _augment(config: Config, fraction: float, work: Path) -> None:
    subset = cohort.training_slices(config, fraction)
    epoch = selection.run(config, fraction).epoch
    network = load_generator(
        training.run(config, fraction).snapshot(epoch), config.lcgan, config.image_size
    )
    # the seed under which selection judged this generator, so that these are the judged images
    seed = seed_of(config.seed, "synthetic", fraction)
    synthetic = synthesise(network, config.lcgan, subset.labels, seed)
    _save(work, "gan", synthetic, subset.labels)

    noise = torch.Generator().manual_seed(seed_of(config.seed, "traditional", fraction))
    copies = traditional.sample(len(subset.images), noise)
    parts = [
        traditional.apply(subset.images[part], subset.labels[part], copies[part])
        for part in torch.arange(len(subset.images)).split(BATCH)
    ]
    images, labels = (torch.cat(tensors) for tensors in zip(*parts, strict=True))
    _save(work, "traditional", images, labels)


def _save(work: Path, kind: str, images: Tensor, labels: Tensor) -> None:
    np.save(work / f"{kind}-images.npy", images.numpy())
    np.save(work / f"{kind}-labels.npy", labels.numpy())


def lesion_densities(config: Config, fraction: float) -> pd.DataFrame:
    """Median HU inside each haemorrhage type of the subset: real slices and their GAN copies."""
    subset = cohort.training_slices(config, fraction)
    images, labels = run(config, fraction).pairs("gan")
    columns = {"real": subset.images.numpy(), "synthetic": images}
    rows = {
        name: {
            column: np.median(to_hu(pixels[labels == value], **config.window.model_dump()))
            for column, pixels in columns.items()
        }
        for name, value in LABELS.items()
        if (labels == value).any()
    }
    return pd.DataFrame(rows).T
