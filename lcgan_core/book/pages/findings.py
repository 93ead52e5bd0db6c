"""What a run found, section by section: a heading, and below it the numbers that the heading says.

A heading calls a change by its direction only where the 95 % interval excludes 0; what is undecided
stays undecided.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pandas as pd

from lcgan_core.book.contents import Bundle
from lcgan_core.book.figures.forest import difference
from lcgan_core.book.pages.answer import interval
from lcgan_core.book.pages.origins import of_first_segmenter
from lcgan_core.book.words import linked, listed, number
from lcgan_core.metrics.claims import ALL, MEASURES, QUESTION, Measure, outcome
from lcgan_core.metrics.same_types import FOUND
from lcgan_core.metrics.subgroups import SIZES
from lcgan_core.protocol.arms import ARMS, PAPER
from lcgan_core.protocol.paper import percent, signed

HOW = ("better", "worse")
CHANCE = 0.05
"""How many intervals of 95 % exclude 0 where there is nothing to find."""


def texts(bundle: Bundle, tables: Mapping[str, pd.DataFrame]) -> dict[str, str]:
    """Name -> Markdown of each finding; `tables` has the linked rows (`origins.tables`)."""
    claims, results, draws, differences, by_size = (
        of_first_segmenter(tables[name], bundle)
        for name in ("claims", "results", "draws", "differences", "by_size")
    )
    measure = outcome(bundle.primary)[1]
    return {
        "found_with_all": with_all_data(differences, measure),
        "found_detection": detection(differences),
        "found_types": types(results),
        "found_sizes": sizes(by_size, bundle.record["shown_fraction"]),
        "found_with_data": with_more_data(results, measure),
        "found_learned": learned(tables["training"]),
        "found_snapshots": snapshots(tables["candidates"]),
        "found_densities": densities(tables["densities"]),
        "found_cheaper": cheaper(claims),
        "found_arms": arms(differences, measure),
        "found_claims": verdicts(claims),
        "found_draws": luck(draws, differences, measure),
        "found_judges": judges(tables["candidates"]),
        "found_memory": memory(tables["memorisation"]),
    }


def finding(heading: str, says: str = "") -> str:
    """A heading, and what carries it.

    >>> finding("it is so", "+.1")
    '## It is so\\n\\n+.1'
    """
    return f"## {heading[0].upper()}{heading[1:]}\n\n{says}".rstrip()


def clear(rows: pd.DataFrame) -> pd.Series:
    """Whether each row's 95 % interval excludes 0."""
    return (rows.ci_low > 0) | (rows.ci_high < 0)


def moved(rows: pd.DataFrame, what: str, up: str = "rose", down: str = "fell") -> str:
    """Where a difference has an interval without 0, and on which side.

    >>> rows = pd.DataFrame({"fraction": [0.1, 1.0], "ci_low": [0.01, -0.5], "ci_high": [0.1, 0.5]})
    >>> moved(rows, "recall"), moved(rows[1:], "recall")
    ('recall rose at 10%', 'no clear change of recall')
    """
    sides = {up: rows.ci_low > 0, down: rows.ci_high < 0}
    found = [f"{verb} at {_shares(rows[at])}" for verb, at in sides.items() if at.any()]
    return f"{what} {' and '.join(found)}" if found else f"no clear change of {what}"


def with_all_data(differences: pd.DataFrame, measure: Measure) -> str:
    """What each kind of copy changes where all training patients are used."""
    rows = _against_original(differences, ("gan", "traditional", "both"), measure)
    rows = rows[rows.fraction == 1]
    kinds = {"gan": "GAN copies", "traditional": "traditional copies", "both": "both kinds"}
    changed = [
        f"{kinds[row.arm]} {'raised' if row.value > 0 else 'lowered'} {measure.says}"
        for _, row in rows[clear(rows)].iterrows()
    ]
    nothing = f"no kind of copy changed {measure.says} clearly"
    said = "; ".join(f"{kinds[row.arm]} {_value(row)}" for _, row in rows.iterrows())
    return finding(f"With all the data, {listed(changed) or nothing}", f"At 100%: {said}.")


def detection(differences: pd.DataFrame) -> str:
    """Precision and recall: what both kinds of copy change."""
    heads, lines = [], []
    for name in ("precision", "recall"):
        rows = _against_original(differences, ("both",), MEASURES[name])
        heads.append(moved(rows, name))
        lines.append(f"{name} {'; '.join(_at(row) for _, row in rows.iterrows())}")
    return finding(f"With both kinds of copy, {listed(heads)}", f"Changes: {', '.join(lines)}.")


def types(results: pd.DataFrame) -> str:
    """Which arm found the fewest lesion classes, and at which fraction."""
    rows = results[(results.metric == FOUND) & results.arm.isin(PAPER)]
    lacking = rows[rows.value < rows.n].sort_values(["value", "fraction"], kind="stable")
    if lacking.empty:
        return finding("Every arm found every type at every fraction")
    row = lacking.iloc[0]
    return finding(
        f"At {percent(row.fraction)}, *{row.arm}* found {row.value:.3g} of {row.n} types",
        "This is the fewest, as a mean over draws; a type that an arm never finds has no score.",
    )


def sizes(by_size: pd.DataFrame, fraction: float) -> str:
    """The Dice of the smallest and of the largest lesions, without copies."""
    cells = by_size[
        (by_size.fraction == fraction)
        & (by_size.arm == "original")
        & (by_size.metric == "dice_instance")
        & (by_size.lesion == ALL)
    ].dropna(subset="value")
    rows = [row for name in SIZES for _, row in cells[cells["size"] == name].iterrows()]
    if len(rows) < 2:
        return finding("Lesions of too few sizes to compare")
    small, large = rows[0], rows[-1]
    clearly = "" if small.ci_high < large.ci_low else "; the intervals overlap"
    return finding(
        f"The Dice of a lesion is {number(small.value)} {small['size']} and "
        f"{number(large.value)} at {large['size']}{clearly}",
        f"*original* at {percent(fraction)}, a miss counted as zero.",
    ).replace("cm2", "cm²")


def with_more_data(results: pd.DataFrame, measure: Measure) -> str:
    """How much the training patients alone change the Dice."""
    rows = results[
        (results.arm == "original")
        & (results.metric == measure.metric)
        & (results.lesion == measure.lesion)
    ].sort_values("fraction")
    few, many = rows.iloc[0], rows.iloc[-1]
    if len(rows) < 2 or pd.isna(few.value) or pd.isna(many.value):
        return finding("What more data alone would change was not measured")
    scores = f"from {number(few.value)} to {number(many.value)}"
    apart = few.ci_high < many.ci_low
    verb = "raised" if apart else "changed"
    end = "" if apart else ", and their intervals overlap"
    return finding(
        f"More patients, without any copy, {verb} {measure.says} {scores}{end}",
        f"*original*: {'; '.join(_at(row, number) for _, row in rows.iterrows())}.",
    )


def learned(training: pd.DataFrame) -> str:
    """Whether the networks had converged when their training ended."""
    noted = training.converged.dropna().astype(bool)
    if noted.empty:
        return finding("Whether the networks had converged was not recorded")
    if noted.all():
        return finding(f"All {len(noted)} networks had converged")
    return finding(f"{(~noted).sum()} of {len(noted)} networks had not converged")


def snapshots(candidates: pd.DataFrame) -> str:
    """How many snapshots the realism classifier rejected as a whole, and the judge's Dice."""
    shares = candidates.realism_share.dropna()
    none = int((shares == 0).sum())
    heading = f"the realism classifier took slices of all {len(shares)} snapshots for real"
    if none:
        heading = (
            f"in {none} of {len(shares)} snapshots, the realism classifier took no slice for real"
        )
    if shares.empty:
        heading = "the realism of no snapshot was measured"
    chosen = candidates[candidates.chosen].sort_values("fcn_score_full", kind="stable")
    ends = [linked(number(row.fcn_score_full), row) for _, row in chosen.iloc[[0, -1]].iterrows()]
    silent = " Where a snapshot has no slice that passes, this criterion selects nothing."
    return finding(
        heading,
        f"The {len(chosen)} chosen snapshots have a judge's Dice of {' to '.join(ends)}."
        f"{silent if none else ''}",
    )


def densities(of_classes: pd.DataFrame) -> str:
    """How far the median HU of synthetic lesions lies from that of real ones, at most."""
    apart = (of_classes.synthetic - of_classes.real).abs()
    if not apart.notna().any():
        return finding("The density of synthetic lesions could not be compared")
    most = of_classes.iloc[int(apart.argmax())]
    return finding(
        f"The median density of synthetic lesions is within {apart.max():.3g} HU of the originals'",
        f"The difference is largest for {most.lesion}.",
    )


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
        f"- {_compared(row)} at {row.share}, {_value(row)}; {_formally(row)}"
        for _, row in known.sort_values(["id", "share"], kind="stable").iterrows()
    ]
    return finding(
        f"*{better}* did better than *{worse}* at {listed(shares)}",
        f"{_among(len(known), len(asked), 'comparisons with a control')}:\n\n" + "\n".join(lines),
    )


def arms(differences: pd.DataFrame, measure: Measure) -> str:
    """Which arms differ from *original* with an interval that excludes 0."""
    names = [arm for arm in ARMS if arm != "original"]
    rows = _against_original(differences, names, measure)
    rows = rows[rows.ci_low.notna()]
    known = rows[clear(rows)]
    if known.empty:
        return finding(f"No arm changed {measure.says} clearly")
    fractions = known.groupby("arm").fraction.nunique()
    most = known[known.arm.isin(fractions.index[fractions == fractions.max()])]
    best = most.arm.iloc[int(most.value.abs().argmax())]
    lines = [
        f"- *{arm}*: {'; '.join(_at(row) for _, row in of.iterrows())}"
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
    effects = _against_original(differences, [arm for arm in ARMS if arm != "original"], measure)
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


def _against_original(
    differences: pd.DataFrame, names: Iterable[str], measure: Measure
) -> pd.DataFrame:
    """The rows of arm minus *original* in a measure, from the smallest fraction on."""
    of = differences[
        (differences.metric == measure.metric) & (differences.lesion == measure.lesion)
    ]
    rows = [difference(of, name, "original") for name in names]
    return pd.concat(rows).sort_values("fraction", kind="stable")


def _shares(rows: pd.DataFrame) -> str:
    return listed(percent(fraction) for fraction in rows.fraction)


def _value(row: pd.Series, write=signed) -> str:
    """A linked value with its interval."""
    if pd.isna(row.ci_low):
        return linked(write(row.value), row)
    ends = interval(row) if write is signed else f"{write(row.ci_low)} to {write(row.ci_high)}"
    return linked(f"{write(row.value)} ({ends})", row)


def _at(row: pd.Series, write=signed) -> str:
    return f"{_value(row, write)} at {percent(row.fraction)}"


def _compared(row: pd.Series) -> str:
    """ "*gan* added less than *copy_paste*"."""
    arm, baseline = row.id.split("_over_")
    return f"*{arm}* added {'more' if row.value > 0 else 'less'} than *{baseline}*"


def _formally(row: pd.Series) -> str:
    why = f": {row.reason}" if pd.notna(row.reason) and row.reason else ""
    return f"{row.verdict}{why}"
