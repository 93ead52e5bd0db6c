"""Today's segmenter: a U-Net as nnU-Net trains it in two dimensions (Isensee et al. 2021).

Taken from it: the network, instance norms, deep supervision, Dice plus cross-entropy, a rate that
falls by a power of the steps left, new copies at every step. Steps, validation and the choice of
weights are those of every segmenter here. The optimiser is AdamW: nnU-Net's, a slow momentum made
for 250,000 steps, draws no lesion within hundreds. Of the copies, those that change intensities are
left out: in a windowed slice a gain makes blood of brain.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from lcgan_core.copies import traditional
from lcgan_core.protocol.config import Config, Unet
from lcgan_core.seeds import seed_of
from lcgan_core.segmenters.base import WEIGHTS
from lcgan_core.training import checkpoint
from lcgan_core.training.encoding import to_network
from lcgan_core.training.engine import Schedule
from lcgan_core.training.pairs import Pairs
from lcgan_core.training.placing import device, place

if TYPE_CHECKING:
    from lcgan_core.models.unet import UNet

BATCH = 16
"""Slices segmented at once."""
POWER = 0.9
"""nnU-Net's exponent of the rate's fall."""
OFTEN = 0.5
"""Proportion of slices that are moved, and of those that are mirrored, if the training augments."""


class Unet2d:
    """A U-Net under the profile's `unet`."""

    initialisation = ""

    def __init__(self, config: Config, classes: int) -> None:
        self.settings, self.classes, self.size = config.unet, classes, config.image_size
        self.steps_at = config.steps_at
        self.network: UNet

    def schedule(self, fraction: float) -> Schedule:
        """The steps of every segmenter of the profile; `UnetTask` bends the fall of the rate."""
        return Schedule(self.settings.batch, steps=self.steps_at(fraction), falling_rate=True)

    def task(self, pairs: Pairs, seed: int) -> UnetTask:
        """The training of a new network; see `base.Segmenter.task`."""
        task = UnetTask(self.settings, pairs, seed, self.classes)
        self.network = task.network
        self.initialisation = "The weights of the U-Net were drawn at random."
        return task

    def load(self, folder: Path) -> None:
        """Load the network of a finished training."""
        self.network = network(self.settings, self.classes, self.size)
        checkpoint.load(folder / WEIGHTS, {"unet": self.network})

    @torch.no_grad()
    def segment(self, images: Tensor) -> Tensor:
        """Label maps (N, H, W) uint8 on the CPU for `images` (N, H, W) uint8."""
        self.network.eval()
        parts = [self.probabilities(part).argmax(1) for part in images.split(BATCH)]
        return torch.cat([part.to(torch.uint8).cpu() for part in parts])

    def probabilities(self, images: Tensor) -> Tensor:
        """(N, K + 1, H, W) of `images` (N, H, W) uint8; with `mirrored`, the mean of what the
        network says of each slice and of its mirror image."""
        grey = to_network(images.to(device()), 1)
        seen = self.network(grey).softmax(1)
        if not self.settings.mirrored:
            return seen
        return (seen + self.network(grey.flip(3)).softmax(1).flip(3)) / 2

    def features(self, images: Tensor) -> Tensor:
        """(N, channels) float32 on the CPU: the deepest map, averaged."""
        kept: list[Tensor] = []
        hook = self.network.bottleneck.register_forward_hook(
            lambda layer, inputs, output: kept.append(output.float().mean((2, 3)).cpu())
        )
        with torch.no_grad():
            self.network.eval()
            for part in images.split(BATCH):
                self.network(to_network(part.to(device()), 1))
        hook.remove()
        return torch.cat(kept)


class UnetTask:
    """A U-Net and its optimiser."""

    smaller = "unet_batch, unet_width or image_size"

    def __init__(self, settings: Unet, pairs: Pairs, seed: int, classes: int = 5):
        self.settings, self.pairs = settings, pairs
        torch.manual_seed(seed_of(seed, "weights"))
        self.network = self.built(classes, pairs.images.shape[-1])
        self.modules = {"unet": self.network}
        self.optimizers = {
            "adam": torch.optim.AdamW(
                self.network.parameters(), lr=settings.learning_rate, fused=True
            )
        }

    def built(self, classes: int, size: int) -> Any:
        """A new network on the device."""
        return network(self.settings, classes, size)

    def step(self, batch: Tensor) -> dict[str, Tensor]:
        """Dice loss plus cross-entropy of the finest map, half of it of the next, and so on."""
        images, labels = self.pairs[batch]
        if self.settings.augmented:
            images, labels = augmented(images, labels)
        loss = self.loss(self.network(to_network(images, 1)).unbind(1), labels[:, None].long())
        adam = self.optimizers["adam"]
        adam.zero_grad()
        loss.backward()
        for group in adam.param_groups:
            # the engine lets the rate fall in a straight line; nnU-Net takes a power of that
            full = self.settings.learning_rate
            group["lr"] = full * (group["lr"] / full) ** POWER
        adam.step()
        return {"Dice and cross-entropy": loss}

    @cached_property
    def loss(self) -> nn.Module:
        """Mean over the supervised maps; background counts in the cross-entropy alone, and the Dice
        of a class is taken over the batch."""
        from monai.losses.dice import DiceCELoss  # takes seconds to import
        from monai.losses.ds_loss import DeepSupervisionLoss

        of_map = DiceCELoss(include_background=False, to_onehot_y=True, softmax=True, batch=True)
        return DeepSupervisionLoss(of_map)


def network(settings: Unet, classes: int, size: int) -> UNet:
    """A U-Net on the device, its weights sampled with torch's global seed."""
    from lcgan_core.models.unet import UNet  # takes seconds to import

    return place(UNet(classes + 1, settings.width, size), settings.precision)


def augmented(images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Slices and labels (N, H, W) uint8 as a step sees them: some turned, scaled and sheared as
    traditional copies are, some mirrored.

    Uses torch's global random numbers.
    """
    chance = torch.default_generator
    drawn = traditional.sample(len(images), chance, traditional.GEOMETRY)
    moved = traditional.apply(images, labels, drawn)
    some = (torch.rand((2, len(images), 1, 1), generator=chance) < OFTEN).to(images.device)
    pair = [torch.where(some[0], *both) for both in zip(moved, (images, labels), strict=True)]
    image, label = (torch.where(some[1], part.flip(2), part) for part in pair)
    return image, label
