"""The U-Net with an encoder that was trained on photographs; all else is that of `unet`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lcgan_core.models.lite import LiteUNet, load_lite0
from lcgan_core.segmenters.base import WEIGHTS
from lcgan_core.segmenters.unet import Unet2d, UnetTask
from lcgan_core.training import checkpoint
from lcgan_core.training.pairs import Pairs
from lcgan_core.training.placing import place


class UnetEfficientNet(Unet2d):
    """A U-Net on EfficientNet-lite0 under the profile's `unet`, of which the width is not read."""

    network: Any

    def task(self, pairs: Pairs, seed: int) -> UnetTask:
        """The training of a new network; UserError without the weights of the encoder."""
        task = LiteTask(self.settings, pairs, seed, self.classes)
        self.network, self.initialisation = task.network, task.initialisation
        return task

    def load(self, folder: Path) -> None:
        """Load the network of a finished training, which needs no other weights."""
        self.network = place(LiteUNet(self.classes + 1), self.settings.precision)
        checkpoint.load(folder / WEIGHTS, {"unet": self.network})


class LiteTask(UnetTask):
    """A U-Net on EfficientNet-lite0 and its optimiser; its decoder is supervised at one size."""

    smaller = "unet_batch or image_size"

    def built(self, classes: int, size: int) -> LiteUNet:
        """The network with its encoder's weights; see `load_lite0`."""
        network = LiteUNet(classes + 1)
        self.initialisation = load_lite0(network.encoder)
        return place(network, self.settings.precision)
