"""LcGAN without its discriminator: the control that shows what the discriminator adds."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from lcgan_core.cohort.slices import Slices
from lcgan_core.generators.lcgan import LcGan, LcganTask, generator, jittered
from lcgan_core.training.placing import take


class L1Only(LcGan):
    """Like LcGan, but the U-Net is trained by L1 alone."""

    def task(self, slices: Slices, seed: int) -> L1OnlyTask:
        """The training of a new network on `slices`."""
        return L1OnlyTask(self.settings, slices.images, slices.labels, seed, self.classes)


class L1OnlyTask(LcganTask):
    """LcganTask without its discriminator: same first weights, order, jitter and L1 weight."""

    def networks(self, size: int) -> dict[str, nn.Module]:
        """A new U-Net for size x size pixels."""
        return {"generator": generator(self.settings, size, self.classes)}

    def step(self, batch: Tensor) -> dict[str, Tensor]:
        """Weighted L1 between painted and real slice."""
        images, labels = take(self.images, batch), take(self.labels, batch)
        mask, real = jittered(self.settings, images, labels, self.classes)
        l1 = F.l1_loss(self.G(mask), real)
        self.optimizers["generator adam"].zero_grad()
        (self.settings.l1_weight * l1).backward()
        self.optimizers["generator adam"].step()
        return {"L1": l1}
