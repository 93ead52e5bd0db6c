"""A store from somebody else is refused where its parts contradict each other."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest

from lcgan_core import cli
from lcgan_core.cohort.store import SliceStore, StoreWriter
from lcgan_core.errors import UserError
from lcgan_core.lesions import FIVE

from .cases import Made, store_of


@pytest.fixture(scope="module")
def right(tmp_path_factory):
    folder = tmp_path_factory.mktemp("right")
    cases = [Made(k, folder, shape=(32, 32)) for k in (1, 2)]
    return store_of(cases, folder / "store").store.folder


@pytest.fixture
def copy(right, tmp_path):
    return shutil.copytree(right, tmp_path / "store")


def array(name, change):
    def spoil(folder):
        np.save(folder / name, change(np.load(folder / name)))

    return spoil


def table(change):
    def spoil(folder):
        change(pd.read_csv(folder / "slices.csv")).to_csv(folder / "slices.csv", index=False)

    return spoil


def manifest(**changes):
    def spoil(folder):
        path = folder / "manifest.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))

    return spoil


def text(name, content):
    return lambda folder: (folder / name).write_text(content)


def first(value):
    def change(values):
        values[0] = value
        return values

    return change


SPOILED = {
    "label above the classes": (array("labels.npy", first(9)), "label 9"),
    "labels erased": (array("labels.npy", lambda x: x * 0), "areas of"),
    "labels of floats": (array("labels.npy", lambda x: x.astype(float)), "float64"),
    "complex HU": (array("hu.npy", lambda x: x.astype(complex)), "complex128"),
    "HU of 16 bits without a sign": (array("hu.npy", lambda x: x.astype(np.uint16)), "uint16"),
    "flat": (array("hu.npy", lambda x: x[:, 0]), "shape"),
    "not square": (array("hu.npy", lambda x: x[:, :, 1:]), "shape"),
    "no areas": (table(lambda t: t.drop(columns="area_EDH")), "area_EDH"),
    "no patients": (table(lambda t: t.drop(columns="patient")), "patient"),
    "unnamed patient": (table(lambda t: t.assign(patient=None)), "without a patient"),
    "negative area": (table(lambda t: t.assign(area_IPH=-1.0)), "negative"),
    "area beyond the slice": (table(lambda t: t.assign(area_IPH=1e9)), "larger"),
    "area of words": (table(lambda t: t.assign(area_IPH="much")), "numbers"),
    "infinite spacing": (table(lambda t: t.assign(pixel_spacing_mm=np.inf)), "numbers"),
    "no spacing": (table(lambda t: t.assign(pixel_spacing_mm=0)), "pixel_spacing_mm"),
    "spacing of a metre": (table(lambda t: t.assign(pixel_spacing_mm=1000.0)), "pixel_spacing_mm"),
    "slices in another order": (table(lambda t: t[::-1]), "number"),
    "series of two patients": (table(lambda t: t.assign(series="s")), "two patients"),
    "later version": (manifest(version=99), "version 99"),
    "version of words": (manifest(version="new"), "version 'new'"),
    "classes of numbers": (manifest(classes=[1, 2]), "damaged"),
    "no object": (text("manifest.json", "[]"), "damaged"),
    "junk": (text("manifest.json", "{"), "damaged"),
    "nested": (text("manifest.json", "[" * 100_000), "damaged"),
    "header of an array that does not end": (
        lambda folder: (folder / "hu.npy").write_bytes(b"\x93NUMPY\x01\x00\x10\x00{'descr': (    "),
        "damaged",
    ),
    "table of nothing": (text("slices.csv", "\n"), "damaged"),
}


@pytest.mark.parametrize("name", SPOILED)
def test_what_does_not_agree_is_refused_in_one_sentence(copy, name):
    spoil, said = SPOILED[name]
    spoil(copy)
    with pytest.raises(UserError, match=said) as refusal:
        SliceStore.open(copy)
    assert str(copy) in str(refusal.value) and "\n" not in str(refusal.value)


def test_a_wrong_label_that_opening_does_not_see_is_found_by_check(tmp_path, capsys, monkeypatch):
    count, size = 200, 8
    hu, labels = np.zeros((count, size, size), np.int16), np.zeros((count, size, size), np.uint8)
    slices = {"slice": range(count), "patient": "p", "series": "s", "position_mm": 0.0}
    slices |= {"pixel_spacing_mm": 1.0, "gantry_tilt_deg": 0.0, "area_IPH": 0.0}
    named = [{"name": "IPH", "title": "intraparenchymal"}]
    labels[2, 0, 0] = 1  # of 64 slices at equal distances, the second is number 3
    np.save(tmp_path / "hu.npy", hu)
    np.save(tmp_path / "labels.npy", labels)
    pd.DataFrame(slices).to_csv(tmp_path / "slices.csv", index=False)
    (tmp_path / "manifest.json").write_text(json.dumps({"version": 3, "classes": named}))
    SliceStore.open(tmp_path)
    monkeypatch.setattr("sys.argv", ["lcgan", "check", str(tmp_path)])
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert "slice 2 have areas of 1.0 mm2, but slices.csv says 0.0" in str(end.value.code)


def test_check_reads_a_right_store(right, capsys, monkeypatch):
    monkeypatch.setattr("sys.argv", ["lcgan", "check", str(right)])
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert not end.value.code and "6 slices" in capsys.readouterr().out


def test_two_writers_of_one_store_are_told_apart(tmp_path):
    first = StoreWriter(tmp_path / "store", 8, "one", FIVE)
    for stamp in ("one", "another"):
        with pytest.raises(UserError, match=f"{tmp_path}/store is being made by process"):
            StoreWriter(tmp_path / "store", 8, stamp, FIVE)
    assert (first.work / "stamp").read_text() == "one"


def test_a_store_that_appeared_meanwhile_is_not_replaced(right):
    before = {path: path.read_bytes() for path in right.iterdir()}
    with pytest.raises(UserError, match="exists"):
        StoreWriter(right, 32, "another", FIVE)
    assert {path: path.read_bytes() for path in right.iterdir()} == before
    assert not right.with_name(f".{right.name}.partial").exists()


def test_a_store_is_private(tmp_path):
    made = store_of([Made(1, tmp_path)], tmp_path / "store").store.folder
    assert made.stat().st_mode & 0o077 == 0
