"""A set of cells with its resampled values: intervals, and differences paired by patient and draw.

A draw is one choice of training patients and seeds. The value of a cell is the mean over its draws.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from lcgan_core.metrics.bootstrap import interval
from lcgan_core.metrics.cells import Cells


@dataclass(frozen=True)
class Estimate:
    """M cells in D draws, and again in B resamples of the P test patients.

    names (M,); of_draws (D, M) values; of_resamples (D, B, M) values; weights (B, D): how often a
    resample takes a draw; cases (D, M); known (D, P, M): which patients have a case.

    Estimates with the same weights are paired: a difference is taken in each draw and resample.
    """

    names: tuple[tuple[str, str], ...]
    of_draws: np.ndarray
    of_resamples: np.ndarray
    weights: np.ndarray
    cases: np.ndarray
    known: np.ndarray

    @property
    def value(self) -> np.ndarray:
        """(M,) means over the draws in which a cell has a value."""
        return mean_of_known(self.of_draws)

    @property
    def resampled(self) -> np.ndarray:
        """(B, M) the same means in each resample, over the draws that it contains."""
        return mean_of_known(self.of_resamples, self.weights.T[:, :, None])

    @property
    def n(self) -> np.ndarray:
        """(M,) int64 cases per draw that has any, on average: networks may find other lesions."""
        having = np.maximum((self.cases > 0).sum(0), 1)
        return np.rint(self.cases.sum(0) / having).astype(np.int64)

    @property
    def interval(self) -> np.ndarray:
        """(2, M) ends of the 95 % interval.

        NaN where fewer than two patients have a case, since a single patient has no spread.
        """
        return np.where(self.known.any(0).sum(0) > 1, interval(self.resampled), np.nan)

    def __sub__(self, other: Estimate) -> Estimate:
        """The difference; its cases are the patients with a case in both."""
        return weighted_sum([(1.0, self), (-1.0, other)])

    def first(self, draws: int, weights: np.ndarray) -> Estimate:
        """Its first draws alone, as often as `weights` (B, draws) take them in a resample."""
        return Estimate(
            self.names, self.of_draws[:draws], self.of_resamples[:draws], weights,
            self.cases[:draws], self.known[:draws],
        )  # fmt: skip

    def at(self, cell: int) -> Estimate:
        """One of its cells alone."""
        one = slice(cell, cell + 1)
        return Estimate(
            self.names[one],
            self.of_draws[:, one],
            self.of_resamples[:, :, one],
            self.weights,
            self.cases[:, one],
            self.known[:, :, one],
        )

    def rows(self) -> list[dict]:
        """One dict per cell: metric, lesion, value, ci_low, ci_high, n, draws."""
        value, (low, high), n = self.value, self.interval, self.n
        return [
            {
                "metric": metric,
                "lesion": lesion,
                "value": float(value[k]),
                "ci_low": float(low[k]),
                "ci_high": float(high[k]),
                "n": int(n[k]),
                "draws": len(self.of_draws),
            }
            for k, (metric, lesion) in enumerate(self.names)
        ]

    def draw_rows(self) -> Iterator[dict]:
        """One dict per draw and cell: draw, metric, lesion, value, n."""
        for d, (values, cases) in enumerate(zip(self.of_draws, self.cases, strict=True)):
            for (metric, lesion), value, n in zip(self.names, values, cases, strict=True):
                yield {
                    "draw": d + 1,
                    "metric": metric,
                    "lesion": lesion,
                    "value": float(value),
                    "n": int(n),
                }


def weighted_sum(parts: Sequence[tuple[float, Estimate]]) -> Estimate:
    """The weighted sum of estimates in the draws that all of them have.

    A case is a patient with a case in each; a draw without such a patient has no value. n counts
    the patients of all draws.
    """
    first = min((part for _, part in parts), key=lambda part: len(part.of_draws))
    shared = len(first.of_draws), first.weights
    parts = [(weight, part.first(*shared)) for weight, part in parts]
    known = np.logical_and.reduce([part.known for _, part in parts])
    there = known.any(1)
    of_draws = np.sum([weight * part.of_draws for weight, part in parts], axis=0)
    of_resamples = np.sum([weight * part.of_resamples for weight, part in parts], axis=0)
    return Estimate(
        first.names,
        np.where(there, of_draws, np.nan),
        np.where(there[:, None], of_resamples, np.nan),
        first.weights,
        np.broadcast_to(known.any(0).sum(0), there.shape),
        known,
    )


def estimate(by_patient: Sequence[Cells], patients: np.ndarray, draws: np.ndarray) -> Estimate:
    """Values and resamples of the cells of D draws, each summed by patient (P rows).

    patients (B, P) and draws (B, D): weights from `bootstrap`.
    """
    return Estimate(
        by_patient[0].names,
        np.array([table.values()[0] for table in by_patient]),
        np.array([table.values(patients) for table in by_patient]),
        draws,
        np.array([table.counts() for table in by_patient]),
        np.array([table.known() for table in by_patient]),
    )


def mean_of_known(values: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Weighted mean over the first axis without the NaN; NaN where nothing else is left.

    >>> mean_of_known(np.array([[1.0, np.nan], [3.0, np.nan]])).tolist()
    [2.0, nan]
    """
    known = np.isfinite(values)
    taken = known if weights is None else np.where(known, weights, 0)
    total = taken.sum(0)
    mean = (np.where(known, values, 0) * taken).sum(0) / np.where(total > 0, total, 1)
    return np.where(total > 0, mean, np.nan)
