"""A training step of FCN-8s and of the realism classifier, beside the plain recipe."""

from __future__ import annotations

from functools import partial

import torch
from torch.nn import functional as F

from benchmarks.measuring import alternate
from benchmarks.plain import PLAIN, PlainTask, Samples, image_and_labels, image_and_real
from benchmarks.rows import Row, beside
from benchmarks.sizes import Sizes
from benchmarks.slices import draw
from lcgan_core.loops.placing import device
from lcgan_core.loops.realism import AUXILIARY_WEIGHT, RealismTask
from lcgan_core.loops.segmentation import SegmentationTask
from lcgan_core.models import FCN8s
from lcgan_core.models.realism import RealismClassifier
from lcgan_core.profiles import Realism, Segmentation


def segmentation(sizes: Sizes) -> list[Row]:
    """FCN-8s one slice at a time, as in the paper."""
    slices = draw(8, sizes.image)
    settings = Segmentation(
        width=sizes.width, border=sizes.border, epochs=1, batch=1, batch_norm=False,
        optimizer="adam", learning_rate=1e-4,
    )  # fmt: skip
    plain = PlainTask(
        FCN8s(width=sizes.width, border=sizes.border, batch_norm=False),
        F.cross_entropy, 1e-4, Samples(*slices, image_and_labels), batch=1,
    )  # fmt: skip
    ours = SegmentationTask(settings, *slices, seed=1)
    ours.fcn.train()
    step = partial(ours.step, torch.arange(1, device=device()))
    return [_row("FCN-8s step, batch 1", 1, {"ours": step, "plain": plain.step}, sizes)]


def realism(sizes: Sizes) -> list[Row]:
    """GoogLeNet with its auxiliary heads."""
    images, labels = draw(64, sizes.image)
    batch, real = sizes.classifier_batch, labels[:, 0, 0] % 2
    plain = PlainTask(
        RealismClassifier(), _three_heads, 1e-3, Samples(images, labels, image_and_real), batch
    )
    settings = Realism(epochs=1, batch=batch, learning_rate=1e-3)
    ours = RealismTask(settings, images, real.bool(), seed=1)
    ours.classifier.train()
    step = partial(ours.step, torch.arange(batch, device=device()))
    return [
        _row(f"classifier step, batch {batch}", batch, {"ours": step, "plain": plain.step}, sizes)
    ]


def _row(name: str, batch: int, calls: dict, sizes: Sizes) -> Row:
    times = alternate(calls, sizes)
    return beside(name, PLAIN, "images/s", *(batch / times[each] for each in ("ours", "plain")))


def _three_heads(heads: tuple, target: torch.Tensor) -> torch.Tensor:
    last, second, first = heads
    return F.cross_entropy(last, target) + AUXILIARY_WEIGHT * (
        F.cross_entropy(first, target) + F.cross_entropy(second, target)
    )
