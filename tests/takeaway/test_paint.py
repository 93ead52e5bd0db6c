"""Masks of any kind in, slices of any kind out; interrupted, wrong, and too many."""

import csv
import json
import shutil

import cv2
import nibabel as nib
import numpy as np
import pandas as pd
import pydicom
import pytest
from monai.data import load_decathlon_datalist

from lcgan_core.cohort.store import SliceStore
from lcgan_core.errors import UserError
from lcgan_core.synthesis import Painter
from lcgan_core.takeaway import export, folder, paint
from lcgan_core.takeaway.paint import Asked

from .trained import generator_model


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    made = tmp_path_factory.mktemp("paint")
    generator_model(made)
    return made


@pytest.fixture(autouse=True)
def salt(monkeypatch, tmp_path):
    monkeypatch.setenv("LCGAN_SALT", str(tmp_path / "salt"))


def asked(place, out, **more):
    return Asked(**{"source": place / "store", "model": place / "lcgan", "out": out} | more)


def rows(out):
    with (out / "synthetic.csv").open() as file:
        return list(csv.DictReader(file))


def volumes(out):
    """HU and labels of the NIfTI cases, in their order."""
    names = [row["name"] for row in rows(out)]
    return tuple(
        np.stack([nib.load(out / what / f"{n}.nii.gz").get_fdata()[..., 0].T for n in names])
        for what in ("images", "labels")
    )


def test_a_slice_for_each_mask_and_again_with_other_noise(place, tmp_path):
    store = SliceStore.open(place / "store")
    drawn = store.labels[store.labels.any((1, 2))]
    assert paint.paint(asked(place, tmp_path / "a")) == len(drawn) == 18
    hu, labels = volumes(tmp_path / "a")
    assert np.array_equal(labels, drawn)
    assert hu.min() >= 0 and hu.max() <= 100
    assert paint.paint(asked(place, tmp_path / "b", count=40)) == 40
    more, again = volumes(tmp_path / "b")
    assert np.array_equal(again, drawn[np.arange(40) % 18])
    assert np.array_equal(more[:18], hu) and not np.array_equal(more[18:36], hu)
    told = json.loads((tmp_path / "b" / "about.json").read_text())
    assert told["saturated"] == "HU below 0 and above 100 are cut off."
    items = load_decathlon_datalist(str(tmp_path / "b" / "datalist.json"), True, "training")
    assert len(items) == 40 and nib.load(items[0]["image"]).shape == (64, 64, 1)


@pytest.fixture(scope="module")
def given(place, tmp_path_factory):
    """The masks of the store as files of every kind, and what has to be said of them."""
    made = tmp_path_factory.mktemp("masks")
    export.whole(place / "store", "nifti", made / "nifti")
    export.whole(place / "store", "dicom", made / "dicom")
    export.whole(place / "store", "png", made / "png")
    large = made / "large"
    large.mkdir()
    for path in (made / "nifti" / "labels").iterdir():
        image = nib.load(path)
        twice = np.asarray(image.dataobj).repeat(2, 0).repeat(2, 1)
        affine = image.affine @ np.diag([0.5, 0.5, 1, 1])
        affine[:3, 3] -= affine[:3, :2].sum(1) / 2
        nib.save(nib.Nifti1Image(twice, affine), large / path.name)
    return {
        "nifti": {"source": made / "nifti"},
        "nifti by pattern": {
            "source": made / "nifti", "pattern": "labels/{patient}.nii.gz",
            "labels": "1=PHE:perihaematomal oedema,2=IPH",
        },
        "nifti twice as large": {
            "source": large, "labels": "1=PHE:perihaematomal oedema,2=IPH",
        },
        "dicom": {"source": made / "dicom"},
        "png": {"source": made / "png", "spacing": "0.5/5"},
    }  # fmt: skip


@pytest.mark.parametrize(
    "kind", ["nifti", "nifti by pattern", "nifti twice as large", "dicom", "png"]
)
def test_masks_of_every_kind_paint_what_the_store_s_do(kind, place, given, tmp_path):
    paint.paint(asked(place, tmp_path / "a"))
    paint.paint(asked(place, tmp_path / "b", **given[kind]))
    (hu, labels), (others, masks) = volumes(tmp_path / "a"), volumes(tmp_path / "b")
    order = [next(k for k, m in enumerate(masks) if np.array_equal(m, one)) for one in labels]
    assert sorted(order) == list(range(18))
    if order == sorted(order):  # else another mask has got the noise
        assert np.array_equal(others, hu)
    names = [[row["name"] for row in rows(tmp_path / part)] for part in "ab"]
    places = [
        nib.load(tmp_path / part / "labels" / f"{names[k][i]}.nii.gz").affine
        for k, part in enumerate("ab")
        for i in [0 if part == "a" else order[0]]
    ]
    assert np.allclose(np.abs(places[0][:2, :2]), np.abs(places[1][:2, :2]), atol=1e-4)
    if kind != "png":
        assert np.allclose(places[0], places[1], atol=1e-3)


def test_other_forms_hold_the_same(place, tmp_path):
    for form in ("nifti", "png", "store", "dicom"):
        paint.paint(asked(place, tmp_path / form, form=form))
    hu, labels = volumes(tmp_path / "nifti")
    store = SliceStore.open(tmp_path / "store" / "store")
    assert np.array_equal(store.hu, hu) and np.array_equal(store.labels, labels)
    assert store.manifest["hu_exact"] == [0.0, 100.0]
    picture = cv2.imread(str(tmp_path / "png/images/synthetic_00001.png"), cv2.IMREAD_UNCHANGED)
    assert np.abs(picture - hu[0] * 2.55).max() < 0.51  # halves are rounded either way
    assert len(list((tmp_path / "dicom").glob("*/seg.dcm"))) == 6


def test_an_interrupted_call_goes_on_and_ends_the_same(place, tmp_path, monkeypatch):
    paint.paint(asked(place, tmp_path / "whole", count=30))
    for form in ("nifti", "store"):
        out, write = tmp_path / f"out-{form}", folder.FORMATS[form].write

        def stopped(self, number, case, write=write, limit=11 if form == "nifti" else 4):
            if number == limit:
                raise KeyboardInterrupt
            return write(self, number, case)

        with monkeypatch.context() as patched:
            patched.setattr(folder.FORMATS[form], "write", stopped)
            with pytest.raises(KeyboardInterrupt):
                paint.paint(asked(place, out, count=30, form=form))
        assert not out.exists()
        partial = out.with_name(f".{out.name}.partial")
        written = partial.rglob("*.nii.gz")
        before = {path.relative_to(partial): path.stat().st_mtime_ns for path in written}
        paint.paint(asked(place, out, count=30, form=form))
        assert {name: (out / name).stat().st_mtime_ns for name in before} == before
    whole = volumes(tmp_path / "whole")
    assert all(map(np.array_equal, whole, volumes(tmp_path / "out-nifti")))
    assert np.array_equal(SliceStore.open(tmp_path / "out-store" / "store").hu, whole[0])


def test_moved_masks_are_new_and_keep_their_classes_near_where_they_were(place, tmp_path):
    paint.paint(asked(place, tmp_path / "a", moved=True, count=36))
    labels = volumes(tmp_path / "a")[1]
    store = SliceStore.open(place / "store")
    drawn = store.labels[store.labels.any((1, 2))][np.arange(36) % 18]
    changed = (labels != drawn).any((1, 2))
    assert changed.mean() > 0.8
    assert [row["moved"] for row in rows(tmp_path / "a")] == [str(c) for c in changed]
    for before, after in zip(drawn, labels, strict=True):
        assert set(np.unique(before)) == set(np.unique(after))
        assert 0.5 < (after > 0).sum() / (before > 0).sum() < 1.8


def test_the_same_call_again_does_nothing_and_another_is_refused(place, tmp_path):
    paint.paint(asked(place, tmp_path / "a", count=2))
    before = {p: p.stat().st_mtime_ns for p in (tmp_path / "a").rglob("*")}
    assert paint.paint(asked(place, tmp_path / "a", count=2)) == 2
    assert {p: p.stat().st_mtime_ns for p in (tmp_path / "a").rglob("*")} == before
    with pytest.raises(UserError, match="holds something else; give another folder"):
        paint.paint(asked(place, tmp_path / "a", count=3))


@pytest.mark.parametrize(
    ("make", "more", "sentence"),
    [
        (np.full((64, 64, 2), 7), {"labels": "1=IPH"}, "holds the value 7, which is not in the"),
        (np.ones((64, 64, 2)), {"labels": "1=EDH"}, "shows EDH, which the model does not know"),
        (np.ones((64, 64, 2)), {}, "What the masks in .* mean has to be said: --labels"),
        (np.ones((32, 32, 2)), {"labels": "1=IPH"}, "has masks of 32 x 32 pixels, the model pain"),
        (np.zeros((64, 64, 2)), {"labels": "1=IPH"}, "show no lesion; there is nothing to paint"),
    ],
    ids=["unknown value", "unknown class", "no map", "too small", "empty"],
)
def test_masks_that_cannot_be_painted_are_refused_and_nothing_is_written(
    place, tmp_path, make, more, sentence
):
    (tmp_path / "m").mkdir()
    nib.save(nib.Nifti1Image(make.astype(np.uint8), np.eye(4)), tmp_path / "m" / "a.nii.gz")
    with pytest.raises(UserError, match=sentence):
        paint.paint(asked(place, tmp_path / "out", source=tmp_path / "m", **more))
    assert not list(tmp_path.glob("*out*"))


@pytest.mark.parametrize(
    "lost", ["SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence", "PixelData"]
)
def test_a_seg_that_is_not_whole_is_refused_by_name(place, given, tmp_path, lost):
    (tmp_path / "m").mkdir()
    source = given["dicom"]["source"]
    shutil.copy(source / "labels.json", tmp_path / "m")
    item = pydicom.dcmread(next(source.rglob("seg.dcm")))
    delattr(item, lost)
    item.save_as(tmp_path / "m" / "seg.dcm")
    with pytest.raises(UserError, match=r"seg.dcm cannot be decoded; export the mask again"):
        paint.paint(asked(place, tmp_path / "out", source=tmp_path / "m"))


def test_a_full_disk_is_one_sentence_and_the_next_call_goes_on(place, tmp_path, monkeypatch):
    def full(self, number, case):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(folder.FORMATS["nifti"], "write", full)
        with pytest.raises(UserError, match="the disk is full; .* finished parts are kept"):
            paint.paint(asked(place, tmp_path / "out"))
    assert not (tmp_path / "out").exists()
    assert paint.paint(asked(place, tmp_path / "out")) == 18


def test_nobody_is_named(place, given, tmp_path):
    paint.paint(asked(place, tmp_path / "a", **given["nifti"]))
    told = (tmp_path / "a" / "synthetic.csv").read_text() + (tmp_path / "a/about.json").read_text()
    assert "series_000" not in told and str(tmp_path) not in told
    assert pd.read_csv(tmp_path / "a" / "synthetic.csv").patient.nunique() == 6


def test_a_painter_takes_what_the_folder_holds(place, tmp_path):
    paint.paint(asked(place, tmp_path / "a"))
    labels = volumes(tmp_path / "a")[1].astype(np.uint8)
    row = rows(tmp_path / "a")[0]
    hu = Painter.from_pretrained(place / "lcgan").paint(labels, int(row["seed"]))
    assert np.array_equal(hu, volumes(tmp_path / "a")[0])


def test_masks_outside_the_head_are_pointed_out(place, tmp_path, monkeypatch):
    def airy(self, labels, seed=1):
        hu = np.full(labels.shape, 30, np.int16)
        hu[:, 32:] = 0  # of its own, the lower half is air
        return hu

    monkeypatch.setattr(Painter, "paint", airy)
    mask = np.zeros((64, 64, 2), np.uint8)
    mask[10:14, 10:14, 0] = 1  # (column, row, slice)
    mask[10:14, 50:54, 1] = 1
    (tmp_path / "m").mkdir()
    nib.save(nib.Nifti1Image(mask, np.diag([-1, -1, 5, 1])), tmp_path / "m" / "a.nii.gz")
    paint.paint(asked(place, tmp_path / "out", source=tmp_path / "m", labels="1=IPH"))
    assert [float(row["lost"]) for row in rows(tmp_path / "out")] == [0, 1]
    assert "1 of 2 cases lie mostly in air (synthetic_00002" in paint.outside(tmp_path / "out")
