"""Training of FCN-8s and segmentation with it (paper 4.1); the judge and every arm use this."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from lcgan_core.copies import traditional
from lcgan_core.models import FCN8s, load_vgg16
from lcgan_core.protocol.profiles import Segmentation
from lcgan_core.seeds import seed_of
from lcgan_core.training import checkpoint, optimizers
from lcgan_core.training.encoding import to_network
from lcgan_core.training.placing import device, place, resident, take


def network(settings: Segmentation) -> tuple[FCN8s, str]:
    """FCN-8s on the device with its initialisation, and a sentence that names the latter."""
    fcn = FCN8s(width=settings.width, border=settings.border, batch_norm=settings.batch_norm)
    initialisation = load_vgg16(fcn, settings.weights)
    return place(fcn, settings.precision), initialisation


@torch.no_grad()
def start_at_frequencies(fcn: FCN8s, labels: Tensor) -> None:
    """Let the first prediction be how common each class is in `labels` (N, H, W).

    From random weights the first epochs would otherwise go into learning that most pixels are
    background, and a short training would end there.
    """
    bias = fcn.score_fc7.bias
    assert bias is not None
    counts = torch.bincount(labels.flatten().long(), minlength=len(bias)) + 1
    bias.copy_((counts / counts.sum()).log())


def _grey(images: Tensor) -> Tensor:
    return to_network(images, 3).contiguous(memory_format=torch.channels_last)


class SegmentationTask:
    """FCN-8s and its optimiser; `images` and `labels` (N, H, W) uint8."""

    smaller = "segmentation_batch, segmentation_width or image_size"

    def __init__(self, settings: Segmentation, images: Tensor, labels: Tensor, seed: int):
        self.settings = settings
        self.images, self.labels = resident(images), resident(labels)
        torch.manual_seed(seed_of(seed, "weights"))
        self.fcn, self.initialisation = network(settings)
        if settings.weights == "none":
            start_at_frequencies(self.fcn, labels)
            self.initialisation += " Its scores start at the classes' frequencies."
        self.modules = {"fcn": self.fcn}
        self.optimizers = {"optimizer": optimizer(self.fcn, settings)}

    def pairs(self, batch: Tensor) -> tuple[Tensor, Tensor]:
        """Images and labels of a batch, on the device."""
        return take(self.images, batch), take(self.labels, batch)

    def step(self, batch: Tensor) -> dict[str, Tensor]:
        """Cross-entropy over all pixels, background included."""
        images, labels = self.pairs(batch)
        loss = F.cross_entropy(self.fcn(_grey(images)), labels.long())
        self.optimizers["optimizer"].zero_grad()
        loss.backward()
        self.optimizers["optimizer"].step()
        return {"cross-entropy": loss}


class RedrawnTask(SegmentationTask):
    """As SegmentationTask, with the second half of the slices transformed anew at every step."""

    def pairs(self, batch: Tensor) -> tuple[Tensor, Tensor]:
        """Images and labels of a batch, on the device; traditional copies drawn for this step."""
        images, labels = super().pairs(batch)
        drawn = traditional.sample(len(batch), torch.default_generator)
        moved, moved_labels = traditional.apply(images, labels, drawn)
        copies = batch >= len(self.images) // 2
        copies = copies.to(images.device, non_blocking=True)[:, None, None]
        return torch.where(copies, moved, images), torch.where(copies, moved_labels, labels)


def optimizer(fcn: FCN8s, settings: Segmentation) -> torch.optim.Optimizer:
    """Adam, or the Caffe solver of FCN-8s (momentum .99, biases at twice the rate, undecayed)."""
    trained = [(name, p) for name, p in fcn.named_parameters() if p.requires_grad]
    if settings.optimizer == "adam":
        return optimizers.Adam([{"params": [p for _, p in trained]}], lr=settings.learning_rate)
    rate = settings.learning_rate
    return optimizers.SGD(
        [
            {"params": [p for n, p in trained if not n.endswith("bias")], "weight_decay": 5e-4},
            {"params": [p for n, p in trained if n.endswith("bias")], "lr": 2 * rate},
        ],
        lr=rate,
        momentum=0.99,
    )


@torch.no_grad()
def segment(fcn: FCN8s, images: Tensor, batch: int = 16) -> Tensor:
    """Label maps (N, H, W) uint8 on the CPU for `images` (N, H, W) uint8."""
    fcn.eval()
    parts = [
        fcn(_grey(part.to(device()))).argmax(1).to(torch.uint8).cpu()
        for part in images.split(batch)
    ]
    return torch.cat(parts)


@torch.no_grad()
def features(fcn: FCN8s, images: Tensor) -> Tensor:
    """(N, 64 width) float32 on the CPU: the features behind the deepest scores, averaged."""
    kept: list[Tensor] = []
    hook = fcn.fc7.register_forward_hook(
        lambda layer, inputs, output: kept.append(output.float().mean((2, 3)).cpu())
    )
    segment(fcn, images)
    hook.remove()
    return torch.cat(kept)


def load_network(path: Path, settings: Segmentation) -> FCN8s:
    """The trained FCN-8s of a file written by training."""
    fcn, _ = network(settings.model_copy(update={"weights": "none"}))
    checkpoint.load(path, {"fcn": fcn})
    return fcn
