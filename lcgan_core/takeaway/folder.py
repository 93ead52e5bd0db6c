"""A folder in the making: whole or absent at the end, and gone on with after an interruption."""

from __future__ import annotations

import csv
import hashlib
import json
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from lcgan_core.errors import UserError
from lcgan_core.export.case import Common, ExportedCase, Format
from lcgan_core.export.dicom import Dicom
from lcgan_core.export.nifti import Nifti, NnUnet
from lcgan_core.export.png import Png
from lcgan_core.export.store import Store
from lcgan_core.run.disk import disk_errors

FORMATS: dict[str, type[Format]] = {
    "nifti": Nifti,
    "png": Png,
    "dicom": Dicom,
    "nnunet": NnUnet,
    "store": Store,
}
"""Ways to write cases, by the name that `--as` takes."""
MANIFEST, STAMP, JOURNAL = "about.json", "stamp", "journal.jsonl"


def format_of(name: str) -> type[Format]:
    """The way that `--as` names; UserError for another one."""
    if name not in FORMATS:
        raise UserError(f"--as {name} is not known; allowed: {', '.join(FORMATS)}.")
    return FORMATS[name]


class Making:
    """Cases being written into a working folder beside `out`, which one rename makes the result.

    done: cases that an interrupted attempt with the same `common` has written already; finished:
    whether `out` is the result of the same call. Raises UserError where `out` is something else.
    """

    def __init__(self, out: Path, form: type[Format], common: Common) -> None:
        self.out, self.common = out, common
        self.finished = False
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            if _text(out / MANIFEST, "stamp") != common.stamp:
                raise UserError(f"{out} exists and holds something else; give another folder.")
            self.finished = True
            return
        self.work = out.with_name(f".{out.name}.partial")
        with disk_errors(out):
            if _text(self.work / STAMP) != common.stamp:
                shutil.rmtree(self.work, ignore_errors=True)
            try:
                self.form = form(self.work, common)  # may refuse
                self.work.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                if isinstance(error, (PermissionError, FileExistsError, NotADirectoryError)):
                    raise UserError(f"{out} cannot be made ({error.strerror}).") from None
                raise
            (self.work / STAMP).write_text(common.stamp)
            self.rows = list(_rows(self.work / JOURNAL))

    @property
    def done(self) -> int:
        """How many cases are written."""
        return len(self.rows)

    def add(self, cases: Iterable[ExportedCase]) -> None:
        """Write cases, which follow those that are done."""
        with disk_errors(self.out), (self.work / JOURNAL).open("a") as journal:
            for case in cases:
                row = {
                    "name": case.name,
                    "patient": case.patient,
                    "synthetic": case.synthetic,
                    "role": case.role,
                    **self.form.write(self.done, case),
                    **case.facts,
                }
                self.rows.append(row)
                journal.write(json.dumps(row) + "\n")
                journal.flush()

    def finish(self, table: str, about: dict[str, Any], others: dict[str, bytes]) -> None:
        """Complete the folder: what the format adds, the table of cases, about.json, others."""
        with disk_errors(self.out):
            self.form.finish(self.rows)
            _write_table(self.work / table, self.rows)
            for name, content in others.items():
                (self.work / name).write_bytes(content)
            told = {"stamp": self.common.stamp, "cases": len(self.rows), **about}
            (self.work / MANIFEST).write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
            for name in (STAMP, JOURNAL):
                (self.work / name).unlink()
            if self.out.exists():
                self.out.rmdir()  # it is empty
            self.work.rename(self.out)


def stamp_of(*parts: object) -> str:
    """A hash of everything that determines what is written."""
    text = json.dumps([str(part) for part in parts])
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def _write_table(path: Path, rows: list[dict[str, Any]]) -> None:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, columns, lineterminator="\n")
        table.writeheader()
        table.writerows(rows)


def _rows(journal: Path) -> Iterator[dict[str, Any]]:
    """The complete lines of a journal; a torn last line is cut off."""
    if not journal.is_file():
        return
    whole = 0
    lines = journal.read_bytes().splitlines(keepends=True)
    for line in lines:
        if not line.endswith(b"\n"):
            break
        whole += len(line)
        yield json.loads(line)
    with journal.open("r+b") as file:
        file.truncate(whole)


def _text(path: Path, key: str = "") -> str | None:
    try:
        text = path.read_text()
        return json.loads(text)[key] if key else text
    except (OSError, ValueError, KeyError, TypeError):
        return None
