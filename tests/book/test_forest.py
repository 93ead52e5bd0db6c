"""The forest plot: the right pairs, and each with its own sign."""

import itertools

import matplotlib.pyplot as plt
import pandas as pd
import pytest

from lcgan_core.book.figures import forest

VALUE = {"original": 0.1, "gan": 0.2, "traditional": 0.4, "both": 0.8, "duplicate2": 0.25}


@pytest.fixture
def differences():
    rows = [
        {
            "fraction": fraction, "arm": arm, "baseline": baseline, "metric": "dice_image",
            "lesion": "all", "value": VALUE[arm] - VALUE[baseline],
            "ci_low": VALUE[arm] - VALUE[baseline] - 0.03,
            "ci_high": VALUE[arm] - VALUE[baseline] + 0.01, "n": 5, "draws": draws,
        }
        for fraction, draws in ((0.5, 3), (1.0, 1))
        for baseline, arm in itertools.combinations(VALUE, 2)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def test_pairs_are_of_the_arms_that_are_there(differences):
    assert forest.comparisons(differences) == [
        ("gan", "original"), ("traditional", "original"), ("both", "original"),
        ("duplicate2", "original"), ("traditional", "gan"), ("both", "traditional"),
        ("gan", "duplicate2"),
    ]  # fmt: skip


def test_a_pair_that_is_stored_the_other_way_round_is_turned(differences):
    row = forest.difference(differences, "gan", "duplicate2").iloc[0]
    assert row.value == pytest.approx(0.2 - 0.25)
    assert row.ci_low == pytest.approx(-0.05 - 0.01)
    assert row.ci_high == pytest.approx(-0.05 + 0.03)


def test_points_lie_at_the_differences(differences):
    figure = forest.forest(differences)
    drawn = [line.get_xdata()[0] for line in figure.axes[0].lines if line.get_marker() == "o"]
    expected = [VALUE[arm] - VALUE[base] for arm, base in forest.comparisons(differences)]
    assert drawn == pytest.approx(expected)
    names = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert names[0] == "gan − original"
    titles = [axes.get_title() for axes in figure.axes]
    assert titles == ["50% of the patients, 3 draws", "100% of the patients"]
    plt.close(figure)


def test_an_arm_may_be_missing_at_one_share(differences):
    there = differences[(differences.fraction < 1) | (differences.arm != "duplicate2")]
    figure = forest.forest(there)
    counts = [sum(line.get_marker() == "o" for line in axes.lines) for axes in figure.axes]
    assert counts == [7, 5]
    plt.close(figure)
