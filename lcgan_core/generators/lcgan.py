"""The paper's generator: a U-Net trained against a discriminator of patches (paper 3.1 and 4.2)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lcgan_core.cohort.slices import Slices
from lcgan_core.generators import jitter, scale
from lcgan_core.models import Discriminator, Generator
from lcgan_core.protocol.config import Config, Lcgan
from lcgan_core.seeds import seed_of
from lcgan_core.training import checkpoint
from lcgan_core.training.curves import draw_samples
from lcgan_core.training.encoding import encode_mask, mask_channels, to_image, to_network
from lcgan_core.training.engine import Schedule, clean, fit
from lcgan_core.training.placing import default_generator, device, place, resident, take

IMAGE_CHANNELS = {"rgb": 3, "onehot": 1}
"""Channels of the CT image that goes with a mask encoding: the port accepts only colour images."""
SAMPLES = 6
"""Masks in the sample grid that shows the progress of training."""


class LcGan:
    """Snapshots of one training, kept after the epochs that the profile names."""

    def __init__(self, config: Config, size: int, classes: int) -> None:
        self.settings, self.size, self.classes = config.lcgan, size, classes

    def task(self, slices: Slices, seed: int) -> LcganTask:
        """The training of a new network on `slices`."""
        return LcganTask(self.settings, slices.images, slices.labels, seed, self.classes)

    def fit(self, slices: Slices, seed: int, work: Path, label: str) -> Sequence[int]:
        """Train for as many epochs as the last snapshot has; see `base.Generator.fit`."""
        task = self.task(slices, seed)
        few = sample_masks(slices.labels)

        def keep_snapshot(epoch: int) -> None:
            if epoch in self.settings.snapshots:
                path = work / f"generator-{epoch}.safetensors"
                checkpoint.save(path, {"generator": task.G}, {}, {"epoch": epoch})
                images = synthesise(task.G, self.settings, slices.labels[few], seed, self.classes)
                np.save(work / f"samples-{epoch}.npy", images.numpy())
                draw_samples(images.numpy(), work / f"samples-{epoch}.png")

        schedule = Schedule(self.settings.batch, epochs=max(self.settings.snapshots))
        history = fit(
            task, len(task.images), schedule, seed, work, label, after_epoch=keep_snapshot
        )
        history.to_csv(work / "history.csv", index=False)
        clean(work)
        return sorted(self.settings.snapshots)

    def paint(self, folder: Path, candidate: int, labels: Tensor, seed: int) -> Tensor:
        """Paint with the snapshot of epoch `candidate`; see `base.Generator.paint`."""
        network = generator(self.settings, self.size, self.classes)
        checkpoint.load(folder / f"generator-{candidate}.safetensors", {"generator": network})
        return synthesise(network, self.settings, labels, seed, self.classes)


class LcganTask:
    """Generator and discriminator; one step trains D, then G against the updated D.

    `images` (N, H, W) uint8 windowed slices, `labels` (N, H, W) uint8 0..`classes`.
    """

    smaller = "lcgan_batch, lcgan_width or image_size"

    def __init__(
        self, settings: Lcgan, images: Tensor, labels: Tensor, seed: int, classes: int = 5
    ):
        self.settings, self.classes = settings, classes
        self.images, self.labels = resident(images), resident(labels)
        torch.manual_seed(seed_of(seed, "weights"))
        self.modules = self.networks(images.shape[-1])
        self.G = cast(Generator, self.modules["generator"])
        self.optimizers = {
            f"{name} adam": torch.optim.Adam(
                network.parameters(), lr=settings.learning_rate, betas=(0.5, 0.999), fused=True
            )
            for name, network in self.modules.items()
        }

    def networks(self, size: int) -> dict[str, nn.Module]:
        """New networks for size x size pixels, their weights sampled with torch's global seed."""
        encoding = self.settings.mask_encoding
        channels = mask_channels(encoding, self.classes) + IMAGE_CHANNELS[encoding]
        return {
            "generator": generator(self.settings, size, self.classes),
            "discriminator": place(
                Discriminator(channels, self.settings.width), self.settings.precision
            ),
        }

    def step(self, batch: Tensor) -> dict[str, Tensor]:
        """Non-saturating GAN losses plus weighted L1, none halved; see book/decisions.md."""
        images, labels = take(self.images, batch), take(self.labels, batch)
        mask, real = jittered(self.settings, images, labels, self.classes)
        fake, discriminator = self.G(mask), self.modules["discriminator"]

        discriminator.requires_grad_(True)
        adam = self.optimizers["discriminator adam"]
        adam.zero_grad()
        on_real, on_fake = discriminator(mask, real), discriminator(mask, fake.detach())
        d_loss = F.softplus(-on_real).mean() + F.softplus(on_fake).mean()
        d_loss.backward()
        adam.step()

        discriminator.requires_grad_(False)  # its own gradients are not needed in G's step
        adam = self.optimizers["generator adam"]
        adam.zero_grad()
        gan = F.softplus(-discriminator(mask, fake)).mean()
        l1 = F.l1_loss(fake, real)
        (gan + self.settings.l1_weight * l1).backward()
        adam.step()
        return {"discriminator": d_loss, "generator": gan, "L1": l1}


def generator(settings: Lcgan, size: int, classes: int) -> Generator:
    """A U-Net on the device, its weights sampled with torch's global seed."""
    network = Generator(
        mask_channels(settings.mask_encoding, classes),
        IMAGE_CHANNELS[settings.mask_encoding],
        width=settings.width,
        size=size,
        bottleneck_norm=settings.bottleneck_norm,
    )
    return place(network, settings.precision)


def jittered(
    settings: Lcgan, images: Tensor, labels: Tensor, classes: int
) -> tuple[Tensor, Tensor]:
    """Masks and images as the networks take them, jittered by the same geometry."""
    grey = to_network(images, 1)
    drawn = jitter.sample(len(grey), grey.shape[-1], default_generator())
    grey, labels = jitter.apply(grey, labels, drawn)
    real = grey.expand(-1, IMAGE_CHANNELS[settings.mask_encoding], -1, -1)
    real = real.contiguous(memory_format=torch.channels_last)
    return encode_mask(labels, settings.mask_encoding, classes), real


@torch.no_grad()
def synthesise(
    network: Generator, settings: Lcgan, labels: Tensor, seed: int, classes: int = 5
) -> Tensor:
    """One synthetic slice for each mask: `labels` (N, H, W) uint8 -> (N, H, W) uint8 on the CPU.

    Batch statistics over `synthesis_batch` masks, dropout noise unless `synthesis_noise` is off;
    the noise of a batch follows only from (seed, the number of its first mask). With
    `synthesis_scale` matched, the heads have the size that belongs to the masks; see `scale`.
    """
    matched = settings.synthesis_scale == "matched"
    in_training, network.noise = network.noise, settings.synthesis_noise
    images = []
    for start in range(0, len(labels), settings.synthesis_batch):
        torch.manual_seed(seed_of(seed, "synthesis", start))
        some = labels[start : start + settings.synthesis_batch].to(device())
        given = scale.enlarge(some) if matched else some
        painted = network(encode_mask(given, settings.mask_encoding, classes))
        images.append(to_image(scale.reduce(painted) if matched else painted))
    network.noise = in_training
    return torch.cat(images).cpu()


def sample_masks(labels: Tensor) -> list[int]:
    """Indices of the masks shown in sample grids: the largest lesions, spread over the subset."""
    area = (labels > 0).flatten(1).sum(1)
    parts = torch.arange(len(labels)).chunk(min(SAMPLES, len(labels)))
    return [int(part[area[part].argmax()]) for part in parts]
