"""No patient is on two sides: training and test, a judge's data and what it judges, both folds."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lcgan_core.criteria.realism import realism_folds
from lcgan_core.errors import UserError
from lcgan_core.protocol import profiles
from lcgan_core.protocol import split as splitting
from lcgan_core.seeds import seed_of_draw
from lcgan_core.stages import cohort
from lcgan_core.stages.cohort_tables import remarks

from .heads import cohort_of, write_store


def leaks(split, subsets, folds):
    """What shares a patient that must not: split is patient -> side, subsets ascend, folds are
    pairs of (trained on, judged)."""
    train = {patient for patient, side in split.items() if side == "train"}
    test = {patient for patient, side in split.items() if side == "test"}
    found = []
    if not train or not test or train & test or train | test != set(split):
        found.append("split")
    for smaller, larger in zip(subsets, [*subsets[1:], train], strict=True):
        if not set(smaller) <= set(larger):
            found.append("subset")
    if any(set(subset) & test for subset in subsets):
        found.append("test")
    if any(set(trained) & set(judged) for trained, judged in folds):
        found.append("folds")
    return found


def drawn(config, patients, seed, draw=1):
    """Split, subsets and folds of a draw, by the functions that the stages call."""
    split = splitting.split_patients(patients, config.cohort.test_share, seed)
    train = [patient for patient in patients if split[patient] == "train"]
    root = seed_of_draw(seed, draw)
    subsets = [splitting.subset(train, fraction, root + 1) for fraction in config.fractions]
    folds = []
    for subset in subsets:
        slices = np.repeat(subset, 2)
        half = realism_folds(slices, root + 2)
        if half.any():
            folds += [(slices[~half], slices[half]), (slices[half], slices[~half])]
    return split, subsets, folds


cohorts = st.lists(st.text("abcdef0123456789", min_size=1, max_size=4), min_size=2, max_size=60)


@pytest.mark.parametrize("name", profiles.names())
@settings(max_examples=15, deadline=None)
@given(
    patients=cohorts.filter(lambda names: len(set(names)) > 1),
    seed=st.integers(0, 2**31),
    draw=st.integers(1, 3),
)
def test_no_patient_is_on_two_sides(name, patients, seed, draw):
    assert leaks(*drawn(profiles.load(name), patients, seed, draw)) == []


@pytest.mark.parametrize("planted", ["split", "subset", "test", "folds"])
def test_a_planted_leak_is_seen(planted):
    patients = [f"p{k}" for k in range(30)]
    split, subsets, folds = drawn(profiles.load("quick"), patients, 1)
    assert leaks(split, subsets, folds) == []
    someone = next(patient for patient, side in split.items() if side == "test")
    if planted == "split":
        split = dict.fromkeys(split, "train")
    elif planted == "subset":
        subsets[0] = [next(p for p in subsets[3] if p not in subsets[1])]
    elif planted == "test":
        subsets[3] = [*subsets[3], someone]
    else:
        folds[0] = (folds[0][0], [*folds[0][1], folds[0][0][0]])
    assert planted in leaks(split, subsets, folds)


@pytest.fixture
def config(tmp_path):
    """Three draws on a store of 20 patients with three slices each, two of them with a lesion."""
    labels = np.zeros((60, 64, 64), np.uint8)
    labels[::3, :20, :24], labels[1::3, :10, :12] = 1, 5
    store = write_store(tmp_path / "store", 20, labels=labels)
    return profiles.load("quick", cohort=str(store), image_size=64, draws=3)


@pytest.fixture
def made(config, tmp_path):
    return cohort_of(config, tmp_path / "cohort")


@pytest.mark.parametrize("draw", [1, 2, 3])
def test_the_stages_take_disjoint_slices(config, made, draw):
    test = cohort.test_slices(config, made).table
    smaller = set()
    for fraction in config.fractions:
        train = cohort.training_slices(config, made, fraction, draw).table
        assert not set(train.patient) & set(test.patient)
        assert not set(train["slice"]) & set(test["slice"])
        assert smaller <= set(train.patient)
        smaller = set(train.patient)
    assert smaller | set(test.patient) == set(cohort.store_of(made).slices.patient)


def test_hashes_that_look_like_numbers_are_names(tmp_path):
    names = ["0000000000000017", "17", "17e3456789012345", "1700000000000000", "17.0"]
    store = write_store(tmp_path / "store", names)
    config = profiles.load("quick", cohort=str(store), image_size=64)
    made = cohort_of(config, tmp_path / "cohort")
    sides = cohort.table_of(made).groupby("patient").split.unique()
    assert sorted(sides.index) == sorted(names)
    assert {tuple(side) for side in sides} == {("train",), ("test",)}


def test_one_patient_cannot_be_split(tmp_path):
    store = write_store(tmp_path / "store", 1)
    with pytest.raises(UserError, match="has 1 patient"):
        cohort_of(profiles.load("quick", cohort=str(store), image_size=64), tmp_path / "cohort")


def test_one_patient_s_slices_have_no_second_fold():
    assert not realism_folds(np.array(["a", "a"]), 0).any()


def test_a_draw_has_other_patients_and_at_100_percent_the_same(config, made):
    def patients(fraction, draw):
        return frozenset(cohort.training_slices(config, made, fraction, draw).table.patient)

    assert len({patients(0.5, draw) for draw in (1, 2, 3)}) == 3
    assert len({len(patients(0.5, draw)) for draw in (1, 2, 3)}) == 1
    all_of_them = [cohort.training_slices(config, made, 1.0, draw).table for draw in (1, 2)]
    pd.testing.assert_frame_equal(*all_of_them)


def test_what_a_small_cohort_lacks_is_said(config, made, tmp_path):
    one = config.model_copy(update={"draws": (1, 1, 1, 1)})
    said = " ".join(remarks(one, made))
    assert "12.5% of the patients (2) show no IVH, SAH, EDH" in said
    assert "The test patients show no IVH, SAH, EDH" in said
    assert "draw" not in said
    assert "12.5% of the patients (2, draw 3) show no IVH, SAH, EDH" in " ".join(
        remarks(config, made)
    )
    labels = np.tile(np.arange(6).repeat(64 * 64 // 6 + 1)[: 64 * 64].reshape(64, 64), (60, 1, 1))
    rich = write_store(tmp_path / "rich", 20, labels=labels)
    config = profiles.load("quick", cohort=str(rich), image_size=64)
    assert remarks(config, cohort_of(config, tmp_path / "other")) == []
