"""Ingest streams, survives any interruption, and reports everything that it found."""

import errno
import hashlib

import cv2
import numpy as np
import pytest

from lcgan_core.cohort import report
from lcgan_core.cohort.ingest import CONTACT_SHEET, REPORT
from lcgan_core.cohort.salt import hashed, users_salt
from lcgan_core.cohort.store import SliceStore, Spilled, StoreWriter
from lcgan_core.cohort.workers import AHEAD, workers
from lcgan_core.errors import UserError
from lcgan_core.lesions import FIVE

from .cases import SALT, SECRETS, LeftOut, Made, Refused, store_of


def bytes_of(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def loads(tmp_path):
    return (tmp_path / "log").read_text().split()


def test_two_processes_give_the_same_bytes_as_one(tmp_path):
    cases = [Made(k, tmp_path) for k in range(5)]
    store_of(cases, tmp_path / "one")
    store_of(cases, tmp_path / "two", processes=2)
    assert bytes_of(tmp_path / "one") == bytes_of(tmp_path / "two")


def test_interrupted_then_again_reads_only_the_rest(tmp_path):
    good = [Made(k, tmp_path) for k in range(5)]
    store_of(good, tmp_path / "whole")
    (tmp_path / "log").unlink()
    stopped = [*good[:3], Made(3, tmp_path, fails="interrupted"), good[4]]
    with pytest.raises(UserError, match="Interrupted: 3 of 5 series.*go on"):
        store_of(stopped, tmp_path / "store")
    assert not (tmp_path / "store").exists()
    store_of(good, tmp_path / "store")
    assert loads(tmp_path) == ["0", "1", "2", "3", "3", "4"]
    assert bytes_of(tmp_path / "store") == bytes_of(tmp_path / "whole")
    assert [p.name for p in tmp_path.iterdir() if p.name.endswith(".partial")] == []


@pytest.mark.parametrize("cut", [0, 1, 40])
def test_a_kill_in_the_middle_of_a_write_costs_one_series(tmp_path, cut):
    good = [Made(k, tmp_path) for k in range(3)]
    store_of(good, tmp_path / "whole")
    with pytest.raises(UserError):
        store_of([*good[:2], Made(2, tmp_path, fails="interrupted")], tmp_path / "store")
    partial = tmp_path / ".store.partial"
    with (partial / "hu.npy").open("ab") as file:
        file.write(b"\7" * 1000)  # half a series that no journal line follows
    line = (partial / "journal.jsonl").read_bytes().splitlines(keepends=True)[-1]
    with (partial / "journal.jsonl").open("ab") as file:
        file.write(line[:cut])
    (partial / "5-hu.npy.spilled").write_bytes(b"\7")  # slices that a process left for nobody
    store_of(good, tmp_path / "store")
    assert bytes_of(tmp_path / "store") == bytes_of(tmp_path / "whole")


def test_another_source_starts_anew(tmp_path):
    with pytest.raises(UserError):
        store_of([Made(1, tmp_path), Made(2, tmp_path, fails="interrupted")], tmp_path / "s")
    writer = StoreWriter(tmp_path / "s", 32, "another stamp", FIVE)
    assert writer.entries == 0 and list(writer.records()) == []


@pytest.mark.parametrize("where", [(StoreWriter, "append"), (Spilled, "put")])
def test_a_full_disk_is_told_and_the_next_run_goes_on(tmp_path, monkeypatch, where):
    cases, write, calls = [Made(k, tmp_path) for k in range(3)], getattr(*where), []

    def full(*of):
        calls.append(of)
        if len(calls) == 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(*of)

    with monkeypatch.context() as patched:
        patched.setattr(*where, full)
        with pytest.raises(UserError, match="the disk is full"):
            store_of(cases, tmp_path / "store")
    assert not (tmp_path / "store").exists()
    store_of(cases, tmp_path / "store")
    assert loads(tmp_path) == ["0", "1", "2", "2"]


def test_refused_and_strange_series_are_told_and_the_others_taken(tmp_path):
    cases = [Made(1, tmp_path), Made(2, tmp_path, fails="refused"), Made(3, tmp_path, fails="bug")]
    told = []
    done = store_of(
        cases,
        tmp_path / "store",
        refused=[Refused(SECRETS[3], "is MR; keep only CT.")],
        left_out=[LeftOut(SECRETS[3], "localizer", 2)],
        tell=told,
    )
    assert [row.status for row in done.report.itertuples()] == [
        report.TAKEN, report.REFUSED, report.REFUSED, report.REFUSED, report.LEFT_OUT,
    ]  # fmt: skip
    assert len(done.store.slices) == 3
    assert told[0] == "ward-7 is MR; keep only CT."
    assert "case2 is cut off" in told[1] and "case3" in told[2] and "ZeroDivision" in told[2]
    written = b"".join(bytes_of(tmp_path / "store").values())
    assert not [secret for secret in SECRETS if secret.encode() in written]
    text = report.text(done.report, FIVE)
    assert "1 left out: localizer" in text and "1 taken: padding clipped" in text


def test_nothing_but_refusals_makes_no_store(tmp_path):
    with pytest.raises(UserError, match="Nothing in made up could be taken.*is cut off"):
        store_of([Made(1, tmp_path, fails="refused")], tmp_path / "store")
    assert not (tmp_path / "store").exists()


def test_the_report_counts_what_the_store_holds(tmp_path):
    done = store_of([Made(k, tmp_path, slices=k) for k in (1, 2, 4)], tmp_path / "store")
    table, store = done.report, done.store
    assert table.slices.tolist() == [1, 2, 4] and table.with_lesion.sum() == 7
    first = store.labels[:1] == 3  # SAH of the first patient's one slice, pixels of 0.5 mm
    assert table.cm2_SAH[0] == pytest.approx(first.sum() * 0.25 / 100, abs=0.006)
    assert np.isnan(table.slice_spacing_mm[0]) and table.slice_spacing_mm[1] == 5
    assert (tmp_path / "store" / REPORT).exists()
    summary = dict(report.summary(table, FIVE).to_numpy())
    assert summary["patients"] == "3" and summary["slices"] == "7"
    assert summary["slice spacing, mm"] == "5" and summary["SDH"].startswith("3 series, 7 slices")


def test_the_contact_sheet_outlines_masks_where_they_are(tmp_path):
    store_of([Made(1, tmp_path)], tmp_path / "store")
    store = SliceStore.open(tmp_path / "store")
    labels = np.zeros_like(store.labels)
    labels[:, 8:24, 4:12] = 4
    np.save(tmp_path / "store" / "labels.npy", labels)
    store.slices.loc[:, "area_IPH":"area_SDH"] = 0.0
    store.slices["area_EDH"] = 32.0
    from lcgan_core.cohort import contact_sheet

    edited = SliceStore(store.folder, store.slices, store.hu, labels, FIVE)
    contact_sheet.write(edited, tmp_path / "sheet.png")
    picture = cv2.imread(str(tmp_path / "sheet.png"))[contact_sheet.BAR :, :, ::-1]
    found = np.argwhere((picture[:, : contact_sheet.TILE] == FIVE.shown[4]).all(axis=-1))
    scale = contact_sheet.TILE / 32
    assert np.allclose(found.min(axis=0), (8 * scale, 4 * scale), atol=1)
    assert np.allclose(found.max(axis=0), (24 * scale - 1, 12 * scale - 1), atol=1)


def test_the_contact_sheet_carries_no_metadata(tmp_path):
    store_of([Made(1, tmp_path)], tmp_path / "store")
    data, kinds, at = (tmp_path / "store" / CONTACT_SHEET).read_bytes(), [], 8
    while at < len(data):
        kinds.append(data[at + 4 : at + 8])
        at += 12 + int.from_bytes(data[at : at + 4])
    assert set(kinds) == {b"IHDR", b"IDAT", b"IEND"}


@pytest.mark.parametrize("processes", [1, 2])
def test_only_a_few_results_wait_however_many_items_there_are(processes):
    taken = 0

    def endless():
        nonlocal taken
        while True:
            taken += 1
            yield taken

    with workers(processes) as parallel:
        results = parallel(abs, endless())
        assert [next(results) for _ in range(20)] == list(range(1, 21))
        assert taken <= 20 + AHEAD * processes


def test_results_come_in_order_whatever_the_chunk():
    with workers(2) as parallel:
        assert list(parallel(abs, range(-7, 0), chunk=3)) == [7, 6, 5, 4, 3, 2, 1]


def test_the_salt_is_made_once_and_readable_by_its_owner_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("LCGAN_SALT", str(tmp_path / "deep" / "salt"))
    salt = users_salt()
    assert users_salt() == salt and len(salt) == 32
    assert (tmp_path / "deep" / "salt").stat().st_mode & 0o077 == 0
    (tmp_path / "deep" / "salt").write_bytes(b"short")
    with pytest.raises(UserError, match="and not 5"):
        users_salt()


def test_a_hash_is_blake2_keyed_with_the_salt():
    assert hashed(SALT, "x") == hashlib.blake2b(b"x", key=SALT, digest_size=8).hexdigest()
    assert hashed(SALT, "x") != hashed(b"another salt, also long", "x")
