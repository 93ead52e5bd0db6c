"""HU from what is stored: each slice's own rescale, padding, missing rescales, compression."""

import gdcm
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from pydicom.encaps import encapsulate
from pydicom.uid import MPEG4HP41
from scipy.ndimage import gaussian_filter

from lcgan_core.cohort.dicom import find
from lcgan_core.cohort.series import Refused

from .conftest import OURS, read_one
from .dicom_files import make_scan, some_labels

SYNTAXES = (
    "JPEGLosslessProcess14", "JPEGLosslessProcess14_1", "JPEGLSLossless", "JPEG2000Lossless",
    "JPEGLSNearLossless", "JPEG2000", "RLELossless", "ExplicitVRBigEndian",
    "ImplicitVRLittleEndian",
)  # fmt: skip


def head(shape=(6, 20, 24), seed=0):
    """Smooth HU: a noisy disc of brain in air."""
    rng = np.random.default_rng(seed)
    _, rows, columns = np.indices(shape)
    inside = np.hypot(rows - 10, columns - 12) < 8
    hu = np.where(inside, 35, -1000) + gaussian_filter(rng.normal(size=shape), 1) * 15
    hu = hu.round().astype(int)
    assert -1024 < hu.min() < -1000
    return hu


def scan_of(folder, hu, **attributes):
    scan = make_scan(folder / "p", hu=hu, **attributes)
    scan.write_mask(some_labels(hu.shape))
    return scan


def compress(path, name):
    """Store a file anew in another transfer syntax."""
    reader = gdcm.ImageReader()
    reader.SetFileName(str(path))
    assert reader.Read()
    change = gdcm.ImageChangeTransferSyntax()
    change.SetTransferSyntax(gdcm.TransferSyntax(getattr(gdcm.TransferSyntax, name)))
    change.SetInput(reader.GetImage())
    assert change.Change()
    writer = gdcm.ImageWriter()
    writer.SetFileName(str(path))
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    assert writer.Write()


@pytest.mark.parametrize("signed", [0, 1])
@pytest.mark.parametrize("name", SYNTAXES)
def test_compressed_series_decode_out_of_the_box(tmp_path, name, signed):
    """JPEG lossless and JPEG 2000 are the usual failures."""
    hu = head()
    scan = scan_of(tmp_path, hu, PixelRepresentation=signed, RescaleIntercept=-1024 * (not signed))
    for path in scan.paths:
        compress(path, name)
    series = read_one(tmp_path)
    told = [sitk.GetArrayFromImage(sitk.ReadImage(str(path)))[0] for path in scan.paths]
    lossy = name in ("JPEGLSNearLossless", "JPEG2000")
    assert np.abs(series.hu - hu).max() <= 2 * lossy
    assert np.abs(series.hu - np.array(told)).max() <= 2 * lossy


def test_a_syntax_that_cannot_be_decoded_is_named(tmp_path):
    """Say which syntax, before anything is decoded."""
    scan = scan_of(tmp_path, head())
    item = scan.items[0]
    item.file_meta.TransferSyntaxUID = MPEG4HP41
    item.PixelData = encapsulate([item.PixelData])
    item.save_as(scan.paths[0], implicit_vr=False, little_endian=True)
    [refusal] = find(tmp_path, OURS).refused
    assert "MPEG-4" in refusal.reason and "uncompressed" in refusal.reason


def test_a_compressed_slice_that_is_cut_off_is_named(tmp_path):
    scan = scan_of(tmp_path, head())
    for path in scan.paths:
        compress(path, "JPEGLosslessProcess14_1")
    scan.paths[2].write_bytes(scan.paths[2].read_bytes()[:-150])
    [case] = find(tmp_path, OURS).cases
    with pytest.raises(Refused, match=scan.paths[2].name) as told:
        case.load()
    assert "JPEG Lossless" in told.value.reason


@pytest.mark.parametrize(("signed", "intercept"), [(0, -1024), (1, 0)])
def test_bits_that_do_not_count_may_hold_anything(tmp_path, signed, intercept):
    hu = head()
    scan = scan_of(
        tmp_path, hu, BitsStored=12, HighBit=11, PixelRepresentation=signed,
        RescaleIntercept=intercept,
    )  # fmt: skip
    for k, path in enumerate(scan.paths):
        junk = np.random.default_rng(k).integers(0, 16, hu[k].shape) << 12
        stored = ((hu[k] - intercept) & 0xFFF) | junk
        scan.edit(k, PixelData=stored.astype("<u2").tobytes())
        theirs = pydicom.dcmread(path).pixel_array.astype(int) + intercept
        np.testing.assert_array_equal(theirs, hu[k])
    np.testing.assert_array_equal(read_one(tmp_path).hu, hu)


def test_stored_values_may_lie_above_those_of_int16(tmp_path):
    hu = head()
    scan_of(tmp_path, hu, RescaleIntercept=-40000)
    np.testing.assert_array_equal(read_one(tmp_path).hu, hu)


def test_a_file_that_became_shorter_since_it_was_found_is_named(tmp_path):
    scan = scan_of(tmp_path, head())
    (case,) = find(tmp_path, OURS).cases
    scan.paths[2].write_bytes(scan.paths[2].read_bytes()[:-7])
    with pytest.raises(Refused, match="cannot be decoded; copy it again") as told:
        case.load()
    assert told.value.path == scan.paths[2]


def test_each_slice_has_its_own_rescale(tmp_path):
    """Slope and intercept may differ from slice to slice."""
    hu = head()
    scan = scan_of(tmp_path, hu)
    for k in range(6):
        stored = (hu[k] + 1024 + 40 * k) * 2
        scan.edit(
            k, RescaleSlope=0.5, RescaleIntercept=-1024 - 40 * k,
            PixelData=stored.astype("<u2").tobytes(),
        )  # fmt: skip
    assert np.array_equal(read_one(tmp_path).hu, hu)


@pytest.mark.parametrize("intercept", [0, -1024, -1000])
@pytest.mark.parametrize("padding", [False, True])
def test_a_missing_rescale_is_read_off_the_air(tmp_path, intercept, padding):
    """Stored as HU, or with HU + 1024, or HU + 1000; nothing in the header says so."""
    hu = head()
    if padding:
        hu[:, :7] = -3024  # more than there is air
    scan_of(
        tmp_path, hu - intercept, RescaleSlope=None, RescaleIntercept=None, PixelRepresentation=1
    )
    series = read_one(tmp_path)
    assert np.array_equal(series.hu, hu.clip(-1024, None))
    assert any("rescale was missing" in note for note in series.notes)


def test_without_rescale_and_without_air_the_series_is_refused(tmp_path):
    """1 and 0, or -1024? Libraries disagree, so nobody guesses."""
    scan_of(tmp_path, np.full((6, 20, 24), 700), RescaleSlope=None, RescaleIntercept=None)
    [case] = find(tmp_path, OURS).cases
    with pytest.raises(Refused, match="no air"):
        case.load()


def test_without_rescale_a_brain_cut_out_of_its_head_is_refused(tmp_path):
    """Its background of 0 could be air at 0 HU + 1000, and the brain at 35 air at 24."""
    hu = np.where(head() > -500, head(), 0)
    scan_of(tmp_path, hu, RescaleSlope=None, RescaleIntercept=None, PixelRepresentation=1)
    [case] = find(tmp_path, OURS).cases
    with pytest.raises(Refused, match="no air"):
        case.load()


def test_one_slice_without_the_rescale_of_the_others_is_named(tmp_path):
    scan = scan_of(tmp_path, head())
    scan.edit(3, RescaleIntercept=None)
    [case] = find(tmp_path, OURS).cases
    with pytest.raises(Refused, match=scan.paths[3].name):
        case.load()


@pytest.mark.parametrize("rescale", [{"RescaleIntercept": 0}, {"RescaleSlope": None}])
def test_hu_that_went_round_a_12_bit_scale_is_put_back(tmp_path, rescale):
    """Air at 3096 in an unsigned file without an offset."""
    hu = head()
    scan_of(tmp_path, hu % 4096, **({"RescaleIntercept": 0} | rescale))
    series = read_one(tmp_path)
    assert np.array_equal(series.hu, hu)
    assert any("12-bit" in note for note in series.notes)


@pytest.mark.parametrize(
    ("stored", "header"),
    [
        (-3024, {"PixelPaddingValue": -3024}),
        (-2000, {"PixelPaddingValue": 63536}),  # the sign was lost
        (300, {"PixelPaddingValue": 300}),
        (310, {"PixelPaddingValue": 320, "PixelPaddingRangeLimit": 290}),
        (-3024, {}),  # nothing says so: clipped
        (-32054, {}),
    ],
)
def test_padding_round_the_scan_circle_is_air(tmp_path, stored, header):
    """-2048, -3024, -32054 ... outside the scan circle."""
    hu = head()
    hu[:, :2] = stored
    scan = scan_of(tmp_path, hu, PixelRepresentation=1, RescaleIntercept=0)
    for k in range(6):
        item = scan.items[k]
        for name, value in header.items():
            tag = "PixelPaddingValue" if name == "PixelPaddingValue" else name
            item.add_new(tag, "US" if value > 32767 else "SS", value)
        item.save_as(scan.paths[k])
    series = read_one(tmp_path)
    assert (series.hu[:, :2] == -1024).all()
    assert np.array_equal(series.hu[:, 2:], hu[:, 2:].clip(-1024, 3071))


def test_metal_is_clipped(tmp_path):
    """Up to 31701 occurs."""
    hu = head()
    hu[2, 10, 12] = 31701
    scan_of(tmp_path, hu)
    assert read_one(tmp_path).hu[2, 10, 12] == 3071


def test_padding_does_not_hide_a_wrap(tmp_path):
    hu = head() % 4096
    hu[:, 0] = 0
    scan_of(tmp_path, hu, RescaleIntercept=0, PixelPaddingValue=0)
    series = read_one(tmp_path)
    assert (series.hu[:, 0] == -1024).all() and series.hu[:, 1].max() < -800
