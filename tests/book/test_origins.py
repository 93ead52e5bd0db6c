"""Each number's row and networks, named by hand."""

from pathlib import Path

import pandas as pd
import pytest

from lcgan_core.book import words
from lcgan_core.book.contents import Bundle
from lcgan_core.book.pages import origins, tables
from lcgan_core.lesions import FIVE
from lcgan_core.metrics.claims import claims

FRACTIONS = (0.1, 0.2, 0.5, 1.0)

RUNS = pd.DataFrame(
    [
        (f"segmentation/{share:g}{'-draw2' if draw == 2 else ''}-{arm}{end}", "segmentation", share,
         draw, arm, segmenter)
        for segmenter, end in (("fcn8s", ""), ("other", "-other"))
        for share in FRACTIONS
        for draw in ((1, 2) if share == 0.1 else (1,))
        for arm in ("original", "gan", "traditional", "both")
    ]
    + [("training/0.1-lcgan", "training", 0.1, 1, "lcgan", "")],
    columns=["job", "stage", "fraction", "draw", "what", "segmenter"],
)  # fmt: skip
BUNDLE = Bundle(
    Path("none"),
    {
        "run": {},
        "config": {"fractions": FRACTIONS},
        "sources": {"densities": "augmentation/0.5-gan"},
    },
)
CELL = {"segmenter": "fcn8s", "metric": "recall", "lesion": "all"}
NETWORKS = {
    "both draws of a cell": (
        "results", {"fraction": 0.1, "arm": "both"},
        {"segmentation/0.1-both", "segmentation/0.1-draw2-both"},
    ),
    "the one draw of a row of draws.csv": (
        "draws", {"fraction": 0.1, "arm": "both", "draw": 2},
        {"segmentation/0.1-draw2-both"},
    ),
    "both arms of a difference": (
        "differences", {"fraction": 1.0, "arm": "both", "baseline": "gan"},
        {"segmentation/1-both", "segmentation/1-gan"},
    ),
    "the network of another segmenter": (
        "results", {"fraction": 1.0, "arm": "both", "segmenter": "other"},
        {"segmentation/1-both-other"},
    ),
}  # fmt: skip


def found(name, row):
    jobs = origins.jobs(BUNDLE, name, pd.Series(row), origins.networks(RUNS))
    assert len(jobs) == len(set(jobs))
    return set(jobs)


@pytest.mark.parametrize("case", NETWORKS)
def test_networks_of_a_row(case):
    name, row, networks = NETWORKS[case]
    assert found(name, CELL | row) == networks


def test_networks_of_a_claim_are_those_of_all_its_terms():
    compared, *_ = (
        claim.id
        for claim in claims(FRACTIONS, FIVE.names)
        if {fraction for _, fraction, _ in claim.terms} == {0.1, 0.5}
    )
    row = {"id": compared, "share": "10% and 50%", "segmenter": "fcn8s"}
    assert found("claims", row) == {
        "segmentation/0.1-original", "segmentation/0.1-draw2-original", "segmentation/0.1-both",
        "segmentation/0.1-draw2-both", "segmentation/0.5-original", "segmentation/0.5-both",
    }  # fmt: skip


def test_scores_of_snapshots_come_from_the_selection_and_densities_from_the_copies():
    row = {"generator": "lcgan", "fraction": 0.1, "draw": 2, "epoch": 20}
    assert found("candidates", row) == {"selection/0.1-draw2-lcgan"}
    assert found("densities", {"lesion": "IPH"}) == {"augmentation/0.5-gan"}


def test_no_two_claims_share_a_place():
    keys = list(origins.cells_of_claims(BUNDLE))
    assert len(keys) == len(claims(FRACTIONS, FIVE.names))
    rows = pd.DataFrame(keys, columns=["id", "share"]).assign(segmenter="fcn8s")
    assert origins.linked("claims", rows).href.is_unique


def test_a_cell_with_a_place_is_a_link_and_keeps_its_interval_below():
    row = {"fraction": 0.1, "arm": "gan", **CELL, "value": 0.5, "ci_low": 0.25, "ci_high": 0.75}
    table = origins.linked("results", pd.DataFrame([row]))
    shown = words.html(pd.DataFrame({"a": [tables.cell(table, arm="gan")]}))
    place = "all_results.html#results-fcn8s-0.1-gan-recall-all"
    assert f'<a class="origin" href="{place}">.500<br><small>(.250 to .750)</small></a>' in shown
