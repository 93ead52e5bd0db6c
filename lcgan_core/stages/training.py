"""Stage 2: a generator's candidates from a subset, and the judge (paper 4.2, Fig. 4)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from lcgan_core.generators import base as generators
from lcgan_core.models import Discriminator, FCN8s, Generator
from lcgan_core.protocol.config import Config
from lcgan_core.run import artefacts
from lcgan_core.run.plan import Job
from lcgan_core.seeds import seed_of, seed_of_draw
from lcgan_core.segmenters.base import segmenter
from lcgan_core.segmenters.training import HISTORY, train
from lcgan_core.stages import cohort
from lcgan_core.training.encoding import mask_channels
from lcgan_core.training.pairs import Pairs

CANDIDATES = "candidates.json"


def generator(config: Config, job: Job, inputs: Mapping[str, Path], work: Path) -> None:
    """Train a generator on the slices of a subset and keep its candidates."""
    assert job.fraction is not None
    subset = cohort.training_slices(config, inputs["cohort"], job.fraction, job.draw)
    method = generators.generator(job.what, config, subset.size, len(subset.classes))
    # one seed for all generators: they differ only in the method
    seed = seed_of(seed_of_draw(config.seed, job.draw), "lcgan", job.fraction)
    label = f"{job.what}, {cohort.name_of(job.fraction, job.draw)}"
    kept = method.fit(subset, seed, work, label)
    artefacts.write_text(work / CANDIDATES, json.dumps(list(kept)) + "\n")


def judge(config: Config, job: Job, inputs: Mapping[str, Path], work: Path) -> None:
    """Train a segmenter on all training patients: it will score synthetic slices."""
    assert job.fraction is not None
    subset = cohort.training_slices(config, inputs["cohort"], job.fraction, job.draw)
    validation = cohort.validation_slices(config, inputs["cohort"], job.fraction, job.draw)
    method = segmenter(job.segmenter or "", config, len(subset.classes))
    seed = seed_of(seed_of_draw(config.seed, job.draw), "judge", job.fraction)
    phase = Pairs(subset.images, subset.labels)
    label = f"judge {job.segmenter}, {cohort.name_of(job.fraction, job.draw)}"
    schedule = method.schedule(job.fraction)
    train(method, [phase], schedule, seed, subset, validation, work, label)


def candidates(folder: Path) -> list[int]:
    """The candidates of a finished generator: after how many epochs each was kept."""
    return json.loads((folder / CANDIDATES).read_text())


def history(folder: Path) -> pd.DataFrame:
    """Mean losses of a finished training, one row per epoch, or per check of a segmenter."""
    return pd.read_csv(folder / HISTORY)


def samples(folder: Path) -> dict[int, np.ndarray]:
    """Slices that LcGAN painted for a few masks, by epoch: (k, H, W) uint8."""
    files = folder.glob("samples-*.npy")
    return dict(sorted((int(file.stem.split("-")[1]), np.load(file)) for file in files))


def parameter_table(config: Config, classes: int = 5) -> pd.DataFrame:
    """Trainable parameters of the paper's networks, in this profile and at the paper's size."""
    lcgan, fcn = config.lcgan, config.segmentation
    with torch.device("meta"):
        mask = mask_channels(lcgan.mask_encoding, classes)
        image = 3 if lcgan.mask_encoding == "rgb" else 1
        networks = {
            "generator": (Generator(mask, image, lcgan.width, config.image_size), Generator(3, 3)),
            "discriminator": (Discriminator(mask + image, lcgan.width), Discriminator(6)),
            "FCN-8s": (FCN8s(classes + 1, fcn.width, fcn.border, fcn.batch_norm), FCN8s()),
        }
    counts = {
        name: [sum(p.numel() for p in net.parameters() if p.requires_grad) for net in pair]
        for name, pair in networks.items()
    }
    return pd.DataFrame(counts, index=["this profile", "paper"]).T
