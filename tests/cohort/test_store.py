"""The slice store holds every slice, rightly scaled, and nobody's name."""

import errno
import json
import shutil

import cv2
import numpy as np
import pandas as pd
import pytest

from lcgan_core.cohort import store as store_module
from lcgan_core.cohort.store import SliceStore, build_store
from lcgan_core.errors import UserError
from lcgan_core.labels import HEMORRHAGES

from .conftest import BORN, IDENTITY, NAME, make_study, read_all, read_one

SALT = b"test"


@pytest.fixture
def built(tmp_path, study):
    make_study(study.folder.parent / "patient two", seed=1)
    return build_store(read_all(study.folder.parent), tmp_path / "store", 32, "made up", SALT)


def test_a_row_for_every_slice(built):
    assert len(built.slices) == len(built.hu) == len(built.labels) == 12
    assert built.slices.patient.nunique() == built.slices.series.nunique() == 2
    assert built.hu.shape[1:] == (32, 32)
    assert built.hu.dtype == np.int16 and built.labels.dtype == np.uint8
    assert isinstance(built.hu, np.memmap)
    manifest = json.loads((built.folder / "manifest.json").read_text())
    assert (manifest["patients"], manifest["slices"], manifest["image_size"]) == (2, 12, 32)


def test_nobody_is_named_in_the_store(built, study):
    secrets = [NAME, NAME.split("^")[0], IDENTITY, BORN, "patient one"]
    secrets.append(read_one(study.folder).uid)
    for path in built.folder.rglob("*"):
        content = path.read_bytes()
        assert not [s for s in secrets if s.encode() in content], path.name
    assert SALT not in b"".join(p.read_bytes() for p in built.folder.glob("*.[jc]s*"))


def test_the_salt_decides_the_hash(tmp_path, study, built):
    other = build_store(read_all(study.folder.parent), tmp_path / "other", 32, "x", b"salt 2")
    assert not set(other.slices.patient) & set(built.slices.patient)


def test_an_image_of_the_right_size_is_kept_bit_by_bit(tmp_path):
    study = make_study(tmp_path / "square" / "p", shape=(3, 32, 32))
    for k in range(3):
        study.edit(k, PixelSpacing=[0.5, 0.5])
    study.spacing = (0.5, 0.5)
    study.write_mask(study.labels)
    built = build_store(read_all(tmp_path / "square"), tmp_path / "s", 32, "x", SALT)
    assert np.array_equal(built.hu, study.hu) and np.array_equal(built.labels, study.labels)
    assert (built.slices.pixel_spacing_mm == 0.5).all()


def test_resampling_pads_to_a_square_and_keeps_the_size_in_mm(built):
    # 24 columns of 0.75 mm are 18 mm wide, 20 rows of 0.5 mm 10 mm high: a square of 18 mm
    assert np.allclose(built.slices.pixel_spacing_mm, 18 / 32)
    assert (built.hu[:, :6] == -1024).all() and (built.hu[:, -6:] == -1024).all()
    assert (built.hu[:, 16] > -1024).any()


def test_a_disc_stays_a_disc_of_its_area(tmp_path):
    rows, columns = np.mgrid[:200, :120]
    # pixels of 0.5 x 1 mm: a disc of 20 mm radius in a field of 100 x 120 mm
    disc = np.hypot((rows - 99.5) * 0.5, columns - 59.5) < 20
    hu = np.where(disc, 60, 20).astype(np.int16)
    small, labels, spacing = store_module.resample(hu, disc.astype(np.uint8), (0.5, 1.0), 64)
    assert spacing == pytest.approx(120 / 64)
    assert labels.sum() * spacing**2 == pytest.approx(np.pi * 400, rel=0.05)
    found = np.argwhere(labels)
    assert np.ptp(found[:, 0]) == pytest.approx(np.ptp(found[:, 1]), abs=1)
    assert small[labels == 1].mean() == pytest.approx(60, abs=3)


def test_shrinking_averages_hu_as_opencv_does():
    hu = np.random.default_rng(0).integers(-100, 200, (64, 64)).astype(np.int16)
    small, _, _ = store_module.resample(hu, np.zeros((64, 64), np.uint8), (1.0, 1.0), 16)
    blocks = hu.reshape(16, 4, 16, 4).mean(axis=(1, 3))
    assert np.abs(small - blocks).max() <= 0.5
    assert np.array_equal(
        small, cv2.resize(hu.astype(np.float32), (16, 16), interpolation=cv2.INTER_AREA).round()
    )


def test_area_of_each_haemorrhage_is_counted_in_square_millimetres(built):
    for k, name in enumerate(HEMORRHAGES, start=1):
        expected = (built.labels == k).sum(axis=(1, 2)) * built.slices.pixel_spacing_mm**2
        assert np.allclose(built.slices[f"area_{name}"], expected, atol=0.01)


def test_same_cohort_gives_the_same_bytes(tmp_path, study, built):
    again = build_store(read_all(study.folder.parent), tmp_path / "again", 32, "made up", SALT)
    for path in built.folder.iterdir():
        assert path.read_bytes() == (again.folder / path.name).read_bytes(), path.name


def test_a_failure_leaves_nothing_half_written(tmp_path, study):
    make_study(study.folder.parent / "patient two", seed=1).slices[0].unlink()
    study.edit(0, Modality="MR")
    with pytest.raises(UserError):
        build_store(read_all(study.folder.parent), tmp_path / "out" / "s", 32, "x", SALT)
    assert list((tmp_path / "out").iterdir()) == []


def test_no_slice_is_told(tmp_path):
    with pytest.raises(UserError, match="holds no slice"):
        build_store(iter(()), tmp_path / "s", 32, "the folder", SALT)


def test_opening_what_is_no_store_is_told(tmp_path):
    with pytest.raises(UserError, match="not a slice store"):
        SliceStore.open(tmp_path)


def test_table_and_images_that_do_not_match_are_told(built):
    built.slices.iloc[:-1].to_csv(built.folder / "slices.csv", index=False)
    with pytest.raises(UserError, match="11 rows.*12"):
        SliceStore.open(built.folder)


def test_images_and_labels_that_do_not_match_are_told(built, tmp_path):
    copy = shutil.copytree(built.folder, tmp_path / "copy")
    np.save(copy / "labels.npy", np.zeros((12, 16, 16), np.uint8))
    with pytest.raises(UserError, match="labels.npy"):
        SliceStore.open(copy)


@pytest.mark.parametrize("name", ["hu.npy", "labels.npy", "slices.csv", "manifest.json"])
def test_a_missing_file_is_named(built, name):
    (built.folder / name).unlink()
    with pytest.raises(UserError, match=name):
        SliceStore.open(built.folder)


@pytest.mark.parametrize("name", ["hu.npy", "slices.csv"])
def test_an_emptied_file_is_told(built, tmp_path, name):
    copy = shutil.copytree(built.folder, tmp_path / "copy")  # `built` is mapped: not to be cut
    (copy / name).write_bytes(b"")
    with pytest.raises(UserError, match="damaged"):
        SliceStore.open(copy)


def test_full_disk_is_told_and_leaves_nothing(tmp_path, study, monkeypatch):
    def full(*_args, **_kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(pd.DataFrame, "to_csv", full)
    with pytest.raises(UserError, match="full"):
        build_store(read_all(study.folder.parent), tmp_path / "out" / "s", 32, "x", SALT)
    assert list((tmp_path / "out").iterdir()) == []
