"""Split by patient, and nested subsets of the training patients."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lcgan_core.errors import UserError


def split_patients(patients: Iterable[str], test_share: float, seed: int) -> dict[str, str]:
    """Patient -> "train" or "test"; the fraction `test_share` tests, at least one on either side.

    The same patients get the same split in any order. Raises UserError for fewer
    than two patients.
    """
    drawn = _shuffled(patients, seed)
    if len(drawn) < 2:
        raise UserError(
            f"The cohort has {len(drawn)} patient(s); at least two are needed to train on one "
            "and test on another."
        )
    tests = min(max(round(test_share * len(drawn)), 1), len(drawn) - 1)
    return {patient: "test" if k < tests else "train" for k, patient in enumerate(drawn)}


def subset(patients: Iterable[str], fraction: float, seed: int) -> list[str]:
    """`fraction` of the patients, at least one; contained in every larger subset of the same seed.

    Raises UserError for a fraction outside (0, 1].

    >>> set(subset("abcdefgh", 0.25, 1)) <= set(subset("hgfedcba", 0.5, 1))
    True
    """
    if not 0 < fraction <= 1:
        raise UserError(f"The fraction is {fraction}; it must be above 0 and at most 1.")
    drawn = _shuffled(patients, seed)
    return drawn[: max(round(fraction * len(drawn)), 1)]


def _shuffled(patients: Iterable[str], seed: int) -> list[str]:
    unique = sorted(set(patients))
    return [unique[k] for k in np.random.default_rng(seed).permutation(len(unique))]
