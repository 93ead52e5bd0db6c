"""Masks lie where their geometry says, by any route: as SimpleITK resamples them, or nowhere."""

import itertools

import nibabel as nib
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nibabel.orientations import axcodes2ornt, io_orientation, ornt_transform

from lcgan_core.cohort import dicom, nifti
from lcgan_core.cohort.label_map import LabelMap
from lcgan_core.cohort.series import Refused

from .dicom_files import make_scan
from .test_dicom_rtstruct import write_rtstruct
from .test_dicom_seg import refusal, write_seg
from .volumes import display, noisy_head, write

MAP = LabelMap.parse("1=IPH,2=IVH,3=SAH,4=EDH,5=SDH")
CODES = [
    "".join(sign[axis] for sign, axis in zip(signs, order, strict=True))
    for order in itertools.permutations(range(3))
    for signs in itertools.product(("LPI", "RAS"), repeat=3)
]
SCAN = np.array([[-0.8, 0, 0, 14.0], [0, -0.7, 0, 12.0], [0, 0, 5.0, -20.0], [0, 0, 0, 1]])
SHAPE = (6, 34, 36)
GRIDS = dict(
    codes=st.sampled_from(CODES),
    turn=st.tuples(*[st.sampled_from([0, 0, 0.02, 0.3]).map(float)] * 3),
    spacing=st.tuples(*[st.sampled_from([1.0, 0.9, 0.5, 1.3])] * 3),
    offset=st.tuples(*[st.sampled_from([0, 0, 0.1, 1.7, -3.2, 40]).map(float)] * 3),
    seed=st.integers(0, 3),
)
FEW = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))


def labelled(shape=SHAPE, seed=0):
    """(S, H, W) HU and two boxes of labels well within the head, the same on no two axes."""
    hu, labels = noisy_head(shape, seed), np.zeros(shape, np.uint8)
    labels[1:4, 9 + seed : 15, 11:19] = 5
    labels[3:5, 19:23, 20 - seed : 25] = 2
    return hu, labels


def other_grid(labels, affine, codes, turn, spacing, offset):
    """A mask of the same lesions on a grid that is turned, spaced and shifted otherwise."""
    angles = np.eye(3)
    for k, angle in enumerate(turn):
        i, j = (k + 1) % 3, (k + 2) % 3
        step = np.eye(3)
        step[i, i] = step[j, j] = np.cos(angle)
        step[i, j], step[j, i] = -np.sin(angle), np.sin(angle)
        angles = angles @ step
    grid = affine.copy()
    grid[:3, :3] = angles @ affine[:3, :3] * np.array(spacing)
    grid[:3, 3] += offset
    image = nib.Nifti1Image(labels.T, grid)
    return image.as_reoriented(ornt_transform(io_orientation(grid), axcodes2ornt(codes)))


def by_simpleitk(mask_path, affine, shape):
    """(S, H, W) labels resampled by SimpleITK onto a grid that is given by its RAS affine."""
    steps = np.linalg.norm(affine[:3, :3], axis=0)
    flip = np.diag([-1.0, -1, 1])
    image = sitk.Image(*shape[::-1], sitk.sitkInt16)
    image.SetSpacing(steps.tolist())
    image.SetOrigin((flip @ affine[:3, 3]).tolist())
    image.SetDirection((flip @ affine[:3, :3] / steps).ravel().tolist())
    mask = sitk.ReadImage(str(mask_path))
    told = sitk.Resample(mask, image, sitk.Transform(), sitk.sitkNearestNeighbor, 0)
    return sitk.GetArrayFromImage(told)


def agree(ours, theirs):
    """Equal but for voxels whose centre lies on the border of two, where rounding decides."""
    assert ours.shape == theirs.shape and ours.any()
    assert (ours != theirs).sum() <= 0.03 * max((theirs > 0).sum(), 1)


@FEW
@given(**GRIDS)
def test_a_nifti_mask_on_any_grid_is_placed_as_simpleitk_does(tmp_path_factory, seed, **grid):
    folder = tmp_path_factory.mktemp("nifti")
    hu, labels = labelled(seed=seed)
    write(folder / "p_ct.nii.gz", hu.T, SCAN)
    mask = other_grid(labels, SCAN, **grid)
    nib.save(mask, folder / "p_seg.nii.gz")
    [case] = nifti.find(folder, "{patient}_ct.nii.gz", "{patient}_seg.nii.gz", MAP).cases
    theirs = by_simpleitk(folder / "p_seg.nii.gz", SCAN, SHAPE)
    try:
        series = case.load()
    except Refused:
        assert any(grid["offset"]) or any(grid["turn"]) or max(grid["spacing"]) > 1
        return
    assert np.array_equal(series.hu, display(hu.T, SCAN))
    agree(series.labels, display(theirs.T, SCAN))


@FEW
@given(**GRIDS, orientation=st.sampled_from([(1, 0, 0, 0, 1, 0), (-1, 0, 0, 0, -1, 0)]))
def test_a_nifti_mask_beside_dicom_is_placed_likewise(tmp_path_factory, seed, orientation, **grid):
    folder = tmp_path_factory.mktemp("beside")
    hu, labels = labelled(seed=seed)
    scan = make_scan(folder / "p", hu=hu.astype(int), orientation=orientation, spacing=(0.7, 0.8))
    affine = nib.load(scan.write_mask(labels)).affine
    path = scan.folder / "mask.nii.gz"
    nib.save(other_grid(labels, affine, **grid), path)
    found = dicom.find(folder, MAP)
    theirs = by_simpleitk(path, affine, SHAPE)
    try:
        [case] = found.cases
        series = case.load()
    except Refused:
        return
    flipped = np.s_[:, :: orientation[0], :: orientation[0]]
    assert np.array_equal(series.hu, hu[flipped])
    agree(series.labels, theirs[flipped])


@FEW
@given(
    orientation=st.sampled_from([(1, 0, 0, 0, 1, 0), (-1, 0, 0, 0, 1, 0), (0, 1, 0, 1, 0, 0)]),
    tilt=st.sampled_from([0.0, 15.0, -18.5]),
    off=st.sampled_from([0.0, 0.2, 2.4, 2.6, 5.0, -5.0, 40.0]),
    named=st.booleans(),
    heights=st.sampled_from([[5.0 * k for k in range(6)], [0.0, 1.08, 8.07, 13, 18, 25]]),
)
def test_contours_land_on_the_slice_of_their_height_or_nowhere(
    tmp_path_factory, orientation, tilt, off, named, heights
):
    """By construction: each square lies `off` mm above slice 2 along the normal of the slices."""
    folder = tmp_path_factory.mktemp("rt")
    scan = make_scan(folder / "p", heights, orientation, tilt)
    square = [(5.5, 7.5), (5.5, 14.5), (12.5, 14.5), (12.5, 7.5)]
    write_rtstruct(scan, {"SDH": [(2, square)]}, named, off)
    away = [abs(off + heights[2] - height) for height in heights]
    try:
        [case] = dicom.find(folder).cases
        labels = case.load().labels
    except Refused:
        assert off
        return
    assert (labels > 0).any(axis=(1, 2)).tolist() == [k == np.argmin(away) for k in range(6)]
    assert (labels > 0).sum() in (49, 42, 56) if tilt and off else (labels > 0).sum() == 49


@FEW
@given(
    orientation=st.sampled_from([(1, 0, 0, 0, 1, 0), (-1, 0, 0, 0, -1, 0), (-1, 0, 0, 0, 1, 0)]),
    shift=st.tuples(*[st.sampled_from([0, 0, 0.2, -0.3, 0.75, 5, -20]).map(float)] * 3),
    seed=st.integers(0, 3),
)
def test_a_seg_lands_where_it_says_or_nowhere(tmp_path_factory, orientation, shift, seed):
    folder = tmp_path_factory.mktemp("seg")
    hu, labels = labelled(seed=seed)
    scan = make_scan(folder / "p", hu=hu.astype(int), orientation=orientation)
    path = write_seg(scan, labels)
    item = pydicom.dcmread(path)
    for group in item.PerFrameFunctionalGroupsSequence:
        at = group.PlanePositionSequence[0]
        at.ImagePositionPatient = [
            round(float(n) + by, 6) for n, by in zip(at.ImagePositionPatient, shift, strict=True)
        ]
    item.save_as(path)
    try:
        [case] = dicom.find(folder).cases
        found = case.load().labels
    except Refused:
        assert np.linalg.norm(shift) > 0.3
        return
    turned = labels[:, :: orientation[4], :: orientation[0]]
    assert np.linalg.norm(shift) < 0.5 and np.array_equal(found, turned)


# Cases by hand


@pytest.mark.parametrize("back", [False, True])
def test_a_mask_stored_in_another_direction_and_scaled_is_not_mirrored(tmp_path, back):
    """TotalSegmentator #31: the axis direction is another one and the header off by 4 %."""
    hu, labels = labelled()
    write(tmp_path / "p_ct.nii.gz", hu.T, SCAN)
    affine = SCAN @ np.diag([-0.96, -0.96, 1, 1])
    affine[:2, 3] = SCAN[:2, 3] + SCAN[[0, 1], [0, 1]] * (np.array(SHAPE[:0:-1]) - 1) * 0.98
    write(tmp_path / "p_seg.nii.gz", labels.T[::-1, ::-1], affine)
    [case] = nifti.find(tmp_path, "{patient}_ct.nii.gz", "{patient}_seg.nii.gz", MAP).cases
    series = case.load()
    shown = display(labels.T, SCAN)
    both = ((series.labels > 0) & (shown > 0)).sum()
    assert 2 * both / ((series.labels > 0).sum() + (shown > 0).sum()) > 0.7
    agree(series.labels, display(by_simpleitk(tmp_path / "p_seg.nii.gz", SCAN, SHAPE).T, SCAN))


def contradicting(path, qform):
    image = nib.load(path)
    image = nib.Nifti1Image(np.asarray(image.dataobj), image.affine)
    image.set_sform(image.affine, 2)
    image.set_qform(qform, 1)
    nib.save(image, path)


def test_an_image_that_states_two_orientations_is_refused(tmp_path):
    """ANTsPy #356: nibabel follows the sform, ITK the qform, and they mirror each other."""
    hu, labels = labelled()
    mirrored = SCAN.copy()
    mirrored[0, 0], mirrored[0, 3] = 0.8, -14
    for name, voxels in (("ct", hu.T), ("seg", labels.T)):
        contradicting(write(tmp_path / f"p_{name}.nii.gz", voxels, SCAN), mirrored)
    [case] = nifti.find(tmp_path, "{patient}_ct.nii.gz", "{patient}_seg.nii.gz", MAP).cases
    with pytest.raises(Refused, match="states two orientations"):
        case.load()


@pytest.mark.parametrize("right", ["sform", "qform", "neither"])
def test_of_two_places_that_a_mask_states_that_of_the_scan_counts(tmp_path, right):
    hu, labels = labelled()
    write(tmp_path / "p_ct.nii.gz", hu.T, SCAN)
    away = SCAN + np.array([[0, 0, 0, 9.0]] * 3 + [[0, 0, 0, 0]])
    sform, qform = {"sform": (SCAN, away), "qform": (away, SCAN), "neither": (away, away + 0)}[
        right
    ]
    if right == "neither":
        qform[0, 3] += 5
    contradicting(write(tmp_path / "p_seg.nii.gz", labels.T, sform), qform)
    [case] = nifti.find(tmp_path, "{patient}_ct.nii.gz", "{patient}_seg.nii.gz", MAP).cases
    if right == "neither":
        with pytest.raises(Refused, match="states two places"):
            case.load()
    else:
        assert np.array_equal(case.load().labels, display(labels.T, SCAN))


def test_a_scaled_mask_beside_dicom_is_rounded(tmp_path):
    """itksnap #94: stored as 0 and 255 with a slope of 1/255, it reads as 1.00000006."""
    hu, labels = labelled()
    scan = make_scan(tmp_path / "p", hu=hu.astype(int))
    path = scan.write_mask(((labels > 0) * 255).astype(np.uint8))
    image = nib.load(path)
    image = nib.Nifti1Image(np.asarray(image.dataobj), image.affine)
    image.header.set_slope_inter(1 / 255, 0)
    nib.save(image, path)
    [case] = dicom.find(tmp_path, LabelMap.parse("1=SDH")).cases
    assert np.array_equal(case.load().labels, (labels > 0) * 5)


def test_a_contour_that_names_a_slice_on_which_it_does_not_lie_is_refused(tmp_path):
    """OHIF #5802: the image UID is that of another slice than the contour's own z."""
    scan = make_scan(tmp_path / "p")
    square = [(5.5, 7.5), (5.5, 14.5), (12.5, 14.5), (12.5, 7.5)]
    write_rtstruct(scan, {"SDH": [(1, square), (2, square)]}, off=5.0)
    assert "do not lie in the plane" in refusal(tmp_path).reason


@pytest.mark.parametrize("rows", [(-6, -3), (18, 24), (30, 40)])
def test_a_contour_outside_the_image_is_refused(tmp_path, rows):
    scan = make_scan(tmp_path / "p")
    square = [(rows[0], 7), (rows[0], 14), (rows[1], 14), (rows[1], 7)]
    write_rtstruct(scan, {"SDH": [(2, square)]})
    assert "contours outside the image" in refusal(tmp_path).reason
