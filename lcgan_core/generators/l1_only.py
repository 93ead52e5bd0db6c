"""LcGAN without its discriminator: the control that shows what the discriminator adds."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from lcgan_core.cohort.slices import Slices
from lcgan_core.generators.lcgan import LcGan, generator, jittered
from lcgan_core.protocol.config import Lcgan
from lcgan_core.seeds import seed_of
from lcgan_core.training.placing import resident, take


class L1Only(LcGan):
    """Like LcGan, but the U-Net is trained by L1 alone."""

    def task(self, slices: Slices, seed: int) -> L1OnlyTask:  # type: ignore[override]
        """The training of a new network on `slices`."""
        return L1OnlyTask(self.settings, slices.images, slices.labels, seed, self.classes)


class L1OnlyTask:
    """LcganTask without its discriminator: same first weights, order, jitter and L1 weight.

    `images` (N, H, W) uint8 windowed slices, `labels` (N, H, W) uint8 0..`classes`.
    """

    smaller = "lcgan_batch, lcgan_width or image_size"

    def __init__(
        self, settings: Lcgan, images: Tensor, labels: Tensor, seed: int, classes: int = 5
    ):
        self.settings, self.classes = settings, classes
        self.images, self.labels = resident(images), resident(labels)
        torch.manual_seed(seed_of(seed, "weights"))
        self.G = generator(settings, images.shape[-1], classes)
        self.modules = {"generator": self.G}
        adam = torch.optim.Adam(
            self.G.parameters(), lr=settings.learning_rate, betas=(0.5, 0.999), fused=True
        )
        self.optimizers = {"generator adam": adam}

    def step(self, batch: Tensor) -> dict[str, Tensor]:
        """Weighted L1 between painted and real slice."""
        images, labels = take(self.images, batch), take(self.labels, batch)
        mask, real = jittered(self.settings, images, labels, self.classes)
        l1 = F.l1_loss(self.G(mask), real)
        self.optimizers["generator adam"].zero_grad()
        (self.settings.l1_weight * l1).backward()
        self.optimizers["generator adam"].step()
        return {"L1": l1}
