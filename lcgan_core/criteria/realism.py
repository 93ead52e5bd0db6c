"""Training of the realism classifier and P(real) of images it has not seen (paper 3.2.3)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from lcgan_core.models.realism import RealismClassifier
from lcgan_core.protocol.profiles import Realism
from lcgan_core.seeds import seed_of
from lcgan_core.training import optimizers
from lcgan_core.training.encoding import to_network
from lcgan_core.training.placing import device, place, resident, take

AUXILIARY_WEIGHT = 0.3  # of each auxiliary head's loss, as GoogLeNet's authors have it


class RealismTask:
    """GoogLeNet with two classes; `images` (N, H, W) uint8, `real` (N,) bool."""

    smaller = "realism_batch or image_size"

    def __init__(self, settings: Realism, images: Tensor, real: Tensor, seed: int):
        self.settings = settings
        self.images, self.real = resident(images), real.to(device()).long()
        torch.manual_seed(seed_of(seed, "weights"))
        self.classifier = place(RealismClassifier(), settings.precision)
        self.modules = {"classifier": self.classifier}
        adam = optimizers.Adam(
            [{"params": self.classifier.parameters()}], lr=settings.learning_rate
        )
        self.optimizers = {"adam": adam}

    def step(self, batch: Tensor) -> dict[str, Tensor]:
        """Cross-entropy of the three heads."""
        heads = self.classifier(to_network(take(self.images, batch), 3))
        target = take(self.real, batch)
        loss = F.cross_entropy(heads.logits, target) + AUXILIARY_WEIGHT * (
            F.cross_entropy(heads.aux_logits1, target) + F.cross_entropy(heads.aux_logits2, target)
        )
        self.optimizers["adam"].zero_grad()
        loss.backward()
        self.optimizers["adam"].step()
        return {"cross-entropy": loss}


@torch.no_grad()
def probability_real(classifier: RealismClassifier, images: Tensor, batch: int = 32) -> Tensor:
    """P(real) in 0..1, (N,) float32 on the CPU, for `images` (N, H, W) uint8."""
    classifier.eval()
    parts = [
        classifier(to_network(part.to(device()), 3)).softmax(1)[:, 1].cpu()
        for part in images.split(batch)
    ]
    return torch.cat(parts)
