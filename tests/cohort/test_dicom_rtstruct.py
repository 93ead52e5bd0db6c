"""RTSTRUCT contours are filled on the slices that they were drawn on."""

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, RTStructureSetStorage, generate_uid
from skimage.draw import ellipse

from lcgan_core.cohort.label_map import LabelMap

from .conftest import read_one
from .dicom_files import make_scan
from .test_dicom_seg import refusal
from .volumes import noisy_head

SQUARE = [(2.5, 3.5), (2.5, 12.5), (11.5, 12.5), (11.5, 3.5)]
"""Corners (row, column) between pixel centres: rows 3..11, columns 4..12 lie inside."""
HOLE = [(5.5, 6.5), (5.5, 9.5), (8.5, 9.5), (8.5, 6.5)]


@pytest.fixture
def scan(tmp_path):
    return make_scan(tmp_path / "patient" / "head")


def square(shape, k=2, hole=False):
    """What SQUARE covers on slice k, by hand."""
    inside = np.zeros(shape, bool)
    inside[k, 3:12, 4:13] = True
    if hole:
        inside[k, 6:9, 7:10] = False
    return inside


def write_rtstruct(scan, rois, named=True, off=0.0, kind="CLOSED_PLANAR"):
    """rois: name -> [(slice, corners)], or None for a ROI without a contour; off: mm along z."""
    item = FileDataset("", Dataset(), preamble=b"\0" * 128, file_meta=FileMetaDataset())
    item.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    item.file_meta.MediaStorageSOPClassUID = item.SOPClassUID = RTStructureSetStorage
    item.file_meta.MediaStorageSOPInstanceUID = item.SOPInstanceUID = generate_uid()
    item.Modality, item.PatientID = "RTSTRUCT", "somebody else"
    series = Dataset()
    series.SeriesInstanceUID = scan.items[0].SeriesInstanceUID
    study, frame = Dataset(), Dataset()
    study.RTReferencedSeriesSequence = [series]
    frame.RTReferencedStudySequence = [study]
    item.ReferencedFrameOfReferenceSequence = [frame]
    item.StructureSetROISequence, item.ROIContourSequence = [], []
    for number, (name, drawn) in enumerate(rois.items(), start=1):
        roi, contours = Dataset(), Dataset()
        roi.ROINumber, roi.ROIName = number, name
        item.StructureSetROISequence.append(roi)
        if drawn is None:
            continue
        contours.ReferencedROINumber = number
        contours.ContourSequence = []
        for k, corners in drawn:
            contour = Dataset()
            contour.ContourGeometricType = kind
            points = [
                scan.place[k] + c * scan.spacing[1] * scan.rows + r * scan.spacing[0] * scan.columns
                for r, c in corners
            ]  # fmt: skip
            points = np.array(points) + [0, 0, off]
            contour.NumberOfContourPoints = len(points)
            contour.ContourData = [f"{n:.4f}" for n in points.ravel()]
            if named:
                image = Dataset()
                image.ReferencedSOPInstanceUID = scan.items[k].SOPInstanceUID
                contour.ContourImageSequence = [image]
            contours.ContourSequence.append(contour)
        item.ROIContourSequence.append(contours)
    path = scan.folder / "plan"
    item.save_as(path, enforce_file_format=True)
    return path


def observe(path, **told):
    """Add what the first ROI is observed to be; `code`: value, scheme and meaning."""
    item = pydicom.dcmread(path)
    seen = Dataset()
    seen.ObservationNumber, seen.ReferencedROINumber = 1, 1
    if code := told.pop("code", None):
        names = ("CodeValue", "CodingSchemeDesignator", "CodeMeaning")
        seen.RTROIIdentificationCodeSequence = [Dataset()]
        for name, value in zip(names, code, strict=True):
            setattr(seen.RTROIIdentificationCodeSequence[0], name, value)
    for name, value in told.items():
        setattr(seen, name, value)
    item.RTROIObservationsSequence = [seen]
    item.save_as(path)


@pytest.mark.parametrize("named", [True, False])
def test_a_square_covers_the_pixels_inside_it(tmp_path, scan, named):
    """Not square: 20 x 24 pixels of 0.5 x 0.75 mm."""
    write_rtstruct(scan, {"SDH": [(2, SQUARE)], "epidural haematoma": [(4, HOLE)]}, named)
    labels = read_one(tmp_path, None).labels
    expected = np.where(square(scan.hu.shape), 5, 0)
    expected[4, 6:9, 7:10] = 4
    assert np.array_equal(labels, expected)


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("off", [-0.8, 0.8])
def test_a_contour_goes_to_the_nearest_real_slice(tmp_path, named, off):
    """Averaged spacing mis-slices contours of a series that is spaced unevenly."""
    scan = make_scan(tmp_path / "p", [0, 2, 4, 6, 8, 15, 22, 29])
    write_rtstruct(scan, {"SDH": [(k, SQUARE) for k in range(8)]}, named, off)
    labels = read_one(tmp_path, None).labels
    assert (labels.reshape(8, -1).sum(axis=1) == 5 * 81).all()


@pytest.mark.parametrize("backwards", [False, True])
def test_a_contour_within_a_contour_is_a_hole(tmp_path, scan, backwards):
    """XOR, whichever comes first and whichever way it runs."""
    contours = [(2, SQUARE), (2, HOLE[::-1])]
    write_rtstruct(scan, {"SDH": contours[::-1] if backwards else contours})
    assert np.array_equal(read_one(tmp_path, None).labels == 5, square(scan.hu.shape, hole=True))


def test_a_hole_joined_by_a_key_hole_is_a_hole(tmp_path, scan):
    """One contour that runs in along a seam and round the hole, as planning systems write it."""
    path = [*SQUARE, SQUARE[0], *HOLE, HOLE[0]]
    write_rtstruct(scan, {"SDH": [(2, path)]})
    assert np.array_equal(read_one(tmp_path, None).labels == 5, square(scan.hu.shape, hole=True))


def test_a_contour_that_is_there_twice_does_not_empty_itself(tmp_path, scan):
    write_rtstruct(scan, {"SDH": [(2, SQUARE), (2, SQUARE)]})
    assert np.array_equal(read_one(tmp_path, None).labels == 5, square(scan.hu.shape))


def test_a_drawn_ellipse_comes_back(tmp_path):
    """Oracle: the pixels that scikit-image fills from the equation, not from the outline."""
    scan = make_scan(tmp_path / "p", hu=noisy_head((6, 80, 96)).astype(int))
    turn = np.linspace(0, 2 * np.pi, 400, endpoint=False)
    outline = list(zip(40.2 + 25 * np.sin(turn), 50.3 + 18 * np.cos(turn), strict=True))
    write_rtstruct(scan, {"IPH": [(3, outline)]})
    expected = np.zeros((80, 96), bool)
    expected[ellipse(40.2, 50.3, 25, 18)] = True
    found = read_one(tmp_path, None).labels[3] == 1
    assert (found != expected).sum() <= 4 and expected.sum() > 1300


def test_a_tilted_prone_head_keeps_its_contours(tmp_path):
    scan = make_scan(tmp_path / "p", orientation=(-1, 0, 0, 0, -1, 0), tilt=15)
    write_rtstruct(scan, {"SDH": [(2, SQUARE)]})
    expected = square(scan.hu.shape)[:, ::-1, ::-1]
    assert np.array_equal(read_one(tmp_path, None).labels == 5, expected)


def test_points_and_empty_rois_are_skipped_with_a_note(tmp_path, scan):
    """Unnamed POINT contours and ROIs without ContourSequence."""
    write_rtstruct(scan, {"SDH": [(2, SQUARE)], "": [(1, [(4, 4)])], "isocentre": None})
    series = read_one(tmp_path, None)
    assert np.array_equal(series.labels == 5, square(scan.hu.shape))
    assert series.notes == ("2 ROIs without a closed contour were skipped.",)


def test_the_later_roi_has_a_pixel_that_two_claim(tmp_path, scan):
    write_rtstruct(scan, {"SDH": [(2, SQUARE)], "SAH": [(2, HOLE)]})
    series = read_one(tmp_path, None)
    assert (series.labels[2, 6:9, 7:10] == 3).all() and (series.labels == 5).sum() == 81 - 9
    assert series.notes == ("9 pixels had two classes; the later one was taken.",)


def test_an_unknown_roi_is_refused_and_a_stated_one_is_not(tmp_path, scan):
    write_rtstruct(scan, {"Bleed of Wilhelm": [(2, SQUARE)], "BODY": [(2, HOLE)]})
    told = refusal(tmp_path)
    assert "Wilhelm" not in told.reason and "Wilhelm" in told.detail
    labels = read_one(tmp_path, LabelMap.parse("bleed of wilhelm=EDH,body=")).labels
    assert np.array_equal(labels == 4, square(scan.hu.shape))


def test_contours_beyond_the_series_are_refused(tmp_path, scan):
    write_rtstruct(scan, {"SDH": [(5, SQUARE)]}, named=False, off=9)
    assert "slices that the CT series lacks" in refusal(tmp_path).reason


def test_a_contour_of_half_a_number_is_refused(tmp_path, scan):
    path = write_rtstruct(scan, {"SDH": [(2, SQUARE)]})
    path.write_bytes(path.read_bytes()[:-9])
    assert "damaged" in refusal(tmp_path).reason


@pytest.mark.parametrize(
    "again",
    [
        SQUARE[1:] + SQUARE[:1],
        SQUARE[::-1],
        [(r + 0.004, c - 0.004) for r, c in SQUARE],
        [*SQUARE[:2], (7, 12.5), *SQUARE[2:]],
    ],
    ids=["another start", "reversed", "rounded", "another point"],
)
@pytest.mark.parametrize("hole", [False, True])
def test_the_same_contour_drawn_otherwise_does_not_empty_itself(tmp_path, scan, again, hole):
    holes = [(2, HOLE[::-1]), (2, HOLE[1:] + HOLE[:1])] if hole else []
    write_rtstruct(scan, {"SDH": [(2, SQUARE), *holes, (2, again)]})
    expected = square(scan.hu.shape, hole=hole)
    assert np.array_equal(read_one(tmp_path, None).labels == 5, expected)


def test_contours_that_cancel_each_other_out_are_refused(tmp_path):
    """Drawn twice, the second time the other way round and a little larger."""
    scan = make_scan(tmp_path / "p", hu=noisy_head((6, 80, 96)).astype(int))
    one = [(20.5, 30.5), (20.5, 60.5), (50.5, 60.5), (50.5, 30.5)]
    other = [(20.5, 30.5), (51.5, 30.5), (51.5, 60.5), (20.5, 60.5)]
    write_rtstruct(scan, {"SDH": [(2, one), (2, other)]})
    assert "cancel each other out" in refusal(tmp_path).reason


def test_contours_between_the_pixels_are_refused(tmp_path, scan):
    write_rtstruct(scan, {"SDH": [(2, [(5.2, 6.2), (5.2, 6.8), (5.8, 6.8), (5.8, 6.2)])]})
    assert "hold not one pixel" in refusal(tmp_path).reason


@pytest.mark.parametrize(
    ("told", "value"),
    [
        ({"code": ("274100004", "SCT", "Cerebral hemorrhage")}, 1),
        ({"code": ("21454007", "SCT", "Subarachnoid hemorrhage")}, 3),
        ({"code": ("82999001", "SCT", "Epidural hemorrhage")}, 4),
        ({"code": ("35486000", "SCT", "Subdural hemorrhage")}, 5),
        ({"code": ("4711", "99LOCAL", "Intraventricular hemorrhage")}, 2),
        ({"ROIObservationLabel": "SDH", "RTROIInterpretedType": "ORGAN"}, 5),
        ({"ROIObservationDescription": "epidural haematoma", "RTROIInterpretedType": ""}, 4),
    ],
)
def test_an_observation_says_what_the_name_leaves_open(tmp_path, scan, told, value):
    """SNOMED CT's own codes for haemorrhages of one type, as in a SEG."""
    observe(write_rtstruct(scan, {"ROI 1": [(2, SQUARE)]}), **told)
    assert np.array_equal(read_one(tmp_path, None).labels == value, square(scan.hu.shape))


@pytest.mark.parametrize(
    "told",
    [
        {"code": ("21454007", "SCT", "Subarachnoid hemorrhage")},
        {"code": ("79654002", "SCT", "Edema")},
        {"ROIObservationLabel": "no SDH"},
        {"RTROIInterpretedType": "EXTERNAL"},
        {"RTROIInterpretedType": "SUPPORT"},
    ],
)
def test_an_observation_that_contradicts_the_name_asks_for_a_map(tmp_path, scan, told):
    observe(write_rtstruct(scan, {"SDH": [(2, SQUARE)]}), **told)
    assert "a ROI of no known class" in refusal(tmp_path).reason
    labels = read_one(tmp_path, LabelMap.parse("sdh=SDH")).labels
    assert np.array_equal(labels == 5, square(scan.hu.shape))
