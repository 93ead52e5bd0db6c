"""What is one scan: told by all that lies in the files and by what the mask names."""

import numpy as np
import pydicom
import pytest
from pydicom.uid import generate_uid

from lcgan_core.cohort.dicom import find

from .conftest import OURS, read_one
from .dicom_files import Scan, make_scan, some_labels
from .test_dicom_rtstruct import SQUARE, square, write_rtstruct
from .test_dicom_seg import refusal, write_seg
from .volumes import noisy_head

HEIGHTS = [5.0 * k for k in range(8)]
TOLD_BY = {
    "study": {"StudyInstanceUID": "1.2.9"},
    "frame of reference": {"FrameOfReferenceUID": "1.2.9"},
    "kernel": {"ConvolutionKernel": "H70h"},
    "image type": {"ImageType": ["ORIGINAL", "PRIMARY", "AXIAL", "CT_SOM5 SPI DUAL"]},
    "voltage": {"KVP": "140"},
    "thickness": {"SliceThickness": "1.5"},
    "acquisition": {"AcquisitionNumber": 2},
    "time": {"AcquisitionDate": "20240102", "AcquisitionTime": "101500"},
    "numbers alone": {},
}


def second(first: Scan, seed=9, up=0.0, number=9, **changes) -> Scan:
    """Another scan under the first one's series UID, `up` mm higher, numbered on."""
    heights = [float(at[2]) - 30 + up for at in first.place]
    shape = (len(heights), 20, 24)
    uid = first.items[0].SeriesInstanceUID
    more = {"ConvolutionKernel": "H30s", "KVP": "120", "SeriesInstanceUID": uid} | changes
    other = make_scan(
        first.folder.parent / "again", heights, hu=noisy_head(shape, seed).astype(int), **more
    )
    for k in range(len(heights)):
        other.edit(k, InstanceNumber=number + k)
    return other


def first_of(folder, heights=HEIGHTS, **more) -> Scan:
    more = {"ConvolutionKernel": "H30s", "KVP": "120"} | more
    return make_scan(folder / "p" / "one", heights, **more)


def some_blood(shape=(8, 20, 24)):
    labels = np.zeros(shape, np.uint8)
    labels[2:6, 8:12, 9:14] = 1
    return labels


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("up", [0.0, 2.5])
@pytest.mark.parametrize("told_by", TOLD_BY)
def test_of_two_scans_under_one_uid_that_is_taken_which_the_seg_names(tmp_path, told_by, up, which):
    """vtk-dicom #220, Slicer PR 4801: two passes, kernels, studies, at the same or other places."""
    one = first_of(tmp_path, AcquisitionTime="100000", AcquisitionDate="20240102")
    changes = {"AcquisitionTime": "100000", "AcquisitionDate": "20240102"} | TOLD_BY[told_by]
    two = second(one, up=up, **changes)
    chosen = (one, two)[which]
    write_seg(chosen, some_blood(), ["SDH"])
    found = find(tmp_path)
    [case] = found.cases
    series = case.load()
    assert np.array_equal(series.hu, chosen.hu)
    assert np.array_equal(series.labels > 0, some_blood() > 0)
    assert any("2 scans, of 8 and 8 slices" in note for note in series.notes)
    assert not found.refused and [each.files for each in found.left_out] == [8]


@pytest.mark.parametrize("which", [0, 1])
def test_an_rtstruct_that_lists_the_whole_series_belongs_where_its_contours_do(tmp_path, which):
    one = first_of(tmp_path)
    two = second(one, AcquisitionNumber=2)
    chosen = (one, two)[which]
    path = write_rtstruct(chosen, {"SDH": [(2, SQUARE)]})
    item = pydicom.dcmread(path)
    series = item.ReferencedFrameOfReferenceSequence[0].RTReferencedStudySequence[0]
    series.RTReferencedSeriesSequence = [pydicom.Dataset()]
    series.RTReferencedSeriesSequence[0].SeriesInstanceUID = one.items[0].SeriesInstanceUID
    images = [pydicom.Dataset() for _ in range(16)]
    for image, slice_ in zip(images, one.items + two.items, strict=True):
        image.ReferencedSOPInstanceUID = slice_.SOPInstanceUID
    series.RTReferencedSeriesSequence[0].ContourImageSequence = images
    item.save_as(path)
    series = read_one(tmp_path, None)
    assert np.array_equal(series.hu, chosen.hu)
    assert np.array_equal(series.labels > 0, square((8, 20, 24)))


def test_a_mask_that_names_nothing_or_both_scans_is_refused(tmp_path):
    one = first_of(tmp_path)
    two = second(one, up=2.5, AcquisitionNumber=2)
    path = write_rtstruct(one, {"SDH": [(2, SQUARE)]}, named=False)
    assert "belongs to any of 2 CT series" in refusal(tmp_path).reason
    path.unlink()
    both = np.concatenate([some_blood(), some_blood()])
    write_seg(one, both, ["SDH"], sources=one.items + two.items)
    assert "names images of 2 scans" in refusal(tmp_path).reason


@pytest.mark.parametrize("up", [0.0, 2.5])
def test_a_nifti_mask_goes_to_the_scan_on_whose_grid_it_lies(tmp_path, up):
    one = first_of(tmp_path)
    two = second(one, up=up, AcquisitionNumber=2)
    two.write_mask(some_blood()).rename(tmp_path / "p" / "mask.nii.gz")
    if up:
        assert np.array_equal(read_one(tmp_path).hu, two.hu)
    else:
        assert "any of 2 CT series" in refusal(tmp_path, OURS).reason


def test_thin_and_thick_under_one_uid(tmp_path):
    thick = first_of(tmp_path)
    thin = make_scan(
        tmp_path / "p" / "thin", [1.25 * k for k in range(29)], SliceThickness="1.25",
        SeriesInstanceUID=thick.items[0].SeriesInstanceUID,
    )  # fmt: skip
    write_seg(thick, some_blood(), ["SDH"])
    assert np.array_equal(read_one(tmp_path, None).hu, thick.hu)
    assert len(thin.paths) == 29


@pytest.mark.parametrize("numbered", [True, False])
def test_interleaved_passes_that_nothing_tells_apart_but_the_mask(tmp_path, numbered):
    """Numbered by height after the fact, or not at all: the mask names every second slice."""
    one = first_of(tmp_path)
    two = second(one, up=2.5)
    for k in range(8):
        one.edit(k, InstanceNumber=2 * k + 1 if numbered else None)
        two.edit(k, InstanceNumber=2 * k + 2 if numbered else None)
    write_seg(one, some_blood(), ["SDH"])
    series = read_one(tmp_path, None)
    assert np.array_equal(series.hu, one.hu) and any("every second" in n for n in series.notes)


NUMBERS = {
    "none": (lambda k: None, lambda k: None),
    "restarted, the other way": (lambda k: k + 1, lambda k: 8 - k),
    "restarted, the same way": (lambda k: k + 1, lambda k: k + 1),
    "going on, the other way": (lambda k: k + 1, lambda k: 16 - k),
    "by height": (lambda k: 2 * k + 1, lambda k: 2 * k + 2),
    "by height, in no order": (lambda k: 2 * k + 1 + k % 2, lambda k: 2 * k + 2 - k % 2),
}


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("mask", ["names all slices", "names some slices", "names nothing"])
@pytest.mark.parametrize("numbers", NUMBERS)
def test_two_passes_over_the_same_positions_are_never_mixed(tmp_path, numbers, mask, which):
    """No tag differs but UIDs and numbers: the HU are those of one pass, or there are none."""
    one = first_of(tmp_path)
    two = second(one)
    for scan, number in zip((one, two), NUMBERS[numbers], strict=True):
        for k in range(8):
            scan.edit(k, InstanceNumber=number(k))
    chosen = (one, two)[which]
    if mask == "names nothing":
        chosen.write_mask(some_blood()).rename(tmp_path / "p" / "mask.nii.gz")
    elif mask == "names all slices":
        write_seg(chosen, some_blood(), ["SDH"])
    else:
        write_seg(chosen, some_blood()[2:6], ["SDH"], sources=chosen.items[2:6])
    found = find(tmp_path, OURS)
    if found.cases:
        assert np.array_equal(found.cases[0].load().hu, chosen.hu)
    else:
        said = " ".join(each.reason for each in found.refused)
        assert "nothing says which belong to one scan" in said or "any of 2 CT series" in said
    if mask == "names all slices" or numbers == "going on, the other way":
        assert bool(found.cases) == (mask != "names nothing")


@pytest.mark.parametrize("numbered", [True, False])
def test_of_one_repeated_slice_the_later_one_has_to_be_known(tmp_path, numbered):
    scan = first_of(tmp_path)
    item = scan.items[3]
    item.SOPInstanceUID, item.InstanceNumber = generate_uid(), 99 if numbered else 4
    item.PixelData = (noisy_head((1, 20, 24), 4) + 1024).astype("<u2").tobytes()
    item.save_as(scan.folder / "again")
    scan.write_mask(some_blood())
    if numbered:
        assert np.array_equal(read_one(tmp_path).hu[3], noisy_head((1, 20, 24), 4)[0])
    else:
        assert "two slices or more at 1 position" in find(tmp_path, OURS).refused[0].reason


# What is one scan although tags differ


def test_a_number_of_acquisition_for_each_slice_is_one_scan(tmp_path):
    """GE HiSpeed: 18.5 degrees of tilt, gaps from 1.08 to 7 mm, an acquisition number a slice."""
    heights = list(np.cumsum([0, 1.08, 6.99, 5, 5, 2.5, 2.5, 6.99]))
    scan = make_scan(tmp_path / "p", heights, tilt=18.5)
    for k in range(8):
        scan.edit(k, AcquisitionNumber=k + 1, AcquisitionTime=f"1000{k:02d}")
    write_seg(scan, some_blood(), ["SDH"])
    series = read_one(tmp_path, None)
    assert np.array_equal(series.hu, scan.hu) and np.array_equal(
        series.labels > 0, some_blood() > 0
    )


@pytest.mark.parametrize(
    "upper",
    [
        {"AcquisitionNumber": 2},
        {"SliceThickness": "10"},
        {"ConvolutionKernel": "SOFT"},
        {"AcquisitionTime": "100500", "InstanceNumber": 1},
    ],
)
def test_lower_and_upper_part_of_one_head_are_one_scan(tmp_path, upper):
    scan = make_scan(tmp_path / "p", HEIGHTS, AcquisitionTime="100000", ConvolutionKernel="BONE")
    for k in range(4, 8):
        scan.edit(k, **(upper | ({"InstanceNumber": k - 3} if "InstanceNumber" in upper else {})))
    write_seg(scan, some_blood(), ["SDH"])
    assert np.array_equal(read_one(tmp_path, None).hu, scan.hu)


@pytest.mark.parametrize("later", [True, False])
def test_of_a_slice_that_was_repeated_the_one_that_the_mask_names_is_taken(tmp_path, later):
    scan = first_of(tmp_path)
    item = scan.items[3]
    item.AcquisitionNumber, item.SOPInstanceUID = 2, generate_uid()
    item.PixelData = (noisy_head((1, 20, 24), 4) + 1024).astype("<u2").tobytes()
    item.save_as(scan.folder / "again")
    sources = scan.items
    if later:
        sources[3] = item
    write_seg(scan, some_blood(), ["SDH"], sources=sources)
    series = read_one(tmp_path, None)
    expected = scan.hu.copy()
    if later:
        expected[3] = noisy_head((1, 20, 24), 4)[0]
    assert np.array_equal(series.hu, expected)
    assert any("the one that the mask names was taken" in note for note in series.notes)


def test_slices_that_all_state_one_position_are_told_so(tmp_path):
    scan = make_scan(tmp_path / "p")
    for k in range(6):
        scan.edit(k, ImagePositionPatient=[0, 0, 0])
    scan.write_mask(some_labels(scan.hu.shape))
    [refused] = find(tmp_path, OURS).refused
    assert "the 5 other slices of its series state one and the same position" in refused.reason


# One mask file for each class, and files without a preamble


def test_one_seg_for_each_class_is_joined(tmp_path):
    """monai-deploy #497: keeping one of them would lose a class."""
    scan = first_of(tmp_path)
    labels = np.zeros((8, 20, 24), np.uint8)
    labels[3, 4:7, 15:19] = 1
    write_seg(scan, some_blood(), ["Subdural haematoma"]).rename(scan.folder / "sdh")
    write_seg(scan, labels, ["Epidural haematoma"])
    series = read_one(tmp_path, None)
    assert np.array_equal(series.labels, 5 * some_blood() + 4 * labels)
    assert any("2 masks that do not overlap were joined" in note for note in series.notes)
    write_seg(scan, np.maximum(labels, some_blood()), ["Epidural haematoma"])
    assert "overlaps another" in refusal(tmp_path).reason


@pytest.mark.parametrize("meta", [True, False])
@pytest.mark.parametrize("implicit", [True, False])
def test_files_without_a_preamble_are_read(tmp_path, implicit, meta):
    """pydicom #2231, dicom2nifti #134: a bare data set, as SimpleITK and dcm2niix read it."""
    scan = first_of(tmp_path)
    mask = write_seg(scan, some_blood(), ["SDH"])
    for path in (*scan.paths, mask):
        item = pydicom.dcmread(path)
        syntax = "1.2.840.10008.1.2" + ("" if implicit else ".1")
        item.file_meta.TransferSyntaxUID = pydicom.uid.UID(syntax)
        if meta:
            item.preamble = None
            item.save_as(path, implicit_vr=implicit, little_endian=True)
            assert path.read_bytes()[:2] == b"\x02\0"
        else:
            buffer = pydicom.filebase.DicomBytesIO()
            buffer.is_little_endian, buffer.is_implicit_VR = True, implicit
            bare = pydicom.Dataset()
            bare.update(item)
            pydicom.filewriter.write_dataset(buffer, bare)
            path.write_bytes(buffer.getvalue())
    series = read_one(tmp_path, None)
    assert np.array_equal(series.hu, scan.hu)
    assert np.array_equal(series.labels > 0, some_blood() > 0)
