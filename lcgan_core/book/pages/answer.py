"""The main finding: what the copies added at each fraction, beside the paper's gain."""

from __future__ import annotations

import pandas as pd

from lcgan_core.book.pages.scrutiny import with_interval
from lcgan_core.book.words import ABSENT, html, listed
from lcgan_core.metrics.claims import MAIN, PRIMARY, QUESTION, WITH_ALL, with_all_data
from lcgan_core.protocol.paper import signed

OTHER_CLASSES = (
    "The lesion classes of this run are not the paper's five types of haemorrhage, so its claims "
    "cannot be tested on this run."
)
ONE_SHARE = "This run has no subset of the patients on which to test the main claim"


def text(claims: pd.DataFrame) -> str:
    """The main claim as a heading and a table of the gains.

    The same of the claims about lesions, or a lesion, of which the paper claims nothing.
    """
    papers, asked = (claims[claims.source == source] for source in ("paper", "question"))
    own = asked[asked.role != QUESTION]
    found = [] if len(papers) else [OTHER_CLASSES]
    for stated in (papers, own):
        if len(stated):
            found += [heading(stated), html(gains(stated), index=False), why_undecided(stated)]
    return "\n\n".join(filter(None, found))


def heading(claims: pd.DataFrame) -> str:
    """Whether the copies helped while data were scarce, and whether as much as in the paper.

    >>> row = {"id": MAIN, "claim": "copies raise the Dice", "verdict": "undecided"}
    >>> row |= {"role": PRIMARY, "source": "paper", "magnitude": "outside"}
    >>> heading(pd.DataFrame([row | {"share": "2.5%"}, row | {"share": "10%"}]))
    "## Whether copies raise the Dice is undecided; the paper's gain is outside our interval at ..."
    >>> heading(pd.DataFrame([row | {"share": "10%", "verdict": "confirmed", "magnitude": ""}]))
    '## Copies raise the Dice at 10%'
    """
    rows = _main(claims)
    if rows.empty:
        return f"## {ONE_SHARE}"
    says = rows.claim.iloc[0]
    words = {
        "confirmed": f"{says} at {{}}",
        "contradicted": f"at {{}} it is not so that {says}",
        "undecided": f"whether {says} is undecided at {{}}",
    }
    found = {name: list(rows["share"][rows.verdict == name]) for name in words}
    said = [words[name].format(listed(shares)) for name, shares in found.items() if shares]
    if len(found["undecided"]) == len(rows):
        said = [f"whether {says} is undecided"]
    if outside := list(rows["share"][rows.magnitude == "outside"]):
        said.append(f"the paper's gain is outside our interval at {listed(outside)}")
    whole = "; ".join(said)
    return f"## {whole[0].upper()}{whole[1:]}"


def _main(claims: pd.DataFrame) -> pd.DataFrame:
    """The rows about scarce data of the paper's main claim, or of the primary one."""
    return claims[(claims.id == MAIN) | (claims.role == PRIMARY)]


def _of_paper(claims: pd.DataFrame) -> bool:
    return bool((claims.source == "paper").all())


def gains(claims: pd.DataFrame) -> pd.DataFrame:
    """One row per fraction: what both kinds of copy add to the mean Dice per image."""
    rows = []
    for _, row in of_main_outcome(claims).iterrows():
        rows.append(
            {
                "at": row["share"],
                "verdict": row.verdict,
                "our gain": with_interval(row),
                "the paper's": _theirs(row),
            }
        )
    table = pd.DataFrame(rows)
    return table if _of_paper(claims) else table.drop(columns="the paper's", errors="ignore")


def of_main_outcome(claims: pd.DataFrame) -> pd.DataFrame:
    """The rows of claims.csv on what both kinds of copy add, with scarce and with all data."""
    main = {WITH_ALL, *_main(claims).id, *map(with_all_data, _main(claims).id)}
    return claims[claims.id.isin(main)]


def interval(row: pd.Series) -> str:
    """The interval of a difference; a dash if it has none."""
    ends = (row.ci_low, row.ci_high)
    return " to ".join(map(signed, ends)) if pd.notna(ends[0]) else ABSENT


def why_undecided(claims: pd.DataFrame) -> str:
    """What the undecided rows lack, each reason with its fractions; empty if all are decided.

    >>> rows = pd.DataFrame({"id": WITH_ALL, "role": "", "share": ["100%"], "reason": ["3 draws"]})
    >>> why_undecided(rows)
    'Undecided: 3 draws at 100%.'
    """
    rows = of_main_outcome(claims).dropna(subset="reason")
    rows = rows[rows.reason != ""]
    said = [f"{why} at {listed(of['share'])}" for why, of in rows.groupby("reason", sort=False)]
    return f"Undecided: {'; '.join(said)}." if said else ""


def _theirs(row: pd.Series) -> str:
    if row.id == WITH_ALL:  # in words only
        return f"less than .010 at {row.paper_share}"
    return ABSENT if pd.isna(row.paper) else f"{signed(row.paper)} at {row.paper_share}"
