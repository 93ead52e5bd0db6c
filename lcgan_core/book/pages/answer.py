"""The first page's answer: what the copies added at each share, and how sure that is."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from lcgan_core.book.pages.tables import ABSENT, linked, markdown, several
from lcgan_core.protocol.paper import signed
from lcgan_core.protocol.profiles import IN_SILICO

MAIN = "both kinds of copy raise the Dice per image"
"""What a row of claims.csv says where it is the paper's main claim, once a scarce share."""


def text(claims: pd.DataFrame) -> str:
    """The main claim in a sentence and a table, the verdicts counted, the questions decided."""
    return "\n\n".join([main(claims), markdown(gains(claims)), verdicts(claims), questions(claims)])


def main(claims: pd.DataFrame) -> str:
    """Whether the copies helped while data were scarce.

    >>> row = {"claim": MAIN, "verdict": "undecided"}
    >>> main(pd.DataFrame([row | {"share": "10%"}, row | {"share": "25%"}]))
    "The paper's main claim, that ... scarce, is here **undecided** at 10% and 25%:"
    """
    rows = claims[claims.claim == MAIN]
    found = [f"**{each}** at {_listed(of['share'])}" for each, of in rows.groupby("verdict")]
    return f"The paper's main claim, that {MAIN} while data are scarce, is here {_listed(found)}:"


def verdicts(claims: pd.DataFrame) -> str:
    """How many of the paper's statements were confirmed, contradicted or left undecided.

    >>> verdicts(pd.DataFrame({"source": ["paper"] * 2, "verdict": ["confirmed", "undecided"]}))
    'Of the 2 statements of the paper that were put to this run, 1 are confirmed, 0 ...'
    """
    count = claims[claims.source == "paper"].verdict.value_counts()
    found = [int(count.get(name, 0)) for name in ("confirmed", "contradicted", "undecided")]
    return (
        f"Of the {sum(found)} statements of the paper that were put to this run, {found[0]} are "
        f"confirmed, {found[1]} contradicted and {found[2]} undecided: the interval holds zero, or "
        "there are too few cases ([all of them](controls.md#all-claims-as-a-table))."
    )


def gains(claims: pd.DataFrame) -> pd.DataFrame:
    """A row a share: what both kinds of copy add to the mean Dice per image, here and there."""
    whole = MAIN.replace("raise", "change")  # what the paper says of it with all the data
    of_image = claims.claim.str.contains(f"{MAIN}|{whole}")
    rows = []
    for _, row in claims[(claims.source == "paper") & of_image].iterrows():
        ends = (row.ci_low, row.ci_high)
        theirs = "less than .010" if pd.isna(row.paper) else signed(row.paper)
        rows.append(
            {
                "share of the patients": row["share"],
                "gain here": linked(signed(row.value), row),
                "95 % interval": " to ".join(map(signed, ends)) if pd.notna(ends[0]) else ABSENT,
                "the paper's gain": f"{theirs} at {row.paper_share}",
                "verdict": row.verdict,
            }
        )
    return pd.DataFrame(rows)


def questions(claims: pd.DataFrame) -> str:
    """A list of a reviewer's questions that this run decides, each with its shares.

    >>> row = {"source": "question", "claim": "A adds more than B", "share": "10%"}
    >>> print(questions(pd.DataFrame([row | {"verdict": "contradicted"}])))
    A reviewer would ask what the synthetic slices add that cheaper means would not. Of 1 such ...
    <BLANKLINE>
    - A adds more than B: **no, less** at 10%
    """
    asked = claims[claims.source == "question"]
    if asked.empty:
        return ""
    decided = asked[asked.verdict != "undecided"]
    answers = decided.verdict.map({"confirmed": "yes", "contradicted": "no, less"})
    lines = [
        f"- {says}: **{answer}** at {_listed(of['share'])}"
        for (says, answer), of in decided.groupby([decided.claim, answers], sort=False)
    ]
    ending = ":\n\n" + "\n".join(lines) if lines else "."
    return (
        "A reviewer would ask what the synthetic slices add that cheaper means would not. Of "
        f"{len(asked)} such questions, one a share, this run decides {len(decided)} "
        f"([all of them](controls.md#all-claims-as-a-table)){ending}"
    )


def certainty(facts: dict) -> str:
    """What a run's patients, draws and profile let its numbers say (facts: run.json)."""
    said = [
        f"**{facts['patients']['test']} test patients.** The intervals say how far a number "
        "depends on which patients were tested."
    ]
    if draws := several(dict(facts["draws"])):
        said.append(
            f"**{draws}.** There, training patients and seeds were drawn anew as well, "
            "and the intervals cover that roughly. A share with one draw is one training run."
        )
    else:
        said.append(
            "**One draw.** Each number is one training run: another choice of training patients or "
            "another seed may give another gain, and no interval here covers that."
        )
    if facts["cohort"] == IN_SILICO:
        said.append(
            "**No person.** The heads are computed. What holds for them need not hold for patients."
        )
    if facts["profile"] == "quick":
        said.insert(
            0,
            "**A smoke test.** The profile `quick` shrinks cohort, pictures, networks and training "
            "until all fits into minutes. It shows that every step works. Neither agreement nor "
            "disagreement with the paper means anything here.",
        )
    return "\n".join(f"- {sentence}" for sentence in said)


def _listed(parts: Iterable[str]) -> str:
    """Parts of a sentence, the last one after an "and"."""
    *before, last = parts
    return f"{', '.join(before)} and {last}" if before else last
