"""The first page's answer: what the copies added at each fraction, and how certain that is."""

from __future__ import annotations

import pandas as pd

from lcgan_core.book.words import ABSENT, linked, listed, markdown, number, several
from lcgan_core.metrics.claims import MAIN, PRIMARY, QUESTION, WITH_ALL, with_all_data
from lcgan_core.metrics.verdicts import LEAST_DRAWS, LEAST_PATIENTS
from lcgan_core.protocol.config import IN_SILICO
from lcgan_core.protocol.paper import signed

OTHER_CLASSES = (
    "The lesion classes of this run are not the paper's five types of haemorrhage, so its claims "
    "cannot be tested on this run."
)
ONE_SHARE = (
    "The paper's main claim is about subsets of the patients, and this run has none to test it on."
)


def text(claims: pd.DataFrame) -> str:
    """The main claim in a sentence and a table, the verdicts counted, the questions decided.

    The same of the claims about lesions, or a lesion, of which the paper claims nothing.
    """
    papers, asked = (claims[claims.source == source] for source in ("paper", "question"))
    own = asked[asked.role != QUESTION]
    found = [] if len(papers) else [OTHER_CLASSES]
    for stated in (papers, own):
        if len(stated):
            found += [main(stated), markdown(gains(stated)), magnitudes(stated), verdicts(stated)]
    return "\n\n".join(filter(None, [*found, questions(claims)]))


def main(claims: pd.DataFrame) -> str:
    """Whether the copies helped while data were scarce.

    >>> row = {"id": MAIN, "claim": "copies raise the Dice", "verdict": "undecided"}
    >>> row |= {"role": PRIMARY, "source": "paper"}
    >>> main(pd.DataFrame([row | {"share": "10%"}, row | {"share": "25%"}]))
    "The paper's main claim is that copies ... scarce. Here it is **undecided** at 10% and 25%:"
    """
    rows = _main(claims)
    if rows.empty:
        return ONE_SHARE
    found = [f"**{each}** at {listed(of['share'])}" for each, of in rows.groupby("verdict")]
    whose = "The paper's main claim" if _of_paper(rows) else "Its main claim, asked of this run,"
    return (
        f"{whose} is that {rows.claim.iloc[0]} while data are scarce. Here it is {listed(found)}:"
    )


def _main(claims: pd.DataFrame) -> pd.DataFrame:
    """The rows about scarce data of the paper's main claim, or of the primary one."""
    return claims[(claims.id == MAIN) | (claims.role == PRIMARY)]


def _of_paper(claims: pd.DataFrame) -> bool:
    return bool((claims.source == "paper").all())


def verdicts(papers: pd.DataFrame) -> str:
    """How many of the paper's statements were confirmed, contradicted or left undecided.

    >>> verdicts(pd.DataFrame({"verdict": ["confirmed", "undecided"], "source": "paper"}))
    'We tested 2 statements of the paper on this run, counted once per fraction: 1 is ...'
    """
    whose = "of the paper" if _of_paper(papers) else "like the paper's"
    count = papers.verdict.value_counts()
    found = [int(count.get(name, 0)) for name in ("confirmed", "contradicted", "undecided")]
    confirmed, contradicted, undecided = (f"{n} {'is' if n == 1 else 'are'}" for n in found)
    return (
        f"We tested {sum(found)} statements {whose} on this run, counted once per fraction: "
        f"{confirmed} confirmed, {contradicted} contradicted and {undecided} undecided. "
        "*Undecided* means that the interval contains zero, or that there are fewer than "
        f"{LEAST_DRAWS} draws or {LEAST_PATIENTS} patients with a case. The main claim is the one "
        "outcome declared in advance; all others are exploratory "
        "([all of them](controls.md#all-claims-as-a-table))."
    )


def gains(claims: pd.DataFrame) -> pd.DataFrame:
    """One row per fraction: what both kinds of copy add to the mean Dice per image."""
    rows = []
    for _, row in of_main_outcome(claims).iterrows():
        rows.append(
            {
                "fraction of the patients": row["share"],
                "our gain": linked(signed(row.value), row),
                "95 % interval": interval(row),
                "the paper's gain": _theirs(row),
                "least gain that would be found": found_from(row),
                "verdict": _verdict(row),
            }
        )
    table = pd.DataFrame(rows)
    return table if _of_paper(claims) else table.drop(columns="the paper's gain", errors="ignore")


def of_main_outcome(claims: pd.DataFrame) -> pd.DataFrame:
    """The rows of claims.csv on what both kinds of copy add, with scarce and with all data."""
    main = {WITH_ALL, *_main(claims).id, *map(with_all_data, _main(claims).id)}
    return claims[claims.id.isin(main)]


def interval(row: pd.Series) -> str:
    """The interval of a difference; a dash if it has none."""
    ends = (row.ci_low, row.ci_high)
    return " to ".join(map(signed, ends)) if pd.notna(ends[0]) else ABSENT


def found_from(row: pd.Series) -> str:
    """The smallest true difference that this many draws would find; a dash if they are too few."""
    return ABSENT if pd.isna(row.detectable) else number(row.detectable)


def _verdict(row: pd.Series) -> str:
    return f"{row.verdict} ({row.reason})" if pd.notna(row.reason) and row.reason else row.verdict


def magnitudes(claims: pd.DataFrame) -> str:
    """Where the paper's gain lies outside our interval, and where inside; empty without its number.

    >>> row = {"id": MAIN, "role": PRIMARY, "share": "10%"}
    >>> magnitudes(pd.DataFrame([row | {"magnitude": "outside"}]))
    "The paper's gain lies outside our interval at 10%."
    """
    main = _main(claims)
    found = [
        f"{side} our interval at {listed(main['share'][main.magnitude == side])}"
        for side in ("outside", "inside")
        if (main.magnitude == side).any()
    ]
    return f"The paper's gain lies {listed(found)}." if found else ""


def _theirs(row: pd.Series) -> str:
    if row.id == WITH_ALL:  # in words only
        return f"less than .010 at {row.paper_share}"
    return ABSENT if pd.isna(row.paper) else f"{signed(row.paper)} at {row.paper_share}"


def questions(claims: pd.DataFrame) -> str:
    """A list of a reviewer's questions that this run decides, each with its fractions.

    >>> row = {"id": "a", "role": QUESTION, "claim": "A adds more than B", "share": "10%"}
    >>> print(questions(pd.DataFrame([row | {"verdict": "contradicted"}])))
    Could something cheaper do the job? Of 1 such questions, counted once per fraction, this run ...
    <BLANKLINE>
    - A adds more than B: **no, the opposite** at 10%
    """
    asked = claims[claims.role == QUESTION]
    if asked.empty:
        return ""
    decided = asked[asked.verdict != "undecided"]
    answers = decided.verdict.map({"confirmed": "yes", "contradicted": "no, the opposite"})
    lines = [
        f"- {of.claim.iloc[0]}: **{answer}** at {listed(of['share'])}"
        for (_, answer), of in decided.groupby([decided.id, answers], sort=False)
    ]
    ending = ":\n\n" + "\n".join(lines) if lines else "."
    return (
        f"Could something cheaper do the job? Of {len(asked)} such questions, counted once per "
        f"fraction, this run decides {len(decided)} "
        f"([all of them](controls.md#all-claims-as-a-table)){ending}"
    )


def certainty(facts: dict) -> str:
    """What a run's patients, draws and profile allow its numbers to say (facts: run.json)."""
    said = [
        f"**{facts['patients']['test']} test patients.** The intervals show how much a number "
        "depends on which patients were tested."
    ]
    if draws := several(dict(facts["draws"])):
        said.append(
            f"**{draws}.** There, training patients and seeds were drawn several times, and the "
            "intervals reflect this, roughly where draws are few. A fraction with one draw is one "
            f"training run. A verdict needs {LEAST_DRAWS} draws."
        )
    else:
        said.append(
            "**One draw.** Each number comes from one training run. Other training patients or "
            "another seed may give a different gain; no interval here reflects that, and nothing "
            f"is decided from fewer than {LEAST_DRAWS} draws."
        )
    if facts["cohort"] == IN_SILICO:
        said.append(
            "**No patients.** The heads are simulated; results may not carry over to patients."
        )
    if facts["profile"] == "quick":
        said.insert(
            0,
            "**A smoke test.** The profile `quick` shrinks cohort, pictures, networks and training "
            "until everything fits into minutes. It shows that every step works. Neither agreement "
            "nor disagreement with the paper means anything here.",
        )
    return "\n".join(f"- {sentence}" for sentence in said)
