"""The published runs on simulated heads and on scans of people: the same questions, two answers."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from typing import NamedTuple

import pandas as pd

from lcgan_core.book import bundle as bundles
from lcgan_core.book import places
from lcgan_core.book.contents import RECORD, Bundle
from lcgan_core.book.pages import origins
from lcgan_core.book.pages.answer import interval
from lcgan_core.book.words import ABSENT, linked, markdown, number
from lcgan_core.metrics.claims import PRIMARY, Claim, Terms, outcome
from lcgan_core.protocol.paper import percent, signed

SIMULATED, REAL = "compact", "real"
YES, NO, OPEN = "yes", "**no**", "open"
LARGE_STUDY = {"IPH": ".92 (.89 to .94)", "PHE": ".66 (.58 to .71)"}
PROSE = {YES: "the two runs agree", NO: "they contradict each other", OPEN: "open"}


class Answer(NamedTuple):
    """A claim, and the row of claims.csv that tells what a run found."""

    claim: Claim
    row: pd.Series


def texts(bundle: Bundle) -> dict[str, str]:
    """Name -> Markdown: the main question on both kinds of head, and every question that both runs
    were asked. Empty unless the one run is shown and the other published."""
    profile = bundle.facts["profile"]
    other = {SIMULATED: REAL, REAL: SIMULATED}.get(profile)
    if other is None or not (places.RESULTS / other / RECORD).is_file():
        return dict.fromkeys(("both_runs", "both_runs_table", "another_study"), "")
    pair = {profile: bundle, other: bundles.opened(bundles.published(other))}
    asked = [_answers(pair[name], linking=name == profile) for name in (SIMULATED, REAL)]
    said = beside(asked[0], asked[1], *(_described(pair[name]) for name in (SIMULATED, REAL)))
    return said | {"another_study": another_study(pair[REAL].table("results"))}


def another_study(results: pd.DataFrame) -> str:
    """The Dice of haematoma and oedema beside that of a large study, as Markdown; empty if the run
    has other classes.

    The study gives medians and quartiles over 174 scans {cite}`kok2022ich`.
    """
    if not {*LARGE_STUDY} <= set(results.lesion):
        return ""
    pooled = {
        (row.fraction, row.arm, row.lesion): row
        for _, row in results[results.metric == "dice_class_pooled"].iterrows()
    }
    rows = [{"networks of": "{cite:t}`kok2022ich`: nnU-Net, 1,558 scans", **LARGE_STUDY}]
    for fraction, arm in itertools.product(sorted(results.fraction.unique()), ("original", "both")):
        of = {name: pooled[fraction, arm, name] for name in LARGE_STUDY}
        says = {name: f"{number(row.value)} ({ends(row)})" for name, row in of.items()}
        rows.append({"networks of": f"this run: FCN-8s, *{arm}* at {percent(fraction)}", **says})
    return (
        "### Compared with a large study\n\n"
        "Dice of the haematoma (IPH) and the oedema around it (PHE). "
        "The study's are medians over scans with quartiles, in three dimensions; ours are of all "
        "pixels of all test slices with a lesion, with 95 % intervals, and our haematoma is "
        f"outlined semi-automatically.\n\n{markdown(pd.DataFrame(rows))}"
    )


def ends(row: pd.Series) -> str:
    """The interval of a score.

    >>> ends(pd.Series({"ci_low": 0.5, "ci_high": 0.75}))
    '.500 to .750'
    """
    return f"{number(row.ci_low)} to {number(row.ci_high)}"


def beside(
    simulated: dict[Terms, Answer], real: dict[Terms, Answer], *described: str
) -> dict[str, str]:
    """The same from the answers of the two runs, by what they compare, and a sentence on each."""
    shared = [terms for terms in simulated if terms in real]
    rows = [_row(simulated[terms], real[terms]) for terms in shared]
    first = [row for row, terms in zip(rows, shared, strict=True) if _main(simulated[terms])]
    counted = Counter(row["agree"] for row in rows)
    verdicts = ", ".join(f"{PROSE[one]} in {counted[one]}" for one in PROSE)
    summary = (
        f"{' '.join(described)} Both were asked the same {len(rows)} questions, counted once per "
        f"fraction: {verdicts}. *Open* means that at least one run decides nothing and that the "
        "intervals overlap."
    )
    lines = [
        f"- {row['question']}, at {row['fraction']}: {PROSE[row['agree']]}"
        for row in rows
        if row["agree"] != OPEN
    ]
    heading = "## On simulated heads and on real ones"
    short = [heading, summary, markdown(pd.DataFrame(first)), "\n".join(lines)]
    return {
        "both_runs": "\n\n".join(filter(None, short)),
        "both_runs_table": f"{heading}\n\n{summary}\n\n{markdown(pd.DataFrame(rows))}",
    }


def agreement(simulated: pd.Series, real: pd.Series) -> str:
    """Whether two rows of claims.csv say the same.

    >>> row = {"verdict": "confirmed", "ci_low": 0.01, "ci_high": 0.05}
    >>> none = {"verdict": "undecided", "ci_low": -0.04, "ci_high": 0.02}
    >>> agreement(pd.Series(row), pd.Series(row)), agreement(pd.Series(row), pd.Series(none))
    ('yes', 'open')
    >>> agreement(pd.Series(row), pd.Series(none | {"ci_high": 0.0}))  # the intervals are apart
    '**no**'
    """
    if "undecided" not in (simulated.verdict, real.verdict):
        return YES if simulated.verdict == real.verdict else NO
    low, high = (
        pick(simulated[end], real[end]) for pick, end in ((max, "ci_low"), (min, "ci_high"))
    )
    return NO if not math.isnan(low + high) and high < low else OPEN


def _answers(bundle: Bundle, linking: bool) -> dict[Terms, Answer]:
    """What a run found in its primary outcome, by the cells that are compared."""
    table = bundle.table("claims")
    if linking:
        table = origins.linked("claims", table)
    found = origins.of_first_segmenter(table, bundle)
    rows = {(row["id"], row["share"]): row for _, row in found.iterrows()}
    _, measure = outcome(bundle.primary)
    return {
        claim.terms: Answer(claim, rows[claim.id, claim.share])
        for claim in bundle.claims
        if (claim.metric, claim.lesion) == (measure.metric, measure.lesion)
        and (claim.id, claim.share) in rows
    }


def _main(answer: Answer) -> bool:
    return answer.claim.role == PRIMARY


def _described(bundle: Bundle) -> str:
    """A run's patients and outcome in a sentence."""
    facts = bundle.facts
    kind = "simulated heads" if facts["profile"] == SIMULATED else "scans of people"
    cited = f" ({facts['citation']})" if facts.get("citation") else ""
    tested = facts["patients"]["test"]
    return (
        f"The run `{facts['profile']}` is on {kind}{cited} and tests {tested} of them; its outcome "
        f"is {outcome(bundle.primary)[1].says}, with the classes "
        f"{', '.join(bundle.classes.names)}."
    )


def _row(simulated: Answer, real: Answer) -> dict[str, str]:
    return {
        "question": real.claim.says,
        "fraction": real.claim.share,
        "simulated heads": _found(simulated.row),
        "real heads": _found(real.row),
        "agree": agreement(simulated.row, real.row),
    }


def _found(row: pd.Series) -> str:
    if pd.isna(row.value):
        return ABSENT
    return f"{linked(signed(row.value), row)} ({interval(row)}), {row.verdict}"
