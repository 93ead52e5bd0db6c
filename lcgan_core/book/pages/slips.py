"""The paper's own arithmetic, compared with what its printed tables give (data/paper_slips.csv)."""

from __future__ import annotations

import pandas as pd

from lcgan_core.protocol.paper import DATA


def slips() -> pd.DataFrame:
    """Columns claim, recomputed, verdict: every arithmetic claim that the tables can check."""
    return pd.read_csv(DATA / "paper_slips.csv")
