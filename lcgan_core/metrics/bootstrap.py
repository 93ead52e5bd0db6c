"""The bootstrap: whole test patients are drawn again and again, the same ones for every arm; so
are the draws of training patients and seeds, where there is more than one.

Patients and draws cross: every draw's networks are tested on every patient. Both are resampled,
each by itself (the pigeonhole bootstrap of Owen, 2007).
"""

from __future__ import annotations

import numpy as np


def patient_weights(patients: int, resamples: int, seed: int) -> np.ndarray:
    """(resamples, patients) int64: how often each patient is drawn, with replacement.

    >>> patient_weights(3, 2, seed=0).sum(1).tolist()
    [3, 3]
    """
    return _times_drawn(patients, patients, resamples, seed)


def draw_weights(draws: int, resamples: int, seed: int) -> np.ndarray:
    """(resamples, draws) int64: how often each draw of training patients and seeds is taken.

    With replacement, and one fewer than there are: taking all of D draws, the resampled means
    would have (D - 1) / D of the variance of a mean of D (Rao and Wu, 1988), two thirds with three
    draws. A single draw is always taken.

    >>> draw_weights(3, 2, seed=0).sum(1).tolist(), draw_weights(1, 2, seed=0).tolist()
    ([2, 2], [[1], [1]])
    """
    return _times_drawn(draws, max(draws - 1, 1), resamples, seed)


def _times_drawn(units: int, taken: int, resamples: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.array(
        [np.bincount(rng.integers(units, size=taken), minlength=units) for _ in range(resamples)]
    )


def interval(resampled: np.ndarray) -> np.ndarray:
    """(2, K) the 2.5th and 97.5th percentile of (B, K) that are not NaN; NaN without any.

    >>> interval(np.array([[0.0, np.nan], [1.0, np.nan]])).round(3).tolist()
    [[0.025, nan], [0.975, nan]]
    """
    known = np.isfinite(resampled).any(0)
    ends = np.full((2, resampled.shape[1]), np.nan)
    ends[:, known] = np.nanpercentile(resampled[:, known], (2.5, 97.5), axis=0)
    return ends
