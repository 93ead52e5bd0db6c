"""The slices that a segmenter trains on: batches of them, with or without new copies."""

from __future__ import annotations

import torch
from torch import Tensor

from lcgan_core.copies import traditional
from lcgan_core.protocol.config import Traditional
from lcgan_core.training.placing import resident, take


class Pairs:
    """N images and label maps, (N, H, W) uint8; indexing takes a batch of both to the device."""

    def __init__(self, images: Tensor, labels: Tensor) -> None:
        self.images, self.labels = resident(images), resident(labels)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, batch: Tensor) -> tuple[Tensor, Tensor]:
        return take(self.images, batch), take(self.labels, batch)


class Redrawn(Pairs):
    """Like Pairs, but the second half of the slices gets a new transformation at every step."""

    def __init__(self, images: Tensor, labels: Tensor, settings: Traditional) -> None:
        super().__init__(images, labels)
        self.settings = settings

    def __getitem__(self, batch: Tensor) -> tuple[Tensor, Tensor]:
        images, labels = super().__getitem__(batch)
        used, contrast = self.settings.transformations, self.settings.contrast
        drawn = traditional.sample(len(batch), torch.default_generator, used)
        moved, moved_labels = traditional.apply(images, labels, drawn, contrast)
        copies = batch >= len(self) // 2
        copies = copies.to(images.device, non_blocking=True)[:, None, None]
        return torch.where(copies, moved, images), torch.where(copies, moved_labels, labels)
