"""Tables that the paper does not have: the right number in the right cell, dashes for no case."""

import numpy as np
import pandas as pd
import pytest

from lcgan_core.book import words
from lcgan_core.book.pages import scrutiny


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
    assert row["kernel distance, real"] == ("0.25 (0.25 to 0.25)" if n else words.ABSENT)
    assert row["n"] == str(n)
