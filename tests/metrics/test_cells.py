"""Cells of the tables and their intervals, beside the plain metrics and SciPy's bootstrap."""

import numpy as np
import pytest
from scipy import stats

from lcgan_core import metrics
from lcgan_core.metrics import Overlap
from lcgan_core.metrics.bootstrap import draw_weights, patient_weights
from lcgan_core.metrics.cells import cells, with_patient_mean
from lcgan_core.metrics.estimates import estimate

NAMES = ("IPH", "IVH", "SAH", "EDH", "SDH")
RNG = np.random.default_rng(0)
TRUTH = RNG.choice(6, (24, 32, 32), p=[0.9, 0.02, 0.02, 0.02, 0.02, 0.02]).astype(np.uint8)
TRUTH[::3][TRUTH[::3] == 4] = 0
PREDICTION = np.where(RNG.random(TRUTH.shape) < 0.3, 0, TRUTH).astype(np.uint8)
PREDICTION[1] = 5
COUNTS = metrics.overlap(PREDICTION, TRUTH)
PATIENTS = np.repeat(["a", "b", "c", "d", "e", "f"], [1, 2, 3, 4, 6, 8])


def as_dict(table, values=None):
    return dict(zip(table.names, table.values()[0] if values is None else values, strict=True))


def expected(counts, min_area, names=NAMES):
    """The same cells by the plain metrics, one by one."""
    found = counts.detection(min_area)
    cells = {
        ("dice_image", "all"): np.nanmean(counts.dice_image()),
        ("dice_instance", "all"): np.nanmean(counts.dice_instance()),
        ("dice_class_detected", "all"): np.nanmean(counts.dice_class_detected()),
        ("dice_class_pooled", "all"): np.nanmean(counts.dice_class_pooled()),
        ("precision", "all"): found.precision,
        ("recall", "all"): found.recall,
    }
    for k, name in enumerate(names):
        own = counts[:, [k]].detection(min_area)
        cells |= {
            ("dice_instance", name): np.nanmean(counts.dice_instance()[:, k]),
            ("dice_class_detected", name): counts.dice_class_detected()[k],
            ("dice_class_pooled", name): counts.dice_class_pooled()[k],
            ("precision", name): own.precision,
            ("recall", name): own.recall,
        }
    return cells


@pytest.mark.parametrize("count", [1, 2, 5, 7, 15])
def test_cells_are_the_plain_metrics(count):
    truth = RNG.integers(0, count + 1, (24, 8, 8)) * RNG.integers(0, 2, (24, 1, 1))
    prediction = np.where(RNG.random(truth.shape) < 0.3, RNG.integers(0, count + 1), truth)
    counts = metrics.overlap(prediction, truth, count)
    names = [f"kind{k}" for k in range(count)]
    ours = as_dict(cells(counts, names, min_area=5))
    theirs = expected(counts, 5, names)
    assert ours.keys() == theirs.keys()
    for key, value in theirs.items():
        assert ours[key] == pytest.approx(value, rel=1e-12), key


def test_names_that_do_not_fit_the_counts_are_refused():
    with pytest.raises(ValueError, match="4 names for counts of 5 classes"):
        cells(COUNTS, NAMES[:4])


def test_weighting_patients_is_repeating_their_slices():
    by_patient = cells(COUNTS, NAMES, min_area=5).by_patient(PATIENTS)
    weights = patient_weights(6, 5, seed=3)
    for row, values in zip(weights, by_patient.values(weights), strict=True):
        slices = [
            np.flatnonzero(patient == PATIENTS)
            for patient, times in zip("abcdef", row, strict=True)
            for _ in range(times)
        ]
        theirs = expected(COUNTS[np.concatenate(slices)], 5)
        for key, value in as_dict(by_patient, values).items():
            assert value == pytest.approx(theirs[key], nan_ok=True), key


def test_the_mean_over_patients_counts_each_patient_once():
    table = with_patient_mean(cells(COUNTS, NAMES, min_area=5).by_patient(PATIENTS))
    dice = COUNTS.dice_image()
    by_hand = [np.nanmean(dice[patient == PATIENTS]) for patient in "abcdef"]
    assert as_dict(table)["dice_patient", "all"] == pytest.approx(np.mean(by_hand))
    assert dict(zip(table.names, table.counts(), strict=True))["dice_patient", "all"] == 6
    assert as_dict(table)["dice_image", "all"] != pytest.approx(np.mean(by_hand))
    others = as_dict(cells(COUNTS, NAMES, min_area=5))
    assert {key: as_dict(table)[key] for key in others} == pytest.approx(others)


def test_a_patient_without_a_row_has_no_case():
    every = cells(COUNTS, NAMES, min_area=5)
    table = every.by_patient(PATIENTS, among=["a", "b", "c", "d", "e", "f", "g"])
    assert not table.known()[6].any()
    np.testing.assert_array_equal(table.top[:6], every.by_patient(PATIENTS).top)


def test_a_class_without_test_cases_is_nan_with_n_0():
    """Even where it was predicted: a Dice of 0 over no case would be a made-up number."""
    lacking = metrics.overlap(np.full_like(TRUTH, 4), np.where(TRUTH == 4, 0, TRUTH))
    table = cells(lacking, NAMES, min_area=5)
    counts = dict(zip(table.names, table.counts(), strict=True))
    for metric in ("dice_instance", "dice_class_detected", "dice_class_pooled", "recall"):
        assert np.isnan(as_dict(table)[metric, "EDH"])
        assert counts[metric, "EDH"] == 0
    assert as_dict(table)["precision", "EDH"] == 0, "invented in every slice"
    assert counts["precision", "EDH"] == len(TRUTH)


def test_all_background_predictions_and_no_lesion_at_all():
    nothing = as_dict(cells(metrics.overlap(0 * TRUTH, TRUTH), NAMES))
    assert nothing["dice_image", "all"] == nothing["recall", "all"] == 0
    assert np.isnan(nothing["precision", "all"])
    assert np.isnan(nothing["dice_class_detected", "all"])
    empty = cells(metrics.overlap(0 * TRUTH, 0 * TRUTH), NAMES)
    assert np.isnan(empty.values()).all()


def single_slices(counts):
    """An estimate where every patient has one slice, as SciPy's bootstrap takes it."""
    weights = patient_weights(len(TRUTH), 4000, seed=1)
    return one_draw(cells(counts, NAMES, 5).by_patient(np.arange(len(TRUTH))), weights)


def one_draw(by_patient, weights):
    return estimate([by_patient], weights, draw_weights(1, len(weights), seed=0))


def row_of(rows, metric, lesion="all"):
    return next(row for row in rows if (row["metric"], row["lesion"]) == (metric, lesion))


def test_interval_agrees_with_scipy():
    ours = row_of(single_slices(COUNTS).rows(), "dice_image")
    theirs = stats.bootstrap(
        (COUNTS.dice_image(),), np.mean, n_resamples=4000, method="percentile", rng=RNG
    ).confidence_interval
    assert ours["ci_low"] == pytest.approx(theirs.low, abs=1e-2)
    assert ours["ci_high"] == pytest.approx(theirs.high, abs=1e-2)
    assert ours["n"] == len(TRUTH)


def test_paired_difference_agrees_with_scipy_and_is_narrower_than_unpaired():
    worse = np.where(RNG.random(TRUTH.shape) < 0.2, 0, PREDICTION).astype(np.uint8)
    other = metrics.overlap(worse, TRUTH)
    better, worse = single_slices(COUNTS), single_slices(other)
    ours = row_of((better - worse).rows(), "dice_image")
    theirs = stats.bootstrap(
        (COUNTS.dice_image(), other.dice_image()),
        lambda x, y, axis: np.mean(x - y, axis=axis),
        paired=True,
        n_resamples=4000,
        method="percentile",
        rng=RNG,
    ).confidence_interval
    assert (ours["ci_low"], ours["ci_high"]) == pytest.approx((theirs.low, theirs.high), abs=5e-3)
    one = row_of(better.rows(), "dice_image")
    assert ours["ci_high"] - ours["ci_low"] < one["ci_high"] - one["ci_low"]


def test_an_arm_differs_from_itself_by_exactly_nothing():
    arm = single_slices(COUNTS)
    row = row_of((arm - arm).rows(), "recall")
    assert (row["value"], row["ci_low"], row["ci_high"]) == (0, 0, 0)


def test_one_patient_has_no_interval():
    table = cells(COUNTS, NAMES, 5).by_patient(["a"] * len(TRUTH))
    row = row_of(one_draw(table, patient_weights(1, 20, seed=0)).rows(), "dice_image")
    assert np.isfinite(row["value"])
    assert np.isnan([row["ci_low"], row["ci_high"]]).all()


def test_a_case_in_one_patient_only_has_no_interval():
    one_edh = Overlap(*(np.zeros((3, 5), int) for _ in range(3)))
    one_edh.truth[:, 0], one_edh.truth[1, 3] = 9, 9
    table = cells(one_edh, NAMES).by_patient(["a", "b", "c"])
    rows = one_draw(table, patient_weights(3, 50, 0)).rows()
    row = row_of(rows, "recall", "EDH")
    assert (row["value"], row["n"]) == (0, 1)
    assert np.isnan(row["ci_low"])


def test_a_resample_takes_as_many_patients_as_there_are():
    weights = patient_weights(7, 300, seed=2)
    assert (weights.sum(1) == 7).all()
    assert (weights != weights[0]).any()
    np.testing.assert_allclose(weights.mean(0), 1, atol=0.25)
