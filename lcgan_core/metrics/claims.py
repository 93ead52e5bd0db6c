"""The paper's claims and a reviewer's questions, each put to our numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from lcgan_core.lesions import HEMORRHAGES
from lcgan_core.metrics.bootstrap import interval
from lcgan_core.metrics.estimates import Estimate, weighted_sum
from lcgan_core.protocol.paper import paper_results, percent

SUBSETS, ALL = range(3), 3
"""Positions of the shares of the data: three subsets, and all training patients."""
POINT = 0.01
LEAST_PATIENTS = 6
"""That decide a claim: with five, even if all agree, a sign test gives p = 2 / 2^5 > .05."""


class Claim(NamedTuple):
    """A weighted sum of cells, and what is said of it: above 0, or within a point of 0."""

    says: str
    terms: tuple[tuple[float, int, str], ...]
    """(weight, position of the share, arm)"""
    metric: str = "dice_image"
    hemorrhage: str = "all"
    within_a_point: bool = False
    of_paper: bool = True


QUESTIONS = {
    ("gan", "duplicate2"): "GAN copies add more than the same slices once more",
    ("gan", "copy_paste"): "GAN copies add more than copies with pasted lesions",
    ("gan", "l1_only"): "the discriminator adds to a generator trained on L1 alone",
    ("both", "duplicate3"): "both kinds of copy add more than the same slices twice more",
    ("both", "traditional3"): "GAN copies add more than a second traditional copy",
    ("both", "online"): "both kinds of copy add more than transforming anew at every step",
    ("both_equal_steps", "original"): "both kinds of copy add at equal steps",
}
"""(arm, baseline) -> what a yes would mean."""


def claims() -> Iterator[Claim]:
    """The paper's claims first, then the questions, each at every share that it is about."""
    both = "both kinds of copy raise"
    for k in SUBSETS:
        yield Claim(f"{both} the Dice per image", _minus(k, "both", "original"))
    yield Claim(
        "with all the data both kinds of copy change the Dice per image by less than a point",
        _minus(ALL, "both", "original"),
        within_a_point=True,
    )
    yield Claim(
        "the gain in Dice per image is larger with the smallest subset than with the largest",
        (*_minus(0, "both", "original"), *_minus(2, "original", "both")),
    )
    for arm, baseline, says in (
        ("gan", "original", "GAN copies alone raise the Dice per image"),
        ("traditional", "gan", "traditional copies alone do better than GAN copies alone"),
        ("both", "traditional", "both kinds together do better than traditional copies alone"),
    ):
        yield from (Claim(says, _minus(k, arm, baseline)) for k in SUBSETS)
    for metric in ("precision", "recall"):
        yield from (
            Claim(f"{both} {metric}", _minus(k, "both", "original"), metric) for k in SUBSETS
        )
    for name in HEMORRHAGES:
        terms = tuple(
            (weight / len(SUBSETS), k, arm)
            for k in SUBSETS
            for weight, _, arm in _minus(k, "both", "original")
        )
        yield Claim(f"{both} the Dice of {name} where found", terms, "dice_class_detected", name)
    for (arm, baseline), says in QUESTIONS.items():
        yield from (Claim(says, _minus(k, arm, baseline), of_paper=False) for k in SUBSETS)


def _minus(share: int, arm: str, baseline: str) -> tuple[tuple[float, int, str], ...]:
    return (1.0, share, arm), (-1.0, share, baseline)


def put_to(grid: Mapping[tuple[float, str], Estimate]) -> pd.DataFrame:
    """A row a claim: ours with interval, the paper's, n test patients with a case, how many draws
    at each share, the verdict.

    `grid`: (fraction, arm) -> Estimate, all from the same resamples. A claim about an arm that the
    grid lacks is left out.
    """
    ours = sorted({fraction for fraction, _ in grid})
    theirs = sorted(paper_results().fraction.unique())
    rows = []
    for claim in claims():
        if not all((ours[k], arm) in grid for _, k, arm in claim.terms):
            continue
        shares = sorted({k for _, k, _ in claim.terms})
        parts = [_at(claim, k, ours[k], grid) for k in shares]
        value, low, high, patients = _together(parts, (claim.metric, claim.hemorrhage))
        paper = _paper(claim, theirs)
        rows.append(
            {
                "source": "paper" if claim.of_paper else "question",
                "claim": claim.says,
                "share": " and ".join(percent(ours[k]) for k in shares),
                "paper_share": " and ".join(percent(theirs[k]) for k in shares),
                "paper": paper,
                "value": value,
                "ci_low": low,
                "ci_high": high,
                "n": patients,
                "draws": " and ".join(str(len(part.of_draws)) for part in parts),
                "verdict": verdict(low, high, patients, claim.within_a_point),
            }
        )
    return pd.DataFrame(rows)


def _at(
    claim: Claim, share: int, fraction: float, grid: Mapping[tuple[float, str], Estimate]
) -> Estimate:
    """A claim's terms at one share: the arms of a draw have the same patients and seeds."""
    return weighted_sum([(w, grid[fraction, arm]) for w, k, arm in claim.terms if k == share])


def _together(parts: list[Estimate], of: tuple[str, str]) -> tuple[float, float, float, int]:
    """Value, interval and patients of the sum over shares, which may differ in their draws."""
    cell = parts[0].names.index(of)
    value = sum(part.value[cell] for part in parts)
    resampled = sum(part.resampled[:, cell] for part in parts)
    known = np.logical_and.reduce([part.known[:, :, cell].any(0) for part in parts])
    ends = interval(np.asarray(resampled)[:, None])[:, 0] if known.sum() > 1 else (np.nan, np.nan)
    return float(value), float(ends[0]), float(ends[1]), int(known.sum())


def _paper(claim: Claim, fractions: list[float]) -> float:
    """The same sum of the paper's printed numbers; NaN where it prints none."""
    cells = paper_results().set_index(["fraction", "arm", "metric", "hemorrhage"]).value
    keys = [(fractions[k], arm, claim.metric, claim.hemorrhage) for _, k, arm in claim.terms]
    if not all(key in cells.index for key in keys):
        return float("nan")
    return float(sum(w * cells[key] for (w, *_), key in zip(claim.terms, keys, strict=True)))


def verdict(low: float, high: float, patients: int, within_a_point: bool = False) -> str:
    """What a 95 % interval says of "above 0", or of "within a point of 0"; `patients` have a case.

    >>> verdict(0.01, 0.2, 6), verdict(-0.2, -0.1, 6), verdict(-0.1, 0.1, 6), verdict(0.01, 0.2, 5)
    ('confirmed', 'contradicted', 'undecided', 'undecided')
    >>> verdict(-0.005, 0.005, 9, within_a_point=True), verdict(0.02, 0.1, 9, within_a_point=True)
    ('confirmed', 'contradicted')
    """
    # no interval, or none wider than nothing: neither arm found anything
    if patients < LEAST_PATIENTS or not high > low:
        return "undecided"
    floor, ceiling = (-POINT, POINT) if within_a_point else (0.0, np.inf)
    if low > floor and high < ceiling:
        return "confirmed"
    outside = high < floor or (within_a_point and low > ceiling)
    return "contradicted" if outside else "undecided"
