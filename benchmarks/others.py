"""A training step of FCN-8s and of the realism classifier, compared with the plain recipe."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch.nn import functional as F

from benchmarks.measuring import Call, alternate
from benchmarks.plain import PLAIN, PlainTask, Samples, image_and_labels, image_and_real
from benchmarks.rows import Row, beside
from benchmarks.sizes import Sizes
from benchmarks.slices import draw
from lcgan_core.criteria.realism import AUXILIARY_WEIGHT, RealismTask
from lcgan_core.models import FCN8s
from lcgan_core.models.realism import RealismClassifier
from lcgan_core.protocol.config import Realism, Segmentation
from lcgan_core.segmenters.fcn8s import SegmentationTask
from lcgan_core.training.pairs import Pairs


def segmentation(sizes: Sizes) -> list[Row]:
    """FCN-8s one slice at a time, as in the paper."""
    return [_row("FCN-8s step, batch 1", 1, _fcn, _plain_fcn, sizes)]


def realism(sizes: Sizes) -> list[Row]:
    """GoogLeNet with its auxiliary heads."""
    batch = sizes.classifier_batch
    return [_row(f"classifier step, batch {batch}", batch, _classifier, _plain_classifier, sizes)]


def _row(name: str, batch: int, ours: Callable, plain: Callable, sizes: Sizes) -> Row:
    times = alternate({"ours": partial(ours, sizes), "plain": partial(plain, sizes)}, sizes)
    return beside(name, PLAIN, "images/s", *(batch / times[each] for each in ("ours", "plain")))


def _fcn(sizes: Sizes) -> Call:
    settings = Segmentation(
        width=sizes.width, border=sizes.border, steps=1, batch=1, batch_norm=False,
        optimizer="adam", learning_rate=1e-4,
    )  # fmt: skip
    task = SegmentationTask(settings, Pairs(*draw(8, sizes.image)), seed=1)
    task.fcn.train()
    return partial(task.step, torch.arange(1))


def _plain_fcn(sizes: Sizes) -> Call:
    network = FCN8s(width=sizes.width, border=sizes.border, batch_norm=False)
    samples = Samples(*draw(8, sizes.image), image_and_labels)
    return PlainTask(network, F.cross_entropy, 1e-4, samples, batch=1).step


def _classifier(sizes: Sizes) -> Call:
    images, labels = draw(64, sizes.image)
    batch = sizes.classifier_batch
    settings = Realism(steps=1, batch=batch, learning_rate=1e-3)
    task = RealismTask(settings, images, (labels[:, 0, 0] % 2).bool(), seed=1)
    task.classifier.train()
    return partial(task.step, torch.arange(batch))


def _plain_classifier(sizes: Sizes) -> Call:
    samples = Samples(*draw(64, sizes.image), image_and_real)
    return PlainTask(RealismClassifier(), _three_heads, 1e-3, samples, sizes.classifier_batch).step


def _three_heads(heads: tuple, target: torch.Tensor) -> torch.Tensor:
    last, second, first = heads
    return F.cross_entropy(last, target) + AUXILIARY_WEIGHT * (
        F.cross_entropy(first, target) + F.cross_entropy(second, target)
    )
