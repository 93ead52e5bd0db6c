"""data/paper_tables.csv: the only numbers in this repository that were typed by hand."""

from pathlib import Path

import pandas as pd
import pytest

from lcgan_core.protocol.paper import beside, comparable, percent

ROOT = Path(__file__).resolve().parents[2]
ARMS = ["original", "gan", "traditional", "both"]
TYPES = ["IPH", "IVH", "SAH", "EDH", "SDH"]


@pytest.fixture(scope="module")
def paper():
    return pd.read_csv(ROOT / "data" / "paper_tables.csv")


def cell(paper, table, fraction, arm, metric, lesion="all"):
    key = {"table": table, "fraction": fraction, "arm": arm}
    key |= {"metric": metric, "lesion": lesion}
    rows = paper[(paper[list(key)] == pd.Series(key)).all(axis=1)]
    assert len(rows) == 1
    return rows["value"].item()


def test_layout(paper):
    assert list(paper) == ["table", "fraction", "arm", "metric", "lesion", "value"]
    assert paper.groupby("table").size().to_dict() == {1: 13, 2: 26, 3: 78}
    assert not paper.drop(columns="value").duplicated().any()
    assert paper["value"].between(0, 1).all()
    assert set(paper["arm"]) == set(ARMS)
    assert set(paper["lesion"]) == {*TYPES, "all"}
    assert set(paper.loc[paper["fraction"] == 1, "arm"]) == {"original"}
    per_table = paper.groupby("table")["metric"].unique().map(sorted).to_dict()
    assert per_table == {1: ["dice_image"], 2: ["precision", "recall"], 3: ["dice_class_detected"]}


def test_gains_are_those_of_the_abstract(paper):
    """12.8, 6 and 1.6 points; the table gives 12.7 for the first."""
    gains = [
        cell(paper, 1, f, "both", "dice_image") - cell(paper, 1, f, "original", "dice_image")
        for f in (0.025, 0.1, 0.25)
    ]
    assert gains == pytest.approx([0.127, 0.060, 0.016], abs=1e-9)


def test_precision_and_recall_corners(paper):
    assert cell(paper, 2, 0.025, "original", "precision") == 0.408
    assert cell(paper, 2, 0.25, "both", "precision") == 0.844
    assert cell(paper, 2, 0.025, "original", "recall") == 0.360
    assert cell(paper, 2, 0.25, "both", "recall") == 0.777
    assert cell(paper, 2, 1.0, "original", "precision") == 0.850
    assert cell(paper, 2, 1.0, "original", "recall") == 0.802


def test_twelve_of_thirteen_means_of_table_3_are_right(paper):
    wide = paper[paper["table"] == 3].pivot(
        index=["fraction", "arm"], columns="lesion", values="value"
    )
    deviation = wide[TYPES].mean(axis=1) - wide["all"]
    wrong = deviation[deviation.abs() > 0.001]
    assert list(wrong.index) == [(0.025, "original")]
    assert wrong.item() == pytest.approx(0.0102, abs=1e-9)


def test_table_1_is_recall_times_table_3_mean_where_data_suffice(paper):
    """The observation behind our reading of the two Dice scores (decisions page)."""
    rows = [(f, a) for f in (0.1, 0.25) for a in ARMS] + [(1.0, "original")]
    for fraction, arm in rows:
        product = cell(paper, 2, fraction, arm, "recall") * cell(
            paper, 3, fraction, arm, "dice_class_detected"
        )
        assert product == pytest.approx(cell(paper, 1, fraction, arm, "dice_image"), abs=0.0185)


PAIRS = {
    (0.025, 0.1, 0.25, 1.0): {0.025: 0.025, 0.1: 0.1, 0.25: 0.25, 1.0: 1.0},
    (0.125, 0.25, 0.5, 1.0): {0.125: 0.025, 0.25: 0.1, 0.5: 0.25, 1.0: 1.0},  # by position
    (1.0,): {1.0: 1.0},
    (0.5, 1.0): {1.0: 1.0},
    (0.1, 0.25, 1.0): {0.1: 0.1, 0.25: 0.25, 1.0: 1.0},
    (0.025, 0.05, 0.1, 0.5, 1.0): {0.025: 0.025, 0.1: 0.1, 1.0: 1.0},
}


@pytest.mark.parametrize("fractions", PAIRS, ids=str)
def test_four_fractions_stand_beside_the_paper_s_by_position_and_others_where_equal(fractions):
    assert beside(fractions) == PAIRS[fractions]
    assert beside(reversed(fractions)) == PAIRS[fractions]


def test_the_paper_s_classes_are_these_five_in_any_order():
    assert comparable(TYPES) and comparable(reversed(TYPES))
    for others in (TYPES[:4], [*TYPES, "PHE"], ["IPH"], []):
        assert not comparable(others)


@pytest.mark.parametrize(
    ("fraction", "text"),
    [(0.025, "2.5%"), (0.07, "7%"), (0.333333, "33.3333%"), (0.000001, "0.0001%"), (1, "100%")],
)
def test_fractions_are_written_without_idle_digits(fraction, text):
    assert percent(fraction) == text
