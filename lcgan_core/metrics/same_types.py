"""The mean of Table 3 over the same types for every arm, and how many types an arm found.

The paper's mean is over the types that an arm found at least in part. An arm that begins to find a
hard type, whose Dice is low, is penalised by it.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from lcgan_core.metrics.estimates import Estimate, mean_of_known
from lcgan_core.protocol.arms import PAPER

SAME, FOUND = "dice_class_common", "types_found"
"""Names of the two metrics; their only cell is `all`."""
_DETECTED = "dice_class_detected"


def over_same_types(arms: Mapping[str, Estimate]) -> dict[str, Estimate]:
    """The arms of one fraction with two more cells each, in every draw and resample.

    SAME: the mean Dice over the types that the paper's four arms all found; NaN if there is none,
    or if another arm lacks one of them. FOUND: how many types the arm found; its n is how many the
    test patients have.
    """
    first = next(iter(arms.values()))
    columns = [k for k, (of, name) in enumerate(first.names) if of == _DETECTED and name != "all"]
    compared = [part for arm, part in arms.items() if arm in PAPER]
    common = np.logical_and.reduce([np.isfinite(part.of_draws[:, columns]) for part in compared])
    resampled = np.logical_and.reduce(
        [np.isfinite(part.of_resamples[:, :, columns]) for part in compared]
    )
    return {
        arm: _extended(part, columns, common[: (n := len(part.of_draws))], resampled[:n])
        for arm, part in arms.items()  # a control may have fewer draws
    }


def _extended(
    part: Estimate, columns: list[int], common: np.ndarray, resampled: np.ndarray
) -> Estimate:
    truth = [
        k for k, (of, name) in enumerate(part.names) if of == "dice_instance" and name != "all"
    ]
    values, resamples = part.of_draws[:, columns], part.of_resamples[:, :, columns]
    known = np.any(part.known[:, :, columns] & common[:, None], axis=2)
    tested = np.any(part.known[:, :, truth], axis=2)
    return Estimate(
        (*part.names, (SAME, "all"), (FOUND, "all")),
        _with(part.of_draws, _mean_over(values, common), np.isfinite(values).sum(-1)),
        _with(part.of_resamples, _mean_over(resamples, resampled), np.isfinite(resamples).sum(-1)),
        part.weights,
        _with(
            part.cases,
            (part.cases[:, columns] * common).sum(-1),
            (part.cases[:, truth] > 0).sum(-1),
        ),
        _with(part.known, known, tested),
    )


def _with(table: np.ndarray, *columns: np.ndarray) -> np.ndarray:
    """A table (..., M) with more columns (...) at its end."""
    return np.concatenate([table, *(column[..., None] for column in columns)], axis=-1)


def _mean_over(values: np.ndarray, types: np.ndarray) -> np.ndarray:
    """(...,) mean of values (..., K) over chosen types; NaN where one of these has no value."""
    lacking = (types & ~np.isfinite(values)).any(-1)
    mean = mean_of_known(np.moveaxis(values, -1, 0), np.moveaxis(types, -1, 0))
    return np.where(lacking, np.nan, mean)
