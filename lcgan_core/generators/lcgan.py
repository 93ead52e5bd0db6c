"""Training of the lesion-conditional GAN and synthesis with it (paper 3.1 and 4.2)."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from lcgan_core.generators import jitter
from lcgan_core.models import Discriminator, Generator
from lcgan_core.protocol.profiles import Lcgan
from lcgan_core.seeds import seed_of
from lcgan_core.training import checkpoint, optimizers
from lcgan_core.training.encoding import MASK_CHANNELS, encode_mask, to_image, to_network
from lcgan_core.training.placing import default_generator, device, place, resident, take

IMAGE_CHANNELS = {"rgb": 3, "onehot": 1}
"""Channels of the CT image that goes with a mask encoding: the port takes colour pairs only."""


def generator(settings: Lcgan, size: int) -> Generator:
    """A generator on the device, its weights drawn from torch's global seed."""
    network = Generator(
        MASK_CHANNELS[settings.mask_encoding],
        IMAGE_CHANNELS[settings.mask_encoding],
        width=settings.width,
        size=size,
        bottleneck_norm=settings.bottleneck_norm,
    )
    return place(network, settings.precision)


def jittered(settings: Lcgan, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Masks and images as the networks take them, jittered by the same geometry."""
    grey = to_network(images, 1)
    drawn = jitter.sample(len(grey), grey.shape[-1], default_generator())
    grey, labels = jitter.apply(grey, labels, drawn)
    real = grey.expand(-1, IMAGE_CHANNELS[settings.mask_encoding], -1, -1)
    real = real.contiguous(memory_format=torch.channels_last)
    return encode_mask(labels, settings.mask_encoding), real


class LcganTask:
    """Generator and discriminator; one step trains D, then G against the updated D.

    `images` (N, H, W) uint8 windowed slices, `labels` (N, H, W) uint8.
    """

    smaller = "lcgan_batch, lcgan_width or image_size"

    def __init__(self, settings: Lcgan, images: Tensor, labels: Tensor, seed: int):
        self.settings = settings
        self.images, self.labels = resident(images), resident(labels)
        torch.manual_seed(seed_of(seed, "weights"))
        self.G = generator(settings, images.shape[-1])
        encoding = settings.mask_encoding
        channels = MASK_CHANNELS[encoding] + IMAGE_CHANNELS[encoding]
        self.D = place(Discriminator(channels, settings.width), settings.precision)
        self.modules = {"generator": self.G, "discriminator": self.D}
        self.optimizers = {
            f"{name} adam": optimizers.Adam(
                [{"params": network.parameters()}], lr=settings.learning_rate, betas=(0.5, 0.999)
            )
            for name, network in self.modules.items()
        }

    def step(self, batch: Tensor) -> dict[str, Tensor]:
        """Non-saturating GAN losses plus weighted L1, none halved (decisions 3 to 5)."""
        mask, real = jittered(self.settings, take(self.images, batch), take(self.labels, batch))
        fake = self.G(mask)

        self.D.requires_grad_(True)
        adam = self.optimizers["discriminator adam"]
        adam.zero_grad()
        on_real, on_fake = self.D(mask, real), self.D(mask, fake.detach())
        d_loss = F.softplus(-on_real).mean() + F.softplus(on_fake).mean()
        d_loss.backward()
        adam.step()

        self.D.requires_grad_(False)  # D's own gradients are not needed in G's step
        adam = self.optimizers["generator adam"]
        adam.zero_grad()
        gan = F.softplus(-self.D(mask, fake)).mean()
        l1 = F.l1_loss(fake, real)
        (gan + self.settings.l1_weight * l1).backward()
        adam.step()
        return {"discriminator": d_loss, "generator": gan, "L1": l1}


@torch.no_grad()
def synthesise(network: Generator, settings: Lcgan, labels: Tensor, seed: int) -> Tensor:
    """One synthetic slice for each mask: `labels` (N, H, W) uint8 -> (N, H, W) uint8 on the CPU.

    Batch statistics over `synthesis_batch` masks, dropout noise unless `synthesis_noise` is off;
    the noise of a batch follows from (seed, its first mask's number) only.
    """
    in_training, network.noise = network.noise, settings.synthesis_noise
    images = []
    for start in range(0, len(labels), settings.synthesis_batch):
        torch.manual_seed(seed_of(seed, "synthesis", start))
        mask = encode_mask(
            labels[start : start + settings.synthesis_batch].to(device()), settings.mask_encoding
        )
        images.append(to_image(network(mask)))
    network.noise = in_training
    return torch.cat(images).cpu()


def load_generator(path: Path, settings: Lcgan, size: int) -> Generator:
    """The generator of a snapshot file."""
    network = generator(settings, size)
    checkpoint.load(path, {"generator": network})
    return network
