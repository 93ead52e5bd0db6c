"""Whole patients, each with one role; nested subsets; every class in its share."""

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lcgan_core.errors import UserError
from lcgan_core.protocol.split import fold, mixed, set_aside, subset, validating

cohorts = st.dictionaries(
    st.text("0123456789abcdef", min_size=1, max_size=6), st.sets(st.sampled_from("ABCDEFG")),
    max_size=60,
)  # fmt: skip
fractions = st.floats(0.001, 1.0)
seeds = st.integers(0, 2**31)


def with_lesion(shown):
    return {patient for patient, classes in shown.items() if classes}


several = cohorts.filter(lambda shown: len(with_lesion(shown)) > 1)


NAMES = "ABCDEFGHIJKL"


def made_up(patients, shares, seed=0):
    """Patient -> classes, at least one: each of the first classes with the chance given for it."""
    chance = random.Random(seed)
    shown = {}
    for k in range(patients):
        classes = {
            name for name, share in zip(NAMES, shares, strict=False) if chance.random() < share
        }
        shown[f"p{k:03}"] = classes or {chance.choice(NAMES[: len(shares)])}
    return shown


SHARES = {
    "two": [0.9, 0.8],
    "the five types": [0.5, 0.3, 0.35, 0.12, 0.35],
    "a dozen": [0.05 * k for k in range(1, 13)],
}


def counted(shown, patients):
    return Counter(name for patient in patients for name in shown[patient])


def off(shown, patients):
    """How many patients a class has beyond its share of so many, for the class where it is most."""
    share, whole = len(patients) / len(shown), counted(shown, shown)
    return max(abs(counted(shown, patients)[name] - share * whole[name]) for name in whole)


@given(several, st.floats(0.05, 0.95), seeds)
def test_patients_with_and_without_lesions_are_on_both_sides(shown, share, seed):
    tests, lesion = set_aside(shown, share, seed), with_lesion(shown)
    assert tests <= set(shown)
    assert 0 < len(tests & lesion) < len(lesion)
    assert abs(len(tests & lesion) - share * len(lesion)) <= 1
    assert abs(len(tests - lesion) - share * len(set(shown) - lesion)) <= 1


@given(cohorts, fractions, fractions, seeds)
def test_a_smaller_subset_lies_inside_the_larger(shown, a, b, seed):
    small, large = (subset(shown, f, seed) for f in sorted((a, b)))
    assert set(small) <= set(large) <= set(shown)
    assert len(set(small)) == len(small)
    lesion = with_lesion(shown)
    assert len(lesion & set(small)) == (max(round(min(a, b) * len(lesion)), 1) if lesion else 0)


@given(several, fractions, seeds, st.randoms(use_true_random=False))
def test_the_order_in_which_patients_come_changes_nothing(shown, fraction, seed, chance):
    other = {one: set(shown[one]) for one in chance.sample(list(shown), len(shown))}
    assert mixed(other, seed) == mixed(shown, seed)
    assert subset(other, fraction, seed) == subset(shown, fraction, seed)
    assert set_aside(other, 0.3, seed) == set_aside(shown, 0.3, seed)
    assert fold(other, 2, 1, seed) == fold(shown, 2, 1, seed)
    assert validating(other, 0.3, seed) == validating(shown, 0.3, seed)


@given(cohorts, seeds)
def test_the_whole_is_the_largest_subset(shown, seed):
    assert sorted(subset(shown, 1.0, seed)) == sorted(mixed(shown, seed)) == sorted(shown)


def test_size_of_a_subset_by_hand():
    shown = made_up(40, [0.5, 0.5])
    assert [len(subset(shown, f, 1)) for f in (0.01, 0.025, 0.1, 0.25)] == [1, 1, 4, 10]


def test_another_seed_is_another_draw():
    shown = made_up(40, [0.5, 0.5])
    for number in (1, 2):
        assert set(subset(shown, 0.25, number)) != set(subset(shown, 0.25, number + 1))
        assert set_aside(shown, 0.3, number) != set_aside(shown, 0.3, number + 1)
        assert fold(shown, 4, 0, number) != fold(shown, 4, 0, number + 1)
        assert validating(shown, 0.2, number) != validating(shown, 0.2, number + 1)


@pytest.mark.parametrize("classes", SHARES)
def test_each_class_has_its_share_to_about_a_patient_where_chance_errs_by_more(classes):
    shown = made_up(90, SHARES[classes])
    drawn, plain = [], []
    for seed in range(40):
        for fraction in (0.1, 0.25, 0.5):
            for patients in (subset(shown, fraction, seed), set_aside(shown, fraction, seed)):
                drawn.append(off(shown, patients))
        chance = random.Random(seed)
        plain += [off(shown, chance.sample(sorted(shown), n)) for n in (9, 22, 45)]
    mean, of_chance = sum(drawn) / len(drawn), sum(plain) / len(plain)
    assert mean <= 1 and max(drawn) <= 2.2
    assert of_chance >= 2 * mean


def test_every_patient_has_the_same_chance():
    """An order that began with the most typical patients would draw the others rarely."""
    shown = made_up(40, SHARES["the five types"])
    drawn = Counter(one for seed in range(400) for one in subset(shown, 0.25, seed))
    # 100 times each; the standard deviation of a plain draw is sqrt(400 x .25 x .75) = 8.7
    assert all(60 < drawn[one] < 140 for one in shown)


@given(several, st.integers(2, 9), seeds)
def test_every_patient_is_in_one_fold(shown, folds, seed):
    lesion = with_lesion(shown)
    if folds > len(lesion):
        with pytest.raises(UserError, match=f"cohort_folds = {folds} is more than the"):
            fold(shown, folds, 0, seed)
        return
    parts = [fold(shown, folds, number, seed) for number in range(folds)]
    assert sorted(one for part in parts for one in part) == sorted(shown)
    for sizes in ([len(part & lesion) for part in parts], [len(part - lesion) for part in parts]):
        assert max(sizes) - min(sizes) <= 1
    assert all(part & lesion for part in parts)


@pytest.mark.parametrize("classes", SHARES)
def test_folds_show_each_class_alike_where_chance_does_less(classes):
    shown = made_up(90, SHARES[classes])
    parts = [fold(shown, 5, number, seed) for seed in range(20) for number in range(5)]
    drawn = [off(shown, part) for part in parts]
    plain = [off(shown, random.Random(seed).sample(sorted(shown), 18)) for seed in range(100)]
    assert max(drawn) <= 2.2 and sum(drawn) <= 0.55 * sum(plain)


@given(cohorts, st.floats(0.01, 0.99), seeds)
def test_some_of_a_subset_validate_and_never_all(shown, share, seed):
    lesion, held = with_lesion(shown), validating(shown, share, seed)
    assert held <= lesion, "a Dice needs a lesion"
    if share and len(lesion) > 1:
        assert 0 < len(held) < len(lesion)
        assert abs(len(held) - share * len(lesion)) <= 1
    else:
        assert not held


@pytest.mark.parametrize("fraction", [0, -0.1, 1.01, float("nan")])
def test_a_fraction_outside_0_to_1_is_told(fraction):
    with pytest.raises(UserError, match="fraction"):
        subset({"a": {"A"}, "b": {"A"}}, fraction, 1)


@pytest.mark.parametrize("shown", [{}, {"a": {"A"}}, {"a": {"A"}, "healthy": set()}])
def test_a_single_patient_with_a_lesion_cannot_be_split(shown):
    with pytest.raises(UserError, match=r"patient\(s\) with a lesion; add patients") as told:
        set_aside(shown, 0.3, 1)
    assert "\n" not in str(told.value)
