"""Training of the generator alone, by L1: the control that tells what the discriminator adds."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from lcgan_core.generators.lcgan import generator, jittered
from lcgan_core.protocol.profiles import Lcgan
from lcgan_core.seeds import seed_of
from lcgan_core.training import optimizers
from lcgan_core.training.placing import resident, take


class L1OnlyTask:
    """LcganTask without its discriminator: same first weights, order, jitter and L1 weight.

    `images` (N, H, W) uint8 windowed slices, `labels` (N, H, W) uint8.
    """

    smaller = "lcgan_batch, lcgan_width or image_size"

    def __init__(self, settings: Lcgan, images: Tensor, labels: Tensor, seed: int):
        self.settings = settings
        self.images, self.labels = resident(images), resident(labels)
        torch.manual_seed(seed_of(seed, "weights"))
        self.G = generator(settings, images.shape[-1])
        self.modules = {"generator": self.G}
        adam = optimizers.Adam(
            [{"params": self.G.parameters()}], lr=settings.learning_rate, betas=(0.5, 0.999)
        )
        self.optimizers = {"generator adam": adam}

    def step(self, batch: Tensor) -> dict[str, Tensor]:
        """Weighted L1 between painted and real slice."""
        mask, real = jittered(self.settings, take(self.images, batch), take(self.labels, batch))
        l1 = F.l1_loss(self.G(mask), real)
        self.optimizers["generator adam"].zero_grad()
        (self.settings.l1_weight * l1).backward()
        self.optimizers["generator adam"].step()
        return {"L1": l1}
