"""The bootstrap: resamples of whole test patients, and of the draws where there are several.

Every arm gets the same resamples. A draw is one choice of training patients and seeds. Patients and
draws are crossed, since the networks of every draw are tested on every patient; each of the two is
resampled independently of the other (the pigeonhole bootstrap of Owen, 2007).
"""

from __future__ import annotations

import numpy as np


def patient_weights(patients: int, resamples: int, seed: int) -> np.ndarray:
    """(resamples, patients) int64: how often a resample, with replacement, takes each patient.

    >>> patient_weights(3, 2, seed=0).sum(1).tolist()
    [3, 3]
    """
    return _times_taken(patients, patients, resamples, seed)


def draw_weights(draws: int, resamples: int, seed: int) -> np.ndarray:
    """(resamples, draws) int64: how often a resample, with replacement, takes each draw.

    Of D draws a resample takes D - 1: means of D would have only (D - 1) / D of the variance of a
    mean over D draws (Rao and Wu, 1988), two thirds of it with three. A single draw is always
    taken.

    >>> draw_weights(3, 2, seed=0).sum(1).tolist(), draw_weights(1, 2, seed=0).tolist()
    ([2, 2], [[1], [1]])
    """
    return _times_taken(draws, max(draws - 1, 1), resamples, seed)


def _times_taken(units: int, taken: int, resamples: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.array(
        [np.bincount(rng.integers(units, size=taken), minlength=units) for _ in range(resamples)]
    )


def interval(resampled: np.ndarray) -> np.ndarray:
    """(2, M) the 2.5th and 97.5th percentile of each column of (B, M), without the NaN.

    NaN for a column without any other value.

    >>> interval(np.array([[0.0, np.nan], [1.0, np.nan]])).round(3).tolist()
    [[0.025, nan], [0.975, nan]]
    """
    known = np.isfinite(resampled).any(0)
    ends = np.full((2, resampled.shape[1]), np.nan)
    ends[:, known] = np.nanpercentile(resampled[:, known], (2.5, 97.5), axis=0)
    return ends
