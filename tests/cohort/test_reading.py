"""DICOM and NIfTI are read as the same head, by any reader and in any orientation of the mask."""

import nibabel as nib
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from nibabel.orientations import axcodes2ornt, io_orientation, ornt_transform

from lcgan_core.cohort.dicom import find
from lcgan_core.cohort.series import Refused
from lcgan_core.errors import UserError

from .conftest import OURS, make_study, read_all, read_one


def test_hu_and_labels_are_what_was_written(study):
    series = read_one(study.folder)
    assert np.array_equal(series.hu, study.hu) and series.hu.dtype == np.int16
    assert np.array_equal(series.labels, study.labels) and series.labels.dtype == np.uint8
    assert np.allclose(series.positions, -20 + 5 * np.arange(6))
    assert series.pixel_spacing == study.spacing


def test_simpleitk_reads_the_same_head(study):
    series = read_one(study.folder)
    image = sitk.ReadImage(sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(study.folder)))
    assert np.array_equal(sitk.GetArrayFromImage(image), series.hu)
    assert np.allclose(image.GetSpacing(), (*series.pixel_spacing[::-1], 5.0))
    mask = nib.load(study.mask)
    # DICOM counts to the left and back, NIfTI to the right and front
    assert np.allclose(np.diag([-1, -1, 1]) @ image.GetOrigin(), mask.affine[:3, 3])


@pytest.mark.parametrize("codes", ["RAS", "LAS", "LPS", "LPI", "PSR", "AIL"])
def test_a_mask_stored_in_any_orientation_gives_the_same_labels(study, codes):
    image = nib.load(study.mask)
    turn = ornt_transform(io_orientation(image.affine), axcodes2ornt(codes))
    turned = image.as_reoriented(turn)
    assert nib.aff2axcodes(turned.affine) == tuple(codes)
    nib.save(turned, study.mask)
    assert np.array_equal(read_one(study.folder).labels, study.labels)


def test_series_written_from_head_to_feet_is_sorted_from_the_feet_up(study):
    for k, path in enumerate(study.slices):
        path.rename(path.with_name(f"{'zyxwvu'[k]}"))  # no suffix, reversed names
    assert np.array_equal(read_one(study.folder).hu, study.hu)


def test_values_beyond_the_scale_of_ct_are_clipped(study):
    for path in study.slices:
        item = pydicom.dcmread(path)
        stored = item.pixel_array.copy()
        stored[10, 12], stored[0, 0] = 60000, 0
        item.PixelData, item.RescaleIntercept = stored.tobytes(), item.RescaleIntercept
        item.save_as(path)
    hu = read_one(study.folder).hu
    assert (hu[:, 10, 12] == 3071).all() and (hu[:, 0, 0] == -1024).all()


def test_a_cohort_gives_its_patients_in_order(tmp_path):
    for name in ("b", "a", "c"):
        make_study(tmp_path / name)
    (tmp_path / "README.md").write_text("not a patient")
    assert [series.patient[-1] for series in read_all(tmp_path)] == ["a", "b", "c"]
    [left] = find(tmp_path, OURS).left_out
    assert (left.path.name, left.files) == ("README.md", 1)


def refused(study, *parts):
    """Of a patient's folder one sentence, and only one, names these."""
    found = find(study.folder, OURS)
    told = list(found.refused)
    for case in found.cases:
        try:
            case.load()
        except Refused as refusal:
            told.append(refusal)
    fitting = [each for each in told if all(part in str(each) for part in parts)]
    assert len(fitting) == 1, told
    [reason] = [each.reason for each in fitting]
    assert reason.endswith(".") and "\n" not in str(fitting[0])
    assert "patient one" not in reason and ".dcm" not in reason


def test_empty_folder_is_not_a_cohort(tmp_path):
    with pytest.raises(UserError, match="not a cohort"):
        find(tmp_path)


def test_folder_that_does_not_exist_is_told(tmp_path):
    with pytest.raises(UserError, match="does not exist"):
        find(tmp_path / "nowhere")


def test_mask_without_dicom_is_told(study):
    for path in study.slices:
        path.unlink()
    refused(study, "mask.nii.gz", "no CT series")


def test_mr_is_refused_by_name(study):
    path = study.edit(2, Modality="MR")
    refused(study, path.name, "MR", "CT")


def test_truncated_file_is_named(study):
    path = study.slices[3]
    path.write_bytes(path.read_bytes()[:-200])
    refused(study, path.name)


def test_file_cut_inside_its_header_is_named(study):
    path = study.slices[3]
    path.write_bytes(path.read_bytes()[:600])
    refused(study, path.name)


def test_file_that_is_no_dicom_is_named(study):
    (study.folder / "notes.doc").write_bytes(b"x" * 500)
    refused(study, "notes.doc")


def test_missing_slice_is_told_with_its_neighbours(study):
    order = study.from_the_feet
    order[3].unlink()
    refused(study, "lacks slices", order[2].name, order[4].name, "10.0 mm")


def test_missing_mask_is_told(study):
    study.mask.unlink()
    refused(study, "mask", "patient one")


def test_two_masks_are_told(study):
    (study.folder / "other.nii.gz").write_bytes(study.mask.read_bytes())
    refused(study, "2 masks")


def test_damaged_mask_is_named(study):
    study.mask.write_bytes(study.mask.read_bytes()[:60])
    refused(study, "mask.nii.gz")


def test_mask_with_too_few_slices_is_told(study):
    study.write_mask(study.labels[:-1])
    refused(study, "mask.nii.gz", "5", "6")


def test_mask_of_another_place_is_told(study):
    away = study.affine.copy()
    away[1, 3] += 12
    study.write_mask(study.labels, away)
    refused(study, "mask.nii.gz", "12.0 mm")


def test_mask_of_another_pixel_size_is_told(study):
    away = study.affine.copy()
    away[0, 0] *= 1.3
    study.write_mask(study.labels, away)
    refused(study, "mask.nii.gz")


def test_unknown_label_is_told_with_the_right_ones(study):
    labels = study.labels.copy()
    labels[2, 3, 4] = 9
    study.write_mask(labels)
    refused(study, "mask.nii.gz", "9", "1=IPH", "5=SDH")


def test_a_probability_map_is_not_a_mask(study):
    study.write_mask(study.labels.astype(np.float32) * 0.5)
    refused(study, "mask.nii.gz")
