"""Files of stage 6: foreign results are refused; differences and groups have their columns."""

import numpy as np
import pandas as pd
import pytest

from lcgan_core import metrics
from lcgan_core.errors import UserError
from lcgan_core.metrics.bootstrap import patient_weights
from lcgan_core.metrics.cells import cells
from lcgan_core.metrics.estimates import estimate
from lcgan_core.stages import evaluation


def test_differences_are_of_every_pair_of_arms_and_have_the_sign_of_their_names():
    truth = np.zeros((6, 20, 20), np.uint8)
    truth[:, :10] = 1
    weights = patient_weights(6, 40, seed=0)
    grid = {}
    for arm, rows in (("original", 4), ("gan", 6), ("both", 10)):
        prediction = np.zeros_like(truth)
        prediction[:, :rows] = 1
        counts = metrics.overlap(prediction, truth)
        grid[1.0, arm] = estimate(cells(counts).by_patient(range(6)), weights)
    table = pd.DataFrame(evaluation._differences(grid, ("original", "gan", "both")))
    assert len(table) == 3 * len(grid[1.0, "gan"].names)
    image = table[table.metric == "dice_image"].set_index(["arm", "baseline"])
    # Dice 8 / 14, 12 / 16 and 1
    assert image.value["gan", "original"] == pytest.approx(12 / 16 - 8 / 14)
    assert image.value["both", "original"] == pytest.approx(1 - 8 / 14)
    assert image.value["both", "gan"] == pytest.approx(1 - 12 / 16)
    assert (image.n == 6).all()
    edh = table[(table.metric == "recall") & (table.hemorrhage == "EDH")]
    assert edh.value.isna().all()
    assert (edh.n == 0).all()


def test_results_of_another_profile_are_refused(tmp_path):
    row = ["compact", 1, 0.1, "gan", "dice_image", "all", 0.5, 0.4, 0.6, 3]
    path = tmp_path / "results.csv"
    pd.DataFrame([row], columns=evaluation.COLUMNS).to_csv(path, index=False)
    with pytest.raises(UserError, match="is of profile 'compact', not of 'quick'"):
        evaluation.read_results(path, "quick")
    assert len(evaluation.read_results(path, "compact")) == 1


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n"], ids=["empty", "other columns"])
def test_a_file_that_is_no_results_file_is_refused(tmp_path, text):
    path = tmp_path / "results.csv"
    path.write_text(text)
    with pytest.raises(UserError, match=r"results\.csv"):
        evaluation.read_results(path, "quick")


def test_a_missing_row_is_told_by_its_name(tmp_path):
    rows = [
        ["quick", 1, fraction, arm, metric, "all", 0.5, 0.4, 0.6, 3]
        for fraction in (0.25, 1.0)
        for arm in ("original", "gan")
        for metric in ("dice_image", "recall")
    ]
    path = tmp_path / "results.csv"
    table = pd.DataFrame(rows, columns=evaluation.COLUMNS)
    table.to_csv(path, index=False)
    assert len(evaluation.read_results(path, "quick")) == 8
    table.drop(index=3).to_csv(path, index=False)
    sentence = r"results\.csv lacks 1 rows, the first of 0\.25, gan, recall, all; restore"
    with pytest.raises(UserError, match=sentence):
        evaluation.read_results(path, "quick")
