"""pydicom's own test files, many of them malformed, give sentences and never an exception."""

import shutil
from pathlib import Path

import numpy as np
import pydicom
import pydicom.data
import pytest
from pydicom.uid import generate_uid

from lcgan_core.cohort.dicom import find
from lcgan_core.cohort.series import Refused

from .conftest import OURS
from .dicom_files import make_scan, some_labels

FOLDER = Path(pydicom.data.__file__).parent / "test_files"
FILES = [path for path in sorted(FOLDER.rglob("*")) if path.is_file()]
CTS = ("CT_small.dcm", "693_J2KI.dcm", "J2K_pixelrep_mismatch.dcm")


def told(found):
    """All sentences; every file is accounted for, and what can be loaded is loaded."""
    reasons = [each.reason for each in (*found.refused, *found.left_out)]
    for case in found.cases:
        try:
            series = case.load()
            assert series.hu.shape == series.labels.shape
        except Refused as refusal:
            reasons.append(refusal.reason)
    return reasons


def test_pydicom_ships_the_files():
    assert len(FILES) > 100 and {path.name for path in FILES} >= set(CTS)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_file_gets_one_sentence(tmp_path, path):
    shutil.copy(path, tmp_path)
    [reason] = told(find(tmp_path, OURS))
    assert reason.endswith(".") and reason.count(". ") == 0 and path.name not in reason


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_file_cut_in_half_gets_one_sentence(tmp_path, path):
    content = path.read_bytes()
    (tmp_path / path.name).write_bytes(content[: len(content) // 2])
    assert len(told(find(tmp_path, OURS))) == 1


def test_all_together_are_told_apart():
    found = find(FOLDER, OURS)
    assert not found.cases
    assert sum(each.files for each in found.left_out) + len(found.refused) < len(FILES)
    refused = {each.path.name: each.reason for each in found.refused}
    assert "is MR" in refused["MR_small.dcm"] and "only slice" in refused["CT_small.dcm"]


@pytest.mark.parametrize("name", CTS)
def test_the_ct_files_make_a_series_of_the_hu_that_pydicom_reads(tmp_path, name):
    """Twice the same slice at two places, to have a series."""
    item = pydicom.dcmread(FOLDER / name)
    stored = item.pixel_array * float(item.RescaleSlope) + float(item.RescaleIntercept)
    padding = item.get("PixelPaddingValue")
    if padding is not None:
        stored[item.pixel_array == padding] = -1024
    for k in range(2):
        item.SOPInstanceUID = item.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        item.ImagePositionPatient[2] += 5
        item.InstanceNumber = k + 1
        item.save_as(tmp_path / f"{k}")
    scan = make_scan(tmp_path / "other", hu=np.zeros((2, *stored.shape), int), heights=[0, 5])
    scan.place = np.array([pydicom.dcmread(tmp_path / f"{k}").ImagePositionPatient for k in (0, 1)])
    scan.place, scan.spacing = scan.place.astype(float), tuple(map(float, item.PixelSpacing))
    scan.rows, scan.columns = np.array(item.ImageOrientationPatient, float).reshape(2, 3)
    for path in scan.paths:
        path.unlink()
    scan.folder = tmp_path
    labels = some_labels(scan.hu.shape)
    scan.write_mask(labels)
    [case] = find(tmp_path, OURS).cases
    series = case.load()
    assert np.array_equal(series.hu[1], stored.clip(-1024, 3071).round())
    assert np.array_equal(series.labels, labels)


@pytest.mark.parametrize("seed", range(20))
def test_no_damaged_byte_raises_anything(tmp_path, seed):
    """Twenty ways of flipping bytes of a whole series; read or refused, never anything else."""
    rng = np.random.default_rng(seed)
    scan = make_scan(tmp_path / "p")
    scan.write_mask(some_labels(scan.hu.shape))
    for path in scan.folder.iterdir():
        content = bytearray(path.read_bytes())
        for at in rng.integers(0, len(content) - 1, 3):
            content[at] = rng.integers(256)
        path.write_bytes(content)
    assert all(reason.endswith(".") for reason in told(find(tmp_path, OURS)))
