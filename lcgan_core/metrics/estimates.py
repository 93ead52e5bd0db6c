"""A set of cells with its resampled values: intervals, and differences paired by patient."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lcgan_core.metrics.bootstrap import interval
from lcgan_core.metrics.cells import Cells


@dataclass(frozen=True)
class Estimate:
    """M cells: names, value (M,), draws (B, M), n (M,) cases, known (P, M) patients with a case.

    Estimates from the same weights are paired: their difference is taken draw by draw.
    """

    names: tuple[tuple[str, str], ...]
    value: np.ndarray
    draws: np.ndarray
    n: np.ndarray
    known: np.ndarray

    def __sub__(self, other: Estimate) -> Estimate:
        """The difference; a patient is known where both have a case, and n counts patients."""
        known = self.known & other.known
        return Estimate(
            self.names,
            self.value - other.value,
            self.draws - other.draws,
            known.sum(0),
            known,
        )

    def rows(self) -> list[dict]:
        """A dict a cell: metric, hemorrhage, value, ci_low, ci_high, n.

        The interval is NaN where fewer than two patients have a case: one patient has no spread.
        """
        low, high = np.where(self.known.sum(0) > 1, interval(self.draws), np.nan)
        return [
            {
                "metric": metric,
                "hemorrhage": name,
                "value": float(self.value[k]),
                "ci_low": float(low[k]),
                "ci_high": float(high[k]),
                "n": int(self.n[k]),
            }
            for k, (metric, name) in enumerate(self.names)
        ]


def estimate(by_patient: Cells, weights: np.ndarray) -> Estimate:
    """Values of cells summed by patient (P rows), and of each resample weights (B, P)."""
    return Estimate(
        by_patient.names,
        by_patient.values()[0],
        by_patient.values(weights),
        by_patient.counts(),
        by_patient.known(),
    )
