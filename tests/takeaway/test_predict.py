"""Lesions of scans without masks, on the scans' own pixels, whichever way these run."""

import shutil

import nibabel as nib
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from pydicom import filereader

from lcgan_core.cohort.store import SliceStore
from lcgan_core.errors import UserError
from lcgan_core.synthesis import Outliner
from lcgan_core.takeaway import export
from lcgan_core.takeaway.predict import TABLE, Outlined, predict

from .trained import segmenter_model


class Bright(Outliner):
    """Calls every pixel above 55 HU label 2: what it should give is known."""

    def outline(self, hu):
        return np.where((hu > 55) & (hu < 100), 2, 0).astype(np.uint8)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    made = tmp_path_factory.mktemp("predict")
    segmenter_model(made)
    export.whole(made / "store", "dicom", made / "dicom")
    for path in (made / "dicom").rglob("seg.dcm"):
        path.unlink()
    (made / "nifti").mkdir()
    export.whole(made / "store", "nifti", made / "whole")
    for k, path in enumerate(sorted((made / "whole" / "images").iterdir())):
        image = nib.load(path)
        turned = image if k % 2 else image.slicer[::-1, :, ::-1]  # the affine turns with it
        nib.save(turned, made / "nifti" / path.name)
    return made


@pytest.fixture(autouse=True)
def salt(monkeypatch, tmp_path):
    monkeypatch.setenv("LCGAN_SALT", str(tmp_path / "salt"))


def bright(place):
    return Bright.from_pretrained(place / "fcn8s")


def test_nifti_masks_lie_on_their_scans_however_these_are_turned(place, tmp_path):
    assert predict(place / "nifti", lambda: bright(place), tmp_path / "out", "nifti") == (6, 0)
    masks = [nib.load(path) for path in (tmp_path / "out").glob("*.nii.gz")]
    scans = [nib.load(path) for path in (place / "nifti").iterdir()]
    for scan in scans:
        hu = np.asarray(scan.dataobj)
        expected = np.where((hu > 55) & (hu < 100), 2, 0)
        found = [m for m in masks if np.allclose(m.affine, scan.affine)]
        assert any(np.array_equal(np.asarray(m.dataobj), expected) for m in found)


def test_a_seg_names_its_images_and_lies_on_them(place, tmp_path):
    assert predict(place / "dicom", lambda: bright(place), tmp_path / "out", "dicom") == (6, 0)
    series = {}
    for path in (place / "dicom").rglob("*.dcm"):
        item = pydicom.dcmread(path)
        series.setdefault(item.SeriesInstanceUID, {})[item.SOPInstanceUID] = item
    for path in (tmp_path / "out").glob("*.dcm"):
        seg = pydicom.dcmread(path)
        images = series.pop(seg.ReferencedSeriesSequence[0].SeriesInstanceUID)
        assert "not for diagnosis" in seg.ContentDescription
        seen = set()
        frames = seg.pixel_array
        for frame, group in zip(frames, seg.PerFrameFunctionalGroupsSequence, strict=True):
            source = group.DerivationImageSequence[0].SourceImageSequence[0]
            image = images[source.ReferencedSOPInstanceUID]
            hu = image.pixel_array.astype(int) - 1024
            number = group.SegmentIdentificationSequence[0].ReferencedSegmentNumber
            expected = (hu > 55) & (hu < 100) if number == 2 else np.zeros_like(hu)
            assert np.array_equal(frame > 0, expected)
            seen.add(source.ReferencedSOPInstanceUID)
        assert seen <= set(images)
    assert not series


def test_a_scan_of_other_pixels_is_outlined_on_its_own(place, tmp_path):
    image = nib.load(sorted((place / "nifti").iterdir())[1])
    hu = np.asarray(image.dataobj).repeat(2, 0).repeat(2, 1)[:, 8:-8]  # no square
    (tmp_path / "in").mkdir()
    affine = image.affine @ np.diag([0.5, 0.5, 1, 1])
    nib.save(nib.Nifti1Image(hu, affine), tmp_path / "in" / "a.nii.gz")
    predict(tmp_path / "in", lambda: bright(place), tmp_path / "out", "nifti")
    (made,) = (tmp_path / "out").glob("*.nii.gz")
    mask = sitk.GetArrayFromImage(sitk.ReadImage(made))
    assert mask.shape == hu.T.shape
    assert np.array_equal(mask, np.where((hu > 55) & (hu < 100), 2, 0).T)


def test_the_network_s_own_outlines_are_written(place, tmp_path):
    outliner = Outliner.from_pretrained(place / "fcn8s")
    predict(place / "dicom", lambda: outliner, tmp_path / "out", "nifti")
    store = SliceStore.open(place / "store")
    expected = [outliner.outline(np.array(store.hu[k : k + 4])) for k in range(0, 24, 4)]
    made = [np.asarray(nib.load(path).dataobj).T for path in (tmp_path / "out").glob("*.nii.gz")]
    for one in expected:
        assert any(np.array_equal(one, other) for other in made)


def test_scans_are_looked_for_before_a_network_is_made(tmp_path):
    with pytest.raises(UserError, match="nowhere does not exist"):
        predict(tmp_path / "nowhere", lambda: pytest.fail("hours"), tmp_path / "out", "nifti")


def test_what_cannot_be_outlined_is_refused(place, tmp_path):
    with pytest.raises(UserError, match="--as png is not known here"):
        predict(place / "nifti", lambda: bright(place), tmp_path / "out", "png")
    with pytest.raises(UserError, match="A SEG belongs to DICOM images"):
        predict(place / "nifti", lambda: bright(place), tmp_path / "out", "dicom")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.nii.gz").write_bytes(b"no NIfTI")
    with pytest.raises(UserError, match="Nothing in .* could be outlined"):
        predict(tmp_path / "in", lambda: bright(place), tmp_path / "out", "nifti")
    assert not (tmp_path / "out").exists()


def changed(source, target, change):
    """A copy of DICOM files in which one file of the first series is changed."""
    shutil.copytree(source, target)
    path = sorted(target.rglob("*.dcm"))[1]
    item = pydicom.dcmread(path)
    change(item)
    item.save_as(path)
    return target


def without(*names):
    return lambda item: [delattr(item, name) for name in names]


def test_a_scan_that_no_seg_can_refer_to_is_refused_and_the_others_are_outlined(
    place, tmp_path, capsys
):
    source = changed(place / "dicom", tmp_path / "in", without("SOPClassUID"))
    assert predict(source, lambda: bright(place), tmp_path / "out", "dicom") == (5, 1)
    assert "has a header that no SEG can refer to; take --as nifti. (" in capsys.readouterr().err
    assert predict(source, lambda: bright(place), tmp_path / "nifti", "nifti") == (6, 0)


def test_what_anonymisers_leave_out_is_empty_in_the_seg(place, tmp_path):
    source = tmp_path / "in"
    shutil.copytree(place / "dicom", source)
    for path in source.rglob("*.dcm"):
        item = pydicom.dcmread(path)
        del item.PatientSex, item.StudyID, item.StudyTime
        item.save_as(path)
    assert predict(source, lambda: bright(place), tmp_path / "out", "dicom") == (6, 0)
    for path in (tmp_path / "out").glob("*.dcm"):
        seg = pydicom.dcmread(path)
        assert not seg.PatientSex and not seg.StudyID and seg.PatientID


def test_a_header_that_claims_a_huge_element_is_not_obeyed(place, tmp_path, monkeypatch):
    def huge(item):
        item.private_block(0x0009, "LcGAN test", create=True).add_new(1, "OB", b"x" * (2 << 20))

    source, read = changed(place / "dicom", tmp_path / "in", huge), []
    element = filereader.data_element_generator

    def seen(*given, **named):
        for one in element(*given, **named):
            read.append(len(one.value or b"") if hasattr(one, "is_raw") else 0)
            yield one

    monkeypatch.setattr(filereader, "data_element_generator", seen)
    assert predict(source, lambda: bright(place), tmp_path / "out", "dicom") == (6, 0)
    assert read and max(read) < 1 << 20


def test_what_was_refused_before_an_interruption_leaves_nothing_out_and_doubles_nothing(
    place, tmp_path, monkeypatch
):
    source = changed(place / "dicom", tmp_path / "in", without("SOPClassUID"))
    predict(source, lambda: bright(place), tmp_path / "whole", "dicom")
    write, number = Outlined.write, iter(range(9))

    def stopped(self, done, case):
        if next(number) == 3:
            raise KeyboardInterrupt
        return write(self, done, case)

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(Outlined, "write", stopped)
        predict(source, lambda: bright(place), tmp_path / "out", "dicom")
    assert predict(source, lambda: bright(place), tmp_path / "out", "dicom") == (5, 1)
    whole, again = ((tmp_path / name / TABLE).read_text() for name in ("whole", "out"))
    assert again == whole


@pytest.mark.parametrize(
    ("sides", "said"), [((0.0, 0.5), "no CT's"), ((0.5, 5.0), "far from square")]
)
def test_nifti_that_is_no_axial_ct_is_refused(place, tmp_path, sides, said, capsys):
    (tmp_path / "in").mkdir()
    image = nib.load(min((place / "nifti").iterdir()))
    affine = np.diag([max(side, 1e-3) for side in sides] + [5, 1])
    nib.save(nib.Nifti1Image(np.asarray(image.dataobj), affine), tmp_path / "in" / "a.nii.gz")
    with pytest.raises(UserError, match="Nothing in"):
        predict(tmp_path / "in", lambda: bright(place), tmp_path / "out", "nifti")
    assert said in capsys.readouterr().err
