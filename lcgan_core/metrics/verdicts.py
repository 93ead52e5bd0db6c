"""The claims tested on a run: sign, magnitude, equivalence, and what could have been detected."""

from __future__ import annotations

import math
from collections.abc import Collection, Hashable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from lcgan_core.metrics.bootstrap import interval
from lcgan_core.metrics.claims import ALL, PRIMARY, Claim, claims
from lcgan_core.metrics.estimates import Estimate, weighted_sum
from lcgan_core.metrics.inference import ALPHA, POINT, detectable, equivalent, holm, means
from lcgan_core.metrics.same_types import SAME
from lcgan_core.protocol.paper import beside, comparable, paper_results, percent

COLUMNS = [
    "id", "source", "role", "claim", "segmenter", "share", "paper_share", "paper", "value",
    "ci_low", "ci_high", "n", "draws", "p", "p_holm", "half_width", "equivalent", "magnitude",
    "detectable", "verdict", "reason",
]  # fmt: skip
LEAST_PATIENTS = 6
"""Needed to decide a claim: with five that all agree, a sign test gives p = 2 / 2^5 > .05."""
LEAST_DRAWS = 6
"""The same of draws: a verdict on an arm is one on its trainings, not on one network."""
PRINTED_AS = {SAME: "dice_class_detected"}
"""Our metric -> the paper's, where the two coincide because every arm found all types."""


def put_to(
    grid: Mapping[tuple[str, float, str], Estimate], names: Collection[str], primary: str = ALL
) -> pd.DataFrame:
    """One row per segmenter and claim: our number with its interval, the paper's, the verdict.

    `grid`: (segmenter, fraction, arm) -> Estimate, all from the same resamples; `names` of the
    lesion classes, and which of them the primary outcome is about. n is how many test patients have
    a case; `draws`, how many there are at each fraction. A claim about an arm that the grid lacks
    is left out.
    """
    fractions = {fraction for _, fraction, _ in grid}
    pairs = beside(fractions) if comparable(names) else {}
    printed = paper_results().set_index(["fraction", "arm", "metric", "lesion"]).value.to_dict()
    rows = []
    for segmenter in dict.fromkeys(segmenter for segmenter, _, _ in grid):
        ours = {(at, arm): part for (of, at, arm), part in grid.items() if of == segmenter}
        of_segmenter = [
            (claim, {"segmenter": segmenter, **_row(claim, ours, pairs, printed)})
            for claim in claims(fractions, names, primary)
            if all((fraction, arm) in ours for _, fraction, arm in claim.terms)
        ]
        rows += judged(of_segmenter)
    return pd.DataFrame(rows, columns=COLUMNS)


def _row(
    claim: Claim,
    ours: Mapping[tuple[float, str], Estimate],
    pairs: Mapping[float, float],
    printed: Mapping[Hashable, float],
) -> dict[str, Any]:
    # by fraction, since only the arms of one fraction share their draws
    parts = [
        weighted_sum([(w, ours[at, arm]) for w, at, arm in claim.terms if at == fraction])
        for fraction in claim.fractions
    ]
    theirs = [pairs[fraction] for fraction in claim.fractions if fraction in pairs]
    known = len(theirs) == len(parts)
    return {
        "id": claim.id,
        "source": "paper" if claim.of_paper else "question",
        "role": claim.role,
        "claim": claim.says,
        "share": claim.share,
        "paper_share": " and ".join(map(percent, theirs)) if known else "",
        "paper": _paper(claim, pairs, printed),
        "draws": " and ".join(str(len(part.of_draws)) for part in parts),
        **_numbers(parts, (claim.metric, claim.lesion)),
    }


def _numbers(parts: list[Estimate], of: tuple[str, str]) -> dict[str, Any]:
    """Value, interval and test of the sum over fractions, which may have different draws.

    A sum without a patient who has a case in all its parts has no value.
    """
    cell = parts[0].names.index(of)
    known = np.logical_and.reduce([part.known[:, :, cell].any(0) for part in parts])
    resampled = np.sum([part.resampled[:, cell] for part in parts], axis=0)
    ends = interval(resampled[:, None])[:, 0] if known.sum() > 1 else (np.nan, np.nan)
    tested = means([part.at(cell) for part in parts])
    value, se, df, p, half = (
        float(column[0]) if known.any() else math.nan
        for column in (tested.value, tested.se, tested.df, tested.p, tested.half_width)
    )
    return {
        "value": value,
        "ci_low": float(ends[0]),
        "ci_high": float(ends[1]),
        "n": int(known.sum()),
        "p": p,
        "half_width": half,
        "detectable": detectable(se, df),
        "with_value": int(tested.draws[0]),
    }


def _paper(claim: Claim, pairs: Mapping[float, float], printed: Mapping[Hashable, float]) -> float:
    """The same sum of the paper's printed numbers; NaN where it prints none."""
    metric = PRINTED_AS.get(claim.metric, claim.metric)
    keys = [(pairs.get(at), arm, metric, claim.lesion) for _, at, arm in claim.terms]
    if not all(key in printed for key in keys):
        return math.nan
    return float(sum(w * printed[key] for (w, *_), key in zip(claim.terms, keys, strict=True)))


def judged(rows: list[tuple[Claim, dict[str, Any]]]) -> list[dict[str, Any]]:
    """The rows of one segmenter with p after Holm over the primary ones, and what follows.

    A row has value, ci_low, ci_high, n, p, half_width, paper, and `with_value`: the least number
    of draws with a value.
    """
    primary = [row for claim, row in rows if claim.role == PRIMARY]
    adjusted = holm([row["p"] for row in primary])
    for row, p in zip(primary, adjusted, strict=True):
        row["p_holm"] = float(p)
    return [_judged(claim, row) for claim, row in rows]


def _judged(claim: Claim, row: dict[str, Any]) -> dict[str, Any]:
    low, high, theirs, draws = row["ci_low"], row["ci_high"], row["paper"], row.pop("with_value")
    same, few = "undecided", reason_of_few(row["n"], draws)
    if not few and np.isfinite(row["half_width"]):
        same = equivalent(row["value"], row["half_width"])
    magnitude = ""
    if np.isfinite([low, high, theirs]).all() and low < high:
        magnitude = "inside" if low <= theirs <= high else "outside"
    if claim.within_a_point:
        found, reason = _within(low, high, same)
    else:
        found, reason = verdict(low, high, row.get("p_holm", row["p"]))
    if few:
        found, reason = "undecided", few
    return row | {"equivalent": same, "magnitude": magnitude, "verdict": found, "reason": reason}


def reason_of_few(patients: int, draws: int) -> str:
    """Why so few patients with a case, or draws, decide nothing; empty if they may.

    >>> reason_of_few(70, 1), reason_of_few(2, 6), reason_of_few(6, 6)
    ('1 draw, 6 are needed', '2 patients with a case, 6 are needed', '')
    """
    if patients < LEAST_PATIENTS:
        named = "patient" if patients == 1 else "patients"
        return f"{patients} {named} with a case, {LEAST_PATIENTS} are needed"
    if draws < LEAST_DRAWS:
        named = "draw" if draws == 1 else "draws"
        return f"{draws} {named}, {LEAST_DRAWS} are needed"
    return ""


def verdict(low: float, high: float, p: float) -> tuple[str, str]:
    """The verdict on "above 0", and why there is none: bootstrap and t test must agree.

    >>> verdict(0.01, 0.2, 0.01)[0], verdict(-0.2, -0.1, 0.01)[0]
    ('confirmed', 'contradicted')
    >>> verdict(0.01, 0.2, 0.07)
    ('undecided', 'p = .070')
    """
    # no interval, or one of zero width: neither arm found anything
    if not high > low:
        return "undecided", "no spread"
    if low <= 0 <= high:
        return "undecided", "the interval contains 0"
    if not p < ALPHA:
        return "undecided", f"p = {p:.3f}".replace("0.", ".")
    return ("confirmed" if low > 0 else "contradicted"), ""


def _within(low: float, high: float, same: str) -> tuple[str, str]:
    """The same of "within a point of 0"."""
    if not high > low:
        return "undecided", "no spread"
    if low > -POINT and high < POINT and same == "yes":
        return "confirmed", ""
    if (high < -POINT or low > POINT) and same == "no":
        return "contradicted", ""
    return "undecided", f"the interval is {high - low:.3f} wide".replace("0.", ".")
