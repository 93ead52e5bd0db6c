"""How well a classifier tells real from synthetic slices: the area under its ROC curve.

real        (N,)   P(real) of real slices
synthetic   (N,)   P(real) of synthetic slices, slice by slice of the same patients
groups      (N,)   integer 0..P - 1, one number per patient
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lcgan_core.metrics.bootstrap import interval, patient_weights

RESAMPLES = 1000


class Auc(NamedTuple):
    """The area, 0..1, with a 95 % interval from resampled patients: NaN if there is only one."""

    auc: float
    ci_low: float
    ci_high: float


def auc(real: np.ndarray, synthetic: np.ndarray, groups: np.ndarray, seed: int) -> Auc:
    """The chance that a random real slice gets a higher P(real) than a random synthetic slice; a
    tie counts one half.

    >>> auc(np.array([0.9, 0.5]), np.array([0.5, 0.1]), np.array([0, 0]), seed=0)
    Auc(auc=0.875, ci_low=nan, ci_high=nan)
    """
    wins, sizes = _wins(real, synthetic, groups), np.bincount(groups)
    value = float(wins.sum() / len(real) ** 2)
    if len(sizes) < 2:
        return Auc(value, np.nan, np.nan)
    weights = patient_weights(len(sizes), RESAMPLES, seed)
    resampled = ((weights @ wins) * weights).sum(1) / (weights @ sizes) ** 2
    low, high = interval(resampled[:, None])[:, 0]
    return Auc(value, float(low), float(high))


def _wins(real: np.ndarray, synthetic: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """(P, P) pairs of a real slice of one patient and a synthetic one of another that it beats."""
    patients = int(groups.max()) + 1
    wins = np.zeros((patients, patients))
    for patient in range(patients):
        others = np.sort(synthetic[groups == patient])
        below = sum(np.searchsorted(others, real, side) for side in ("left", "right")) / 2
        wins[:, patient] = np.bincount(groups, below, minlength=patients)
    return wins
