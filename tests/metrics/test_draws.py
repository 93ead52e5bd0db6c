"""Several draws of training patients and seeds: means, pairing and intervals, worked by hand."""

import numpy as np
import pytest
from scipy import stats

from lcgan_core.metrics.bootstrap import draw_weights, patient_weights
from lcgan_core.metrics.cells import Cells
from lcgan_core.metrics.estimates import estimate

DICE = ("dice_image", "all")


def by_patient(values):
    """One slice per patient with these Dice values (P,); NaN is a patient without a case."""
    values = np.asarray(values, float)[:, None]
    known = np.isfinite(values).astype(float)
    return Cells((DICE,), np.nan_to_num(values), known, known)


def of(table, patients, draws):
    """The estimate of a table (D, P) of Dice values."""
    return estimate([by_patient(row) for row in table], patients, draws)


TABLE = [[0.2, 0.6], [0.4, 1.0]]  # one row per draw, one column per patient


def test_every_resample_by_hand():
    patients = np.array([[2, 0], [1, 1], [0, 2], [2, 0], [1, 1], [0, 2], [0, 2]])
    draws = np.array([[1, 0], [1, 0], [1, 0], [0, 1], [0, 1], [0, 1], [1, 1]])
    made = of(TABLE, patients, draws)
    assert made.value == pytest.approx([(0.4 + 0.7) / 2])
    by_hand = [0.2, 0.4, 0.6, 0.4, 0.7, 1.0, 0.8]
    assert made.resampled[:, 0] == pytest.approx(by_hand)
    (row,) = made.rows()
    assert (row["n"], row["draws"]) == (2, 2)
    assert [(row["draw"], row["value"], row["n"]) for row in made.draw_rows()] == [
        (1, pytest.approx(0.4), 2),
        (2, pytest.approx(0.7), 2),
    ]


def test_arms_with_unequally_many_draws_are_compared_in_those_of_both():
    """The third draw of the first arm, which the other lacks, would turn the sign."""
    more, fewer = [[0.2, 0.6], [0.4, 1.0], [0.0, 0.0]], [[0.1, 0.3], [0.4, 0.8]]
    patients = patient_weights(2, 300, 0)
    many, few = (
        of(more, patients, draw_weights(3, 300, 1)),
        of(fewer, patients, draw_weights(2, 300, 1)),
    )
    same = of(more[:2], patients, draw_weights(2, 300, 1)) - few
    for sign, found in ((1, many - few), (-1, few - many)):
        assert sign * found.value[0] == pytest.approx((0.2 + 0.1) / 2)
        np.testing.assert_allclose(sign * found.resampled, same.resampled)
        (row,) = found.rows()
        assert (row["draws"], row["n"]) == (2, 2)


@pytest.mark.parametrize("count", [2, 3, 5])
def test_resampled_means_vary_as_the_mean_of_so_few_draws_does(count):
    """Patients without spread leave the squared standard error of the mean over draws."""
    values = np.random.default_rng(count).random(count)
    table = np.tile(values[:, None], (1, 4))
    made = of(table, patient_weights(4, 20_000, 0), draw_weights(count, 20_000, 1))
    assert made.resampled.var() == pytest.approx(stats.sem(values) ** 2, rel=0.03)


def test_patients_and_draws_add_their_variances():
    """Where a Dice is the sum of a patient's part and a draw's, the two resamplings do not disturb
    each other: the variance over patients is the plug-in one, as in any bootstrap of means."""
    of_draw, of_patient = np.array([0.1, 0.15, 0.3]), np.array([0.0, 0.2, 0.25, 0.4, 0.6])
    table = of_draw[:, None] + of_patient
    made = of(table, patient_weights(5, 20_000, 2), draw_weights(3, 20_000, 3))
    expected = stats.sem(of_draw) ** 2 + of_patient.var() / 5
    assert made.resampled.var() == pytest.approx(expected, rel=0.03)


def test_a_difference_is_paired_within_draw_and_patient():
    """However far apart draws and patients lie, an arm that is better by .1 in each of them is
    better by exactly .1."""
    base = np.random.default_rng(0).random((3, 6)) * 0.8
    weights = patient_weights(6, 200, 0), draw_weights(3, 200, 1)
    difference = of(base + 0.1, *weights) - of(base, *weights)
    assert difference.value == pytest.approx([0.1])
    assert difference.interval[:, 0] == pytest.approx([0.1, 0.1])
    low, high = of(base, *weights).interval[:, 0]
    assert high - low > 0.05
    assert difference.n == [6], "patients, not patients times draws"


def test_a_draw_without_a_value_is_left_out_of_mean_and_difference():
    nothing = [np.nan, np.nan]
    one = of([TABLE[0], nothing], np.ones((4, 2)), np.array([[1, 0], [0, 1], [1, 1], [2, 0]]))
    assert one.value == pytest.approx([0.4])
    assert one.resampled[:, 0] == pytest.approx([0.4, np.nan, 0.4, 0.4], nan_ok=True)
    both = of(TABLE, np.ones((4, 2)), one.weights)
    # of the first draws .4 - .4; the second of `both` has no counterpart
    assert (both - one).value == pytest.approx([0.0])


def test_folds_that_test_different_patients_by_hand():
    """A resample takes patients of both folds; each fold's mean is over its own."""
    table = [[0.2, 0.6, np.nan, np.nan], [np.nan, np.nan, 0.4, 1.0]]
    patients = np.array([[1, 1, 1, 1], [2, 0, 1, 1], [1, 0, 0, 3], [2, 2, 0, 0]])
    made = of(table, patients, np.ones((4, 2)))
    assert made.value == pytest.approx([(0.4 + 0.7) / 2])
    by_hand = [0.55, (0.2 + 0.7) / 2, (0.2 + 1.0) / 2, 0.4]  # in the last, one fold is left
    assert made.resampled[:, 0] == pytest.approx(by_hand)
    assert made.known[:, :, 0].tolist() == [[True, True, False, False], [False, False, True, True]]
    (row,) = (made - of(table, patients, np.ones((4, 2)))).rows()
    assert (row["value"], row["n"]) == (0, 4), "the patients of both folds"


def test_arms_without_a_patient_in_common_have_no_difference():
    first, second = ([[0.2, np.nan], [0.4, 0.6]], [[np.nan, 0.8], [0.5, 0.7]])
    weights = np.ones((3, 2)), np.ones((3, 2))
    (row,) = (of(second, *weights) - of(first, *weights)).rows()
    assert (row["value"], row["n"]) == (pytest.approx(0.1), 2), "of the second draw alone"
    (none,) = (of(second[:1], *weights) - of(first[:1], *weights)).rows()
    assert np.isnan([none["value"], none["ci_low"]]).all() and none["n"] == 0


def test_cases_are_counted_in_the_draws_that_have_any():
    """One case in one of three draws is not none."""
    nothing = [np.nan, np.nan]
    made = of([[0.3, np.nan], nothing, nothing], np.ones((2, 2)), np.ones((2, 3)))
    assert made.value == pytest.approx([0.3]) and made.n.tolist() == [1]


def test_a_single_draw_is_always_taken():
    assert (draw_weights(1, 50, seed=0) == 1).all()
    weights = patient_weights(2, 50, 0)
    alone = of(TABLE[:1], weights, draw_weights(1, 50, 1))
    assert (alone.resampled == by_patient(TABLE[0]).values(weights)).all()
