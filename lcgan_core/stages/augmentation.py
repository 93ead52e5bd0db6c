"""Stage 4: copies of every slice of the subset: painted, transformed, pasted (paper 4.2, 4.3)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from lcgan_core.cohort.windows import to_hu
from lcgan_core.copies import copy_paste, traditional
from lcgan_core.generators.lcgan import load_generator, synthesise
from lcgan_core.lesions import LABELS
from lcgan_core.protocol.profiles import Config
from lcgan_core.run import artefacts
from lcgan_core.run.plan import GENERATORS, SHOWN_COPIES, Job
from lcgan_core.seeds import seed_of, seed_of_draw
from lcgan_core.stages import cohort, selection, training
from lcgan_core.training.placing import resident


@dataclass(frozen=True)
class Augmentation:
    """Copies of the subset's N slices: image and label arrays (N, H, W) uint8, memory-mapped."""

    config: Config
    fraction: float
    draw: int = 1

    @property
    def folder(self) -> Path:
        """The folder of all copies."""
        return artefacts.folder(self.config, Job("augmentation", self.fraction, "gan")).parent

    def pairs(self, kind: str) -> tuple[np.ndarray, np.ndarray]:
        """Images and labels of a kind of copy, in the order of the subset; made where missing.

        Kinds: gan and traditional as in the paper; for the controls l1_only, traditional2 and
        copy_paste.
        """
        make = _paint if kind in GENERATORS else partial(_transform, COPIERS[kind])
        folder = artefacts.ensure(
            self.config,
            Job("augmentation", self.fraction, kind, self.draw),
            lambda work: _save(work, *make(self.config, self.fraction, self.draw, kind)),
        )
        return (
            np.load(folder / "images.npy", mmap_mode="r"),
            np.load(folder / "labels.npy", mmap_mode="r"),
        )


def run(config: Config, fraction: float, draw: int = 1) -> Augmentation:
    """Write the paper's two copies of the N% subset, unless that is done already."""
    made = Augmentation(config, fraction, draw)
    for kind in SHOWN_COPIES:
        made.pairs(kind)
    return made


def _paint(config: Config, fraction: float, draw: int, kind: str) -> tuple[Tensor, Tensor]:
    """Each mask painted by the generator of the chosen epoch, trained with or without D."""
    labels = cohort.training_slices(config, fraction, draw).labels
    epoch = selection.run(config, fraction, draw).epoch
    network = load_generator(
        training.run(config, fraction, GENERATORS[kind], draw).snapshot(epoch),
        config.lcgan,
        config.image_size,
    )
    # the seed under which selection judged this generator, so that these are the judged images
    seed = seed_of(seed_of_draw(config.seed, draw), "synthetic", fraction)
    return synthesise(network, config.lcgan, labels, seed), labels


def _transform(
    copy: Callable, config: Config, fraction: float, draw: int, kind: str
) -> tuple[Tensor, Tensor]:
    subset = cohort.training_slices(config, fraction, draw)
    seed = seed_of(seed_of_draw(config.seed, draw), kind, fraction)
    noise = torch.Generator().manual_seed(seed)
    return copy(subset.images, subset.labels, noise)


def _transformed(images: Tensor, labels: Tensor, noise: torch.Generator) -> tuple[Tensor, Tensor]:
    moved, moved_labels = traditional.copies(resident(images), resident(labels), noise)
    return moved.cpu(), moved_labels.cpu()


def _pasted(images: Tensor, labels: Tensor, noise: torch.Generator) -> tuple[Tensor, Tensor]:
    return copy_paste.apply(images, labels, copy_paste.sample(labels, noise))


COPIERS = {
    "traditional": _transformed,
    "traditional2": _transformed,
    "copy_paste": _pasted,
}
"""Kinds of copy that no network paints; each kind draws its own random numbers."""


def _save(work: Path, images: Tensor, labels: Tensor) -> None:
    np.save(work / "images.npy", images.numpy())
    np.save(work / "labels.npy", labels.numpy())


def lesion_densities(config: Config, fraction: float, draw: int = 1) -> pd.DataFrame:
    """Median HU inside each haemorrhage type of the subset, real and synthetic, and its slices.

    NaN with 0 slices for a type that the subset lacks.
    """
    subset = cohort.training_slices(config, fraction, draw)
    images, labels = run(config, fraction, draw).pairs("gan")
    rows = {}
    for name, value in LABELS.items():
        inside = labels == value
        row: dict[str, float] = {"slices": int(inside.any((1, 2)).sum())}
        for column, pixels in (("real", subset.images.numpy()), ("synthetic", images)):
            hu = to_hu(pixels[inside], **config.window.model_dump())
            row[column] = float(np.median(hu)) if hu.size else float("nan")
        rows[name] = row
    return pd.DataFrame.from_dict(rows, orient="index")
