"""The claims of a run as a table."""

from __future__ import annotations

import pandas as pd

from lcgan_core.book.pages.scrutiny import with_interval
from lcgan_core.book.words import ABSENT, linked, number
from lcgan_core.metrics.claims import PRIMARY, QUESTION
from lcgan_core.protocol.paper import signed

SIDES = ("inside", "outside")


def telling(claims: pd.DataFrame) -> pd.DataFrame:
    """The claims that a reader looks for: the primary ones, questions, intervals without 0."""
    clear = (claims.ci_low > 0) | (claims.ci_high < 0)
    return claims[clear | claims.role.isin((PRIMARY, QUESTION))]


def claims_table(claims: pd.DataFrame) -> pd.DataFrame:
    """One row per claim and fraction: ours with interval and test, the paper's number, the verdict.

    p of the primary outcome is Holm's.
    """
    rows = [row for _, row in claims.iterrows()]
    columns = {
        "claim": claims.claim,
        "verdict": claims.verdict,  # a phone shows the first columns only
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
