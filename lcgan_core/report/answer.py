"""The first page's answer: what the copies added at each share, and how sure that is."""

from __future__ import annotations

import pandas as pd

from lcgan_core.profiles import IN_SILICO
from lcgan_core.report.claims import signed
from lcgan_core.report.tables import ABSENT, linked, markdown, several

MAIN = "both kinds of copy (?:raise|change) the Dice per image"
"""What a row of claims.csv says where it is the paper's main claim, once a share."""


def text(claims: pd.DataFrame) -> str:
    """The verdicts counted, the main claim at each share as a table, the questions decided."""
    return f"{verdicts(claims)}\n\n{markdown(gains(claims))}\n\n{questions(claims)}"


def verdicts(claims: pd.DataFrame) -> str:
    """How many of the paper's statements were confirmed, contradicted or left undecided.

    >>> verdicts(pd.DataFrame({"source": ["paper"] * 2, "verdict": ["confirmed", "undecided"]}))
    'Of the 2 statements of the paper that were put to this run, 1 are confirmed, 0 ...'
    """
    count = claims[claims.source == "paper"].verdict.value_counts()
    found = [int(count.get(name, 0)) for name in ("confirmed", "contradicted", "undecided")]
    return (
        f"Of the {sum(found)} statements of the paper that were put to this run, {found[0]} are "
        f"confirmed, {found[1]} contradicted and {found[2]} undecided "
        "([all of them](controls.md#all-claims-as-a-table)). The main one, share by share:"
    )


def gains(claims: pd.DataFrame) -> pd.DataFrame:
    """A row a share: what both kinds of copy add to the mean Dice per image, here and there."""
    main = claims[(claims.source == "paper") & claims.claim.str.contains(MAIN)]
    rows = []
    for _, row in main.iterrows():
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
        f"- {says}: **{answer}** at {' and '.join(of['share'])}"
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
