"""Tests on draw means, beside SciPy's tests, published sample sizes and cases worked by hand."""

import numpy as np
import pytest
from scipy import stats

from lcgan_core.metrics.bootstrap import draw_weights, patient_weights
from lcgan_core.metrics.inference import POINT, detectable, equivalent, holm, means
from tests.metrics.test_draws import of

RNG = np.random.default_rng(7)


def made(table, resamples=300):
    draws, patients = np.shape(table)
    weights = patient_weights(patients, resamples, 0), draw_weights(draws, resamples, 1)
    return of(table, *weights)


def alike(values, patients=4):
    """Patients without spread."""
    return made(np.tile(np.asarray(values)[:, None], (1, patients)))


@pytest.mark.parametrize("count", [2, 6, 10])
def test_without_spread_of_patients_it_is_the_t_test(count):
    values = RNG.normal(0.02, 0.03, count)
    found, theirs = means([alike(values)]), stats.ttest_1samp(values, 0)
    assert found.value == pytest.approx([values.mean()])
    assert found.se == pytest.approx([stats.sem(values)])
    assert found.p == pytest.approx([theirs.pvalue])
    low, high = theirs.confidence_interval(0.90)
    assert found.half_width == pytest.approx([(high - low) / 2])


def test_patients_that_all_draws_share_are_in_the_standard_error():
    """A draw's part and a patient's part: the variance of the mean is the sum of both."""
    of_draw, of_patient = RNG.normal(0, 0.02, 6), RNG.normal(0, 0.2, 12)
    found = means([made(of_draw[:, None] + of_patient, 20_000)])
    expected = stats.sem(of_draw) ** 2 + of_patient.var() / 12
    assert found.se**2 == pytest.approx([expected], rel=0.03)
    assert found.df == pytest.approx([5])


def test_patients_of_one_draw_alone_add_nothing_to_the_spread_between_draws():
    """With folds, the draws vary with their patients already."""
    table = np.full((6, 48), np.nan)
    for draw in range(6):
        table[draw, 8 * draw : 8 * draw + 8] = RNG.normal(0, 0.1, 8)
    found = means([made(table, 20_000)])
    assert found.se == pytest.approx([stats.sem(np.nanmean(table, 1))], rel=0.02)


def test_fractions_with_different_draws_are_welch_s_test():
    first, second = RNG.normal(0.1, 0.05, 6), RNG.normal(0, 0.02, 9)
    found = means([alike(first), alike(-second)])
    theirs = stats.ttest_ind(first, second, equal_var=False)
    assert found.p == pytest.approx([theirs.pvalue])
    assert found.df == pytest.approx([theirs.df])
    assert found.draws.tolist() == [6]


def test_fractions_with_the_same_draws_are_paired():
    first, second = RNG.normal(0.1, 0.05, 6), RNG.normal(0, 0.02, 6)
    theirs = stats.ttest_rel(first, second)
    assert means([alike(first), alike(-second)]).p == pytest.approx([theirs.pvalue])


def test_one_draw_has_no_test_and_a_draw_without_a_value_is_left_out():
    one = means([alike([0.3])])
    assert np.isnan([one.se[0], one.df[0], one.p[0], one.half_width[0]]).all()
    assert np.isnan(detectable(one.se[0], one.df[0]))
    values = [0.1, 0.3, np.nan, 0.2]
    found = means([alike(values)])
    assert found.draws.tolist() == [3]
    assert found.p == pytest.approx([stats.ttest_1samp([0.1, 0.3, 0.2], 0).pvalue])


@pytest.mark.parametrize(("effect", "size"), [(0.2, 199), (0.5, 34), (0.8, 15)])
def test_detectable_effect_beside_published_sample_sizes(effect, size):
    """Pairs needed for a small, medium and large effect at 80 %, two-sided 5 % (G*Power)."""
    assert detectable(1 / size**0.5, size - 1) <= effect
    assert detectable(1 / (size - 1) ** 0.5, size - 2) > effect


@pytest.mark.parametrize(
    ("of_draw", "patients", "needed"),
    [(0.025, 70, (76, 28, 10, 5)), (0.025, 300, (26, 17, 9, 5)), (0.016, 70, (39, 15, 7, 4)),
     (0.016, 300, (13, 9, 5, 4)), (0.012, 70, (27, 11, 5, 4)), (0.012, 300, (9, 6, 4, 3)),
     (0.010, 70, (21, 9, 5, 3)), (0.010, 300, (7, 5, 4, 3))],
)  # fmt: skip
def test_draws_needed_for_the_paper_s_gains(of_draw, patients, needed):
    """Worked out apart from this code with measured components of variance, given rounded."""

    def least(effect, rounding):
        own, shared = of_draw + rounding, 0.04 + rounding

        def se(draws):
            return (own**2 / draws + (shared**2 + 0.06**2 / draws) / patients) ** 0.5

        return next(d for d in range(2, 200) if detectable(se(d), d - 1) <= effect)

    for effect, draws in zip((0.016, 0.02, 0.03, 0.05), needed, strict=True):
        assert least(effect, -0.0005) <= draws <= least(effect, 0.0005)


def test_equivalence_is_two_one_sided_tests():
    seen = set()
    for centre in np.linspace(-0.02, 0.02, 41):
        values = RNG.normal(centre, 0.005, 6)
        found = means([alike(values)])
        above = stats.ttest_1samp(values, -POINT, alternative="greater").pvalue < 0.05
        below = stats.ttest_1samp(values, POINT, alternative="less").pvalue < 0.05
        told = equivalent(found.value[0], found.half_width[0])
        assert (told == "yes") == (above and below)
        seen.add(told)
    assert seen == {"yes", "no", "undecided"}


def test_holm_by_hand():
    """.01 x 4, .02 x 3, .03 x 2 and .04 x 1, none below the one before."""
    assert holm([0.04, 0.01, 0.03, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm([0.9, 0.8]).tolist() == [1, 1]
    assert holm([0.01, np.nan, 0.02]) == pytest.approx([0.03, np.nan, 0.04], nan_ok=True)
    assert holm([]).tolist() == []
