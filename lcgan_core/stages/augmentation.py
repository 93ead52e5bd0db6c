"""Stage 4: copies of every slice of the subset: painted, transformed, pasted (paper 4.2, 4.3)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from lcgan_core.cohort.slices import Slices
from lcgan_core.cohort.windows import to_hu
from lcgan_core.copies import scanner_noise
from lcgan_core.copies.base import Copies, Originals
from lcgan_core.generators.base import generator
from lcgan_core.protocol import methods
from lcgan_core.protocol.config import Config
from lcgan_core.run.plan import Job
from lcgan_core.seeds import seed_of, seed_of_draw
from lcgan_core.stages import cohort, pictures, selection, training
from lcgan_core.training.placing import resident


def paint(config: Config, job: Job, inputs: Mapping[str, Path], work: Path) -> None:
    """Paint a slice for each mask of the subset with a candidate of the kind's generator."""
    subset = cohort.training_slices(config, inputs["cohort"], job.fraction or 1.0, job.draw)
    how = methods.painted(job.what)
    assert how is not None
    method = generator(how.generator, config, subset.size, len(subset.classes))
    seed = selection.painting_seed(config, job)
    if how.number > 1:
        seed = seed_of(seed, how.number)
    one = candidate(how.candidate, inputs, seed_of(seed, "candidate"))
    images = method.paint(inputs["training"], one, subset.labels, seed)
    _save(work, images, subset.labels)
    densities = _densities(config, subset, images)
    densities.to_csv(work / "densities.csv", index_label="lesion", float_format="%.6g")
    if job.draw == 1 and job.what == methods.kind_of(how.generator):
        pictures.synthetic(images, subset, job.fraction or 1.0, work)


def candidate(which: str, inputs: Mapping[str, Path], seed: int) -> int:
    """A candidate of a training: the first, the last, a random one, or the criteria's chosen or
    worst."""
    if which in methods.BY_CRITERIA:
        return selection.candidate(inputs["selection"], which)
    kept = training.candidates(inputs["training"])
    random = int(np.random.default_rng(seed).integers(len(kept)))
    return kept[{"first": 0, "last": -1, "random": random}[which]]


def add_noise(config: Config, job: Job, inputs: Mapping[str, Path], work: Path) -> None:
    """Add to finished copies the noise that they lack beside the real slices of the subset."""
    subset = cohort.training_slices(config, inputs["cohort"], job.fraction or 1.0, job.draw)
    images = torch.from_numpy(np.array(pairs(inputs["copies"])[0]))
    seed = seed_of(seed_of_draw(config.seed, job.draw), job.what, job.fraction)
    made = scanner_noise.add_missing(images, subset.images, torch.Generator().manual_seed(seed))
    _save(work, made, subset.labels)
    rows = {"real": subset.images, "copies": images, "copies with noise": made}
    levels = {name: scanner_noise.deviation(slices) for name, slices in rows.items()}
    pd.Series(levels, name="noise").to_csv(work / "noise.csv", index_label="slices")


def copy(config: Config, job: Job, inputs: Mapping[str, Path], work: Path) -> None:
    """Copy each slice of the subset by a method without a network."""
    subset = cohort.training_slices(config, inputs["cohort"], job.fraction or 1.0, job.draw)
    make: Copies = methods.load(methods.COPIES[job.what])
    seed = seed_of(seed_of_draw(config.seed, job.draw), job.what, job.fraction)
    originals = Originals(
        resident(subset.images),
        resident(subset.labels),
        subset.table,
        lambda: cohort.without_lesion(config, inputs["cohort"], subset.patients).images,
    )
    made = make(originals, torch.Generator().manual_seed(seed), config)
    images, labels = (part.cpu() for part in made)
    _save(work, images, labels)
    if job.what == "traditional" and job.draw == 1:
        from lcgan_core.copies.traditional import sample

        noise = torch.Generator().manual_seed(seed)
        drawn = sample(len(images), noise, config.traditional.transformations)
        pictures.transformed(images, labels, drawn, subset, work)


def pairs(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Images and labels (N, H, W) uint8 of finished copies, in the subset's order."""
    images, labels = (
        np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("images", "labels")
    )
    return images, labels


def _save(work: Path, images: Tensor, labels: Tensor) -> None:
    np.save(work / "images.npy", images.numpy())
    np.save(work / "labels.npy", labels.numpy())


def _densities(config: Config, subset: Slices, painted: Tensor) -> pd.DataFrame:
    """Median HU inside each class of the subset, real and synthetic, and the slices that show it.

    NaN with 0 slices for a class that the subset lacks. `lost` is the proportion of lesion pixels
    that have tissue in the real slice and air in the synthetic one, as where a mask reaches into
    the border that a generator does not see.
    """
    rows = {}
    for name, value in subset.classes.labels.items():
        inside = subset.labels == value
        row: dict[str, float] = {"slices": int(inside.any(2).any(1).sum())}
        for column, pixels in (("real", subset.images), ("synthetic", painted)):
            hu = to_hu(pixels[inside].numpy(), config.window.level, config.window.width)
            row[column] = float(np.median(hu)) if hu.size else float("nan")
        lost = (painted[inside] == 0) & (subset.images[inside] > 0)
        row["lost"] = float(lost.float().mean())
        rows[name] = row
    return pd.DataFrame.from_dict(rows, orient="index")
