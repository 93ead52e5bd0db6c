"""The slice store holds every slice, correctly scaled, and nobody's name."""

import json
import shutil

import cv2
import numpy as np
import pytest

from lcgan_core.cohort import resampling
from lcgan_core.cohort.resized import resized
from lcgan_core.cohort.store import SliceStore
from lcgan_core.errors import UserError
from lcgan_core.lesions import HEMORRHAGES

from .cases import SALT, SECRETS, Made, store_of


@pytest.fixture
def built(tmp_path):
    """Two patients of three slices of 20 x 24 pixels of 0.5 x 0.75 mm."""
    cases = [Made(k, tmp_path, shape=(20, 24), spacing=(0.5, 0.75)) for k in (1, 2)]
    return store_of(cases, tmp_path / "store").store


def test_a_row_for_every_slice(built):
    assert len(built.slices) == len(built.hu) == len(built.labels) == 6
    assert built.slices.patient.nunique() == built.slices.series.nunique() == 2
    assert built.hu.shape[1:] == (32, 32) and built.image_size == 32
    assert built.hu.dtype == np.int16 and built.labels.dtype == np.uint8
    assert isinstance(built.hu, np.memmap)
    manifest = json.loads((built.folder / "manifest.json").read_text())
    assert (manifest["patients"], manifest["slices"], manifest["image_size"]) == (2, 6, 32)
    assert built.slices.position_mm.tolist() == [-20, -15, -10] * 2
    assert (built.slices.gantry_tilt_deg == -12.5).all()


def test_nobody_is_named_in_the_store(built):
    for path in built.folder.rglob("*"):
        content = path.read_bytes()
        assert not [s for s in (*SECRETS, "case1") if s.encode() in content], path.name
        assert SALT not in content


def test_an_image_of_the_right_size_is_kept_bit_by_bit(tmp_path):
    case = Made(1, tmp_path)
    built, series = store_of([case], tmp_path / "s").store, case.load()
    assert np.array_equal(built.hu, series.hu) and np.array_equal(built.labels, series.labels)
    assert (built.slices.pixel_spacing_mm == 0.5).all()


def test_resampling_pads_to_a_square_and_keeps_the_size_in_mm(built):
    # 24 columns of 0.75 mm are 18 mm wide, 20 rows of 0.5 mm 10 mm high: a square of 18 mm
    assert np.allclose(built.slices.pixel_spacing_mm, 18 / 32)
    assert (built.hu[:, :6] == -1024).all() and (built.hu[:, -6:] == -1024).all()
    assert (built.hu[:, 16] > -1024).any()


def test_a_disc_stays_a_disc_of_its_area():
    rows, columns = np.mgrid[:200, :120]
    # pixels of 0.5 x 1 mm: a disc of 20 mm radius in a field of 100 x 120 mm
    disc = np.hypot((rows - 99.5) * 0.5, columns - 59.5) < 20
    hu = np.where(disc, 60, 20).astype(np.int16)
    small, labels, spacing = resampling.resample(hu, disc.astype(np.uint8), (0.5, 1.0), 64)
    assert spacing == pytest.approx(120 / 64)
    assert labels.sum() * spacing**2 == pytest.approx(np.pi * 400, rel=0.05)
    found = np.argwhere(labels)
    assert np.ptp(found[:, 0]) == pytest.approx(np.ptp(found[:, 1]), abs=1)
    assert small[labels == 1].mean() == pytest.approx(60, abs=3)


def test_shrinking_averages_hu_as_opencv_does():
    hu = np.random.default_rng(0).integers(-100, 200, (64, 64)).astype(np.int16)
    small, _, _ = resampling.resample(hu, np.zeros((64, 64), np.uint8), (1.0, 1.0), 16)
    blocks = hu.reshape(16, 4, 16, 4).mean(axis=(1, 3))
    assert np.abs(small - blocks).max() <= 0.5
    assert np.array_equal(
        small, cv2.resize(hu.astype(np.float32), (16, 16), interpolation=cv2.INTER_AREA).round()
    )


def test_area_of_each_haemorrhage_is_counted_in_square_millimetres(built):
    for k, name in enumerate(HEMORRHAGES, start=1):
        expected = (built.labels == k).sum(axis=(1, 2)) * built.slices.pixel_spacing_mm**2
        assert np.allclose(built.slices[f"area_{name}"], expected, atol=0.01)


def test_a_store_of_half_the_size_keeps_patients_and_shrinks_pixels(built, tmp_path):
    small = resized(built, tmp_path / "small", 16)
    assert small.hu.shape == (6, 16, 16)
    assert small.slices.patient.tolist() == built.slices.patient.tolist()
    assert np.allclose(small.slices.pixel_spacing_mm, 2 * built.slices.pixel_spacing_mm)
    blocks = built.hu.reshape(6, 16, 2, 16, 2).mean(axis=(2, 4))
    assert np.abs(small.hu - blocks).max() <= 0.5


def test_a_store_of_the_same_size_shares_its_pixels(built, tmp_path):
    same = resized(built, tmp_path / "same", 32)
    assert (same.folder / "hu.npy").samefile(built.folder / "hu.npy")
    assert not (same.folder / "slices.csv").samefile(built.folder / "slices.csv")
    assert same.slices.equals(built.slices)


def test_a_store_of_smaller_slices_is_refused(built, tmp_path):
    with pytest.raises(UserError, match="32 pixels.*64.*--size 64"):
        resized(built, tmp_path / "large", 64)


def test_opening_what_is_no_store_is_told(tmp_path):
    with pytest.raises(UserError, match="not a slice store"):
        SliceStore.open(tmp_path)


def test_table_and_images_that_do_not_match_are_told(built):
    built.slices.iloc[:-1].to_csv(built.folder / "slices.csv", index=False)
    with pytest.raises(UserError, match="5 rows.*6"):
        SliceStore.open(built.folder)


def test_images_and_labels_that_do_not_match_are_told(built, tmp_path):
    copy = shutil.copytree(built.folder, tmp_path / "copy")
    np.save(copy / "labels.npy", np.zeros((6, 16, 16), np.uint8))
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
