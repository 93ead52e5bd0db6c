"""What a run found, section by section: a heading, and below it the numbers that the heading says.

A heading calls a change by its direction only where the 95 % interval excludes 0; what is undecided
stays undecided.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from lcgan_core.book.contents import Bundle
from lcgan_core.book.pages import findings_of_controls
from lcgan_core.book.pages.effects import (
    against_original,
    at_fraction,
    clear,
    finding,
    moved,
    with_ends,
)
from lcgan_core.book.pages.origins import of_first_segmenter
from lcgan_core.book.words import linked, listed, number
from lcgan_core.metrics.claims import ALL, MEASURES, Measure, outcome
from lcgan_core.metrics.same_types import FOUND
from lcgan_core.metrics.subgroups import SIZES
from lcgan_core.protocol.arms import PAPER
from lcgan_core.protocol.paper import percent


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
        "found_cheaper": findings_of_controls.cheaper(claims),
        "found_arms": findings_of_controls.arms(differences, measure),
        "found_claims": findings_of_controls.verdicts(claims),
        "found_draws": findings_of_controls.luck(draws, differences, measure),
        "found_judges": findings_of_controls.judges(tables["candidates"]),
        "found_memory": findings_of_controls.memory(tables["memorisation"]),
    }


def with_all_data(differences: pd.DataFrame, measure: Measure) -> str:
    """What each kind of copy changes where all training patients are used."""
    rows = against_original(differences, ("gan", "traditional", "both"), measure)
    rows = rows[rows.fraction == 1]
    kinds = {"gan": "GAN copies", "traditional": "traditional copies", "both": "both kinds"}
    changed = [
        f"{kinds[row.arm]} {'raised' if row.value > 0 else 'lowered'} {measure.says}"
        for _, row in rows[clear(rows)].iterrows()
    ]
    nothing = f"no kind of copy changed {measure.says} clearly"
    said = "; ".join(f"{kinds[row.arm]} {with_ends(row)}" for _, row in rows.iterrows())
    return finding(f"With all the data, {listed(changed) or nothing}", f"At 100%: {said}.")


def detection(differences: pd.DataFrame) -> str:
    """Precision and recall: what both kinds of copy change."""
    heads, lines = [], []
    for name in ("precision", "recall"):
        rows = against_original(differences, ("both",), MEASURES[name])
        heads.append(moved(rows, name))
        lines.append(f"{name} {'; '.join(at_fraction(row) for _, row in rows.iterrows())}")
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
        f"*original*: {'; '.join(at_fraction(row, number) for _, row in rows.iterrows())}.",
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
