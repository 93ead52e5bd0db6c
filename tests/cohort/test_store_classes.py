"""A store's classes are those of its label map, from every reader to every file of the store."""

import json

import cv2
import numpy as np
import pandas as pd
import pytest

from lcgan_core.cohort import contact_sheet, dicom, nifti
from lcgan_core.cohort.join import join
from lcgan_core.cohort.label_map import LabelMap
from lcgan_core.cohort.public import instance22
from lcgan_core.cohort.resized import resized
from lcgan_core.cohort.series import Refused
from lcgan_core.cohort.store import SliceStore
from lcgan_core.errors import UserError
from lcgan_core.lesions import FIVE, Classes, shown

from .cases import Made, store_of
from .dicom_files import make_scan
from .test_dicom_rtstruct import HOLE, SQUARE, square, write_rtstruct
from .test_dicom_seg import write_seg
from .test_public_sets import make_instance
from .volumes import display, head, lesion, noisy_head, write

TWO = Classes(("PHE", "IPH"), ("perihaematomal oedema", "intraparenchymal"))
MAP = "1=PHE:perihaematomal oedema,2=IPH"


def stored(found, folder, size=24):
    """The store of what a reader found; 24 pixels are the slices of make_scan, padded."""
    assert not found.refused and found.classes == TWO
    return store_of(found.cases, folder, size=size, classes=found.classes).store


def two_labels(shape=(6, 20, 24)):
    """(S, H, W) labels 0..2, different on each slice; the first slice has none."""
    labels = np.random.default_rng(3).integers(0, 3, shape).astype(np.uint8)
    labels[0] = 0
    return labels


def test_nifti(tmp_path):
    mask = lesion(value=2)
    mask[10:12, 5:9, 1] = 1
    write(tmp_path / "in/p_ct.nii.gz", head())
    write(tmp_path / "in/p_seg.nii.gz", mask)
    found = nifti.find(tmp_path / "in", "{patient}_ct.nii.gz", "{patient}_seg.nii.gz",
                       LabelMap.parse("1=IPH,2=PHE:oedema round a bleeding"))  # fmt: skip
    assert found.classes.names == ("IPH", "PHE")
    store = store_of(found.cases, tmp_path / "store", size=18, classes=found.classes).store
    assert store.classes.titles == ("intraparenchymal", "oedema round a bleeding")
    # 18 rows of 16 columns, all of 0.5 mm: a column of air on either side makes them square
    assert np.array_equal(store.labels[:, :, 1:-1], display(mask)) and store.labels.shape[2] == 18
    assert store.slices.area_IPH.tolist() == [0, 8 * 0.25, 0, 0]
    assert store.slices.area_PHE.tolist() == [0, 15 * 0.25, 15 * 0.25, 0]


def test_nifti_beside_dicom_with_labels_json(tmp_path):
    scan, labels = make_scan(tmp_path / "in" / "p", spacing=(0.5, 0.5)), two_labels()
    scan.write_mask(labels)
    labels_json = {"1": "PHE:perihaematomal oedema", "2": "IPH"}
    (tmp_path / "in" / "labels.json").write_text(json.dumps(labels_json))
    store = stored(dicom.find(tmp_path / "in"), tmp_path / "store")
    assert np.array_equal(store.labels[:, 2:-2], labels)


def test_dicom_seg(tmp_path):
    scan, labels = make_scan(tmp_path / "in" / "p", spacing=(0.5, 0.5)), two_labels()
    write_seg(scan, labels, ["Oedema rim", "Intracerebral bleed"])
    found = dicom.find(
        tmp_path / "in", LabelMap.parse("oedema rim=PHE:perihaematomal oedema,2=IPH")
    )
    store = stored(found, tmp_path / "store")
    assert np.array_equal(store.labels[:, 2:-2], labels)
    assert store.slices.area_PHE.tolist() == [0.25 * (one == 1).sum() for one in labels]


def test_rtstruct(tmp_path):
    scan = make_scan(tmp_path / "in" / "p", spacing=(0.5, 0.5))
    write_rtstruct(scan, {"bleed": [(4, HOLE)], "PHE": [(2, SQUARE)]})
    found = dicom.find(tmp_path / "in", LabelMap.parse("1=PHE:perihaematomal oedema,bleed=IPH"))
    expected = square(scan.hu.shape).astype(np.uint8)
    expected[4, 6:9, 7:10] = 2
    assert np.array_equal(stored(found, tmp_path / "store").labels[:, 2:-2], expected)


def test_a_part_of_a_class_that_the_map_does_not_name_is_refused(tmp_path):
    scan = make_scan(tmp_path / "in" / "p")
    write_rtstruct(scan, {"SDH": [(4, HOLE)]})
    [case] = dicom.find(tmp_path / "in", LabelMap.parse(MAP)).cases
    with pytest.raises(Refused, match="no known class.*labels.json"):
        case.load()


def test_binary_masks_of_one_class_and_of_two(tmp_path):
    make_instance(tmp_path)
    found = instance22.find(tmp_path, as_class="PHE:perihaematomal oedema")
    assert found.classes == Classes(TWO.names[:1], TWO.titles[:1])
    assert [set(np.unique(case.load().labels)) for case in found.cases] == [{0, 1}] * 2
    table = tmp_path / "mine.csv"
    table.write_text("scan,class\n1,PHE:perihaematomal oedema\n2,iph\n")
    found = instance22.find(tmp_path, class_table=table)
    assert found.classes == TWO
    assert [set(np.unique(case.load().labels)) for case in found.cases] == [{0, 1}, {0, 2}]
    with pytest.raises(UserError, match='--as names the class "PHE".*"PHE:perihaematomal oedema"'):
        instance22.find(tmp_path, as_class="PHE")


@pytest.fixture
def store(tmp_path):
    """Two patients of three slices of 24 x 24 pixels of 0.5 mm, both classes on each slice."""
    for name, seed in (("a", 1), ("b", 2)):
        scan = make_scan(
            tmp_path / "in" / name,
            heights=[0.0, 5.0, 10.0],
            spacing=(0.5, 0.5),
            hu=noisy_head((3, 24, 24), seed).astype(int),
            PatientID=name,
        )
        scan.write_mask(np.random.default_rng(seed).integers(0, 3, (3, 24, 24)).astype(np.uint8))
    return stored(dicom.find(tmp_path / "in", LabelMap.parse(MAP)), tmp_path / "store")


def test_the_manifest_and_the_table_list_the_classes(store):
    manifest = json.loads((store.folder / "manifest.json").read_text())
    assert manifest["version"] == 3 and "labels" not in manifest
    assert manifest["classes"] == [
        {"name": "PHE", "title": "perihaematomal oedema"},
        {"name": "IPH", "title": "intraparenchymal"},
    ]
    table = pd.read_csv(store.folder / "slices.csv")
    assert [name for name in table if name.startswith("area_")] == ["area_PHE", "area_IPH"]
    assert "split" not in table
    for value, name in ((1, "area_PHE"), (2, "area_IPH")):
        assert table[name].tolist() == [0.25 * (one == value).sum() for one in store.labels]


def test_the_report_counts_each_class(tmp_path):
    scan, labels = make_scan(tmp_path / "in" / "p", spacing=(0.5, 0.5)), two_labels()
    labels[labels == 2] = 0
    labels[3, 5, 5] = 2
    scan.write_mask(labels)
    found = dicom.find(tmp_path / "in", LabelMap.parse(MAP))
    [row] = store_of(found.cases, tmp_path / "s", size=24, classes=TWO).report.itertuples()
    assert (row.slices, row.with_lesion, row.slices_PHE, row.slices_IPH) == (6, 5, 5, 1)
    assert row.cm2_IPH == 0.0 and row.cm2_PHE == round((labels == 1).sum() * 0.25 / 500, 2)
    assert not hasattr(row, "slices_SDH")


def test_the_contact_sheet_has_a_row_and_a_colour_for_each_class(store):
    contact_sheet.write(store, store.folder / "sheet.png")
    sheet = cv2.imread(str(store.folder / "sheet.png"))[..., ::-1]
    band = contact_sheet.BAR + contact_sheet.TILE + contact_sheet.CAPTION
    assert len(sheet) == 2 * band  # none without a lesion
    for row in (sheet[:band], sheet[band:]):
        assert all((row == color).all(axis=-1).any() for color in shown(2)[1:])
        assert row[-contact_sheet.CAPTION :, : contact_sheet.TILE].any()


@pytest.mark.parametrize("size", [12, 24])
def test_a_store_of_another_size_keeps_its_classes(store, tmp_path, size):
    small = resized(store, tmp_path / "small", size)
    assert small.classes == TWO and small.image_size == size
    assert small.slices.area_PHE.sum() == pytest.approx(store.slices.area_PHE.sum(), rel=0.15)


def test_stores_of_the_same_classes_are_joined(store, tmp_path):
    other = store_of([Two(7, tmp_path)], tmp_path / "other", size=24, classes=TWO).store
    joined = join([store.folder, other.folder], tmp_path / "both").store
    assert joined.classes == TWO and len(joined.hu) == 9
    assert json.loads((tmp_path / "both" / "manifest.json").read_text())["version"] == 3


@pytest.mark.parametrize(
    "classes",
    [
        FIVE,
        Classes(TWO.names[::-1], TWO.titles[::-1]),
        Classes(TWO.names, ("oedema", "intraparenchymal")),
    ],
)
def test_stores_of_other_classes_are_not_joined(store, tmp_path, classes):
    other = store_of([Two(7, tmp_path)], tmp_path / "other", size=24, classes=classes).store
    with pytest.raises(UserError) as told:
        join([store.folder, other.folder], tmp_path / "both")
    said = str(told.value)
    for part in (store.folder, other.folder, TWO, classes, "same classes in the same order"):
        assert str(part) in said
    assert "\n" not in said and not (tmp_path / "both").exists()


class Two(Made):
    """A series with labels 0..2."""

    def load(self):
        series = super().load()
        series.labels[:] %= 3
        return series


@pytest.mark.parametrize("version", [1, 2])
def test_a_store_from_before_lists_no_classes_and_has_the_five(tmp_path, version):
    old = store_of([Made(1, tmp_path)], tmp_path / "store").store
    manifest = old.manifest
    del manifest["classes"]
    manifest |= {"version": version, "labels": {"IPH": 1, "IVH": 2, "SAH": 3, "EDH": 4, "SDH": 5}}
    (old.folder / "manifest.json").write_text(json.dumps(manifest))
    assert SliceStore.open(old.folder).classes == FIVE
    new = store_of([Made(2, tmp_path)], tmp_path / "new").store
    assert join([old.folder, new.folder], tmp_path / "both").store.classes == FIVE
    assert resized(SliceStore.open(old.folder), tmp_path / "same", 32).classes == FIVE
    assert "classes" in resized(SliceStore.open(old.folder), tmp_path / "half", 16).manifest


@pytest.mark.parametrize(
    "classes",
    [[], ["PHE"], [{"name": "PHE"}], [{"name": "SDH", "title": "subdural"}] * 2, {"PHE": 1}, 3],
)
def test_a_manifest_of_no_classes_is_told(store, classes):
    manifest = store.manifest | {"classes": classes}
    (store.folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(UserError, match="damaged.*build it again"):
        SliceStore.open(store.folder)


def test_a_table_without_the_area_of_a_class_is_told(store):
    store.slices.drop(columns="area_PHE").to_csv(store.folder / "slices.csv", index=False)
    with pytest.raises(UserError, match="area_PHE"):
        SliceStore.open(store.folder)


def test_a_label_beyond_the_classes_is_a_mistake_of_the_reader(tmp_path):
    """Six labels in a store of two classes would count in no column."""
    with pytest.raises(UserError, match="unforeseen"):
        store_of([Made(1, tmp_path)], tmp_path / "store", classes=TWO)
