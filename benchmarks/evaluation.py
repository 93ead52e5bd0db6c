"""Scores of label maps: every count of Tables 1 to 3, compared with MONAI's Dice alone."""

from __future__ import annotations

from functools import partial

import torch

from benchmarks.measuring import Call, alternate, seconds
from benchmarks.rows import Row, alone, beside, lacking, skipped
from benchmarks.sizes import Sizes
from benchmarks.slices import draw
from lcgan_core.lesions import FIVE
from lcgan_core.metrics import overlap
from lcgan_core.metrics.cells import cells
from lcgan_core.metrics.overlap import scaled_area

CLASSES = len(FIVE) + 1


def evaluation(sizes: Sizes) -> list[Row]:
    """Ours gives the pixel counts from which every table follows; MONAI one Dice per class."""
    _, truth = draw(sizes.maps, sizes.image, seed=1)
    _, prediction = draw(sizes.maps, sizes.image, seed=2)
    recipes = {"ours": partial(_ours, prediction, truth)}
    task = "Dice of label maps"
    if reason := lacking("monai"):
        return [skipped(task, reason), _all_tables(sizes)]
    recipes |= {
        f"MONAI, {batch} at a time": partial(_monai, prediction, truth, batch)
        for batch in (1, sizes.maps // 4)
    }
    times = alternate(recipes, sizes)
    # the plain recipe is whichever way of calling MONAI is the faster one
    best = min((name for name in times if name != "ours"), key=times.__getitem__)
    rates = (sizes.maps / times[name] for name in ("ours", best))
    return [beside(task, best, "slices/s", *rates), _all_tables(sizes)]


def _ours(prediction: torch.Tensor, truth: torch.Tensor) -> Call:
    return lambda: overlap(prediction, truth).dice_instance()


def _monai(prediction: torch.Tensor, truth: torch.Tensor, batch: int) -> Call:
    from monai.metrics import DiceMetric
    from monai.networks.utils import one_hot

    def call() -> None:
        metric = DiceMetric(include_background=False, reduction="none")
        for part in zip(prediction.split(batch), truth.split(batch), strict=True):
            metric(*(one_hot(labels[:, None], CLASSES) for labels in part))
        metric.aggregate()

    return call


def _all_tables(sizes: Sizes) -> Row:
    """Every value of Tables 1, 2 and 3 from that many label maps."""
    _, few = draw(32, sizes.image, seed=1)
    truth = few.repeat(-(-sizes.all_maps // 32), 1, 1)[: sizes.all_maps].numpy()
    prediction = truth[::-1]
    area = scaled_area(sizes.image)
    time = seconds(lambda: cells(overlap(prediction, truth), FIVE.names, area).values(), 1)
    return alone(f"Tables 1 to 3 of {sizes.all_maps:,} slices", "s", time)
