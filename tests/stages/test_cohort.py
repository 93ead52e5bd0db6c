"""Stage 1 hands slices to the networks: which ones, and in which window."""

import hashlib
import shutil

import numpy as np
import pytest

from lcgan_core.cohort.store import SliceStore
from lcgan_core.errors import UserError
from lcgan_core.lesions import FIVE
from lcgan_core.protocol import profiles
from lcgan_core.run import plan
from lcgan_core.stages import cohort, cohort_tables

from .heads import TWO, bleeds, cohort_of, write_store


@pytest.fixture
def store(tmp_path):
    """Four patients of three slices; the first slice of each without a lesion."""
    labels = np.random.default_rng(1).integers(0, 6, (12, 64, 64))
    labels[::3] = 0
    return write_store(tmp_path / "store", 4, labels=labels)


def config(store, **overrides):
    return profiles.load("quick", cohort=str(store), image_size=64, **overrides)


@pytest.fixture
def made(store, tmp_path):
    return cohort_of(config(store), tmp_path / "cohort")


def test_only_slices_with_lesions_train_and_test_unless_asked_otherwise(store, made):
    everything = cohort.training_slices(config(store, cohort_lesion_only=False), made, 1.0)
    lesions = cohort.training_slices(config(store), made, 1.0)
    patients = lesions.table.patient.nunique()
    assert len(lesions.images) == 2 * patients and len(everything.images) == 3 * patients
    assert (lesions.labels.flatten(1).amax(1) > 0).all()
    quiet = everything.labels.flatten(1).amax(1) == 0
    assert int(quiet.sum()) == patients
    held = cohort.validation_slices(config(store), made, 1.0)
    assert len(held.images) == 2 * held.table.patient.nunique() == 2
    assert len(cohort.test_slices(config(store), made).images) == 2 * (4 - patients - 1)


@pytest.mark.parametrize(("level", "width"), [(50, 100), (40, 40)])
def test_the_window_is_applied_on_the_way_to_the_network(store, made, level, width):
    """Windows differ from project to project: HU are stored, the window is stated."""
    chosen = config(store, window_level=float(level), window_width=float(width))
    slices = cohort.training_slices(chosen, made, 1.0)
    stored = cohort.store_of(made).hu
    hu = stored[slices.table["slice"]]
    by_hand = np.clip((hu - (level - width / 2.0)) / width, 0, 1) * 255
    assert np.abs(slices.images.numpy() - by_hand).max() <= 0.5 + 1e-4
    assert stored.dtype == np.int16 and stored.max() > 1000, "the store keeps HU"


def test_the_split_is_the_run_s_and_the_store_stays_as_it_was(store, tmp_path):
    def hashes(folder):
        files = sorted(path for path in folder.iterdir() if path.is_file())
        return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}

    before = hashes(store)
    made = cohort_of(config(store), tmp_path / "cohort")
    opened = cohort.store_of(made)
    assert len(cohort.test_patients(config(store), opened)) == 1
    assert len(cohort.test_patients(config(store, cohort_test_share=0.5), opened)) == 2
    assert hashes(store) == hashes(made / "store") == before
    assert "split" not in SliceStore.open(made / "store").slices


def test_a_smaller_image_size_is_a_copy_and_a_larger_one_is_refused(store, tmp_path):
    large = write_store(tmp_path / "large", 3, classes=TWO, size=128)
    made = cohort_of(config(large), tmp_path / "made")
    copy = cohort.store_of(made)
    assert (copy.image_size, copy.classes) == (64, TWO)
    assert np.load(large / "hu.npy", mmap_mode="r").shape[1:] == (128, 128)
    wanted = profiles.load("quick", cohort=str(store))
    with pytest.raises(UserError, match="64 pixels, the profile wants 128; ingest with --size 128"):
        cohort_of(wanted, tmp_path / "refused")


@pytest.mark.parametrize("folds", [0, 2])
def test_a_cohort_without_a_lesion_is_told(folds, tmp_path):
    store = write_store(tmp_path / "store", 4, labels=np.zeros((12, 64, 64)))
    made = cohort_of(config(store), tmp_path / "made")
    chosen = config(store, cohort_folds=folds)
    with pytest.raises(UserError, match=r"0 patient\(s\) with a lesion.* add patients") as said:
        cohort.training_slices(chosen, made, 1.0)
    assert "\n" not in str(said.value)


def in_silico(folder):
    """Stage 1's artefact of four generated patients, in `folder`."""
    small = {"cohort_patients": 4, "cohort_matrix": 64, "cohort_slices": 4, "image_size": 64}
    folder.mkdir()
    cohort.in_silico(profiles.load("quick", **small), plan.COHORT, {}, folder)
    return folder


@pytest.fixture(scope="module")
def generated(tmp_path_factory):
    return in_silico(tmp_path_factory.mktemp("generated") / "cohort")


def test_patients_generated_in_silico_are_read_as_anybody_s(generated, tmp_path):
    store = cohort.store_of(generated)
    assert store.classes == FIVE
    assert store.slices.patient.nunique() == 4
    assert store.manifest["source"] == "in-silico"
    again = in_silico(tmp_path / "again")
    for name in ("store/hu.npy", "store/labels.npy", "store/slices.csv"):
        assert (generated / name).read_bytes() == (again / name).read_bytes(), name


def test_head_cts_of_which_some_are_refused_are_told_and_leave_no_store(
    generated, tmp_path, monkeypatch
):
    monkeypatch.setenv("LCGAN_SALT", str(tmp_path / "salt"))
    source = tmp_path / "heads"
    shutil.copytree(generated / "dicom", source)
    scan = sorted(source.rglob("*.dcm"))[0]
    scan.write_bytes(scan.read_bytes()[:-1000])
    with pytest.raises(UserError) as refused:
        cohort_of(config(source), tmp_path / "cohort")
    said = str(refused.value)
    assert said.startswith(f"1 series or files of {source} were refused: `lcgan ingest {source} ")
    assert "\n" not in said
    assert not (tmp_path / "cohort" / "store").exists()


def test_the_cohort_s_tables_count_by_split_and_class(tmp_path):
    labels, hu = bleeds(6)
    labels[-3:][labels[-3:] == 1] = 0  # the last patient has no oedema
    store = write_store(tmp_path / "s", 6, classes=TWO, slices=4, labels=labels, hu=hu)
    chosen = config(store, fractions=[0.5, 1.0])
    made = cohort_of(chosen, tmp_path / "made")
    table = cohort_tables.counts(chosen, made)
    assert table.columns.tolist() == ["patients", "slices", "with a lesion", "PHE", "IPH"]
    total = table.sum()
    assert (total.patients, total.slices, total.IPH, total.PHE) == (6, 24, 18, 15)
    subsets = cohort_tables.subset_counts(chosen, made)
    assert subsets.index.tolist() == [0.5, 1.0]
    assert subsets.patients.tolist() == [2, 4]
    assert subsets["to validate"].tolist() == [1, 1]
    assert subsets["slices to train on"].tolist() == [3 * 1, 3 * 3]
    assert subsets.IPH.tolist() == [2, 4]
    # four train, and the one without oedema may or may not be among them
    lacking = cohort.test_patients(chosen, cohort.store_of(made)) & {"p05"}
    assert subsets.PHE[1.0] == (4 if lacking else 3)
    assert subsets["contains the smaller"].all()
    found = cohort_tables.lesion_statistics(made)
    assert found.index.tolist() == ["PHE", "IPH"]
    assert found["median HU"].tolist() == [20, 70]
    used = cohort_tables.used(chosen, made)
    assert {side: rows.patient.nunique() for side, rows in used.items()} == {"train": 4, "test": 2}
    assert {side: len(rows) for side, rows in used.items()} == {"train": 12, "test": 6}
