"""DICOM SEG is laid on the slices that its frames refer to, whatever wrote it."""

import shutil

import highdicom as hd
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from lcgan_core.cohort.dicom import find
from lcgan_core.cohort.label_map import LabelMap
from lcgan_core.cohort.series import Refused
from lcgan_core.lesions import HEMORRHAGES

from .conftest import read_one
from .dicom_files import make_scan
from .volumes import noisy_head

WORDS = ("Intraparenchymal bleed", "left IVH", "SAH_1", "extradural haematoma", "Subdural")
CODE = Code("50960005", "SCT", "Hemorrhage")


@pytest.fixture
def scan(tmp_path):
    """Square or not, the slices on disk are in no order; SEG source images are from feet up."""
    return make_scan(tmp_path / "patient" / "head")


def areas(shape, seed=0):
    """(S, H, W) labels without overlap; the outer slices are empty."""
    labels = np.random.default_rng(seed).integers(0, 6, shape).astype(np.uint8)
    labels[[0, -1]] = 0
    labels[2][labels[2] == 4] = 0  # a frame that a writer leaves out
    return labels


def write_seg(scan, labels, words=WORDS, code=CODE, kind="BINARY", sources=None, **more):
    """labels: (S, H, W), or (S, H, W, segments) where segments overlap or are fractions."""
    segments = [
        hd.seg.SegmentDescription(
            number, word, codes.SCT.MorphologicallyAbnormalStructure, code,
            hd.seg.SegmentAlgorithmTypeValues.MANUAL,
        )
        for number, word in enumerate(words, start=1)
    ]  # fmt: skip
    seg = hd.seg.Segmentation(
        sources or scan.items, labels, kind, segments, hd.UID(), 7, hd.UID(), 1,
        "m", "n", "v", "s", **more,
    )  # fmt: skip
    path = scan.folder / "mask"
    seg.save_as(path)
    return path


def refusal(source, labels=None):
    """The one sentence, before or while reading."""
    found = find(source, labels)
    if found.refused:
        [refused] = found.refused
        return refused
    [case] = found.cases
    with pytest.raises(Refused) as told:
        case.load()
    return told.value


@pytest.mark.parametrize("kind", ["BINARY", "LABELMAP"])
@pytest.mark.parametrize("omit", [True, False])
def test_highdicom_and_we_read_the_same_labels(tmp_path, scan, kind, omit):
    """Empty frames are omitted, so frames do not count slices."""
    labels = areas(scan.hu.shape)
    path = write_seg(scan, labels, kind=kind, omit_empty_frames=omit)
    series = read_one(tmp_path, None)
    assert np.array_equal(series.labels, labels) and np.array_equal(series.hu, scan.hu)
    theirs = hd.seg.segread(path).get_pixels_by_source_instance(
        [item.SOPInstanceUID for item in scan.items],
        combine_segments=True,
        assert_missing_frames_are_empty=True,
    )
    assert np.array_equal(theirs, series.labels)


def shuffle(path, references=True):
    """Put a SEG's frames into another order and, if wanted, forget which slices they mean."""
    seg = pydicom.dcmread(path)
    order = np.random.default_rng(1).permutation(len(seg.PerFrameFunctionalGroupsSequence))
    pixels = seg.pixel_array[order]
    groups = [seg.PerFrameFunctionalGroupsSequence[int(k)] for k in order]
    for group in groups:
        if not references:
            del group.DerivationImageSequence
    seg.PerFrameFunctionalGroupsSequence = groups
    seg.PixelData = np.packbits(pixels.ravel(), bitorder="little").tobytes()
    seg.PixelData += b"\0" * (len(seg.PixelData) % 2)
    seg.save_as(path)


@pytest.mark.parametrize("references", [True, False])
def test_frames_in_any_order_go_to_their_slices(tmp_path, scan, references):
    """By ReferencedSOPInstanceUID, else by plane position, never by frame number."""
    labels = areas(scan.hu.shape)
    shuffle(write_seg(scan, labels), references)
    assert np.array_equal(read_one(tmp_path, None).labels, labels)


def test_fractions_count_from_a_half_of_their_maximum(tmp_path, scan):
    """FRACTIONAL is stored as 0..MaximumFractionalValue."""
    values = np.linspace(0, 1, scan.hu.size).reshape(*scan.hu.shape, 1)
    write_seg(
        scan, values, ["SDH"], kind="FRACTIONAL", max_fractional_value=200,
        fractional_type="PROBABILITY",
    )  # fmt: skip
    labels = read_one(tmp_path, None).labels
    assert np.array_equal(labels == 5, np.rint(values[..., 0] * 200) >= 100)


def test_the_later_segment_has_a_pixel_that_two_claim(tmp_path, scan):
    both = np.zeros((*scan.hu.shape, 2), np.uint8)
    both[2, 3:6, 3:6, 0] = 1
    both[2, 5:8, 5:8, 1] = 1
    write_seg(scan, both, ["SAH", "SDH"])
    series = read_one(tmp_path, None)
    assert (series.labels[2, 5:8, 5:8] == 5).all() and (series.labels == 3).sum() == 8
    assert series.notes == ("1 pixels had two classes; the later one was taken.",)


def test_the_type_comes_from_the_name_not_from_the_number(tmp_path, scan):
    """Segment 1 is whatever its label says."""
    labels = areas(scan.hu.shape)
    write_seg(scan, labels, WORDS[::-1])
    assert np.array_equal(read_one(tmp_path, None).labels, (6 - labels) % 6)


def test_the_type_comes_from_the_code_where_the_name_tells_nothing(tmp_path, scan):
    mask = (areas(scan.hu.shape) == 1).astype(np.uint8)
    write_seg(scan, mask, ["Segment 1"], Code("35486000", "SCT", "Subdural hemorrhage"))
    assert np.array_equal(read_one(tmp_path, None).labels, mask * 5)


def test_a_stated_map_decides(tmp_path, scan):
    labels = areas(scan.hu.shape) % 3
    write_seg(scan, labels, ["Bleed", "Brain"])
    series = read_one(tmp_path, LabelMap.parse("BLEED=ivh,brain="))
    assert np.array_equal(series.labels, np.where(labels == 1, 2, 0))


def test_a_segment_of_unknown_type_is_refused_without_its_name_in_the_reason(tmp_path, scan):
    """A label may hold a name; the report must not."""
    write_seg(scan, (areas(scan.hu.shape) == 1).astype(np.uint8), ["Bleed of Wilhelm"])
    told = refusal(tmp_path)
    assert "Wilhelm" not in told.reason and "Wilhelm" in told.detail
    assert "labels.json" in told.reason


def test_another_grid_is_refused(tmp_path, scan):
    """A SEG's geometry may differ from its source's."""
    path = write_seg(scan, areas(scan.hu.shape))
    for name, value, part in (
        ("PixelSpacing", [0.6, 0.75], "pixel spacing"),
        ("ImageOrientationPatient", [-1, 0, 0, 0, -1, 0], "another plane"),
    ):
        seg = pydicom.dcmread(path)
        shared = seg.SharedFunctionalGroupsSequence[0]
        where = shared.PixelMeasuresSequence if "Pixel" in name else shared.PlaneOrientationSequence
        setattr(where[0], name, value)
        seg.save_as(scan.folder / "mask")
        assert part in refusal(tmp_path).reason
        write_seg(scan, areas(scan.hu.shape))


@pytest.mark.parametrize("references", [True, False])
def test_a_shifted_seg_is_refused(tmp_path, scan, references):
    """The position and the reference must agree to half a pixel."""
    path = write_seg(scan, areas(scan.hu.shape))
    shuffle(path, references)
    seg = pydicom.dcmread(path)
    for group in seg.PerFrameFunctionalGroupsSequence:
        group.PlanePositionSequence[0].ImagePositionPatient[0] += 3
    seg.save_as(path)
    assert "lies beside" in refusal(tmp_path).reason


def test_another_matrix_is_refused(tmp_path, scan):
    path = write_seg(scan, areas(scan.hu.shape))
    seg = pydicom.dcmread(path)
    seg.Rows, seg.Columns = seg.Columns, seg.Rows
    seg.save_as(path)
    assert "24 x 20 pixels, the CT series 20 x 24" in refusal(tmp_path).reason


def test_a_seg_of_slices_that_are_gone_is_refused(tmp_path, scan):
    write_seg(scan, areas(scan.hu.shape))
    for k in (3, 4, 5):
        scan.paths[k].unlink()
    assert "refers to slices that the CT series lacks" in refusal(tmp_path).reason


def test_a_seg_of_a_series_that_is_gone_is_refused(tmp_path, scan):
    write_seg(scan, areas(scan.hu.shape))
    for path in scan.paths:
        path.unlink()
    assert "refers to a series that is not there" in refusal(tmp_path).reason


def test_two_segs_of_one_series_are_refused(tmp_path, scan):
    path = write_seg(scan, areas(scan.hu.shape))
    path.rename(scan.folder / "first rater")
    write_seg(scan, areas(scan.hu.shape, 1))
    assert "one of 2 masks" in refusal(tmp_path).reason


@pytest.mark.parametrize("share", [0.3, 0.5, 0.7, 0.95])
def test_a_seg_that_is_cut_off_is_refused(tmp_path, scan, share):
    path = write_seg(scan, areas(scan.hu.shape))
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    for told in [*find(tmp_path).refused] or [refusal(tmp_path)]:
        assert told.reason.endswith(".")


def test_every_type_has_a_word_and_its_acronym(tmp_path, scan):
    labels = areas(scan.hu.shape)
    write_seg(scan, labels, HEMORRHAGES)
    assert np.array_equal(read_one(tmp_path, None).labels, labels)


def test_a_tilted_prone_head_keeps_its_mask(tmp_path):
    scan = make_scan(tmp_path / "p", orientation=(-1, 0, 0, 0, -1, 0), tilt=15)
    labels = areas(scan.hu.shape)
    write_seg(scan, labels)
    assert np.array_equal(read_one(tmp_path, None).labels, labels[:, ::-1, ::-1])


@pytest.mark.parametrize("orientation", [(1, 0, 0, 0, 1, 0), (-1, 0, 0, 0, -1, 0)])
def test_a_seg_on_a_grid_of_its_own_is_resampled_as_simpleitk_does(tmp_path, scan, orientation):
    """It names no image of the series, only the series: its geometry is all that counts."""
    other = make_scan(
        tmp_path / "other", [2.5 * k for k in range(11)], orientation, spacing=(0.4, 0.6),
        hu=noisy_head((11, 24, 28)).astype(int),
    )  # fmt: skip
    if orientation[0] < 0:  # the same place from the other corner
        for k in range(11):
            place = other.place[k] + [27 * 0.6, 23 * 0.4, 0]
            other.edit(k, ImagePositionPatient=place.tolist())
    labels = np.zeros((11, 24, 28), np.uint8)
    labels[3:8, 6:14, 9:20] = 1
    on_its_own(write_seg(other, labels, ["SDH"]), scan, scan.folder / "mask")
    shutil.rmtree(other.folder)
    series = read_one(tmp_path, None)
    image = sitk.ReadImage([str(path) for path in scan.paths])
    mask = sitk.GetImageFromArray(labels)
    flip = orientation[0]
    mask.SetDirection([flip, 0, 0, 0, flip, 0, 0, 0, 1])
    mask.SetSpacing((0.6, 0.4, 2.5))
    mask.SetOrigin([-9.0, -6.0, 30.0] if flip > 0 else [-9 + 27 * 0.6, -6 + 23 * 0.4, 30.0])
    told = sitk.Resample(mask, image, sitk.Transform(), sitk.sitkNearestNeighbor, 0)
    expected = sitk.GetArrayFromImage(told)
    assert expected.any() and np.array_equal(series.labels > 0, expected > 0)
    assert any("resampled" in note for note in series.notes)


@pytest.mark.parametrize("tilt", [0.0, 18.5])
@pytest.mark.parametrize("heights", [[0, 1.08, 8.07, 13, 18, 25], [5.0 * k for k in range(6)]])
def test_frames_on_the_slices_of_a_scan_keep_to_them_however_these_are_spaced(
    tmp_path, heights, tilt
):
    """Pixels twice as large, so that each covers four; slices 1 and 3 bleed, 2 between them not."""
    scan = make_scan(tmp_path / "patient" / "head", heights, tilt=tilt)
    coarse = make_scan(
        tmp_path / "other", heights, tilt=tilt, spacing=(1.0, 1.5),
        hu=noisy_head((6, 10, 12)).astype(int),
    )  # fmt: skip
    for k, place in enumerate(coarse.place):
        inward = place + (0.75 * scan.rows + 0.5 * scan.columns) / 2
        coarse.edit(k, ImagePositionPatient=[round(float(n), 6) for n in inward])
    labels = np.zeros((6, 10, 12), np.uint8)
    labels[1, 2:5, 3:9] = labels[3, 4:7, 2:6] = 1
    path = write_seg(coarse, labels, ["SDH"])
    on_its_own(path, scan, scan.folder / "mask")
    shutil.rmtree(coarse.folder)
    series = read_one(tmp_path, None)
    expected = np.kron(labels, np.ones((1, 2, 2), np.uint8))
    assert np.array_equal(series.labels > 0, expected > 0)


def on_its_own(path, scan, to):
    """Let a SEG name the series of `scan` and no image."""
    seg = pydicom.dcmread(path)
    for group in seg.PerFrameFunctionalGroupsSequence:
        del group.DerivationImageSequence
    seg.ReferencedSeriesSequence[0].SeriesInstanceUID = scan.items[0].SeriesInstanceUID
    del seg.ReferencedSeriesSequence[0].ReferencedInstanceSequence
    seg.save_as(to)
