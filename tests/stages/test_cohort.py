"""Stage 1 hands slices to the networks: which ones, and in which window."""

import numpy as np
import pytest

from lcgan_core.errors import UserError
from lcgan_core.protocol import profiles
from lcgan_core.stages import cohort
from tests.cohort.cases import Made, store_of


@pytest.fixture
def store(tmp_path, monkeypatch):
    """Four patients of three slices of 64 pixels; the first slice of each without haemorrhage."""
    monkeypatch.setenv("LCGAN_RUNS", str(tmp_path / "runs"))
    cases = [Quiet(k, tmp_path, shape=(64, 64)) for k in range(4)]
    return store_of(cases, tmp_path / "store", size=64).store


class Quiet(Made):
    def load(self):
        series = super().load()
        series.labels[0] = 0
        return series


def config(store, **overrides):
    return profiles.load("quick", cohort=str(store.folder), image_size=64, **overrides)


def test_only_slices_with_haemorrhage_train_and_test_unless_asked_otherwise(store):
    everything = cohort.training_slices(config(store, cohort_lesion_only=False), 1.0)
    lesions = cohort.training_slices(config(store), 1.0)
    patients = lesions.table.patient.nunique()
    assert len(lesions.images) == 2 * patients and len(everything.images) == 3 * patients
    assert (lesions.labels.flatten(1).amax(1) > 0).all()
    quiet = everything.labels.flatten(1).amax(1) == 0
    assert int(quiet.sum()) == patients
    assert len(cohort.test_slices(config(store)).images) == 2 * (4 - patients)


@pytest.mark.parametrize(("level", "width"), [(50, 100), (40, 40)])
def test_the_window_is_applied_on_the_way_to_the_network(store, level, width):
    """Trap 4.8: windows differ from project to project; HU are stored, the window is stated."""
    chosen = config(store, window_level=float(level), window_width=float(width))
    slices = cohort.training_slices(chosen, 1.0)
    hu = store.hu[slices.table["slice"]]
    by_hand = np.clip((hu - (level - width / 2.0)) / width, 0, 1) * 255
    assert np.abs(slices.images.numpy() - by_hand).max() <= 0.5 + 1e-4
    assert store.hu.dtype == np.int16 and store.hu.max() > 1000, "the store keeps HU"


def test_a_store_of_smaller_slices_than_the_profile_s_is_refused(store):
    with pytest.raises(UserError, match="64 pixels, the profile wants 128; ingest with --size 128"):
        cohort.run(profiles.load("quick", cohort=str(store.folder)))


def test_a_store_without_haemorrhage_is_told(store):
    np.save(store.folder / "labels.npy", np.zeros_like(store.labels))
    table = store.slices.copy()
    table.loc[:, "area_IPH":"area_SDH"] = 0.0
    table.to_csv(store.folder / "slices.csv", index=False)
    with pytest.raises(UserError, match="No slice with haemorrhage"):
        cohort.training_slices(config(store), 1.0)
