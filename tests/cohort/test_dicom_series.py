"""Series are told apart, put in order and shown as a radiologist sees them."""

import pickle
import shutil
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.uid import EnhancedCTImageStorage, SecondaryCaptureImageStorage

from lcgan_core.cohort.dicom import find
from lcgan_core.cohort.series import Refused
from lcgan_core.errors import UserError

from .conftest import NAME, OURS, make_study, read_one, write_slice
from .dicom_files import make_scan, some_labels

TOP_LEFT = {  # by hand: which corner of the stored slice is the patient's right front one
    (1, 0, 0, 0, 1, 0): np.s_[:, :, :],
    (-1, 0, 0, 0, -1, 0): np.s_[:, ::-1, ::-1],
    (1, 0, 0, 0, -1, 0): np.s_[:, ::-1, :],
    (-1, 0, 0, 0, 1, 0): np.s_[:, :, ::-1],
}


@pytest.fixture
def scan(tmp_path):
    it = make_scan(tmp_path / "patient" / "head")
    it.write_mask(some_labels(it.hu.shape))
    return it


def reasons(source, labels=OURS):
    """Why what was refused, and why what was left out, with the number of files."""
    found = find(source, labels)
    left = {(each.reason, each.files) for each in found.left_out}
    return {each.path.name: each.reason for each in found.refused}, left


@pytest.mark.parametrize("tilt", [0, 18])
@pytest.mark.parametrize("orientation", TOP_LEFT)
def test_any_orientation_is_turned_to_radiological_display(tmp_path, orientation, tilt):
    """Flips are undone by the geometry; prone heads and tilts too."""
    scan = make_scan(tmp_path / "p", orientation=orientation, tilt=tilt)
    labels = some_labels(scan.hu.shape)
    scan.write_mask(labels)
    series = read_one(tmp_path)
    assert np.array_equal(series.hu, scan.hu[TOP_LEFT[orientation]])
    assert np.array_equal(series.labels, labels[TOP_LEFT[orientation]])
    assert series.pixel_spacing == scan.spacing
    assert abs(series.gantry_tilt) == tilt


def test_a_head_on_its_side_is_turned_with_its_pixel_spacing(tmp_path):
    """Rows run to the back, columns to the left: the display is the transpose."""
    scan = make_scan(tmp_path / "p", orientation=(0, 1, 0, 1, 0, 0))
    labels = some_labels(scan.hu.shape)
    scan.write_mask(labels)
    series = read_one(tmp_path)
    assert np.array_equal(series.hu, scan.hu.transpose(0, 2, 1))
    assert np.array_equal(series.labels, labels.transpose(0, 2, 1))
    assert series.pixel_spacing == scan.spacing[::-1]


@given(st.permutations([0, 1]), st.tuples(*[st.sampled_from([-1, 1])] * 2), st.floats(-25, 25))
@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_pixel_stays_at_its_place_in_the_patient(tmp_path_factory, axes, signs, tilt):
    """The brightest voxel's LPS position is the same before and after turning."""
    orientation = np.zeros((2, 3))
    orientation[[0, 1], axes] = signs
    hu = np.full((4, 6, 7), -1000)
    hu[:, 1:-1, 1:-1] = 40
    hu[2, 1, 5] = 1000
    folder = tmp_path_factory.mktemp("turned")
    scan = make_scan(folder / "p", [0, 4, 8, 12], tuple(orientation.ravel()), tilt, (0.5, 0.75), hu)
    scan.write_mask((hu > 500).astype(np.uint8))
    series = read_one(folder)
    assert np.array_equal(series.labels > 0, series.hu > 500)
    k, row, column = np.argwhere(series.hu > 500)[0]
    true = scan.place[2] + 5 * 0.75 * scan.rows + 0.5 * scan.columns
    # display columns run to the left, rows to the back: the first pixel is the least of both
    corners = [
        scan.place[2] + a * 6 * 0.75 * scan.rows + b * 5 * 0.5 * scan.columns
        for a in (0, 1) for b in (0, 1)
    ]  # fmt: skip
    lean = np.cos(np.radians(tilt))
    start = np.min(corners, axis=0)
    shown = start[:2] + np.array([column * series.pixel_spacing[1], 0])
    shown[1] += row * series.pixel_spacing[0] * lean
    assert k == 2 and np.allclose(shown, true[:2], atol=1e-4)


@pytest.mark.parametrize("orientation", list(TOP_LEFT)[:2])
def test_simpleitk_reads_the_same_hu_and_geometry(tmp_path, orientation):
    scan = make_scan(tmp_path / "p", orientation=orientation, PatientPosition="HFP")
    scan.write_mask(some_labels(scan.hu.shape))
    series = read_one(tmp_path)
    names = sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(scan.folder))
    image = sitk.DICOMOrient(sitk.ReadImage(names), "LPS")
    assert np.array_equal(sitk.GetArrayFromImage(image), series.hu)
    assert np.allclose(image.GetSpacing(), (*series.pixel_spacing[::-1], 5))
    assert image.GetOrigin()[2] == pytest.approx(series.positions[0])


def test_gantry_tilt_is_kept_slice_by_slice(tmp_path):
    """No resampling; the positions are those along the normal, 5 cos 22 degrees apart."""
    scan = make_scan(tmp_path / "p", tilt=22)
    scan.write_mask(some_labels(scan.hu.shape))
    series = read_one(tmp_path)
    assert np.array_equal(series.hu, scan.hu)
    assert np.allclose(np.diff(series.positions), 5 * np.cos(np.radians(22)))
    assert abs(series.gantry_tilt) == pytest.approx(22, abs=0.01)
    slices = [sitk.GetArrayFromImage(sitk.ReadImage(str(path)))[0] for path in scan.paths]
    assert np.array_equal(slices, series.hu)


@pytest.mark.parametrize("orientation", list(TOP_LEFT)[:3])
def test_a_mask_that_itk_made_of_a_tilted_series_is_laid_on(tmp_path, orientation):
    """ITK knows no shear, so its affine is off by the tilt; slices still match."""
    scan = make_scan(tmp_path / "p", orientation=orientation, tilt=22)
    labels = some_labels(scan.hu.shape)
    names = sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(scan.folder))
    image = sitk.ReadImage(names)
    stored = sitk.GetArrayFromImage(image)
    order = [int(np.abs(scan.hu - each).sum(axis=(1, 2)).argmin()) for each in stored]
    mask = sitk.GetImageFromArray(labels[order])
    mask.CopyInformation(image)
    sitk.WriteImage(mask, str(scan.folder / "mask.nii.gz"))
    series = read_one(tmp_path)
    assert np.array_equal(series.labels, labels[TOP_LEFT[orientation]])
    assert any("gantry tilt" in note for note in series.notes)


def test_uneven_spacing_is_real(tmp_path):
    """1.08 to 6.99 mm in one head; the numbers run on, so no slice is missing."""
    heights = np.cumsum([0, 1.08, 6.99, 5, 5, 2.5, 2.5, 6.99])
    scan = make_scan(tmp_path / "p", list(heights), SliceThickness=5)
    scan.write_mask(some_labels(scan.hu.shape))
    series = read_one(tmp_path)
    assert np.allclose(series.positions - series.positions[0], heights)
    assert series.notes == ("The slices lie 1.08 to 6.99 mm apart; kept as they are.",)


def test_a_gap_where_the_numbers_jump_is_a_missing_slice(tmp_path, scan):
    """The same gap with and without a jump of InstanceNumber."""
    scan.paths[3].unlink()
    told, _ = reasons(tmp_path)
    assert "lacks slices" in told[scan.paths[2].name]


@pytest.mark.parametrize(("sideways", "taken"), [(2.0, True), (6.0, False)])
def test_slices_that_no_gantry_stacks_so_are_refused(tmp_path, scan, sideways, taken):
    """22 and 50 degrees: every slice lies farther to the side than the one before."""
    for k, (x, y, z) in enumerate(scan.place):
        scan.edit(k, ImagePositionPatient=[float(x), float(y + sideways * k), float(z)])
    told, _ = reasons(tmp_path)
    assert ("stacked at 50 degrees" in "".join(told.values())) is not taken


def test_a_gap_in_the_thin_part_of_a_series_is_seen(tmp_path):
    """A slice missing among thin ones leaves no gap wider than the thick ones have."""
    heights = [0, 2.5, 5, 10, 12.5, 15, 20, 25, 30, 35, 40]  # 7.5 is missing
    scan = make_scan(tmp_path / "p", heights)
    for k in range(3, len(heights)):
        scan.edit(k, InstanceNumber=k + 2)
    scan.write_mask(some_labels(scan.hu.shape))
    told, _ = reasons(tmp_path)
    assert "10.0 mm" not in told[scan.paths[2].name] and "5.0 mm" in told[scan.paths[2].name]


def test_numbers_that_start_anew_where_the_slices_get_thick_are_no_gap(tmp_path):
    heights = [0, 2.5, 5, 7.5, 10, 12.5, 17.5, 22.5, 27.5]
    scan = make_scan(tmp_path / "p", heights)
    for k in range(6, 9):
        scan.edit(k, InstanceNumber=95 + k)
    scan.write_mask(some_labels(scan.hu.shape))
    assert len(read_one(tmp_path).hu) == 9


def test_several_missing_slices_are_seen(tmp_path):
    """Two holes side by side, so that no gap is wider than its neighbour."""
    scan = make_scan(tmp_path / "p", [5.0 * k for k in range(10)])
    for k in (4, 6):
        scan.paths[k].unlink()
    told, _ = reasons(tmp_path)
    assert "lacks slices" in told[scan.paths[3].name]


def test_thin_and_thick_slices_in_one_series_are_no_gap(tmp_path):
    scan = make_scan(tmp_path / "p", [0, 2.5, 5, 7.5, 10, 15, 20, 25], InstanceNumber=None)
    scan.write_mask(some_labels(scan.hu.shape))
    assert len(read_one(tmp_path).hu) == 8


def test_localizer_in_the_series_is_left_out(tmp_path, scan):
    """A localizer under the same SeriesInstanceUID, told by type or by geometry."""
    uid = scan.items[0].SeriesInstanceUID
    hu = np.zeros((20, 24), int)
    write_slice(
        scan.folder / "a", hu, SeriesInstanceUID=uid, ImageType="ORIGINAL\\PRIMARY\\LOCALIZER"
    )
    upright = [1, 0, 0, 0, 0, -1]
    write_slice(scan.folder / "b", hu, SeriesInstanceUID=uid, ImageOrientationPatient=upright)
    write_slice(scan.folder / "c", np.zeros((40, 8), int), SeriesInstanceUID=uid)
    told, left = reasons(tmp_path)
    assert told == {}
    assert left == {
        ("is a localizer.", 1),
        ("is not axial: a localizer or a reformat.", 1),
        ("has another geometry than the rest of its series.", 1),
    }
    assert np.array_equal(read_one(tmp_path).hu, scan.hu)


def test_two_axial_geometries_in_one_series_are_refused(tmp_path, scan):
    for k in range(3):
        scan.edit(k, PixelSpacing=[0.4, 0.4])
    told, _ = reasons(tmp_path)
    assert any("2 axial geometries" in reason for reason in told.values())


def test_the_later_acquisition_at_one_place_is_taken(tmp_path, scan):
    """Duplicate ImagePositionPatient, a repeated slice after the patient moved."""
    again = np.full((20, 24), 77)
    first = scan.items[2]
    values = {name: first[name].value for name in ("SeriesInstanceUID", "ImagePositionPatient")}
    values |= {"PixelSpacing": list(scan.spacing), "InstanceNumber": 1}
    write_slice(scan.folder / "again", again, AcquisitionNumber=2, **values)
    write_slice(scan.folder / "before", again + 1, AcquisitionNumber=0, **values)
    series = read_one(tmp_path)
    assert (series.hu[2] == 77).all() and np.array_equal(series.hu[3], scan.hu[3])
    assert (
        "2 slices shared the position of another one; the later acquisition was taken."
        in series.notes
    )


def test_a_file_that_is_there_twice_is_read_once(tmp_path, scan):
    shutil.copy(scan.paths[1], scan.folder / "copy of it")
    series = read_one(tmp_path)
    assert np.array_equal(series.hu, scan.hu)
    assert series.notes == ("1 files were there twice; one of each was taken.",)


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ({"SOPClassUID": SecondaryCaptureImageStorage}, "is a secondary capture"),
        ({"ImageType": ["DERIVED", "SECONDARY", "MPR"]}, "is a projection or a reformat"),
        ({"ImageType": ["DERIVED", "PRIMARY", "AXIAL", "MIP"]}, "is a projection or a reformat"),
        ({"Modality": "SR", "SOPClassUID": "1.2.840.10008.5.1.4.1.1.88.67"}, "is no image"),
    ],
)
def test_what_a_study_holds_besides_is_left_out(tmp_path, scan, attributes, reason):
    """Secondary captures carry burned-in text; reports are no images."""
    write_slice(tmp_path / "patient" / "x", np.zeros((8, 8), int), **attributes)
    told, left = reasons(tmp_path)
    [(text, files)] = left
    assert told == {} and text.startswith(reason) and files == 1


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ({"Modality": "MR"}, "is MR, not CT"),
        ({"Modality": "PT"}, "is PT, not CT"),
        ({"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB"}, "is a colour image"),
        ({"SOPClassUID": EnhancedCTImageStorage}, "convert it to single-frame"),
        ({"NumberOfFrames": 2}, "convert it to single-frame"),
        ({"PixelSpacing": [0, 0]}, "states a pixel spacing of 0 x 0 mm"),
        ({"PixelSpacing": None}, "lacks PixelSpacing"),
        ({"ImagePositionPatient": ["", "", ""]}, "has a damaged"),
        ({"ImageOrientationPatient": [1, 0, 0, 0.5, 0.8, 0]}, "not at right angles"),
        ({"Rows": 60000, "Columns": 60000}, "claims 60000 x 60000 pixels"),
        ({"Rows": 4000, "Columns": 4000}, "is cut off"),
        ({"BurnedInAnnotation": "YES"}, "says that text is burned into its pixels"),
        ({"RescaleType": "Z_EFF"}, "is not in Hounsfield units"),
        ({}, "is the only slice of its series"),
    ],
)
def test_what_cannot_be_taken_is_refused(tmp_path, scan, attributes, reason):
    write_slice(tmp_path / "patient" / "x", np.zeros((8, 8), int), **attributes)
    told, _ = reasons(tmp_path)
    assert list(told) == ["x"] and reason in told["x"]


def test_one_sentence_for_a_refused_series_of_many_files(tmp_path, scan):
    mr = make_scan(tmp_path / "patient" / "mr", Modality="MR")
    told, _ = reasons(tmp_path)
    assert list(told) == [mr.paths[0].name]


def test_files_beside_the_images_are_left_out(tmp_path, scan):
    for name in ("notes.TXT", "DICOMDIR", "reads.csv", "a.jpg", ".DS_Store", "._x.dcm"):
        (scan.folder / name).write_bytes(b"x")
    (tmp_path / "__MACOSX").mkdir()
    (tmp_path / "__MACOSX" / "y").write_bytes(b"x")
    told, left = reasons(tmp_path)
    assert told == {} and sorted(files for _, files in left) == [3, 4]


@pytest.mark.parametrize("content", [b"", b"x" * 400, b"\0" * 128 + b"DICM" + b"\xff" * 300])
def test_garbage_is_named_and_the_rest_is_read(tmp_path, scan, content):
    (scan.folder / "odd").write_bytes(content)
    told, _ = reasons(tmp_path)
    assert list(told) == ["odd"]
    assert len(find(tmp_path, OURS).cases) == 1


@pytest.mark.parametrize("identity", ["", "ANONYMOUS", "anonymized", "0000", "Unknown"])
def test_a_patient_without_a_name_is_called_as_the_folder(tmp_path, identity):
    for name in ("a", "b"):
        scan = make_scan(tmp_path / name / "deep" / "er", PatientID=identity)
        scan.write_mask(some_labels(scan.hu.shape))
    assert [case.patient for case in find(tmp_path, OURS).cases] == ["a", "b"]


def test_patients_in_one_folder_are_told_apart(tmp_path):
    """Files of two patients, mixed; a NIfTI among them could be anybody's."""
    for name in ("a", "b"):
        scan = make_scan(tmp_path / name, PatientID=name)
        for path in scan.paths:
            path.rename(tmp_path / f"{name}{path.name}")
    assert len(find(tmp_path, OURS).refused) == 2  # no mask
    scan.write_mask(some_labels(scan.hu.shape)).rename(tmp_path / "mask.nii")
    told, _ = reasons(tmp_path)
    assert "several patients" in told["mask.nii"]


def test_other_series_of_a_patient_with_a_mask_are_left_out(tmp_path, scan):
    make_scan(tmp_path / "patient" / "bone", [0, 1, 2, 3])
    told, left = reasons(tmp_path)
    assert told == {} and left == {("no mask refers to it.", 4)}


def test_a_nifti_above_two_series_goes_to_the_one_that_it_fits(tmp_path):
    one = make_scan(tmp_path / "p" / "one")
    make_scan(tmp_path / "p" / "two", [0, 1, 2, 3])
    one.write_mask(some_labels(one.hu.shape)).rename(tmp_path / "p" / "mask.nii.gz")
    [case] = find(tmp_path, OURS).cases
    assert case.path == one.folder


def test_a_nifti_that_fits_two_series_is_refused(tmp_path):
    for name in ("one", "two"):
        scan = make_scan(tmp_path / "p" / name)
    scan.write_mask(some_labels(scan.hu.shape)).rename(tmp_path / "p" / "mask.nii.gz")
    told, left = reasons(tmp_path)
    assert "any of 2 CT series" in told["mask.nii.gz"] and len(told) == 1
    assert left == {("has a mask that is refused.", 6)}


def test_a_mask_is_not_laid_on_another_patient(tmp_path, scan):
    """The mask's own patient has lost the images; another head of the same grid is there."""
    (tmp_path / "lost" / "deep").mkdir(parents=True)
    shutil.copy(scan.folder / "mask.nii.gz", tmp_path / "lost" / "deep" / "theirs.nii.gz")
    told, _ = reasons(tmp_path)
    assert list(told) == ["theirs.nii.gz"] and "no CT series" in told["theirs.nii.gz"]


def test_numbers_without_a_stated_map_are_refused(tmp_path, scan):
    """The same integers mean other classes in other projects."""
    told, left = reasons(tmp_path, None)
    assert "nothing says what they mean" in told["mask.nii.gz"] and len(told) == 1
    (tmp_path / "labels.json").write_text('{"1": "SDH", "2": "", "3": "background"}')
    labels = some_labels(scan.hu.shape) % 4
    scan.write_mask(labels)
    assert np.array_equal(read_one(tmp_path, None).labels, np.where(labels == 1, 5, 0))


@pytest.mark.parametrize("text", ["{", "[1]", '{"1": "XYZ"}', '{"0": "EDH"}', '{"1": 4}'])
def test_a_map_that_is_none_is_told(tmp_path, scan, text):
    (tmp_path / "labels.json").write_text(text)
    with pytest.raises(UserError, match="labels.json"):
        find(tmp_path)


def test_cases_travel_to_another_process_and_files_in_any_map(tmp_path, scan):
    with ThreadPoolExecutor(2) as pool:
        found = find(tmp_path, OURS, pool.map)
    [case] = pickle.loads(pickle.dumps(found.cases))  # noqa: S301
    assert np.array_equal(case.load().hu, scan.hu)


def test_a_file_that_is_gone_when_it_is_read_is_told(tmp_path, scan):
    [case] = find(tmp_path, OURS).cases
    scan.paths[2].unlink()
    with pytest.raises(Refused, match=scan.paths[2].name):
        case.load()


def test_nobody_is_named_in_a_reason_or_by_a_warning(tmp_path, capfd, recwarn, caplog):
    """Reasons and notes go into a report; the values of a header never do."""
    study = make_study(tmp_path / "cohort" / "patient one")
    item = pydicom.dcmread(study.slices[0])
    item.add_new("PatientAge", "AS", NAME)  # a bad value, which pydicom quotes in a warning
    item.save_as(study.slices[0])
    for changes in ({}, {"Modality": NAME[:8]}, {"ImageType": NAME}, {"PixelSpacing": [0, 1]}):
        if changes:
            study.edit(1, **changes)
        recwarn.clear()
        caplog.clear()
        capfd.readouterr()
        found = find(tmp_path, OURS)
        told = [each.reason for each in [*found.refused, *found.left_out]]
        told += [note for case in found.cases for note in case.load().notes]
        told += [str(each.message) for each in recwarn] + [caplog.text, *capfd.readouterr()]
        assert "ROENT" not in " ".join(told) and "patient one" not in " ".join(told)
