"""Stage 4 without networks: every kind of copy from its stage alone, and the table of densities."""

import numpy as np
import pytest
import torch

from lcgan_core.errors import UserError
from lcgan_core.protocol import methods, profiles
from lcgan_core.run.plan import Job
from lcgan_core.stages import augmentation, cohort
from lcgan_core.stages.augmentation_tables import densities_after

from .heads import TWO, bleeds, cohort_of, write_store


def skulls(patients, size=64):
    """`bleeds` in a skull."""
    labels, hu = bleeds(patients, size=size)
    rows, columns = np.mgrid[:size, :size]
    away = np.hypot(rows - size / 2, columns - size / 2)
    hu[:, (away > 0.45 * size) & (away < 0.49 * size)] = 1200
    return labels, hu


@pytest.fixture(scope="module")
def heads(tmp_path_factory):
    """A profile, and stage 1's artefact of nine patients with three slices with a lesion each."""
    place = tmp_path_factory.mktemp("heads")
    labels, hu = skulls(9)
    store = write_store(place / "store", 9, classes=TWO, slices=4, labels=labels, hu=hu)
    config = profiles.load("quick", cohort=str(store), image_size=64)
    return config, cohort_of(config, place / "cohort")


def copied(heads, kind, work):
    config, made = heads
    work.mkdir()
    augmentation.copy(config, Job("augmentation", kind, 0.5), {"cohort": made}, work)
    return [torch.from_numpy(np.array(part)) for part in augmentation.pairs(work)]


# an oracle has no real cohort: tests/phantom/test_oracle.py
@pytest.mark.parametrize("kind", [kind for kind in methods.COPIES if kind != "oracle"])
def test_a_kind_of_copy_has_a_slice_for_each_of_the_subset(heads, tmp_path, kind):
    subset = cohort.training_slices(*heads, 0.5)
    images, labels = copied(heads, kind, tmp_path / "first")
    assert images.shape == labels.shape == subset.images.shape
    assert images.dtype == labels.dtype == torch.uint8
    for part, again in zip((images, labels), copied(heads, kind, tmp_path / "again"), strict=True):
        assert torch.equal(part, again)
    assert not (torch.equal(images, subset.images) and torch.equal(labels, subset.labels))


def test_equal_copies_have_the_foreground_of_the_subset_in_its_own_patients(heads, tmp_path):
    config, made = heads
    subset = cohort.training_slices(config, made, 0.5)
    images, labels = copied(heads, "copy_paste_equal", tmp_path / "work")
    assert torch.equal(labels, subset.labels)
    free = cohort.without_lesion(config, made, subset.patients)
    assert set(free.patients) == set(subset.patients) and not free.labels.any()
    assert not set(free.table["slice"]) & set(subset.table["slice"])
    rest = subset.labels == 0
    for image, outside in zip(images, rest, strict=True):
        assert any(torch.equal(image[outside], head[outside]) for head in free.images)
    pasted = copied(heads, "copy_paste", tmp_path / "twice")[1]
    assert (pasted > 0).sum() > 1.2 * (~rest).sum()


def test_permuted_copies_have_another_patient_s_mask(heads, tmp_path):
    subset = cohort.training_slices(*heads, 0.5)
    images, labels = copied(heads, "permuted", tmp_path / "work")
    assert torch.equal(images, subset.images)
    for mask, patient in zip(labels, subset.patients, strict=True):
        same = (subset.labels == mask).flatten(1).all(1).numpy()
        assert patient not in subset.patients[same]


def test_a_cohort_of_lesion_slices_alone_cannot_be_pasted_into(tmp_path):
    labels, hu = skulls(6)
    shown = labels.any((1, 2))
    store = write_store(
        tmp_path / "store", 6, classes=TWO, slices=3, labels=labels[shown], hu=hu[shown]
    )
    config = profiles.load("quick", cohort=str(store), image_size=64)
    made = cohort_of(config, tmp_path / "cohort")
    with pytest.raises(UserError, match="no slice without a lesion"):
        copied((config, made), "copy_paste_equal", tmp_path / "work")


@pytest.fixture
def two_tissues(tmp_path):
    """A head of half 30, half 45 HU in a square skull, with blood of 60 HU on every slice."""
    hu = np.full((12, 64, 64), -1000)
    hu[:, 4:60, 4:60] = 1500
    hu[:, 8:56, 8:32], hu[:, 8:56, 32:56] = 30, 45
    labels = np.zeros_like(hu)
    labels[:, 20:30, 27:37] = 1
    hu[labels == 1] = 60
    store = write_store(tmp_path / "store", 4, slices=3, labels=labels, hu=hu)
    config = profiles.load("quick", cohort=str(store), image_size=64)
    return config, cohort_of(config, tmp_path / "cohort")


def test_the_table_of_densities_by_hand(two_tissues):
    config, made = two_tissues
    table = densities_after(config, cohort.training_slices(config, made, 0.5))
    brain, blood = "brain, {} %".format, "blood, {} %".format
    expected = {  # brain of 30, brain of 45, blood, and how much brain is above 60 HU
        "as it is": (30, 45, 60, 0),
        "contrast, gain, 1.25": (38, 56, 75, 0),  # 37.5, 56.25
        "contrast, gain, 1.5": (45, 68, 90, 0.5),
        "contrast, hu_offset, 1.25": (42, 58, 72, 0),  # + 12.5
        "contrast, hu_offset, 1.5": (55, 70, 85, 0.5),
    }
    for row, (low, high, bleed, share) in expected.items():
        found = table.loc[row]
        assert [found[brain(25)], found[brain(75)], found[blood(50)]] == pytest.approx(
            [low, high, bleed], abs=1
        )
        assert found["brain as dense as blood"] == pytest.approx(share, abs=0.01)
    noisy = table.loc["contrast, per_pixel"]
    assert 60 < noisy[blood(25)] < noisy[blood(75)] < 90
    moved = table.loc["rotation, scale, shear"]
    assert [moved[brain(25)], moved[brain(75)], moved[blood(50)]] == [30, 45, 60]
    assert table.loc["blur", blood(25)] < 60, "blood's rim is mixed with brain"


def test_without_a_skull_there_is_no_brain_to_measure(two_tissues):
    config, made = two_tissues
    slices = cohort.training_slices(config, made, 0.5)
    slices.images.clamp_(max=200)  # no bone
    table = densities_after(config, slices)
    assert table["brain, 50 %"].isna().all() and table["blood, 50 %"].notna().all()
