"""Stage 2: LcGAN snapshots from an N% subset, and the judge FCN (paper 4.2, Fig. 4)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from lcgan_core.generators.l1_only import L1OnlyTask
from lcgan_core.generators.lcgan import IMAGE_CHANNELS, LcganTask, synthesise
from lcgan_core.models import Discriminator, FCN8s, Generator
from lcgan_core.protocol.profiles import Config
from lcgan_core.run import artefacts
from lcgan_core.run.plan import Job
from lcgan_core.seeds import seed_of, seed_of_draw
from lcgan_core.segmenters.fcn8s import SegmentationTask
from lcgan_core.stages import cohort
from lcgan_core.training import checkpoint
from lcgan_core.training.curves import draw_samples
from lcgan_core.training.encoding import MASK_CHANNELS
from lcgan_core.training.engine import clean, fit

SAMPLES = 6  # masks of the sample grid that shows a training's progress


@dataclass(frozen=True)
class Training:
    """A trained network: its folder, and the mean losses of each epoch."""

    folder: Path
    history: pd.DataFrame

    def snapshot(self, epoch: int) -> Path:
        """File of the generator after `epoch` epochs."""
        return self.folder / f"generator-{epoch}.safetensors"

    @property
    def network(self) -> Path:
        """File of the trained judge."""
        return self.folder / "fcn.safetensors"

    def samples(self) -> dict[int, np.ndarray]:
        """Synthetic slices of the first masks after each snapshot epoch: (k, H, W) uint8."""
        files = self.folder.glob("samples-*.npy")
        return {int(file.stem.split("-")[1]): np.load(file) for file in files}


def run(config: Config, fraction: float, network: str = "lcgan", draw: int = 1) -> Training:
    """Train "lcgan", "l1_only" or "judge" on the N% subset, unless that is done already."""
    compute: dict[str, Callable[[Config, float, int, Path], None]] = {
        "lcgan": partial(_generator, LcganTask),
        "l1_only": partial(_generator, L1OnlyTask),
        "judge": _judge,
    }
    folder = artefacts.ensure(
        config,
        Job("training", fraction, network, draw),
        lambda work: compute[network](config, fraction, draw, work),
    )
    return Training(folder, pd.read_csv(folder / "history.csv"))


def parameter_table(config: Config) -> pd.DataFrame:
    """Trainable parameters of each network, in this profile and at the paper's size."""
    lcgan, fcn = config.lcgan, config.segmentation
    with torch.device("meta"):
        mask, image = MASK_CHANNELS[lcgan.mask_encoding], IMAGE_CHANNELS[lcgan.mask_encoding]
        networks = {
            "generator": (Generator(mask, image, lcgan.width, config.image_size), Generator(3, 3)),
            "discriminator": (Discriminator(mask + image, lcgan.width), Discriminator(6)),
            "FCN-8s": (FCN8s(6, fcn.width, fcn.border, fcn.batch_norm), FCN8s()),
        }
    counts = {
        name: [sum(p.numel() for p in net.parameters() if p.requires_grad) for net in pair]
        for name, pair in networks.items()
    }
    return pd.DataFrame(counts, index=["this profile", "paper"]).T


def _generator(
    make: type[LcganTask] | type[L1OnlyTask],
    config: Config,
    fraction: float,
    draw: int,
    work: Path,
) -> None:
    subset = cohort.training_slices(config, fraction, draw)
    # L1OnlyTask shares the seed: the two differ in the discriminator, not in their luck
    seed = seed_of(seed_of_draw(config.seed, draw), "lcgan", fraction)
    task = make(config.lcgan, subset.images, subset.labels, seed)
    few = sample_masks(subset.labels)

    def keep_snapshot(epoch: int) -> None:
        if epoch in config.lcgan.snapshots:
            path = work / f"generator-{epoch}.safetensors"
            checkpoint.save(path, {"generator": task.G}, {}, {"epoch": epoch})
            images = synthesise(task.G, config.lcgan, subset.labels[few], seed)
            np.save(work / f"samples-{epoch}.npy", images.numpy())
            draw_samples(images.numpy(), work / f"samples-{epoch}.png")

    history = fit(
        task,
        len(subset.images),
        epochs=max(config.lcgan.snapshots),
        batch=config.lcgan.batch,
        seed=seed,
        work=work,
        label=f"{'LcGAN' if make is LcganTask else 'L1 alone'}, {cohort.name_of(fraction, draw)}",
        after_epoch=keep_snapshot,
    )
    history.to_csv(work / "history.csv", index=False)
    clean(work)


def sample_masks(labels: torch.Tensor) -> list[int]:
    """Indices of the masks shown in sample grids: the largest lesions, spread over the subset."""
    area = (labels > 0).flatten(1).sum(1)
    parts = torch.arange(len(labels)).chunk(min(SAMPLES, len(labels)))
    return [int(part[area[part].argmax()]) for part in parts]


def _judge(config: Config, fraction: float, draw: int, work: Path) -> None:
    subset = cohort.training_slices(config, fraction, draw)
    seed = seed_of(seed_of_draw(config.seed, draw), "judge", fraction)
    task = SegmentationTask(config.segmentation, subset.images, subset.labels, seed)
    history = fit(
        task,
        len(subset.images),
        epochs=config.segmentation.epochs,
        batch=config.segmentation.batch,
        falling_rate=config.segmentation.optimizer == "adam",
        seed=seed,
        work=work,
        label=f"judge FCN, {cohort.name_of(fraction, draw)}",
    )
    notes = {"initialisation": task.initialisation}
    checkpoint.save(work / "fcn.safetensors", task.modules, {}, notes)
    history.to_csv(work / "history.csv", index=False)
    clean(work)
