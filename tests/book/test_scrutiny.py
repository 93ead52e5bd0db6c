"""Tables that the paper does not have: the right number in the right cell, dashes for no case."""

import numpy as np
import pandas as pd
import pytest

from lcgan_core.book import words
from lcgan_core.book.pages import scrutiny, statements


def test_judges_that_choose_differently_are_told_apart():
    table = pd.DataFrame(
        {
            "epoch": [10, 50],
            "chosen_by_full": [True, False],
            "chosen_by_subset": [False, True],
            "chosen": [True, False],
        }
    )
    row = scrutiny.judges({"10%": table}).loc["10%"]
    assert row.tolist() == ["10", "50", "no", "10"]


def test_controls_show_value_and_difference():
    keys = {"fraction": 0.5, "metric": "dice_image", "lesion": "all", "n": 9}
    results = pd.DataFrame(
        [
            keys | {"arm": "original", "value": 0.5, "ci_low": 0.4, "ci_high": 0.6},
            keys | {"arm": "online", "value": 0.7, "ci_low": 0.6, "ci_high": 0.8},
        ]
    )
    differences = pd.DataFrame(
        [keys | {"arm": "online", "baseline": "original",
                 "value": 0.2, "ci_low": -0.01, "ci_high": 0.3, "draws": 1}]
    )  # fmt: skip
    table = scrutiny.controls(results, differences)
    row = table.loc["+ traditional aug., new at every step"]
    assert row["50%", "DSC"] == ".700 (.600 to .800)"
    assert row["50%", "difference from Original"] == "+.200 (-.010 to +.300)"
    assert table.loc["Selected (Original)", ("50%", "difference from Original")] == words.ABSENT
    several = scrutiny.controls(results, differences.assign(draws=3))
    assert {share for share, _ in several.columns} == {"50%, 3 draws"}


def test_draws_of_a_share_with_several_and_their_spread():
    keys = {"metric": "dice_image", "lesion": "all"}
    of_draws = pd.DataFrame(
        [
            keys | {"fraction": 1.0, "arm": "original", "draw": 1, "value": 0.9, "sd": np.nan},
            keys | {"fraction": 0.5, "arm": "both", "draw": 1, "value": 0.2, "sd": 0.1},
            keys | {"fraction": 0.5, "arm": "both", "draw": 2, "value": 0.4, "sd": 0.1},
            keys | {"fraction": 0.5, "arm": "original", "draw": 1, "value": 0.1, "sd": 0.2},
            keys | {"fraction": 0.5, "arm": "original", "draw": 2, "value": 0.5, "sd": 0.2},
        ]
    )
    table = scrutiny.draws(of_draws)
    assert list(table.index) == ["Selected (Original)", "+ both"]
    assert list(table.columns) == [("50%", "draw 1"), ("50%", "draw 2"), ("50%", "SD")]
    assert table.loc["+ both"].tolist() == [".200", ".400", ".100"]
    assert scrutiny.draws(of_draws[of_draws.fraction == 1]).empty


@pytest.mark.parametrize("n", [0, 4])
def test_memorisation_without_a_case_is_a_dash(n):
    value = 0.25 if n else np.nan
    shares = pd.DataFrame(
        [{"space": "pixels", "closer": value, "ci_low": value, "ci_high": value, "n": n}]
    )
    kernel = pd.DataFrame([{"set": "real", "distance": value, "low": value, "high": value, "n": n}])
    row = scrutiny.memorisation({"100%": shares}, {"100%": kernel}).loc["100%"]
    assert row["closer, pixels"] == (".250 (.250 to .250)" if n else words.ABSENT)
    assert row["kernel distance, originals to each other"] == (
        "0.25 (0.25 to 0.25)" if n else words.ABSENT
    )
    assert row["n"] == str(n)


def test_false_verdicts_of_an_arm_against_itself_are_counted():
    keys = {"arm": "original_again", "baseline": "original", "draws": 10}
    of = {"fraction": 0.5, "value": 0.1}
    apart, spanning = {"ci_low": 0.05, "ci_high": 0.2}, {"ci_low": -0.1, "ci_high": 0.2}
    rows = [
        keys | of | apart | {"p": 0.01},
        keys | of | apart | {"p": 0.06},
        keys | of | spanning | {"p": 0.04},
        keys | of | spanning | {"p": np.nan},  # no spread: nothing was compared
        keys | of | apart | {"fraction": 1.0, "p": 0.2, "draws": 6},
        keys | of | apart | {"arm": "gan", "p": 0.01},
    ]
    table = scrutiny.again(pd.DataFrame(rows))
    assert table.loc["50%"].tolist() == [10, 3, 2, 1]
    assert table.loc["100%"].tolist() == [6, 1, 1, 0]
    assert scrutiny.again(pd.DataFrame(rows[-1:])).empty


TRAINED = pd.DataFrame(
    [
        {"arm": arm, "fraction": 0.5, "draw": draw, "train_dice": 0.8 + draw / 10,
         "validation_dice": 0.6, "dice_image": 0.5, "converged": (arm, draw) != ("original", 2)}
        for arm in ("original", "gan")
        for draw in (1, 2)
    ]
)  # fmt: skip


def test_training_is_told_of_original_alone_as_a_mean_over_draws():
    table = scrutiny.training(TRAINED)
    assert table.loc["50%"].tolist() == [".950", ".600", ".500", "1 of 2"]


def test_networks_that_had_not_converged_are_named():
    said = scrutiny.unconverged(TRAINED)
    assert said.startswith("Their scores may rise")
    assert said.endswith("original at 50% (draw 2).")
    assert scrutiny.unconverged(TRAINED[:1]) == ""


def test_a_run_without_records_of_its_training_says_so():
    unknown = TRAINED.assign(converged=np.nan, train_dice=np.nan)
    assert scrutiny.unconverged(unknown) == ""
    assert scrutiny.training(unknown).loc["50%"].tolist() == ["–", ".600", ".500", "–"]


def test_the_table_of_claims_shows_sides_and_corrected_p():
    row = {
        "claim": "x", "role": "primary", "segmenter": "fcn8s", "share": "10%", "value": 0.02,
        "ci_low": -0.01, "ci_high": 0.05, "n": 9, "draws": 6, "p": 0.02, "p_holm": 0.04,
        "paper": 0.06, "magnitude": "outside", "equivalent": "no", "detectable": 0.03,
        "verdict": "undecided", "reason": "the interval contains 0",
    }  # fmt: skip
    other = row | {"role": "exploratory", "p_holm": np.nan, "paper": np.nan, "reason": np.nan}
    table = statements.claims_table(pd.DataFrame([row, other]))
    assert table.p.tolist() == [".040", ".020"]
    assert table.paper.tolist() == ["+.060 (outside)", words.ABSENT]
    assert table["would be found from"].tolist() == [".030", ".030"]
    assert table["why undecided"].tolist() == ["the interval contains 0", ""]
