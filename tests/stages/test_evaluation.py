"""Files of stage 6: foreign results are refused; differences and groups have their columns."""

import numpy as np
import pandas as pd
import pytest

from lcgan_core import metrics
from lcgan_core.errors import UserError
from lcgan_core.metrics.bootstrap import draw_weights, patient_weights
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
        by_patient = cells(counts).by_patient(range(6))
        grid[1.0, arm] = estimate([by_patient], weights, draw_weights(1, 40, seed=0))
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
