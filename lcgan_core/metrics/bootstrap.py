"""The patient bootstrap: whole patients are drawn again and again, the same ones for every arm."""

from __future__ import annotations

import numpy as np


def patient_weights(patients: int, resamples: int, seed: int) -> np.ndarray:
    """(resamples, patients) int64: how often each patient is drawn, with replacement.

    >>> patient_weights(3, 2, seed=0).sum(1).tolist()
    [3, 3]
    """
    rng = np.random.default_rng(seed)
    return np.array(
        [
            np.bincount(rng.integers(patients, size=patients), minlength=patients)
            for _ in range(resamples)
        ]
    )


def interval(draws: np.ndarray) -> np.ndarray:
    """(2, K) the 2.5th and 97.5th percentile of draws (B, K) that are not NaN; NaN without any.

    >>> interval(np.array([[0.0, np.nan], [1.0, np.nan]])).round(3).tolist()
    [[0.025, nan], [0.975, nan]]
    """
    known = np.isfinite(draws).any(0)
    ends = np.full((2, draws.shape[1]), np.nan)
    ends[:, known] = np.nanpercentile(draws[:, known], (2.5, 97.5), axis=0)
    return ends
