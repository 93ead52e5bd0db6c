"""Stage 5 without stage 4: a generator paints the copies while the segmenter trains on them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from lcgan_core.generators.base import generator
from lcgan_core.protocol.arms import ARMS
from lcgan_core.protocol.config import Config
from lcgan_core.run.plan import Job
from lcgan_core.seeds import seed_of, seed_of_draw
from lcgan_core.segmenters.base import segmenter
from lcgan_core.segmenters.training import train
from lcgan_core.stages import cohort, selection
from lcgan_core.training.pairs import Pairs

Paint = Callable[[Tensor, int], Tensor]
"""Labels (N, H, W) uint8 on the CPU and a seed -> images (N, H, W) uint8 on the CPU."""


class Painted(Pairs):
    """N slices twice; those of the second half are painted anew around their masks at each step.

    The noise follows from the step's random numbers, of which painting uses one: an interrupted
    training ends like an uninterrupted one, and what a painter draws changes nothing else.
    """

    def __init__(self, images: Tensor, labels: Tensor, paint: Paint) -> None:
        super().__init__(torch.cat([images, images]), torch.cat([labels, labels]))
        self.paint = paint

    def __getitem__(self, batch: Tensor) -> tuple[Tensor, Tensor]:
        images, labels = super().__getitem__(batch)
        copies = torch.nonzero(batch >= len(self) // 2)[:, 0].to(images.device)
        seed = int(torch.randint(2**62, (1,)))
        if len(copies):
            with torch.random.fork_rng():
                made = self.paint(labels[copies].cpu(), seed)
            images = images.index_copy(0, copies, made.to(images.device))
        return images, labels


def segment(config: Config, job: Job, inputs: Mapping[str, Path], work: Path) -> None:
    """Train a segmenter on the subset and copies that last one step; segment the test patients."""
    heads, of = inputs["cohort"], (job.fraction or 1.0, job.draw)
    subset = cohort.training_slices(config, heads, *of)
    validation = cohort.validation_slices(config, heads, *of)
    painter = generator(ARMS[job.what].online, config, subset.size, len(subset.classes))
    chosen = selection.candidate(inputs["selection"], "chosen")
    pairs = Painted(
        subset.images,
        subset.labels,
        lambda labels, seed: painter.paint(inputs["training"], chosen, labels, seed),
    )
    method = segmenter(job.segmenter or "", config, len(subset.classes))
    seed = seed_of(seed_of_draw(config.seed, job.draw), "segmentation", job.fraction)
    schedule = method.schedule(job.fraction or 1.0)
    schedule = schedule._replace(steps=round(schedule.steps * config.times(job.what)))
    label = f"{job.segmenter}, {cohort.name_of(*of)}, {job.what}"
    train(method, [pairs], schedule, seed, subset, validation, work, label)
    test = cohort.test_slices(config, heads, job.draw)
    np.save(work / "predictions.npy", method.segment(test.images).numpy())
