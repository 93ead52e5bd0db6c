"""The same counts under other rules: by lesion area, and with other thresholds of detection."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lcgan_core.lesions import HEMORRHAGES
from lcgan_core.metrics.cells import Cells, cells
from lcgan_core.metrics.components import detected_components
from lcgan_core.metrics.overlap import Overlap

SIZES = {"below 1 cm2": (0, 100), "1 to 5 cm2": (100, 500), "5 cm2 and more": (500, np.inf)}
"""Area of a haemorrhage type on a slice, mm2, lower end included."""
BY_SIZE = ("dice_instance", "recall")
"""What is defined for a group of true lesions; an invented lesion has no true area."""

RULES = {
    "as in the paper: 200 pixels, Dice .25": (200, 0.25),
    "every invented pixel counts": (1, 0.25),
    "50 pixels (200 of 512 x 512)": (50, 0.25),
    "800 pixels": (800, 0.25),
    "Dice above 0": (200, np.nextafter(0, 1)),
    "Dice .10": (200, 0.10),
    "Dice .50": (200, 0.50),
}
"""Least area of an invented lesion (pixels of a 256 x 256 image) and least Dice of a found one."""
COMPONENTS = "connected lesions, 200 pixels, Dice .25"
POOR_HITS = "as in the paper, but a hit below .25 is invented too"
POOR_DROPPED = "as in the paper, but a hit below .25 counts nowhere"


def by_size(counts: Overlap, areas: np.ndarray) -> Iterator[tuple[str, Cells]]:
    """(group, its cells) for each group of SIZES; `areas` (N, 5) true areas in mm2."""
    for name, (low, high) in SIZES.items():
        chosen = (areas >= low) & (areas < high) & (counts.truth > 0)
        kept = Overlap(
            counts.intersection * chosen, counts.predicted * chosen, counts.truth * chosen
        )
        yield name, only(cells(kept), BY_SIZE)


def sensitivity(counts: Overlap, image_size: int) -> Iterator[tuple[str, Cells]]:
    """(rule, precision and recall under it): what the paper's two thresholds decide."""
    for rule, (area, dice) in RULES.items():
        yield (
            rule,
            only(cells(counts, area * image_size**2 // 256**2, dice), ("precision", "recall")),
        )
    poor = (counts.intersection > 0) & ~counts.detected()[0]
    area = 200 * image_size**2 // 256**2
    table = only(cells(counts, area), ("precision", "recall"))
    extra = _all_first(poor)
    nothing = np.zeros_like(extra)
    for rule, more in (
        (POOR_HITS, np.hstack([extra, nothing])),
        (POOR_DROPPED, np.hstack([nothing, -extra])),
    ):
        yield rule, Cells(table.names, table.top, table.bottom + more, table.cases + more)


def with_components(
    prediction: np.ndarray, truth: np.ndarray, image_size: int
) -> tuple[str, Cells]:
    """The rule that counts connected components: needs the label maps (N, H, W) themselves."""
    area = 200 * image_size**2 // 256**2
    found, invented, missed = detected_components(prediction, truth, area)
    top, bottoms, names = _all_first(found), [], []
    for metric, other in (("precision", invented), ("recall", missed)):
        bottoms.append(_all_first(found + other))
        names += [(metric, name) for name in ("all", *HEMORRHAGES)]
    bottom = np.hstack(bottoms)
    return COMPONENTS, Cells(tuple(names), np.hstack([top, top]), bottom, bottom)


def _all_first(by_type: np.ndarray) -> np.ndarray:
    """(N, 6) float64: the sum over the types (N, 5), then each."""
    return np.hstack([by_type.sum(1, keepdims=True), by_type]).astype(np.float64)


def only(table: Cells, metrics: tuple[str, ...]) -> Cells:
    """The columns of some metrics that are no mean over types."""
    kept = [k for k, (metric, _) in enumerate(table.names) if metric in metrics]
    names = tuple(table.names[k] for k in kept)
    return Cells(names, table.top[:, kept], table.bottom[:, kept], table.cases[:, kept])
