"""The paper's segmenter and judge: FCN-8s, trained by cross-entropy (paper 4.1)."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from lcgan_core.models import FCN8s, load_vgg16
from lcgan_core.protocol.config import Config, Segmentation
from lcgan_core.seeds import seed_of
from lcgan_core.segmenters.base import WEIGHTS
from lcgan_core.training import checkpoint
from lcgan_core.training.encoding import to_network
from lcgan_core.training.engine import Schedule
from lcgan_core.training.pairs import Pairs
from lcgan_core.training.placing import device, place

BATCH = 16
"""Slices segmented at once."""


class Fcn8s:
    """FCN-8s under the profile's `segmentation`."""

    initialisation = ""

    def __init__(self, config: Config, classes: int) -> None:
        self.settings, self.classes = config.segmentation, classes
        self.steps_at = config.steps_at
        self.network: FCN8s

    def schedule(self, fraction: float) -> Schedule:
        """The profile's steps; Adam's rate falls linearly to zero."""
        adam = self.settings.optimizer == "adam"
        return Schedule(self.settings.batch, steps=self.steps_at(fraction), falling_rate=adam)

    def task(self, pairs: Pairs, seed: int) -> SegmentationTask:
        """The training of a new network; see `base.Segmenter.task`."""
        task = SegmentationTask(self.settings, pairs, seed, self.classes)
        self.network, self.initialisation = task.fcn, task.initialisation
        return task

    def load(self, folder: Path) -> None:
        """Load the network of a finished training."""
        random = self.settings.model_copy(update={"weights": "none"})
        self.network, _ = network(random, self.classes)
        checkpoint.load(folder / WEIGHTS, {"fcn": self.network})

    @torch.no_grad()
    def segment(self, images: Tensor) -> Tensor:
        """Label maps (N, H, W) uint8 on the CPU for `images` (N, H, W) uint8."""
        self.network.eval()
        parts = [
            scores(self.network, part.to(device()), self.settings.scale)
            .argmax(1)
            .to(torch.uint8)
            .cpu()
            for part in images.split(BATCH)
        ]
        return torch.cat(parts)

    def features(self, images: Tensor) -> Tensor:
        """(N, 64 width) float32 on the CPU: the input of the deepest scores, averaged."""
        kept: list[Tensor] = []
        hook = self.network.fc7.register_forward_hook(
            lambda layer, inputs, output: kept.append(output.float().mean((2, 3)).cpu())
        )
        self.segment(images)
        hook.remove()
        return torch.cat(kept)


class SegmentationTask:
    """FCN-8s and its optimiser."""

    smaller = "segmentation_batch, segmentation_width or image_size"

    def __init__(self, settings: Segmentation, pairs: Pairs, seed: int, classes: int = 5):
        self.settings, self.pairs = settings, pairs
        torch.manual_seed(seed_of(seed, "weights"))
        self.fcn, self.initialisation = network(settings, classes)
        if settings.weights in ("none", "hed"):
            start_at_frequencies(self.fcn, pairs.labels)
            self.initialisation += " Its scores start at the classes' frequencies."
        self.modules = {"fcn": self.fcn}
        self.optimizers = {"optimizer": optimizer(self.fcn, settings)}

    def step(self, batch: Tensor) -> dict[str, Tensor]:
        """Cross-entropy over all pixels, background included."""
        images, labels = self.pairs[batch]
        loss = F.cross_entropy(scores(self.fcn, images, self.settings.scale), labels.long())
        self.optimizers["optimizer"].zero_grad()
        loss.backward()
        self.optimizers["optimizer"].step()
        return {"cross-entropy": loss}


def network(settings: Segmentation, classes: int) -> tuple[FCN8s, str]:
    """FCN-8s on the device with its initialisation, and a sentence that names the latter."""
    fcn = FCN8s(classes + 1, settings.width, settings.border, settings.batch_norm)
    initialisation = load_vgg16(fcn, settings.weights)
    return place(fcn, settings.precision), initialisation


@torch.no_grad()
def start_at_frequencies(fcn: FCN8s, labels: Tensor) -> None:
    """Make the first prediction the frequency of each class in `labels` (N, H, W).

    With random weights, the first epochs would otherwise only teach that most pixels are
    background, and a short training would end there.
    """
    bias = fcn.score_fc7.bias
    assert bias is not None
    counts = torch.bincount(labels.flatten().long(), minlength=len(bias)) + 1
    bias.copy_((counts / counts.sum()).log())


def optimizer(fcn: FCN8s, settings: Segmentation) -> torch.optim.Optimizer:
    """Adam, or the Caffe solver of FCN-8s (momentum .99, biases at twice the rate, undecayed)."""
    trained = [(name, p) for name, p in fcn.named_parameters() if p.requires_grad]
    rate = settings.learning_rate
    if settings.optimizer == "adam":
        return torch.optim.Adam([p for _, p in trained], lr=rate, fused=True)
    return torch.optim.SGD(
        [
            {"params": [p for n, p in trained if not n.endswith("bias")], "weight_decay": 5e-4},
            {"params": [p for n, p in trained if n.endswith("bias")], "lr": 2 * rate},
        ],
        lr=rate,
        momentum=0.99,
        fused=True,
    )


def scores(fcn: FCN8s, images: Tensor, scale: int) -> Tensor:
    """Logits (N, classes, H, W) of `images` (N, H, W) uint8, which the network sees enlarged.

    FCN-8s scores every eighth pixel of its input: on small images that grid, and not the training,
    would decide the result. The logits of an enlarged image are averaged over each of its pixels.
    """
    grey = to_network(images, 1)
    if scale > 1:
        grey = F.interpolate(grey, scale_factor=scale, mode="bilinear", align_corners=False)
    colour = grey.repeat(1, 3, 1, 1).contiguous(memory_format=torch.channels_last)
    logits = fcn(colour)
    return F.avg_pool2d(logits, scale) if scale > 1 else logits
