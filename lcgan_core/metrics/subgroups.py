"""The same counts by lesion area, and under other rules of detection."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from lcgan_core.metrics.cells import Cells, cells
from lcgan_core.metrics.components import detected_components
from lcgan_core.metrics.overlap import MIN_AREA, MIN_DICE, Overlap, scaled_area

SIZES = {"below 1 cm2": (0, 100), "1 to 5 cm2": (100, 500), "5 cm2 and more": (500, np.inf)}
"""Area of a class on a slice, mm2, lower end included."""
BY_SIZE = ("dice_instance", "recall")
"""The metrics that are defined for a group of true lesions; an invented lesion has no true area."""
DETECTION = ("precision", "recall")

RULES = {
    "as in the paper: 200 pixels, Dice .25": (MIN_AREA, MIN_DICE),
    "every invented pixel counts": (1, MIN_DICE),
    "50 pixels (200 of 512 x 512)": (50, MIN_DICE),
    "800 pixels": (800, MIN_DICE),
    "Dice above 0": (MIN_AREA, np.nextafter(0, 1)),
    "Dice .10": (MIN_AREA, 0.10),
    "Dice .50": (MIN_AREA, 0.50),
}
"""Least area of an invented lesion (pixels of the paper's grid) and least Dice of a found one."""
COMPONENTS = "connected lesions, 200 pixels, Dice .25"
POOR_HITS = "as in the paper, but a hit below .25 is invented too"
POOR_DROPPED = "as in the paper, but a hit below .25 counts nowhere"


def by_size(
    counts: Overlap, names: Sequence[str], areas: np.ndarray
) -> Iterator[tuple[str, Cells]]:
    """(group, its cells) for each group of SIZES; `areas` (N, K): true areas in mm2."""
    for name, (low, high) in SIZES.items():
        chosen = (areas >= low) & (areas < high) & (counts.truth > 0)
        kept = Overlap(
            counts.intersection * chosen, counts.predicted * chosen, counts.truth * chosen
        )
        yield name, only(cells(kept, names), BY_SIZE)


def sensitivity(
    counts: Overlap, names: Sequence[str], image_size: int
) -> Iterator[tuple[str, Cells]]:
    """(rule, precision and recall under it): how much depends on the paper's two thresholds."""
    for rule, (area, dice) in RULES.items():
        yield rule, only(cells(counts, names, scaled_area(image_size, area), dice), DETECTION)
    poor = (counts.intersection > 0) & ~counts.detected()[0]
    table = only(cells(counts, names, scaled_area(image_size)), DETECTION)
    extra = _all_first(poor)
    nothing = np.zeros_like(extra)
    for rule, more in (
        (POOR_HITS, np.hstack([extra, nothing])),
        (POOR_DROPPED, np.hstack([nothing, -extra])),
    ):
        yield rule, Cells(table.names, table.top, table.bottom + more, table.cases + more)


def with_components(
    prediction: np.ndarray, truth: np.ndarray, names: Sequence[str], image_size: int
) -> tuple[str, Cells]:
    """The rule that counts connected components: it needs the label maps (N, H, W) themselves."""
    area = scaled_area(image_size)
    found, invented, missed = detected_components(prediction, truth, len(names), area)
    top, bottoms = _all_first(found), [_all_first(found + other) for other in (invented, missed)]
    named = tuple((metric, lesion) for metric in DETECTION for lesion in ("all", *names))
    bottom = np.hstack(bottoms)
    return COMPONENTS, Cells(named, np.hstack([top, top]), bottom, bottom)


def _all_first(by_class: np.ndarray) -> np.ndarray:
    """(N, 1 + K) float64: the sum over the classes (N, K), then each class."""
    return np.hstack([by_class.sum(1, keepdims=True), by_class]).astype(np.float64)


def only(table: Cells, metrics: tuple[str, ...]) -> Cells:
    """The columns of some metrics, none of which is a mean over the classes."""
    kept = [k for k, (metric, _) in enumerate(table.names) if metric in metrics]
    names = tuple(table.names[k] for k in kept)
    return Cells(names, table.top[:, kept], table.bottom[:, kept], table.cases[:, kept])
