"""No patient is on two sides: training and test, a judge's data and what it judges, both folds."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lcgan_core.cohort.store import AREAS
from lcgan_core.errors import UserError
from lcgan_core.protocol import profiles
from lcgan_core.protocol import split as splitting
from lcgan_core.seeds import seed_of_draw
from lcgan_core.stages import cohort
from lcgan_core.stages.selection import realism_folds


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
def store(monkeypatch):
    """A store of 20 patients in memory in place of stage 1's."""
    patients = np.repeat([f"p{k:02}" for k in range(20)], 3)
    split = splitting.split_patients(patients, 0.3, seed=5)
    areas = np.zeros((len(patients), len(AREAS)))
    areas[::3, 0], areas[1::3, 4] = 120, 30
    table = pd.DataFrame(areas, columns=AREAS).assign(
        slice=range(len(patients)), patient=patients, split=[split[p] for p in patients]
    )
    pixels = np.zeros((len(patients), 4, 4), np.int16)
    made = SimpleNamespace(
        slices=table, hu=pixels, labels=pixels.astype(np.uint8), folder="store", image_size=4
    )
    monkeypatch.setattr(cohort, "run", lambda config: made)
    return made


@pytest.mark.parametrize("draw", [1, 2, 3])
def test_the_stages_take_disjoint_slices(store, draw):
    config = profiles.load("quick", draws=3)
    test = cohort.test_slices(config).table
    smaller = set()
    for fraction in config.fractions:
        train = cohort.training_slices(config, fraction, draw).table
        assert not set(train.patient) & set(test.patient)
        assert not set(train.slice) & set(test.slice)
        assert smaller <= set(train.patient)
        smaller = set(train.patient)
    assert smaller | set(test.patient) == set(store.slices.patient)


def test_a_subset_without_lesions_is_refused_in_one_sentence(store):
    store.slices.loc[store.slices.split == "train", AREAS] = 0
    said = "No slice with haemorrhage among 0.125 of the patients of store; add"
    with pytest.raises(UserError, match=said):
        cohort.training_slices(profiles.load("quick"), 0.125)


def test_one_patient_cannot_be_split():
    with pytest.raises(UserError, match="has 1 patient"):
        splitting.split_patients(["a", "a"], 0.3, 1)


def test_one_patient_s_slices_have_no_second_fold():
    assert not realism_folds(np.array(["a", "a"]), 0).any()


def test_a_draw_has_other_patients_and_at_100_percent_the_same(store):
    config = profiles.load("quick", draws=3)

    def patients(fraction, draw):
        return frozenset(cohort.training_slices(config, fraction, draw).table.patient)

    assert len({patients(0.5, draw) for draw in (1, 2, 3)}) == 3
    assert len({len(patients(0.5, draw)) for draw in (1, 2, 3)}) == 1
    all_of_them = [cohort.training_slices(config, 1.0, draw).table for draw in (1, 2)]
    pd.testing.assert_frame_equal(*all_of_them)


def test_what_a_small_cohort_lacks_is_said(store):
    said = " ".join(cohort.remarks(profiles.load("quick")))
    assert "12.5% of the patients (2) show no IVH, SAH, EDH" in said
    assert "The test patients show no IVH, SAH, EDH" in said
    three = " ".join(cohort.remarks(profiles.load("quick", draws=[3, 1, 1, 1])))
    assert "12.5% of the patients (2, draw 3) show no IVH, SAH, EDH" in three
    store.slices[AREAS] = 9
    assert cohort.remarks(profiles.load("quick")) == []
