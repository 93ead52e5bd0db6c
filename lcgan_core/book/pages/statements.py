"""The claims of a run: a table of all, and sentences for the primary and the decided ones."""

from __future__ import annotations

import pandas as pd

from lcgan_core.book.pages.scrutiny import with_interval
from lcgan_core.book.words import ABSENT, linked, number
from lcgan_core.metrics.claims import PRIMARY
from lcgan_core.protocol.paper import signed

SIDES = ("inside", "outside")


def claims_table(claims: pd.DataFrame) -> pd.DataFrame:
    """One row per claim and fraction: ours with interval and test, the paper's number, the verdict.

    p of the primary outcome is Holm's.
    """
    rows = [row for _, row in claims.iterrows()]
    columns = {
        "claim": claims.claim,
        "role": claims.role,
        "segmenter": claims.segmenter,
        "fraction": claims["share"],
        "ours": [with_interval(row) for row in rows],
        "n": [linked(str(row.n), row) for row in rows],
        "draws": [linked(str(row.draws), row) for row in rows],
        "p": [number(v) for v in claims.p_holm.fillna(claims.p)],
        "paper": [_theirs(row) for row in rows],
        "within a point": claims.equivalent,
        "would be found from": [number(v) for v in claims.detectable],
        "verdict": claims.verdict,
        "why undecided": claims.reason.fillna(""),
    }
    if claims.segmenter.nunique() < 2:
        del columns["segmenter"]
    return pd.DataFrame(columns)


def _theirs(row: pd.Series) -> str:
    """The paper's number, and whether our interval contains it."""
    if pd.isna(row.paper):
        return ABSENT
    return signed(row.paper) + (f" ({row.magnitude})" if row.magnitude in SIDES else "")


def sentences(claims: pd.DataFrame) -> str:
    """A list in Markdown with a sentence for each primary and each decided claim, and how many more
    there are; empty if there is no claim at all."""
    told = (claims.role == PRIMARY) | (claims.verdict != "undecided")
    lines = [f"- {sentence(row)}" for _, row in claims[told].iterrows()]
    if rest := int((~told).sum()):
        others = "others" if lines else "statements"
        lines.append(f"- {rest} {others}, counted once per fraction, are undecided.")
    return "\n".join(lines)


def sentence(row: pd.Series) -> str:
    """A row of claims.csv as one plain sentence."""
    said = "The paper's claim that" if row.source == "paper" else "The hypothesis that"
    paper = ""
    if pd.notna(row.paper):
        side = f", {row.magnitude} our interval" if row.magnitude in SIDES else ""
        paper = f"; the paper's value is {signed(row.paper)} at {row.paper_share}{side}"
    counted = f"n = {row.n} test patients{_draws(row.draws)}"
    if pd.isna(row.ci_low):
        found = f"{row.n} test patients have a case, too few for an interval"
    elif not row.ci_high > row.ci_low:
        found = f"the two arms give identical results in every resample, {counted}"
    else:
        found = (
            f"{signed(row.value)}, 95 % interval {signed(row.ci_low)} to {signed(row.ci_high)}, "
            f"{counted}"
        )
    told = f"{said} {row.claim} is **{row.verdict}** at {row.share} ({linked(found, row)}{paper})"
    return told + _why(row)


def _why(row: pd.Series) -> str:
    """The end of a sentence: why nothing was decided, and what would have been found."""
    if row.verdict != "undecided":
        return "."
    ending = f": {row.reason}." if pd.notna(row.reason) and row.reason else "."
    if pd.notna(row.detectable):
        ending += (
            f" A true difference of {number(row.detectable)} would be found four times in five."
        )
    return ending


def _draws(draws: int | str) -> str:
    """The number of draws at each fraction, unless all have one."""
    return "" if set(str(draws).split(" and ")) == {"1"} else f", {draws} draws"
