"""Which candidate of a generator is used: the one with the best mean rank (paper 3.2.4)."""

from __future__ import annotations

import pandas as pd

CRITERIA = ("sharpness_laplacian", "realism_share")
"""In addition to the score that each judge gives."""
JUDGES = ("full", "subset")
"""The judge of all training labels, and the one that has seen only the subset's."""


def choose(candidates: pd.DataFrame, judge: str = "full") -> pd.DataFrame:
    """Add ranks, mean rank and choice, by each judge that the table of candidates has.

    Higher is better for all three criteria: what the paper calls a low blurriness is a high
    variance of the Laplacian. A tie goes to the higher FCN score, which the paper calls "the most
    important". A criterion without a value does not count. `chosen` is the choice of `judge`.
    """
    table = candidates.copy()
    for name in [name for name in JUDGES if f"fcn_score_{name}" in table]:
        score = f"fcn_score_{name}"
        ranks = table[[score, *CRITERIA]].rank(ascending=False)
        table[f"rank_{score}"] = ranks[score]
        table[[f"rank_{criterion}" for criterion in CRITERIA]] = ranks[list(CRITERIA)].to_numpy()
        table[f"mean_rank_{name}"] = ranks.mean(axis=1)
        order = table.sort_values([f"mean_rank_{name}", score], ascending=[True, False])
        table[f"chosen_by_{name}"] = table.index == order.index[0]
    table["chosen"] = table[f"chosen_by_{judge}"]
    return table
