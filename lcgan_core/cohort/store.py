"""The slice store: HU and labels of every slice at one image size, memory-mapped; its classes."""

from __future__ import annotations

import csv
import json
import os
import shutil
import tokenize
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import pandas as pd

from lcgan_core.cohort import agreement
from lcgan_core.cohort.agreement import FILES
from lcgan_core.errors import UserError
from lcgan_core.lesions import FIVE, Classes
from lcgan_core.run import locks

VERSION = 3
SPILLED, LOCK = ".spilled", "lock"
UNREADABLE = (
    ValueError, EOFError, KeyError, TypeError, AttributeError, RecursionError, SyntaxError,
    tokenize.TokenError,  # of the header of a .npy file, which is a Python literal
)  # fmt: skip


@dataclass(frozen=True)
class SliceStore:
    """An opened store.

    slices: slices.csv, one row per slice, with the area of each class in mm2 (`classes.areas`);
    hu: (N, H, W) int16; labels: (N, H, W) uint8, 0 or a label of `classes`.
    """

    folder: Path
    slices: pd.DataFrame
    hu: np.ndarray
    labels: np.ndarray
    classes: Classes

    @classmethod
    def open(cls, folder: Path) -> SliceStore:
        """Memory-map a store; UserError where it is no store or its files do not match.

        Labels are counted in some slices only, so that a large store opens as fast as a small one;
        `check` counts them in all.
        """
        folder = Path(folder)
        missing = [
            name
            for name in ("manifest.json", "slices.csv", *FILES)
            if not (folder / name).is_file()
        ]
        if missing:
            raise UserError(f"{folder} is not a slice store: {', '.join(missing)} is missing.")
        try:
            slices = pd.read_csv(folder / "slices.csv", dtype={"patient": str, "series": str})
            hu = np.load(folder / "hu.npy", mmap_mode="r")
            labels = np.load(folder / "labels.npy", mmap_mode="r")
            manifest = json.loads((folder / "manifest.json").read_text())
            version, listed = manifest.get("version", 0), manifest.get("classes")
            # stores from before version 3 list none and hold the five
            classes = FIVE if listed is None else Classes.from_json(listed)
        except UNREADABLE as error:
            raise UserError(f"{folder} is damaged ({_one_line(error)}); build it again.") from None
        if version not in range(VERSION + 1):
            raise UserError(
                f"{folder} is a slice store of version {version!r}, but this LcGAN reads up to "
                f"version {VERSION}; update LcGAN, or build the store again."
            )
        wrong = (
            agreement.of_arrays(hu, labels, len(slices))
            or agreement.of_table(slices, hu.shape[-1], classes)
            or agreement.of_labels(slices, labels, classes, agreement.sampled(len(slices)))
        )
        if wrong:
            raise UserError(f"{folder} is damaged: {wrong}; build it again.")
        return cls(folder, slices, hu, labels, classes)

    def check(self) -> None:
        """Count the labels of every slice; UserError where one contradicts slices.csv."""
        rows = range(len(self.slices))
        if wrong := agreement.of_labels(self.slices, self.labels, self.classes, rows):
            raise UserError(f"{self.folder} is damaged: {wrong}; build it again.")

    @property
    def image_size(self) -> int:
        """Rows and columns of every slice."""
        return int(self.hu.shape[-1])

    @property
    def manifest(self) -> dict:
        """Source, counts, classes and whatever else the store says about itself."""
        return json.loads((self.folder / "manifest.json").read_text())


@dataclass(frozen=True)
class StoredSeries:
    """One series as the store has it: rows of slices.csv, hu (S, H, W) int16, labels uint8."""

    rows: list[dict]
    hu: np.ndarray
    labels: np.ndarray


@dataclass(frozen=True)
class Spilled:
    """A series in files of its own, which reach another process sooner than through a pipe."""

    rows: list[dict]
    files: tuple[Path, ...]

    @classmethod
    def put(cls, series: StoredSeries, folder: Path, name: str) -> Spilled:
        """Write it into `folder`, a StoreWriter's, which clears away what nobody took."""
        files = tuple(folder / f"{name}-{part}{SPILLED}" for part in FILES)
        for path, values in zip(files, (series.hu, series.labels), strict=True):
            with path.open("wb") as file:
                np.save(file, values)
        return cls(series.rows, files)

    def take(self) -> StoredSeries:
        """The series; its files are removed."""
        hu, labels = (np.load(path, mmap_mode="r") for path in self.files)
        for path in self.files:
            path.unlink()
        return StoredSeries(self.rows, hu, labels)


class StoreWriter:
    """A store in the making, beside its final place; series are appended one by one.

    After an interruption a writer with the same `stamp` resumes after the last complete series.
    Raises UserError where the folder exists, or where another process is writing it.
    """

    def __init__(self, folder: Path, image_size: int, stamp: str, classes: Classes):
        self.final, self.image_size, self.classes = folder, image_size, classes
        self.work = folder.with_name(f".{folder.name}.partial")
        try:
            self.work.mkdir(mode=0o700, parents=True, exist_ok=True)  # other people's heads
        except OSError as error:
            raise UserError(
                f"{folder} cannot be made ({error.strerror}: {error.filename}); give another "
                "folder."
            ) from None
        lock = locks.take(self.work / LOCK, self._refuse)
        self._unlock = weakref.finalize(self, lock.close)
        if os.path.lexists(folder):  # also a link that leads nowhere
            shutil.rmtree(self.work)
            raise UserError(f"{folder} exists and holds something else; give another folder.")
        if _read(self.work / "stamp") != stamp:
            self._begin(stamp)
        for path in self.work.glob(f"*{SPILLED}"):
            path.unlink()
        self.entries = self._go_on()

    def __enter__(self) -> StoreWriter:
        return self

    def __exit__(self, *raised: object) -> None:
        self._unlock()  # another writer may go on from what there is

    def append(self, record: dict, series: StoredSeries | None) -> None:
        """Add a case: `record` for the report, and its series unless it was refused."""
        rows = series.rows if series else []
        if series:
            for name, values in zip(FILES, (series.hu, series.labels), strict=True):
                with (self.work / name).open("ab") as file:
                    file.write(np.ascontiguousarray(values).data)
        with (self.work / "journal.jsonl").open("a") as journal:
            journal.write(json.dumps({"record": record, "rows": rows}) + "\n")
        self.entries += 1

    def records(self) -> Iterator[dict]:
        """The records of all cases so far, in order."""
        for entry in _lines(self.work / "journal.jsonl"):
            yield entry["record"]

    def finish(self, manifest: dict, also: Callable[[SliceStore], None]) -> SliceStore:
        """Complete the files; the folder appears at its final place by one rename.

        `also` may add files to the store, opened where it was written, before that.
        """
        count, patients, series = 0, set(), set()
        with (self.work / "slices.csv").open("w", newline="") as file:
            table = None
            for entry in _lines(self.work / "journal.jsonl"):
                for row in entry["rows"]:
                    table = table or csv.DictWriter(file, ["slice", *row], lineterminator="\n")
                    if not count:
                        table.writeheader()
                    table.writerow({"slice": count, **row})
                    patients.add(row["patient"])
                    series.add(row["series"])
                    count += 1
        for name, dtype in FILES.items():
            with (self.work / name).open("r+b") as file:
                _write_header(file, dtype, count, self.image_size)
        manifest = {
            "version": VERSION,
            "image_size": self.image_size,
            "patients": len(patients),
            "series": len(series),
            "slices": count,
            "classes": self.classes.to_json(),
            **manifest,
        }
        (self.work / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")
        also(SliceStore.open(self.work))
        for name in ("stamp", "journal.jsonl", LOCK):
            (self.work / name).unlink()
        self.work.rename(self.final)
        return SliceStore.open(self.final)

    def _refuse(self, who: locks.Holder) -> None:
        raise UserError(
            f"{self.final} is being made by {who}; wait until it has ended, or give another folder."
        )

    def _begin(self, stamp: str) -> None:
        """Clear away what a writer with another stamp has left."""
        for path in self.work.iterdir():
            if path.name != LOCK:
                path.unlink()
        (self.work / "journal.jsonl").touch()
        for name, dtype in FILES.items():
            with (self.work / name).open("wb") as file:
                _write_header(file, dtype, 0, self.image_size)
        (self.work / "stamp").write_text(stamp)

    def _go_on(self) -> int:
        """Drop what was written after the last complete entry; returns the number of entries."""
        entries, slices, whole = 0, 0, 0
        journal = self.work / "journal.jsonl"
        for entry in _lines(journal):
            entries, slices, whole = entries + 1, slices + len(entry["rows"]), entry["end"]
        with journal.open("r+b") as file:
            file.truncate(whole)
        for name, dtype in FILES.items():
            with (self.work / name).open("r+b") as file:
                header = _write_header(file, dtype, 0, self.image_size)
                file.truncate(header + slices * self.image_size**2 * dtype.itemsize)
        return entries


def _lines(journal: Path) -> Iterator[dict]:
    """The complete lines of a journal, each with the byte at which it ends."""
    end = 0
    with journal.open("rb") as file:
        for line in file:
            if not line.endswith(b"\n"):
                return
            end += len(line)
            yield {**json.loads(line), "end": end}


def _write_header(file: IO[bytes], dtype: np.dtype, count: int, size: int) -> int:
    """Write the header of a .npy file of `count` slices at its start; returns its length.

    NumPy leaves room in it for the first axis to grow, so its length does not depend on `count`.
    """
    file.seek(0)
    np.lib.format.write_array_header_1_0(
        file,
        {
            "descr": np.lib.format.dtype_to_descr(dtype),
            "fortran_order": False,
            "shape": (count, size, size),
        },
    )
    return file.tell()


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]


def _read(path: Path) -> str | None:
    return path.read_text() if path.is_file() else None
