"""No patient on both sides, and every subset inside the larger one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lcgan_core.errors import UserError
from lcgan_core.protocol.split import split_patients, subset

names = st.lists(st.text("0123456789abcdef", min_size=1, max_size=6), min_size=2, unique=True)
fractions = st.floats(0.001, 1.0)
seeds = st.integers(0, 2**31)


@given(names, st.floats(0.05, 0.95), seeds)
def test_every_patient_is_on_exactly_one_side_and_neither_is_empty(patients, share, seed):
    split = split_patients(patients, share, seed)
    assert set(split) == set(patients)
    assert set(split.values()) == {"train", "test"}
    tests = sum(side == "test" for side in split.values())
    assert abs(tests - share * len(patients)) <= 1


@given(names, fractions, fractions, seeds)
def test_a_smaller_subset_lies_inside_the_larger(patients, a, b, seed):
    small, large = (subset(patients, f, seed) for f in sorted((a, b)))
    assert set(small) <= set(large) <= set(patients)
    assert len(small) >= 1 and len(set(small)) == len(small)


@given(names, fractions, seeds, st.randoms(use_true_random=False))
def test_the_order_in_which_patients_come_changes_nothing(patients, fraction, seed, random):
    shuffled = random.sample(patients, len(patients))
    assert split_patients(shuffled, 0.3, seed) == split_patients(patients, 0.3, seed)
    assert set(subset(shuffled, fraction, seed)) == set(subset(patients, fraction, seed))


@given(names, seeds)
def test_the_whole_is_the_largest_subset(patients, seed):
    assert sorted(subset(patients, 1.0, seed)) == sorted(patients)


def test_size_of_a_subset_by_hand():
    patients = [f"p{k}" for k in range(40)]
    assert [len(subset(patients, f, 1)) for f in (0.01, 0.025, 0.1, 0.25)] == [1, 1, 4, 10]


def test_another_seed_is_another_draw():
    patients = [f"p{k}" for k in range(40)]
    assert subset(patients, 0.25, 1) != subset(patients, 0.25, 2)
    assert split_patients(patients, 0.3, 1) != split_patients(patients, 0.3, 2)


@pytest.mark.parametrize("fraction", [0, -0.1, 1.01, float("nan")])
def test_a_fraction_outside_0_to_1_is_told(fraction):
    with pytest.raises(UserError, match="fraction"):
        subset(["a", "b"], fraction, 1)


@pytest.mark.parametrize("patients", [[], ["a"], ["a", "a"]])
def test_a_single_patient_cannot_be_split(patients):
    with pytest.raises(UserError, match="two"):
        split_patients(patients, 0.3, 1)
