"""Joined stores: nobody is two patients, no slice is there twice, no HU is changed."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from lcgan_core.cohort.join import join
from lcgan_core.cohort.resampling import to_slices
from lcgan_core.cohort.salt import hashed
from lcgan_core.cohort.series import Series
from lcgan_core.cohort.store import SliceStore, StoreWriter
from lcgan_core.errors import UserError
from lcgan_core.lesions import FIVE
from lcgan_core.protocol.split import fold

SALT = b"one"


def series(patient, uid, seed, slices=3, label=1):
    rng = np.random.default_rng(seed)
    labels = np.zeros((slices, 8, 8), np.uint8)
    labels[1, 2:5, 2:5] = label
    hu = rng.integers(-1000, 100, (slices, 8, 8)).astype(np.int16)
    return Series(patient, uid, hu, labels, 5.0 * np.arange(slices), (0.5, 0.5), 0.0)


def build(folder, *content, salt=SALT, size=8, classes=FIVE, **manifest):
    writer = StoreWriter(folder, size, "", classes)
    for each in content:
        named = replace(each, patient=hashed(salt, each.patient), uid=hashed(salt, each.uid))
        writer.append({}, to_slices(named, size, classes))
    writer.finish({"source": folder.name, **manifest}, also=lambda made: None)
    return folder


def test_stores_that_share_nobody_are_put_end_to_end(tmp_path):
    a = build(tmp_path / "a", series("p", "s", 0), series("q", "t", 1), salt_check="x")
    b = build(tmp_path / "b", series("r", "u", 2, label=5), salt_check="x")
    made = join([a, b], tmp_path / "out")
    one, two, both = (SliceStore.open(folder) for folder in (a, b, tmp_path / "out"))
    assert np.array_equal(both.hu, np.concatenate([one.hu, two.hu]))
    assert np.array_equal(both.labels, np.concatenate([one.labels, two.labels]))
    assert both.hu.dtype == np.int16 and isinstance(both.hu, np.memmap)
    expected = pd.concat([one.slices, two.slices], ignore_index=True)
    assert both.slices.drop(columns="slice").equals(expected.drop(columns="slice"))
    assert both.slices.slice.tolist() == list(range(9))
    assert made.shared.empty and made.dropped == 0
    manifest = json.loads((tmp_path / "out/manifest.json").read_text())
    assert (manifest["patients"], manifest["series"], manifest["slices"]) == (3, 3, 9)
    assert manifest["salt_check"] == "x" and manifest["image_size"] == 8
    assert [item["source"] for item in manifest["joined"]] == ["a", "b"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "hu.npy", "join.csv", "labels.npy", "manifest.json", "slices.csv",
    ]  # fmt: skip


def test_a_patient_of_both_stays_one_and_the_scan_is_kept_once(tmp_path):
    """BHSD, MBH-Seg25, HemSeg and RSNA are one source of images."""
    a = build(tmp_path / "a", series("p", "s", 0), series("q", "t", 1))
    b = build(tmp_path / "b", series("p", "s", 0, label=3), series("p", "new", 5))
    made = join([a, b], tmp_path / "out")
    slices = made.store.slices
    assert slices.patient.nunique() == 2 and slices.series.nunique() == 3 and len(slices) == 9
    assert (made.dropped, made.other_labels) == (3, 1)
    assert set(np.unique(made.store.labels)) == {0, 1}  # the first store's labels stay
    row = made.shared.iloc[0]
    assert (row.store, row.other_store, row.why) == (1, 2, "patient, series, slices")
    assert row.slices == 3 and row.patient == row.other == slices.patient[0]
    written = pd.read_csv(tmp_path / "out/join.csv", dtype={"patient": str, "other": str})
    assert written.equals(made.shared)


def test_equal_slices_tie_patients_that_have_other_names(tmp_path):
    """HemSeg without its list of patients names nobody."""
    whole = series("p", "s", 0)
    part = Series("x", "y", whole.hu[1:], whole.labels[1:], whole.positions[1:], (0.5, 0.5), 0.0)
    a = build(tmp_path / "a", series("first", "f", 9), whole)
    made = join([a, build(tmp_path / "b", part, series("x", "z", 4))], tmp_path / "out")
    assert made.store.slices.patient.nunique() == 2 and made.dropped == 2
    assert made.shared.why.tolist() == ["slices"] and made.shared.slices.tolist() == [2]
    first = SliceStore.open(a).slices.patient
    assert set(made.store.slices.patient) == set(first)  # the first id stays
    shown = dict.fromkeys(made.store.slices.patient, ["IPH"])
    assert fold(shown, 2, 0, 0) | fold(shown, 2, 1, 0) == set(first)


def test_a_chain_of_three_stores_is_one_patient(tmp_path):
    a = build(tmp_path / "a", series("p", "s", 0))
    b = build(tmp_path / "b", series("q", "t", 0), series("q", "u", 1))
    c = build(tmp_path / "c", series("r", "v", 1), series("other", "w", 2))
    made = join([a, b, c], tmp_path / "out")
    assert made.store.slices.patient.nunique() == 2 and len(made.shared) == 2


def test_a_series_of_two_patients_ties_them(tmp_path):
    a, b = build(tmp_path / "a", series("p", "s", 0)), build(tmp_path / "b", series("q", "s", 1))
    made = join([a, b], tmp_path / "out")
    assert made.store.slices.patient.nunique() == 1 and made.shared.why.tolist() == ["series"]
    assert len(made.store.slices) == 3  # one scan, read in two ways


@pytest.mark.parametrize("value", [-1024, 0])
def test_empty_slices_tie_nobody(tmp_path, value):
    stores = []
    for k, name in enumerate("ab"):
        one = series(name, name, k)
        one.hu[0] = value
        stores.append(build(tmp_path / name, one))
    made = join(stores, tmp_path / "out")
    assert made.shared.empty and len(made.store.slices) == 6


def test_joining_is_the_same_each_time_and_may_go_on(tmp_path):
    a, b, c = (build(tmp_path / n, series(n, n, k)) for k, n in enumerate("abc"))
    join([a, b], tmp_path / "ab")
    join([tmp_path / "ab", c], tmp_path / "steps")
    join([a, b, c], tmp_path / "once")
    for name in ("hu.npy", "labels.npy", "slices.csv"):
        assert (tmp_path / "steps" / name).read_bytes() == (tmp_path / "once" / name).read_bytes()


def refused(stores, out, *parts):
    with pytest.raises(UserError) as error:
        join(stores, out)
    assert all(part in str(error.value) for part in parts) and "\n" not in str(error.value)


def test_stores_that_do_not_fit_are_told(tmp_path):
    a = build(tmp_path / "a", series("p", "s", 0), salt_check="x")
    refused([a, build(tmp_path / "b", series("q", "t", 1), size=16)], tmp_path / "o", "8", "16")
    other = build(tmp_path / "c", series("q", "t", 1), salt_check="y")
    refused([a, other], tmp_path / "o", "different salts", str(other))
    refused([a], tmp_path / "o", "two slice stores")
    refused([a, tmp_path / "nowhere"], tmp_path / "o", "not a slice store")
    refused([a, a], a, "exists")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b", "c"]


def test_a_store_that_does_not_tell_its_salt_may_be_joined(tmp_path):
    a = build(tmp_path / "a", series("p", "s", 0), salt_check="x")
    join([a, build(tmp_path / "b", series("q", "t", 1))], tmp_path / "out")
    assert "salt_check" not in json.loads((tmp_path / "out/manifest.json").read_text())


def test_a_full_disk_leaves_nothing(tmp_path, monkeypatch):
    stores = [build(tmp_path / n, series(n, n, k)) for k, n in enumerate("ab")]

    def full(self, *arguments, **keywords):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pd.DataFrame, "to_csv", full)
    refused(stores, tmp_path / "out", "disk", "full")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


def test_the_same_call_again_leaves_the_store_and_another_is_refused(tmp_path):
    """As after a signal that came when the store was in its place and the command had not ended."""
    a, b = (build(tmp_path / k, series(k, "s" + k, seed)) for seed, k in enumerate("ab"))
    first = join([a, b], tmp_path / "out")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").iterdir()}
    again = join([a, b], tmp_path / "out")
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "out").iterdir()} == before
    assert again.store.slices.equals(first.store.slices) and again.dropped == first.dropped
    for stores in ([b, a], [a, build(tmp_path / "c", series("c", "sc", 9))]):
        with pytest.raises(UserError, match="exists; remove it"):
            join(stores, tmp_path / "out")
