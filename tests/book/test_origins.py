"""Each number's row and networks, named by hand."""

import pandas as pd
import pytest

from lcgan_core.book.pages import origins, tables
from lcgan_core.metrics import claims

RUNS = pd.DataFrame(
    [
        (f"segmentation/{share:g}{'-draw2' if draw == 2 else ''}-{arm}", "segmentation", share,
         draw, arm)
        for share in (0.1, 0.2, 0.5, 1.0)
        for draw in ((1, 2) if share == 0.1 else (1,))
        for arm in ("original", "gan", "traditional", "both")
    ]
    + [("training/0.1-lcgan", "training", 0.1, 1, "lcgan")],
    columns=["job", "stage", "fraction", "draw", "what"],
)  # fmt: skip
CELL = {"metric": "recall", "hemorrhage": "all"}
NETWORKS = {
    "both draws of a cell": (
        {"fraction": 0.1, "arm": "both"},
        {"segmentation/0.1-both", "segmentation/0.1-draw2-both"},
    ),
    "the one draw of a row of draws.csv": (
        {"fraction": 0.1, "arm": "both", "draw": 2},
        {"segmentation/0.1-draw2-both"},
    ),
    "both arms of a difference": (
        {"fraction": 1.0, "arm": "both", "baseline": "gan"},
        {"segmentation/1-both", "segmentation/1-gan"},
    ),
}


@pytest.mark.parametrize("case", NETWORKS)
def test_networks_of_a_row(case):
    row, networks = NETWORKS[case]
    assert set(origins.jobs("results", pd.Series(row | CELL), RUNS)) == networks


def test_networks_of_a_claim_are_those_of_all_its_terms():
    row = pd.Series(
        {
            "claim": "the gain in Dice per image is larger with the smallest subset than with the "
            "largest",
            "share": "10% and 50%",
        }
    )
    assert set(origins.jobs("claims", row, RUNS)) == {
        "segmentation/0.1-original", "segmentation/0.1-draw2-original", "segmentation/0.1-both",
        "segmentation/0.1-draw2-both", "segmentation/0.5-original", "segmentation/0.5-both",
    }  # fmt: skip


def test_scores_of_snapshots_come_from_the_selection_and_densities_from_the_copies():
    row = pd.Series({"fraction": 0.1, "draw": 2, "epoch": 20})
    assert origins.jobs("candidates", row, RUNS) == ["selection/0.1-draw2"]
    assert origins.jobs("densities", pd.Series({"hemorrhage": "IPH"}), RUNS) == [
        "augmentation/0.5-gan"
    ]


def test_no_two_claims_share_a_place():
    rows = pd.DataFrame(
        [
            (claim.says, " and ".join({str(k) for _, k, _ in claim.terms}))
            for claim in claims.claims()
        ],
        columns=["claim", "share"],
    )
    assert origins.linked("claims", rows).href.is_unique


def test_a_cell_with_a_place_is_a_link_and_keeps_its_interval_below():
    row = {"fraction": 0.1, "arm": "gan", **CELL, "value": 0.5, "ci_low": 0.25, "ci_high": 0.75}
    table = origins.linked("results", pd.DataFrame([row]))
    shown = tables.html(pd.DataFrame({"a": [tables.cell(table, arm="gan")]}))
    place = "all_results.html#results-0.1-gan-recall-all"
    assert f'<a class="origin" href="{place}">.500<br><small>(.250 to .750)</small></a>' in shown
