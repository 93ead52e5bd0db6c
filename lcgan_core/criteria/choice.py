"""Which candidate of a generator is used: the one with the best mean rank (paper 3.2.4)."""

from __future__ import annotations

import pandas as pd

CRITERIA = ("sharpness_laplacian", "realism_share")
"""In addition to the score that each judge gives."""
JUDGES = ("full", "subset")
"""The judge of all training labels, and the one that has seen only the subset's."""


def choose(
    candidates: pd.DataFrame, judge: str = "full", silent: str | None = None
) -> pd.DataFrame:
    """Add ranks, mean rank, the choice and the worst, by each judge that the table has.

    Higher is better for all three criteria: what the paper calls a low blurriness is a high
    variance of the Laplacian. A tie goes to the higher FCN score, which the paper calls "the most
    important". A criterion that says nothing ranks nobody: one without a value, one that is the
    same for all candidates, and realism if its classifier cannot tell real slices from synthetic
    ones (`silent` says so in a sentence). The column `left_out` names each of them and why.
    `chosen` and `worst` are those of `judge`.

    >>> table = pd.DataFrame({"epoch": [1, 2], "fcn_score_full": [0.1, 0.2],
    ...     "sharpness_laplacian": [9, 9], "realism_share": [0.5, 0.1]})
    >>> made = choose(table, silent="The classifier is blind.")
    >>> made.chosen.tolist(), made.mean_rank_full.tolist()
    ([False, True], [2.0, 1.0])
    >>> made.left_out[0]
    'sharpness_laplacian is the same for all candidates. realism_share: The classifier is blind.'
    """
    table = candidates.copy()
    scores = {name: f"fcn_score_{name}" for name in JUDGES if f"fcn_score_{name}" in table}
    reasons = {name: _says_nothing(table, name) for name in (*scores.values(), *CRITERIA)}
    if silent and not reasons["realism_share"]:
        reasons["realism_share"] = f"realism_share: {silent}"
    for name, reason in reasons.items():
        table[f"rank_{name}"] = float("nan") if reason else table[name].rank(ascending=False)
    for name, score in scores.items():
        ranks = table[[f"rank_{criterion}" for criterion in (score, *CRITERIA)]]
        table[f"mean_rank_{name}"] = ranks.mean(axis=1)
        order = table.sort_values(
            [f"mean_rank_{name}", score], ascending=[True, False], kind="stable"
        ).index
        table[f"chosen_by_{name}"] = table.index == order[0]
        if name == judge:
            table["chosen"], table["worst"] = table.index == order[0], table.index == order[-1]
    table["left_out"] = " ".join(reason for reason in reasons.values() if reason)
    return table


def _says_nothing(table: pd.DataFrame, criterion: str) -> str:
    """Why a criterion cannot tell the candidates apart; empty if it can."""
    match table[criterion].nunique():
        case 0:
            return f"{criterion} has no value."
        case 1:
            return f"{criterion} is the same for all candidates."
    return ""
