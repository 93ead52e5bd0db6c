"""Every cell of Tables 1 to 3 as a quotient of two sums over images, so that resampling is cheap.

    top, bottom, cases   (R, M)   float64; one row per image, or per patient after `by_patient`
    value of a cell = sum of top / sum of bottom; n of a cell = sum of cases

A cell without a case is NaN. `all` of a Dice by class is the mean over the classes, like the column
"Mean" of Table 3; of everything else it counts all classes together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from lcgan_core.metrics.overlap import MIN_AREA, MIN_DICE, Overlap

Sums = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Top, bottom and cases of a metric, (N, K) each: one number per image and class."""


@dataclass(frozen=True)
class Cells:
    """Cells named (metric, lesion); after the M columns `names` has the means over the classes."""

    names: tuple[tuple[str, str], ...]
    top: np.ndarray
    bottom: np.ndarray
    cases: np.ndarray

    def by_patient(
        self, patients: Sequence[str] | np.ndarray, among: Sequence[str] | np.ndarray | None = None
    ) -> Cells:
        """One row per patient, the sum of the rows (R,) that are that patient's, in sorted order.

        `among`: all patients that there are; one without a row has no case.
        """
        every = np.unique(np.asarray(patients) if among is None else np.asarray(among))
        row = np.searchsorted(every, np.asarray(patients))
        member = np.equal.outer(np.arange(len(every)), row).astype(np.float64)
        return Cells(self.names, member @ self.top, member @ self.bottom, member @ self.cases)

    def values(self, weights: np.ndarray | None = None) -> np.ndarray:
        """(B, len(names)) with row r counted weights[b, r] times; without weights, once."""
        w = np.ones((1, len(self.top))) if weights is None else weights.astype(np.float64)
        top, bottom = w @ self.top, w @ self.bottom
        defined = (bottom > 0) & (w @ self.cases > 0)
        found = np.where(defined, top / np.where(defined, bottom, 1), np.nan)
        means = [
            _mean_of_defined(found[:, self._columns(metric)])
            for metric, _ in self.names[self.top.shape[1] :]
        ]
        return np.column_stack([found, *means])

    def counts(self) -> np.ndarray:
        """(len(names),) int64 cases of each cell."""
        total = self.cases.sum(0)
        means = [
            total[self._columns(metric)].sum() for metric, _ in self.names[self.top.shape[1] :]
        ]
        return np.array([*total, *means]).astype(np.int64)

    def known(self) -> np.ndarray:
        """(R, len(names)) bool: which rows have a case of the cell."""
        has = self.cases > 0
        means = [
            has[:, self._columns(metric)].any(1) for metric, _ in self.names[self.top.shape[1] :]
        ]
        return np.column_stack([has, *means])

    def _columns(self, metric: str) -> list[int]:
        return [k for k, (m, _) in enumerate(self.names[: self.top.shape[1]]) if m == metric]


def _mean_of_defined(values: np.ndarray) -> np.ndarray:
    """(B,) mean over the columns (B, K) that are not NaN; NaN where all are."""
    known = np.isfinite(values)
    count = known.sum(1)
    total = np.where(known, values, 0).sum(1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def dice_instance(counts: Overlap, min_area: int, min_dice: float) -> Sums:
    """Dice per image and class, a missed lesion counting 0."""
    present = counts.truth > 0
    return np.nan_to_num(counts.dice_instance()), present, present


def dice_class_detected(counts: Overlap, min_area: int, min_dice: float) -> Sums:
    """Dice where the class was at least partly found: Table 3."""
    overlaps = counts.intersection > 0
    return np.where(overlaps, counts.dice_instance(), 0), overlaps, overlaps


def dice_class_pooled(counts: Overlap, min_area: int, min_dice: float) -> Sums:
    """Dice of all pixels of a class together; a case is an image that has the class."""
    return 2 * counts.intersection, counts.predicted + counts.truth, counts.truth > 0


def precision(counts: Overlap, min_area: int, min_dice: float) -> Sums:
    """Found among found and invented: Table 2."""
    found, invented, _ = counts.detected(min_area, min_dice)
    return found, found | invented, found | invented


def recall(counts: Overlap, min_area: int, min_dice: float) -> Sums:
    """Found among found and missed: Table 2."""
    found, _, missed = counts.detected(min_area, min_dice)
    return found, found | missed, found | missed


METRICS: dict[str, Callable[[Overlap, int, float], Sums]] = {
    "dice_instance": dice_instance,
    "dice_class_detected": dice_class_detected,
    "dice_class_pooled": dice_class_pooled,
    "precision": precision,
    "recall": recall,
}
"""Metrics by class, one line each: (counts, min_area, min_dice) -> top, bottom, cases (N, K)."""
MEAN_OVER_CLASSES = ("dice_class_detected", "dice_class_pooled")


def with_patient_mean(by_patient: Cells) -> Cells:
    """The same with the cell `dice_patient`: the mean over patients of their mean Dice per image.

    In `dice_image` a patient with many slices counts more.

    >>> two = Cells((("dice_image", "all"),), *np.array([[[1.0], [0.0]], [[1], [3]], [[1], [3]]]))
    >>> with_patient_mean(two).values().tolist()  # one slice with a Dice of 1, three with 0
    [[0.25, 0.5]]
    """
    k = by_patient.names.index(("dice_image", "all"))
    top, bottom = by_patient.top[:, [k]], by_patient.bottom[:, [k]]
    there = bottom > 0
    mean = np.where(there, top / np.where(there, bottom, 1), 0)
    at = by_patient.top.shape[1]
    names = (*by_patient.names[:at], ("dice_patient", "all"), *by_patient.names[at:])
    return Cells(
        names,
        np.hstack([by_patient.top, mean]),
        np.hstack([by_patient.bottom, there]),
        np.hstack([by_patient.cases, there]),
    )


def cells(
    counts: Overlap, names: Sequence[str], min_area: int = MIN_AREA, min_dice: float = MIN_DICE
) -> Cells:
    """The cells of Tables 1 to 3 from pixel counts (N, K) of the classes `names`, as arrays.

    >>> one = np.array([[3, 0]])
    >>> table = cells(Overlap(one, 2 * one, 2 * one), ("PHE", "IPH"))
    >>> dict(zip(table.names, table.values()[0].tolist(), strict=True))["dice_image", "all"]
    0.5
    """
    if len(names) != counts.truth.shape[1]:
        raise ValueError(f"{len(names)} names for counts of {counts.truth.shape[1]} classes")
    image = counts.dice_image()[:, None]
    columns = [("dice_image", "all", np.nan_to_num(image), np.isfinite(image), np.isfinite(image))]
    for metric, sums_of in METRICS.items():
        parts = sums_of(counts, min_area, min_dice)
        if metric not in MEAN_OVER_CLASSES:
            top, bottom, cases = (part.sum(1, keepdims=True) for part in parts)
            columns.append((metric, "all", top, bottom, cases))
        for k, name in enumerate(names):
            top, bottom, cases = (part[:, [k]] for part in parts)
            columns.append((metric, name, top, bottom, cases))
    named = [(metric, lesion) for metric, lesion, *_ in columns]
    named += [(metric, "all") for metric in MEAN_OVER_CLASSES]
    sums = zip(*(parts for _, _, *parts in columns), strict=True)
    return Cells(tuple(named), *(np.hstack(part).astype(np.float64) for part in sums))
