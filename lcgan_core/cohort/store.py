"""The slice store: every slice's HU and labels at one image size, memory-mapped, a row a slice."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import pandas as pd

from lcgan_core.errors import UserError
from lcgan_core.lesions import FIVE, HEMORRHAGES, Classes

AREAS = [f"area_{name}" for name in HEMORRHAGES]
FILES: dict[str, np.dtype] = {"hu.npy": np.dtype(np.int16), "labels.npy": np.dtype(np.uint8)}
VERSION = 2
ASIDE = ".aside"


@dataclass(frozen=True)
class SliceStore:
    """An opened store: `slices` a row a slice, `hu` (N, H, W) int16, `labels` (N, H, W) uint8."""

    folder: Path
    slices: pd.DataFrame
    hu: np.ndarray
    labels: np.ndarray

    @classmethod
    def open(cls, folder: Path) -> SliceStore:
        """Memory-map a store; UserError where the folder is none or its files do not match."""
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
        except (ValueError, EOFError) as error:
            raise UserError(f"{folder} is damaged ({error}); build it anew.") from None
        if hu.shape != labels.shape or len(slices) != len(hu):
            raise UserError(
                f"{folder} is damaged: slices.csv has {len(slices)} rows, hu.npy the shape "
                f"{hu.shape} and labels.npy {labels.shape}; build it anew."
            )
        return cls(folder, slices, hu, labels)

    @property
    def image_size(self) -> int:
        """Rows and columns of every slice."""
        return int(self.hu.shape[-1])

    @property
    def classes(self) -> Classes:
        """The lesion classes of labels 1..K."""
        return FIVE

    @property
    def manifest(self) -> dict:
        """Source, counts, label map and whatever else the store says of itself."""
        return json.loads((self.folder / "manifest.json").read_text())


@dataclass(frozen=True)
class Slices:
    """One series as the store has it: hu (S, H, W) int16, labels (S, H, W) uint8, a row a slice."""

    rows: list[dict]
    hu: np.ndarray
    labels: np.ndarray


@dataclass(frozen=True)
class Aside:
    """Slices in files of their own, which reach another process sooner than through a pipe."""

    rows: list[dict]
    files: tuple[Path, ...]

    @classmethod
    def put(cls, slices: Slices, folder: Path, name: str) -> Aside:
        """Write them into `folder`, a StoreWriter's, which clears away what nobody took."""
        files = tuple(folder / f"{name}-{part}{ASIDE}" for part in FILES)
        for path, values in zip(files, (slices.hu, slices.labels), strict=True):
            with path.open("wb") as file:
                np.save(file, values)
        return cls(slices.rows, files)

    def take(self) -> Slices:
        """The slices; the files are gone."""
        hu, labels = (np.load(path, mmap_mode="r") for path in self.files)
        for path in self.files:
            path.unlink()
        return Slices(self.rows, hu, labels)


class StoreWriter:
    """A store in the making, beside its final place; series are appended one by one.

    After an interruption a writer with the same `stamp` goes on behind the last whole series.
    """

    def __init__(self, folder: Path, image_size: int, stamp: str):
        self.final, self.image_size = folder, image_size
        self.work = folder.with_name(f".{folder.name}.partial")
        if _read(self.work / "stamp") != stamp:
            shutil.rmtree(self.work, ignore_errors=True)
            self.work.mkdir(parents=True)
            (self.work / "journal.jsonl").touch()
            for name, dtype in FILES.items():
                with (self.work / name).open("wb") as file:
                    _write_header(file, dtype, 0, image_size)
            (self.work / "stamp").write_text(stamp)
        for path in self.work.glob(f"*{ASIDE}"):
            path.unlink()
        self.entries = self._go_on()

    def append(self, record: dict, slices: Slices | None) -> None:
        """Add a case: `record` for the report, and its slices unless it was refused."""
        rows = slices.rows if slices else []
        if slices:
            for name, values in zip(FILES, (slices.hu, slices.labels), strict=True):
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
            "labels": {name: value for value, name in enumerate(HEMORRHAGES, start=1)},
            **manifest,
        }
        (self.work / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")
        also(SliceStore.open(self.work))
        for name in ("stamp", "journal.jsonl"):
            (self.work / name).unlink()
        shutil.rmtree(self.final, ignore_errors=True)
        self.work.rename(self.final)
        return SliceStore.open(self.final)

    def _go_on(self) -> int:
        """Drop what was written behind the last whole entry; returns the number of entries."""
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
    """The whole lines of a journal, each with the byte at which it ends."""
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


def _read(path: Path) -> str | None:
    return path.read_text() if path.is_file() else None
