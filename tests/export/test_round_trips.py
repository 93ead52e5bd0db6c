"""What is written is read again by other libraries and by our own ingest: same HU, labels, mm."""

import json

import nibabel as nib
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk

from lcgan_core.cohort.ingest import ingest_folder
from lcgan_core.cohort.label_map import LabelMap
from lcgan_core.cohort.store import SliceStore
from lcgan_core.errors import UserError
from lcgan_core.export.place import Place
from lcgan_core.takeaway import export

from ..stages.heads import TWO, bleeds, write_store

TILT = 12.0


@pytest.fixture
def store(tmp_path):
    labels, hu = bleeds(3)
    folder = write_store(tmp_path / "store", 3, classes=TWO, slices=4, labels=labels, hu=hu)
    table = (folder / "slices.csv").read_text().replace(",0.5,0.0,", f",0.5,{TILT},")
    (folder / "slices.csv").write_text(table)
    return SliceStore.open(folder)


def read_again(source, out, form, **given):
    return ingest_folder(source, form, out, 64, given, b"0" * 16, as_given=True).store


def compare(ours, theirs):
    """Equal slice by slice, whatever order the patients have got."""
    assert theirs.classes == ours.classes
    places = {hu.tobytes(): k for k, hu in enumerate(ours.hu)}
    order = [places[hu.tobytes()] for hu in theirs.hu]
    assert sorted(order) == list(range(len(ours.hu)))
    assert np.array_equal(theirs.labels, ours.labels[order])
    columns = ["position_mm", "pixel_spacing_mm", "gantry_tilt_deg", *ours.classes.areas]
    a, b = theirs.slices[columns].to_numpy(), ours.slices[columns].to_numpy()[order]
    assert np.allclose(a, b, atol=0.011)  # a store rounds the tilt and the areas to hundredths


def test_store_to_nifti_to_store(store, tmp_path):
    assert export.whole(store.folder, "nifti", tmp_path / "out") == 3
    again = read_again(
        tmp_path / "out", tmp_path / "again", "nifti", images="images/{patient}.nii.gz",
        masks="labels/{patient}.nii.gz", labels=LabelMap.parse(str(tmp_path / "out/labels.json")),
    )  # fmt: skip
    compare(store, again)


def test_store_to_dicom_and_seg_to_store(store, tmp_path):
    export.whole(store.folder, "dicom", tmp_path / "out")
    again = read_again(tmp_path / "out", tmp_path / "again", "dicom")
    compare(store, again)


def test_store_to_store(store, tmp_path):
    export.whole(store.folder, "store", tmp_path / "out")
    again = SliceStore.open(tmp_path / "out" / "store")
    assert np.array_equal(again.hu, store.hu)
    compare(store, again)


def test_simpleitk_and_nibabel_agree_on_where_nifti_and_dicom_lie(store, tmp_path):
    for form in ("nifti", "dicom"):
        export.whole(store.folder, form, tmp_path / form)
    volume = sitk.ReadImage(tmp_path / "nifti" / "images" / "series_0001.nii.gz")
    files = sorted((tmp_path / "dicom" / "series_0001" / "ct").iterdir())
    assert np.array_equal(sitk.GetArrayFromImage(volume), store.hu[:4])
    affine = nib.load(tmp_path / "nifti" / "images" / "series_0001.nii.gz").affine
    for k, path in enumerate(files):
        image = sitk.ReadImage(path)
        assert np.array_equal(sitk.GetArrayFromImage(image)[0], store.hu[k])
        corner = affine @ [63, 63, k, 1] * [-1, -1, 1, 1]
        point = image.TransformIndexToPhysicalPoint((63, 63, 0))
        assert np.allclose(point, corner[:3], atol=1e-4)


def test_dicom_says_what_it_is_and_has_new_identifiers(store, tmp_path):
    for name in ("one", "two"):
        export.whole(store.folder, "dicom", tmp_path / name)
    first = pydicom.dcmread(tmp_path / "one/series_0001/ct/0001.dcm")
    assert first.ImageType == ["DERIVED", "SECONDARY", "AXIAL"] and "SyntheticData" not in first
    again = pydicom.dcmread(tmp_path / "two/series_0001/ct/0001.dcm")
    assert first.SOPInstanceUID == again.SOPInstanceUID  # of the same call
    seg = pydicom.dcmread(tmp_path / "one/series_0001/seg.dcm")
    assert seg.ReferencedSeriesSequence[0].SeriesInstanceUID == first.SeriesInstanceUID
    uids = [pydicom.dcmread(p).SOPInstanceUID for p in (tmp_path / "one").rglob("*.dcm")]
    assert len(set(uids)) == len(uids) == 15


def test_patients_fold_by_fold_in_nnunets_splits(store, tmp_path):
    out = tmp_path / "Dataset501_ICH"
    export.whole(store.folder, "nnunet", out)
    dataset = json.loads((out / "dataset.json").read_text())
    assert dataset["labels"] == {"background": 0, "PHE": 1, "IPH": 2}
    assert dataset["numTraining"] == 3
    splits = json.loads((out / "splits_final.json").read_text())
    names = {"series_0001", "series_0002", "series_0003"}
    assert [set(s["train"]) | set(s["val"]) for s in splits] == [names] * 3
    assert sorted(name for s in splits for name in s["val"]) == sorted(names)
    assert {p.name for p in (out / "imagesTr").iterdir()} == {f"{n}_0000.nii.gz" for n in names}


def test_what_cannot_be_written_is_refused_and_nothing_is_left(store, tmp_path):
    with pytest.raises(UserError, match="call it DatasetNNN_NAME"):
        export.whole(store.folder, "nnunet", tmp_path / "out")
    with pytest.raises(UserError, match="--as tiff is not known; allowed: nifti"):
        export.whole(store.folder, "tiff", tmp_path / "out")
    assert not [path for path in tmp_path.iterdir() if path.name != "store"]


def test_uneven_slices_are_no_volume():
    place = Place.of_store(np.array([0.0, 5.0, 15.0]), 0.5, 0.0, 64)
    with pytest.raises(UserError, match="not evenly spaced"):
        place.affine()


def test_a_resized_place_by_hand():
    # 4 x 6 pixels of 1 mm become 3 x 3 of 2 mm: one row of air above and below
    place = Place(np.array([[-1.0, 0], [0, -1.0], [0, 0]]), np.zeros((1, 3)))
    small = place.resized((4, 6), 3)
    assert small.pixel == (2.0, 2.0)
    assert small.starts[0].tolist() == [-0.5, 0.5, 0.0]
