"""A lesion painted into another patient's real slice: anatomy stays, only what must change is new.

    condition   (N, C, S, S)   the mask as LcGAN takes it; the slice, 0 where it is to be painted;
                               and where that is, 0 or 1

Networks, losses and training are LcGAN's, so that the condition makes the difference. What is
painted is the lesion with a margin, and as much of another slice's lesion, where healthy tissue is
to be painted: so a recipient's own lesions can be taken out, and its label is the mask alone.
L1 is the mean over what is painted; elsewhere the slice is its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lcgan_core.cohort.slices import Slices
from lcgan_core.generators import jitter, recipients, scale, snapshots
from lcgan_core.generators.jitter import Jitter
from lcgan_core.generators.lcgan import IMAGE_CHANNELS, LcganTask, sample_masks
from lcgan_core.generators.recipients import Heads
from lcgan_core.models import Discriminator, Generator
from lcgan_core.protocol.config import Config, Lcgan
from lcgan_core.seeds import seed_of
from lcgan_core.training import checkpoint
from lcgan_core.training.encoding import encode_mask, mask_channels, to_image, to_network
from lcgan_core.training.placing import default_generator, device, place, take

MARGIN = 32
"""Around a lesion a 32nd of the side is painted too: 4 of 128 pixels."""
EMPTY = 1e-6
"""In place of the painted proportion of a batch where the jitter has cut every lesion off."""


class Inpaint:
    """Snapshots of one training, under the profile's `lcgan`."""

    def __init__(self, config: Config, size: int, classes: int) -> None:
        self.settings, self.size, self.classes = config.lcgan, size, classes

    def fit(self, slices: Slices, seed: int, work: Path, label: str) -> Sequence[int]:
        """Train, and keep the slices to paint into; see `base.Generator.fit`.

        UserError if they are one patient's.
        """
        heads = Heads.of(slices.images, slices.labels, slices.patients)
        heads.save(work)
        task = InpaintTask(self.settings, slices.images, slices.labels, seed, self.classes)
        few = slices.labels[sample_masks(slices.labels)]
        return snapshots.train_generator(
            task, task.G,
            lambda: paint_into(task.G, self.settings, heads, few, seed, self.classes),
            len(slices.images), self.settings.batch, self.settings.snapshots, seed, work, label,
        )  # fmt: skip

    def paint(self, folder: Path, candidate: int, labels: Tensor, seed: int) -> Tensor:
        """Paint each mask into a slice that `recipients` chooses; see `base.Generator.paint`."""
        network = generator(self.settings, self.size, self.classes)
        checkpoint.load(snapshots.file(folder, candidate), {"generator": network})
        return paint_into(network, self.settings, Heads.load(folder), labels, seed, self.classes)


class InpaintTask(LcganTask):
    """LcganTask whose generator sees, and keeps, the slice around what it paints."""

    def networks(self, size: int) -> dict[str, nn.Module]:
        """New networks for size x size pixels, which take the condition in place of the mask."""
        channels = condition_channels(self.settings, self.classes)
        channels += IMAGE_CHANNELS[self.settings.mask_encoding]
        return {
            "generator": generator(self.settings, size, self.classes),
            "discriminator": place(
                Discriminator(channels, self.settings.width), self.settings.precision
            ),
        }

    def step(self, batch: Tensor) -> dict[str, Tensor]:
        """LcGAN's losses, with L1 over what is painted."""
        images, labels = take(self.images, batch), take(self.labels, batch)
        others = take(self.labels, torch.randint(len(self.labels), (len(batch),)))
        drawn = jitter.sample(len(batch), images.shape[-1], default_generator())
        given, real = condition(self.settings, images, labels, others, drawn, self.classes)
        real = real.expand(-1, IMAGE_CHANNELS[self.settings.mask_encoding], -1, -1)
        hole, discriminator = given[:, -1:], self.modules["discriminator"]
        fake = torch.where(hole > 0, self.G(given), real)

        discriminator.requires_grad_(True)
        adam = self.optimizers["discriminator adam"]
        adam.zero_grad()
        on_real, on_fake = discriminator(given, real), discriminator(given, fake.detach())
        d_loss = F.softplus(-on_real).mean() + F.softplus(on_fake).mean()
        d_loss.backward()
        adam.step()

        discriminator.requires_grad_(False)  # its own gradients are not needed in G's step
        adam = self.optimizers["generator adam"]
        adam.zero_grad()
        gan = F.softplus(-discriminator(given, fake)).mean()
        l1 = F.l1_loss(fake, real) / hole.mean().clip(EMPTY)
        (gan + self.settings.l1_weight * l1).backward()
        adam.step()
        return {"discriminator": d_loss, "generator": gan, "L1": l1}


def condition_channels(settings: Lcgan, classes: int) -> int:
    """Channels of a condition: the mask's, the slice, and where it is to be painted."""
    return mask_channels(settings.mask_encoding, classes) + 2


def generator(settings: Lcgan, size: int, classes: int) -> Generator:
    """LcGAN's U-Net for a condition, on the device, weights sampled with torch's global seed."""
    network = Generator(
        condition_channels(settings, classes),
        IMAGE_CHANNELS[settings.mask_encoding],
        width=settings.width,
        size=size,
        bottleneck_norm=settings.bottleneck_norm,
    )
    return place(network, settings.precision)


def condition(
    settings: Lcgan, images: Tensor, labels: Tensor, healthy: Tensor, drawn: Jitter, classes: int
) -> tuple[Tensor, Tensor]:
    """Conditions, and the whole slices (N, 1, S, S) in [-1, 1], jittered alike.

    `images`, `labels` and `healthy` (N, S, S) uint8; where `healthy` has a lesion and `labels` has
    none, healthy tissue is to be painted.
    """
    whole, healthy = jitter.apply(to_network(images, 1), healthy, drawn)
    _, labels = jitter.apply(to_network(images, 1), labels, drawn)
    hole = painted_area(labels, healthy)[:, None].float()
    mask = encode_mask(labels, settings.mask_encoding, classes)
    given = torch.cat([mask, whole * (1 - hole), hole], 1)
    return given.contiguous(memory_format=torch.channels_last), whole


def painted_area(labels: Tensor, healthy: Tensor) -> Tensor:
    """(N, S, S) bool: the lesions of both, each with a margin.

    >>> labels = torch.zeros(1, 32, 32)
    >>> labels[0, 0, 0] = 2
    >>> int(painted_area(labels, torch.zeros_like(labels)).sum())
    4
    """
    margin = labels.shape[-1] // MARGIN
    lesions = ((labels > 0) | (healthy > 0)).float()[:, None]
    return F.max_pool2d(lesions, 2 * margin + 1, 1, margin)[:, 0] > 0


@torch.no_grad()
def paint_into(
    network: Generator, settings: Lcgan, heads: Heads, labels: Tensor, seed: int, classes: int
) -> Tensor:
    """Each mask's lesions in a slice that is chosen for it: `labels` (N, H, W) uint8 -> (N, H, W)
    uint8 on the CPU.

    Batches and noise are those of `lcgan.synthesise`.
    """
    chance = torch.Generator().manual_seed(seed_of(seed, "recipients"))
    taken = recipients.choose(labels > 0, heads, chance)
    in_training, network.noise = network.noise, settings.synthesis_noise
    images = []
    for start in range(0, len(labels), settings.synthesis_batch):
        torch.manual_seed(seed_of(seed, "synthesis", start))
        part = slice(start, start + settings.synthesis_batch)
        some = (heads.images[taken[part]], labels[part], heads.labels[taken[part]])
        images.append(inpainted(network, settings, *some, classes).cpu())
    network.noise = in_training
    return torch.cat(images)


def inpainted(
    network: Generator, settings: Lcgan, images: Tensor, labels: Tensor, theirs: Tensor,
    classes: int,
) -> Tensor:  # fmt: skip
    """Slices (N, S, S) uint8 with the lesions of `labels` in place of their own, `theirs`.

    The network sees them enlarged, as in training. What lies too far out for it to see stays as it
    is.
    """
    images, labels, theirs = (part.to(device()) for part in (images, labels, theirs))
    size = images.shape[-1]
    start = torch.full((len(images),), (jitter.enlarged(size) - size) // 2)
    centre = Jitter(start, start, torch.zeros(len(images), dtype=torch.bool))
    given, whole = condition(settings, images, labels, theirs, centre, classes)
    painted = to_image(scale.reduce(network(given)))
    seen = scale.reduce(torch.ones_like(whole))[:, 0] > 0
    return torch.where(painted_area(labels, theirs) & seen, painted, images)
