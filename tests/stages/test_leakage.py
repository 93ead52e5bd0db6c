"""No patient is on two sides: training and test, a judge's data and what it judges, both folds."""

import numpy as np
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
    """What shares a patient that must not: split is (training, test), subsets ascend, folds are
    pairs of (trained on, judged)."""
    train, test = split
    found = []
    if not train or not test or train & test:
        found.append("split")
    for smaller, larger in zip(subsets, [*subsets[1:], train], strict=True):
        if not set(smaller) <= set(larger):
            found.append("subset")
    if any(set(subset) & test for subset in subsets):
        found.append("test")
    if any(set(trained) & set(judged) for trained, judged in folds):
        found.append("folds")
    return found


def drawn(config, shown, seed, draw=1):
    """Split, subsets and folds of a draw, by the functions that the stages call."""
    test = splitting.set_aside(shown, config.cohort.test_share, seed)
    train = {patient: shown[patient] for patient in set(shown) - test}
    root = seed_of_draw(seed, draw)
    subsets = [splitting.subset(train, fraction, root + 1) for fraction in config.fractions]
    folds = []
    for subset in subsets:
        held = splitting.validating({one: shown[one] for one in subset}, 0.2, root + 3)
        fitted = sorted(set(subset) - held)
        folds.append((fitted, held))
        slices = np.repeat(fitted, 2)
        half = realism_folds(slices, root + 2)
        if half.any():
            folds += [(slices[~half], slices[half]), (slices[half], slices[~half])]
    return (set(train), test), subsets, folds


cohorts = st.dictionaries(
    st.text("abcdef0123456789", min_size=1, max_size=4), st.sets(st.sampled_from("ABC")),
    min_size=2, max_size=60,
)  # fmt: skip


@pytest.mark.parametrize("name", profiles.names())
@settings(max_examples=15, deadline=None)
@given(
    shown=cohorts.filter(lambda shown: sum(map(bool, shown.values())) > 1),
    seed=st.integers(0, 2**31),
    draw=st.integers(1, 3),
)
def test_no_patient_is_on_two_sides(name, shown, seed, draw):
    assert leaks(*drawn(profiles.load(name, cohort="heads"), shown, seed, draw)) == []


@pytest.mark.parametrize("planted", ["split", "subset", "test", "folds"])
def test_a_planted_leak_is_seen(planted):
    shown = {f"p{k:02}": "AB"[k % 2] for k in range(30)}
    split, subsets, folds = drawn(profiles.load("quick"), shown, 1)
    assert leaks(split, subsets, folds) == []
    someone = min(split[1])
    if planted == "split":
        split = (split[0] | {someone}, split[1])
    elif planted == "subset":
        subsets[0] = [min(set(subsets[3]) - set(subsets[1]))]
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
    everybody = set(cohort.store_of(made).slices.patient)
    for chosen in (config, config.model_copy(update={"cohort": with_folds(config, 4)})):
        test = cohort.test_slices(chosen, made, draw).table
        smaller = set()
        for fraction in chosen.fractions:
            train = cohort.training_slices(chosen, made, fraction, draw).table
            held = cohort.validation_slices(chosen, made, fraction, draw).table
            parts = (train, held, test)
            assert len(set(train.patient)) >= 1 and len(set(held.patient)) >= 1
            assert sum(part.patient.nunique() for part in parts) == len(
                set().union(*(part.patient for part in parts))
            )
            assert sum(map(len, parts)) == len(set().union(*(part["slice"] for part in parts)))
            subset = set(train.patient) | set(held.patient)
            assert smaller <= subset
            smaller = subset
        assert smaller | set(test.patient) == everybody


def with_folds(config, folds):
    return config.cohort.model_copy(update={"folds": folds})


def test_after_as_many_draws_as_folds_everybody_was_tested_once_and_the_patients_are_split_anew(
    config, made
):
    config = config.model_copy(update={"cohort": with_folds(config, 4)})
    tests = [set(cohort.test_slices(config, made, draw).patients) for draw in range(1, 9)]
    everybody = set(cohort.store_of(made).slices.patient)
    for turn in (tests[:4], tests[4:]):
        assert sorted(one for part in turn for one in part) == sorted(everybody)
    assert {frozenset(part) for part in tests[:4]} != {frozenset(part) for part in tests[4:]}
    (said,) = [one for one in remarks(config, made) if "12.5%" in one and "never tested" in one]
    # three draws of four folds leave the fourth fold out
    assert f"{len(tests[3])} patients are never tested, because there are 3 draws of 4" in said
    every = config.model_copy(update={"draws": (4, 4, 4, 4)})
    assert "never tested" not in " ".join(remarks(every, made))


def test_more_folds_than_patients_are_told_in_one_sentence(config, made):
    config = config.model_copy(update={"cohort": with_folds(config, 21)})
    with pytest.raises(UserError, match=r"cohort_folds = 21 is more than the 20 patient") as told:
        cohort.training_slices(config, made, 1.0)
    assert "\n" not in str(told.value)


def test_a_subset_that_leaves_nobody_to_validate_is_told_in_one_sentence(tmp_path):
    store = write_store(tmp_path / "store", 6)
    config = profiles.load("quick", cohort=str(store), image_size=64)
    made = cohort_of(config, tmp_path / "cohort")
    with pytest.raises(UserError) as told:
        cohort.training_slices(config, made, 0.25)
    said = str(told.value)
    assert said.startswith("0.25 of the patients is one patient with a lesion")
    assert said.endswith("take a larger fraction or add patients.") and "\n" not in said


def test_patients_without_a_lesion_are_in_no_subset_unless_asked_for(tmp_path):
    labels = np.ones((60, 64, 64), np.uint8)
    labels[: 3 * 8] = 0  # eight of twenty patients
    store = write_store(tmp_path / "store", 20, labels=labels)
    config = profiles.load("quick", cohort=str(store), image_size=64)
    made = cohort_of(config, tmp_path / "cohort")
    healthy, opened = {f"p{k:02}" for k in range(8)}, cohort.store_of(made)
    tests = cohort.test_patients(config, opened)
    assert (len(tests - healthy), len(tests & healthy)) == (4, 3), "a third of both"
    fitted, held = cohort.subset_patients(config, opened, 0.5)
    assert len(fitted | held) == 4 and not (fitted | held) & healthy
    every = profiles.load("quick", cohort=str(store), image_size=64, cohort_lesion_only=False)
    assert cohort.test_patients(every, opened) == tests
    more, still = cohort.subset_patients(every, opened, 0.5)
    assert more - healthy == fitted and still == held
    assert len(more & healthy) == round(0.5 * 5)


def test_hashes_that_look_like_numbers_are_names(tmp_path):
    names = ["0000000000000017", "17", "17e3456789012345", "1700000000000000", "17.0"]
    store = write_store(tmp_path / "store", names)
    config = profiles.load("quick", cohort=str(store), image_size=64)
    made = cohort_of(config, tmp_path / "cohort")
    fitted, held = cohort.subset_patients(config, cohort.store_of(made), 1.0)
    tests = cohort.test_patients(config, cohort.store_of(made))
    assert sorted([*fitted, *held, *tests]) == sorted(names)
    assert fitted and held and tests


def test_one_patient_cannot_be_split(tmp_path):
    store = write_store(tmp_path / "store", 1)
    config = profiles.load("quick", cohort=str(store), image_size=64)
    with pytest.raises(UserError, match="has 1 patient"):
        cohort.test_rows(config, cohort_of(config, tmp_path / "cohort"))


def test_one_patient_s_slices_have_no_second_fold():
    assert not realism_folds(np.array(["a", "a"]), 0).any()


def test_a_draw_has_other_patients_and_at_100_percent_others_validate(config, made):
    def patients(fraction, draw):
        parts = cohort.subset_patients(config, cohort.store_of(made), fraction, draw)
        return [frozenset(part) for part in (parts[0] | parts[1], parts[1])]

    half, whole = zip(*(patients(0.5, draw) for draw in (1, 2, 3)), strict=True)
    assert len(set(half)) == len(set(whole)) == 3
    assert {len(one) for one in half} == {round(0.5 * 13)}
    assert len({patients(1.0, draw)[0] for draw in (1, 2, 3)}) == 1
    assert len({patients(1.0, draw)[1] for draw in (1, 2, 3)}) == 3


def test_what_a_small_cohort_lacks_is_said(config, made, tmp_path):
    one = config.model_copy(update={"draws": (1, 1, 1, 1)})
    said = " ".join(remarks(one, made))
    assert "At 12.5% of the patients, those to train on (1) show no IVH, SAH, EDH" in said
    assert "At 12.5% of the patients, a single validation patient picks the weights." in said
    assert "The test patients show no IVH, SAH, EDH" in said
    assert "draw" not in said
    assert "those to train on (1, draw 3) show no IVH, SAH, EDH" in " ".join(remarks(config, made))
    labels = np.tile(np.arange(6).repeat(64 * 64 // 6 + 1)[: 64 * 64].reshape(64, 64), (300, 1, 1))
    rich = write_store(tmp_path / "rich", 100, labels=labels)
    config = profiles.load("quick", cohort=str(rich), image_size=64)
    assert remarks(config, cohort_of(config, tmp_path / "other")) == []
