"""HU by one rule for every route: air and brain where they belong, repaired, or refused."""

import numpy as np
import pydicom
import pytest
from scipy.ndimage import gaussian_filter

from lcgan_core.cohort import nifti
from lcgan_core.cohort.dicom import find
from lcgan_core.cohort.label_map import LabelMap
from lcgan_core.cohort.series import Refused

from .conftest import OURS
from .dicom_files import make_scan
from .volumes import write

MAP = LabelMap.parse("1=SDH")


def head(bone=900, seed=0):
    """(6, 48, 44) HU of a head with skull and noise, off the middle."""
    rng = np.random.default_rng(seed)
    _, y, x = np.indices((6, 48, 44))
    away = np.hypot((y - 23) / 19, (x - 20) / 15)
    hu = np.where(away < 1, bone, -1000)
    hu[away < 0.85] = 35
    hu[2:4, 18:24, 18:24] = 70
    noise = gaussian_filter(rng.normal(size=hu.shape), 0.7) * 10
    return (hu + noise).round().astype(int)


def by_nifti(folder, values):
    write(folder / "p_ct.nii.gz", values.T.astype(np.float32), np.diag([-0.5, -0.5, 5, 1]))
    write(folder / "p_seg.nii.gz", np.zeros(values.T.shape, np.uint8), np.diag([-0.5, -0.5, 5, 1]))
    [case] = nifti.find(folder, "{patient}_ct.nii.gz", "{patient}_seg.nii.gz", MAP).cases
    return case.load()


def by_dicom(folder, values, **header):
    header = {"RescaleSlope": 1, "RescaleIntercept": 0, "PixelRepresentation": 1} | header
    scan = make_scan(folder / "p", hu=values.round().astype(int), spacing=(0.5, 0.5), **header)
    scan.write_mask(np.zeros(values.shape, np.uint8))
    [case] = find(folder, OURS).cases
    return case.load()


def by_dicom_without_a_rescale(folder, values):
    return by_dicom(folder, values, RescaleSlope=None, RescaleIntercept=None)


def by_dicom_with_an_intercept(folder, values):
    """Of 1024, rightly or not: the values after it are those that are looked at."""
    return by_dicom(folder, values, RescaleIntercept=-1024)


ROUTES = [by_nifti, by_dicom, by_dicom_without_a_rescale, by_dicom_with_an_intercept]


@pytest.mark.parametrize("route", ROUTES[:2] + ROUTES[3:])
@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda hu: hu, ""),
        (lambda hu: hu + 1024, "-1024 was added"),
        (lambda hu: (hu + 1000).clip(0), "-1000 was added"),
        (lambda hu: hu - 1024, "1024 was added"),
        (lambda hu: hu % 4096, "12-bit"),
    ],
)
def test_hu_are_kept_or_repaired(tmp_path, route, change, told):
    series = route(tmp_path, change(head()))
    off = series.hu - head()
    assert np.abs(off[head() > -900]).max() == 0 and series.hu.min() >= -1024
    notes = " ".join(series.notes)
    assert told in notes and bool(told) == bool(notes.strip())


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("bone", [900, 1000, 1100])
@pytest.mark.parametrize(
    "change",
    [
        lambda hu: hu.clip(0),
        lambda hu: hu.clip(-200, 300),
        lambda hu: hu.clip(0, 80) * 255 // 80,
        lambda hu: -hu,
        lambda hu: hu // 2,
        lambda hu: hu * 2,
        lambda hu: hu + 60,
        lambda hu: hu - 70,
        lambda hu: hu + 500,
        lambda hu: np.full_like(hu, 700),
    ],
    ids=["cut", "clipped", "window", "negative", "half", "twice", "+60", "-70", "+500", "flat"],
)
def test_what_is_no_hu_is_refused_on_every_route(tmp_path, route, bone, change):
    with pytest.raises(Refused, match="not in HU"):
        route(tmp_path, change(head(bone)))


@pytest.mark.parametrize("padding", [0, 35, -1000])
def test_only_what_touches_the_border_is_padding(tmp_path, padding):
    """vtk-dicom #173: PixelPaddingValue 0 on signed HU; water has 0 HU."""
    hu = head()
    hu[2:4, 25:30, 15:20] = 0
    hu[:, :3] = padding
    scan = make_scan(
        tmp_path / "p", hu=hu, PixelRepresentation=1, RescaleIntercept=0, spacing=(0.5, 0.5)
    )
    for k in range(6):
        item = pydicom.dcmread(scan.paths[k])
        item.add_new("PixelPaddingValue", "SS", padding)
        item.save_as(scan.paths[k])
    scan.write_mask(np.zeros(hu.shape, np.uint8))
    [case] = find(tmp_path, OURS).cases
    series = case.load()
    assert (series.hu[:, :3] == -1024).all()
    within = hu > -900
    within[:, :3] = False
    assert np.array_equal(series.hu[within], hu[within])
    kept = [note for note in series.notes if "hold the padding value and were kept" in note]
    assert len(kept) == (padding >= 0)
