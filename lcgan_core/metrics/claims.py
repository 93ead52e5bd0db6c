"""The paper's claims and a reviewer's questions, each tested on our numbers."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from lcgan_core.lesions import FIVE
from lcgan_core.metrics.bootstrap import interval
from lcgan_core.metrics.estimates import Estimate, weighted_sum
from lcgan_core.protocol.paper import beside, comparable, paper_results, percent

COLUMNS = [
    "id", "source", "claim", "segmenter", "share", "paper_share", "paper", "value", "ci_low",
    "ci_high", "n", "draws", "verdict",
]  # fmt: skip
MAIN, WITH_ALL = "both_raises_dice_image", "both_keeps_dice_image_with_all_data"
"""Ids of the paper's main claim, which is about scarce data, and of its counterpart."""
POINT = 0.01
LEAST_PATIENTS = 6
"""Needed to decide a claim: with five that all agree, a sign test gives p = 2 / 2^5 > .05."""
SCARCE = (
    (MAIN, "both kinds of copy raise the Dice per image", "both", "original", "dice_image"),
    ("gan_raises_dice_image", "GAN copies alone raise the Dice per image",
     "gan", "original", "dice_image"),
    ("traditional_beats_gan", "traditional copies alone do better than GAN copies alone",
     "traditional", "gan", "dice_image"),
    ("both_beats_traditional", "both kinds together do better than traditional copies alone",
     "both", "traditional", "dice_image"),
    ("both_raises_precision", "both kinds of copy raise precision",
     "both", "original", "precision"),
    ("both_raises_recall", "both kinds of copy raise recall", "both", "original", "recall"),
)  # fmt: skip
"""What the paper claims of every subset, the main claim first: id, text, arm, baseline, metric."""
QUESTIONS = {
    ("gan", "duplicate2"): "GAN copies add more than the same slices once more",
    ("gan", "copy_paste"): "GAN copies add more than copies with pasted lesions",
    ("gan", "l1_only"): "the discriminator adds to a generator trained on L1 alone",
    ("both", "duplicate3"): "both kinds of copy add more than the same slices twice more",
    ("both", "traditional3"): "GAN copies add more than a second traditional copy",
    ("both", "online"): "both kinds of copy add more than transforming anew at every step",
    ("both_equal_steps", "original"): "both kinds of copy add at equal steps",
}
"""(arm, baseline) -> the statement that is tested."""

Terms = tuple[tuple[float, float, str], ...]


class Claim(NamedTuple):
    """A weighted sum of cells, and what is claimed of it: above 0, or within a point of 0.

    The same statement about another fraction is another claim with the same id: `id` and `share`
    together identify a claim, and with the segmenter a row of claims.csv.
    """

    id: str
    says: str
    terms: Terms
    """(weight, fraction, arm)"""
    metric: str = "dice_image"
    lesion: str = "all"
    within_a_point: bool = False
    of_paper: bool = True

    @property
    def fractions(self) -> list[float]:
        """The fractions of the training patients that it is about, ascending."""
        return sorted({fraction for _, fraction, _ in self.terms})

    @property
    def share(self) -> str:
        """The same in words, as in claims.csv: "2.5% and 25%"."""
        return " and ".join(map(percent, self.fractions))


def claims(fractions: Iterable[float], names: Collection[str]) -> list[Claim]:
    """The paper's claims if `names` are its classes, then the questions.

    `fractions` of the training patients: all below 1 are scarce data, 1 is all the data.
    """
    subsets = sorted(fraction for fraction in set(fractions) if fraction < 1)
    asked = [
        Claim(f"{arm}_over_{baseline}", says, _minus(fraction, arm, baseline), of_paper=False)
        for (arm, baseline), says in QUESTIONS.items()
        for fraction in subsets
    ]
    return [*(_of_paper(subsets) if comparable(names) else ()), *asked]


def _of_paper(subsets: Sequence[float]) -> list[Claim]:
    gains = [_minus(fraction, "both", "original") for fraction in subsets]
    at_each = [
        Claim(of, says, _minus(fraction, arm, baseline), metric)
        for of, says, arm, baseline, metric in SCARCE
        for fraction in subsets
    ]
    main, others = at_each[: len(subsets)], at_each[len(subsets) :]
    with_all = Claim(
        WITH_ALL,
        "with all the data both kinds of copy change the Dice per image by less than a point",
        _minus(1.0, "both", "original"),
        within_a_point=True,
    )
    trend = Claim(
        "gain_is_larger_with_smallest_subset",
        "the gain in Dice per image is larger with the smallest subset than with the largest",
        (*gains[0], *_minus(subsets[-1], "original", "both")) if len(subsets) > 1 else (),
    )
    mean = tuple((w / len(subsets), fraction, arm) for gain in gains for w, fraction, arm in gain)
    by_type = [
        Claim(
            f"both_raises_dice_of_{name.lower()}",
            f"both kinds of copy raise the Dice of {name} where found",
            mean,
            "dice_class_detected",
            name,
        )
        for name in FIVE.names
    ]
    # a claim without terms needs more subsets than there are
    return [claim for claim in (*main, with_all, trend, *others, *by_type) if claim.terms]


def _minus(fraction: float, arm: str, baseline: str) -> Terms:
    return (1.0, fraction, arm), (-1.0, fraction, baseline)


def put_to(grid: Mapping[tuple[str, float, str], Estimate], names: Collection[str]) -> pd.DataFrame:
    """One row per segmenter and claim: our number with its interval, the paper's, the verdict.

    `grid`: (segmenter, fraction, arm) -> Estimate, all from the same resamples; `names` of the
    lesion classes. n is how many test patients have a case; `draws`, how many there are at each
    fraction. A claim about an arm that the grid lacks is left out.
    """
    fractions = {fraction for _, fraction, _ in grid}
    pairs = beside(fractions) if comparable(names) else {}
    printed = paper_results().set_index(["fraction", "arm", "metric", "lesion"]).value.to_dict()
    rows = []
    for segmenter in dict.fromkeys(segmenter for segmenter, _, _ in grid):
        ours = {(at, arm): part for (of, at, arm), part in grid.items() if of == segmenter}
        for claim in claims(fractions, names):
            if all((fraction, arm) in ours for _, fraction, arm in claim.terms):
                rows.append({"segmenter": segmenter, **_row(claim, ours, pairs, printed)})
    return pd.DataFrame(rows, columns=COLUMNS)


def _row(
    claim: Claim,
    ours: Mapping[tuple[float, str], Estimate],
    pairs: Mapping[float, float],
    printed: Mapping[Hashable, float],
) -> dict:
    # by fraction, since only the arms of one fraction share their draws
    parts = [
        weighted_sum([(w, ours[at, arm]) for w, at, arm in claim.terms if at == fraction])
        for fraction in claim.fractions
    ]
    value, low, high, patients = _together(parts, (claim.metric, claim.lesion))
    theirs = [pairs[fraction] for fraction in claim.fractions if fraction in pairs]
    known = len(theirs) == len(parts)
    return {
        "id": claim.id,
        "source": "paper" if claim.of_paper else "question",
        "claim": claim.says,
        "share": claim.share,
        "paper_share": " and ".join(map(percent, theirs)) if known else "",
        "paper": _paper(claim, pairs, printed),
        "value": value,
        "ci_low": low,
        "ci_high": high,
        "n": patients,
        "draws": " and ".join(str(len(part.of_draws)) for part in parts),
        "verdict": verdict(low, high, patients, claim.within_a_point),
    }


def _together(parts: list[Estimate], of: tuple[str, str]) -> tuple[float, float, float, int]:
    """Value, interval and patients of the sum over fractions, which may have different draws."""
    cell = parts[0].names.index(of)
    value = sum(part.value[cell] for part in parts)
    resampled = sum(part.resampled[:, cell] for part in parts)
    known = np.logical_and.reduce([part.known[:, :, cell].any(0) for part in parts])
    ends = interval(np.asarray(resampled)[:, None])[:, 0] if known.sum() > 1 else (np.nan, np.nan)
    return float(value), float(ends[0]), float(ends[1]), int(known.sum())


def _paper(claim: Claim, pairs: Mapping[float, float], printed: Mapping[Hashable, float]) -> float:
    """The same sum of the paper's printed numbers; NaN where it prints none."""
    keys = [(pairs.get(at), arm, claim.metric, claim.lesion) for _, at, arm in claim.terms]
    if not all(key in printed for key in keys):
        return float("nan")
    return float(sum(w * printed[key] for (w, *_), key in zip(claim.terms, keys, strict=True)))


def verdict(low: float, high: float, patients: int, within_a_point: bool = False) -> str:
    """The verdict of a 95 % interval on "above 0" or "within a point of 0"; `patients` have a case.

    >>> verdict(0.01, 0.2, 6), verdict(-0.2, -0.1, 6), verdict(-0.1, 0.1, 6), verdict(0.01, 0.2, 5)
    ('confirmed', 'contradicted', 'undecided', 'undecided')
    >>> verdict(-0.005, 0.005, 9, within_a_point=True), verdict(0.02, 0.1, 9, within_a_point=True)
    ('confirmed', 'contradicted')
    """
    # no interval, or one of zero width: neither arm found anything
    if patients < LEAST_PATIENTS or not high > low:
        return "undecided"
    floor, ceiling = (-POINT, POINT) if within_a_point else (0.0, np.inf)
    if low > floor and high < ceiling:
        return "confirmed"
    outside = high < floor or (within_a_point and low > ceiling)
    return "contradicted" if outside else "undecided"
