"""What few draws allow: t tests on draw means, Holm, equivalence, and the detectable effect.

The networks of all draws are tested on the same patients, so the values of the draws are not
independent. The squared standard error of a mean over D draws is therefore

    s^2 / D + c

with s the standard deviation between draws and c the covariance that shared test patients cause
(Obuchowski and Rockette, 1995), estimated from the bootstrap over patients; where each draw tests
patients of its own, c is 0. t has D - 1 degrees of freedom.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.stats import nct, t

from lcgan_core.metrics.estimates import Estimate, mean_of_known

POINT = 0.01
"""One point of Dice, precision or recall: two arms within it are equivalent."""
ALPHA, POWER = 0.05, 0.8


class Means(NamedTuple):
    """Means over draws of M cells, (M,) each; se and df are NaN with fewer than two draws."""

    value: np.ndarray
    se: np.ndarray
    df: np.ndarray
    draws: np.ndarray
    """How many draws have a value; of the fraction that has fewest."""

    @property
    def p(self) -> np.ndarray:
        """(M,) two-sided p of a t test against 0; NaN without a standard error above 0."""
        known = self.se > 0
        ratio = self.value / np.where(known, self.se, 1)
        return np.where(known, 2 * t.sf(np.abs(ratio), self.df), np.nan)

    @property
    def half_width(self) -> np.ndarray:
        """(M,) of the 90 % interval, whose ends decide two one-sided tests at 5 %."""
        return self.se * t.ppf(1 - ALPHA, self.df)


def means(parts: Sequence[Estimate]) -> Means:
    """The sum of estimates over several fractions, tested by their draws.

    Fractions with equally many draws are summed draw by draw, like the bootstrap's; the others are
    taken as independent, with degrees of freedom after Satterthwaite (1946).
    """
    groups: dict[int, list[Estimate]] = {}
    for part in parts:
        groups.setdefault(len(part.of_draws), []).append(part)
    made = [_of_group(group) for group in groups.values()]
    value, between, own, count, resampled = (np.array(column) for column in zip(*made, strict=True))
    shared = np.maximum(_variance(resampled.sum(0)) - own.sum(0), 0)
    total, least = between.sum(0), count.min(0)
    spread = np.maximum((between**2 / _at_least_one(count - 1)).sum(0), 1e-300)
    known = np.isfinite(total)
    return Means(
        value.sum(0),
        np.where(known, np.sqrt(total + shared), np.nan),
        np.where(known, np.where(total > 0, total**2 / spread, least - 1), np.nan),
        least,
    )


def _of_group(parts: Sequence[Estimate]) -> tuple[np.ndarray, ...]:
    """Of the sum of estimates of the same draws, (M,) each: its mean over draws; the squared
    standard error by their spread, NaN with one draw; what the bootstrap over patients varies that
    mean by beyond what draws share; how many draws have a value. And the (B, M) resampled means.
    """
    values = np.sum([part.of_draws for part in parts], axis=0)
    known = np.isfinite(values)
    resamples = np.sum([part.of_resamples for part in parts], axis=0)
    resamples = np.where(known[:, None], resamples, np.nan)
    count, mean = known.sum(0), mean_of_known(resamples)
    others = _at_least_one(count - 1)
    between = np.where(count > 1, _variance(values) / others, np.nan)
    # over patients a draw varies by c + v and a mean of D draws by c + v / D; this is v / D
    own = (mean_of_known(_variance(resamples, axis=1)) - _variance(mean)) / others
    return mean_of_known(values), between, own, count, mean


def _at_least_one(counts: np.ndarray) -> np.ndarray:
    return np.maximum(counts, 1)


def _variance(values: np.ndarray, axis: int = 0) -> np.ndarray:
    """Plug-in variance along an axis without the NaN; NaN where nothing else is left."""
    first = np.moveaxis(values, axis, 0)
    return mean_of_known((first - mean_of_known(first)) ** 2)


def detectable(se: float, df: float) -> float:
    """The smallest true difference that a two-sided t test at 5 % finds with a power of 80 %.

    >>> round(detectable(1 / 6**0.5, 5), 2)  # six draws with a standard deviation of 1
    1.43
    """
    return se * _noncentrality(df) if np.isfinite(se) and df > 0 else float("nan")


@cache
def _noncentrality(df: float) -> float:
    limit = t.ppf(1 - ALPHA / 2, df)

    def lacking(shift: float) -> float:
        # a result on the wrong side has a chance below a millionth
        return float(nct.sf(limit, df, shift)) - POWER

    return float(brentq(lacking, 0.1, 2 * limit + 2))


def equivalent(value: float, half_width: float) -> str:
    """Whether a difference is within a point of 0, by two one-sided tests at 5 %.

    >>> equivalent(0.002, 0.005), equivalent(0.03, 0.005), equivalent(0.002, 0.02)
    ('yes', 'no', 'undecided')
    """
    if abs(value) + half_width < POINT:
        return "yes"
    return "no" if abs(value) - half_width > POINT else "undecided"


def holm(p: Sequence[float]) -> np.ndarray:
    """p values adjusted for their number (Holm, 1979), in the same order; NaN counts and stays.

    >>> holm([0.03, 0.01, 0.04]).round(3).tolist()
    [0.06, 0.03, 0.06]
    """
    order = np.argsort(p)
    scaled = np.asarray(p, float)[order] * np.arange(len(p), 0, -1)
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(np.maximum.accumulate(scaled), 1)
    return adjusted
