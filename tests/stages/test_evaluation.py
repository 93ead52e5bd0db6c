"""Summaries and intervals beside independent arithmetic; foreign results are refused."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from lcgan_core import metrics
from lcgan_core.errors import UserError
from lcgan_core.stages import evaluation

RNG = np.random.default_rng(0)
TRUTH = RNG.choice(6, (20, 32, 32), p=[0.9, 0.02, 0.02, 0.02, 0.02, 0.02]).astype(np.uint8)
PREDICTION = np.where(RNG.random(TRUTH.shape) < 0.3, 0, TRUTH).astype(np.uint8)
COUNTS = metrics.overlap(PREDICTION, TRUTH)


def test_summaries_are_the_api_s_values():
    rows = {(m, h): (value, n) for m, h, value, n in evaluation.summaries(COUNTS, min_area=5)}
    assert rows["dice_image", "all"][0] == pytest.approx(
        np.mean(metrics.dice_image(PREDICTION, TRUTH))
    )
    assert rows["dice_class_pooled", "EDH"][0] == pytest.approx(
        metrics.dice_class_pooled(PREDICTION, TRUTH)[3]
    )
    found = metrics.detection(PREDICTION, TRUTH, min_area=5)
    assert rows["recall", "all"] == (
        found.recall,
        found.true_positives + found.false_negatives,
    )


def test_a_type_without_test_cases_is_nan_with_n_0():
    nothing = metrics.overlap(np.zeros_like(TRUTH), np.where(TRUTH == 4, 0, TRUTH))
    rows = {(m, h): (value, n) for m, h, value, n in evaluation.summaries(nothing, min_area=5)}
    for metric in ("dice_instance", "dice_class_detected", "recall"):
        value, n = rows[metric, "EDH"]
        assert np.isnan(value)
        assert n == 0


def test_interval_agrees_with_scipy_s_bootstrap_where_every_patient_has_one_slice():
    patients = np.arange(len(TRUTH))
    resamples = evaluation.patient_resamples(patients, 4000, seed=1)
    rows = evaluation.with_intervals(COUNTS, 5, resamples)
    ours = next(row for row in rows if row["metric"] == "dice_image")
    theirs = stats.bootstrap(
        (COUNTS.dice_image(),), np.mean, n_resamples=4000, method="percentile", rng=RNG
    ).confidence_interval
    assert ours["ci_low"] == pytest.approx(theirs.low, abs=2e-3)
    assert ours["ci_high"] == pytest.approx(theirs.high, abs=2e-3)
    assert ours["ci_low"] < ours["value"] < ours["ci_high"]


def test_resamples_draw_whole_patients():
    patients = np.repeat(["a", "b", "c"], [2, 3, 4])
    for index in evaluation.patient_resamples(patients, 20, seed=0):
        drawn = pd.Series(patients[index]).value_counts()
        assert all(drawn[name] % size == 0 for name, size in (("a", 2), ("b", 3), ("c", 4))
                   if name in drawn)  # fmt: skip


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
