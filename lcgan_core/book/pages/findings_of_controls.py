"""What a run found of its controls, its claims, its draws and its generators, as headings.

As in `findings`, a heading has a direction only where the 95 % interval excludes 0.
"""

from __future__ import annotations

import pandas as pd

from lcgan_core.book.pages.effects import (
    against_original,
    at_fraction,
    clear,
    finding,
    moved,
    with_ends,
)
from lcgan_core.book.words import linked, listed, number
from lcgan_core.metrics.claims import QUESTION, Measure
from lcgan_core.protocol.arms import ARMS
from lcgan_core.protocol.paper import percent

HOW = ("better", "worse")
CHANCE = 0.05
"""How many intervals of 95 % exclude 0 where there is nothing to find."""


def cheaper(claims: pd.DataFrame) -> str:
    """The strongest answer to whether something cheaper would do, and all that are clear."""
    asked = claims[claims.role == QUESTION]
    if asked.empty:
        return finding(
            "No control was trained",
            "*This run trained only the paper's four arms; the setting `arms` adds the controls.*",
        )
    known = asked[clear(asked)]
    if known.empty:
        return finding(f"None of {len(asked)} comparisons with a control excludes 0")
    best = known.iloc[int(known.value.abs().argmax())]
    better, worse = best.id.split("_over_")[:: 1 if best.value > 0 else -1]
    shares = known["share"][(known.id == best.id) & (known.value * best.value > 0)]
    lines = [
        f"- {_compared(row)} at {row.share}, {with_ends(row)}; {_formally(row)}"
        for _, row in known.sort_values(["id", "share"], kind="stable").iterrows()
    ]
    return finding(
        f"*{better}* did better than *{worse}* at {listed(shares)}",
        f"{_among(len(known), len(asked), 'comparisons with a control')}:\n\n" + "\n".join(lines),
    )


def arms(differences: pd.DataFrame, measure: Measure) -> str:
    """Which arms differ from *original* with an interval that excludes 0."""
    names = [arm for arm in ARMS if arm != "original"]
    rows = against_original(differences, names, measure)
    rows = rows[rows.ci_low.notna()]
    known = rows[clear(rows)]
    if known.empty:
        return finding(f"No arm changed {measure.says} clearly")
    fractions = known.groupby("arm").fraction.nunique()
    most = known[known.arm.isin(fractions.index[fractions == fractions.max()])]
    best = most.arm.iloc[int(most.value.abs().argmax())]
    lines = [
        f"- *{arm}*: {'; '.join(at_fraction(row) for _, row in of.iterrows())}"
        for arm, of in known.groupby("arm", sort=False)
    ]
    return finding(
        moved(
            known[known.arm == best], f"*{best}*", *(f"did {how} than *original*" for how in HOW)
        ),
        f"{_among(len(known), len(rows), 'differences from *original*')}:\n\n" + "\n".join(lines),
    )


def verdicts(claims: pd.DataFrame) -> str:
    """How many of the paper's statements were confirmed, contradicted or left undecided."""
    stated = claims[claims.role != QUESTION]
    papers = stated[stated.source == "paper"]
    whose = "of the paper" if len(papers) else "like the paper's"
    count = (papers if len(papers) else stated).verdict.value_counts()
    found = {name: int(count.get(name, 0)) for name in ("confirmed", "contradicted", "undecided")}
    heading = f"Of {sum(found.values())} statements {whose}, " + listed(
        f"{n} {'is' if n == 1 else 'are'} {name}" for name, n in found.items() if n
    )
    if found["undecided"] == sum(found.values()):
        heading = f"None of {found['undecided']} statements {whose} is decided"
    return finding(heading, "Each is counted once per fraction.")


def luck(draws: pd.DataFrame, differences: pd.DataFrame, measure: Measure) -> str:
    """How far *original* differs between draws, beside the largest effect of any copy there."""
    own = draws[
        (draws.arm == "original")
        & (draws.metric == measure.metric)
        & (draws.lesion == measure.lesion)
    ].dropna(subset="value")
    several = own[own.groupby("fraction").value.transform("size") > 1]
    if several.empty:
        return finding("With one draw at each fraction, luck cannot be told from an effect")
    fraction = several.fraction.min()
    of = several[several.fraction == fraction].sort_values("draw")
    spread = of.value.max() - of.value.min()
    effects = against_original(differences, [arm for arm in ARMS if arm != "original"], measure)
    most = effects.value[effects.fraction == fraction].abs().max()
    larger = "more than" if spread > most else "not more than"
    return finding(
        f"At {percent(fraction)}, the draw of patients and seeds moved *original* {larger} any "
        "copy did",
        f"*original* scored {listed(linked(number(row.value), row) for _, row in of.iterrows())} "
        f"in its {len(of)} draws.",
    )


def judges(candidates: pd.DataFrame) -> str:
    """In how many selections both judges chose the same snapshot."""
    agreed = candidates.assign(same=candidates.chosen_by_full & candidates.chosen_by_subset)
    same = agreed.groupby(["generator", "fraction", "draw"]).same.any()
    return finding(
        f"The two judges chose the same snapshot in {same.sum()} of {len(same)} selections"
    )


def memory(memorisation: pd.DataFrame) -> str:
    """Where the most synthetic slices lie near a training slice."""
    rows = memorisation[memorisation.n > 0]
    if rows.empty:
        return finding("Whether the generator repeats its training slices could not be measured")
    row = rows.iloc[int(rows.closer.argmax())]
    space = {"pixels": "grey levels", "features": "the judge's features"}[row.space]
    return finding(
        f"Up to {row.closer:.0%} of synthetic slices lie nearer to a training slice than patients "
        "lie to each other",
        f"This is draw {row.draw} at {percent(row.fraction)}, in {space}: "
        + linked(f"{number(row.closer)} ({number(row.ci_low)} to {number(row.ci_high)})", row)
        + ".",
    )


def _among(known: int, asked: int, of: str) -> str:
    """A count, with what chance alone would give."""
    return (
        f"{known} of {asked} {of} have an interval without 0, "
        f"where chance alone would give about {CHANCE * asked:.2g}"
    )


def _compared(row: pd.Series) -> str:
    """ "*gan* added less than *copy_paste*"."""
    arm, baseline = row.id.split("_over_")
    return f"*{arm}* added {'more' if row.value > 0 else 'less'} than *{baseline}*"


def _formally(row: pd.Series) -> str:
    why = f": {row.reason}" if pd.notna(row.reason) and row.reason else ""
    return f"{row.verdict}{why}"
