"""LcGAN trained on traditional copies too, which did not help the paper (its section 5)."""

from __future__ import annotations

import torch

from lcgan_core.cohort.slices import Slices
from lcgan_core.copies import traditional
from lcgan_core.generators.lcgan import LcGan, LcganTask
from lcgan_core.protocol.config import Config
from lcgan_core.seeds import seed_of
from lcgan_core.training.placing import resident


class LcGanAugmented(LcGan):
    """Like LcGan, but each epoch also passes over one traditional copy of every slice."""

    def __init__(self, config: Config, size: int, classes: int) -> None:
        super().__init__(config, size, classes)
        self.traditional = config.traditional

    def task(self, slices: Slices, seed: int) -> LcganTask:
        """The training of a new network on `slices` and their copies."""
        noise = torch.Generator().manual_seed(seed_of(seed, "traditional"))
        chosen = traditional.sample(len(slices.images), noise, self.traditional.transformations)
        made = traditional.transformed(
            resident(slices.images), resident(slices.labels), chosen, self.traditional.contrast
        )
        images, labels = (
            torch.cat([given, copies.cpu()])
            for given, copies in zip((slices.images, slices.labels), made, strict=True)
        )
        return LcganTask(self.settings, images, labels, seed, self.classes)
