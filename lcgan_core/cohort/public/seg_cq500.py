"""Seg-CQ500: 51 scans of CQ500 with binary masks, listed in info.csv."""

from __future__ import annotations

import os
from pathlib import Path

from lcgan_core.cohort.nifti import NiftiCase
from lcgan_core.cohort.public.layout import is_inside, read_table
from lcgan_core.cohort.public.scan_classes import scan_classes
from lcgan_core.cohort.series import Case, Found, LeftOut, Refused
from lcgan_core.cohort.source import files_below, folders_below
from lcgan_core.errors import UserError

COLUMNS = ("name", "CT_fn", "mask_fn")


def is_here(source: Path) -> bool:
    return _table(source) is not None


def find(source: Path, as_class: str | None = None, class_table: Path | None = None) -> Found:
    """The scans and masks that info.csv names; the classes come from the user."""
    table = _table(source)
    if table is None:
        raise UserError(
            f"{source} holds no info.csv with {', '.join(COLUMNS)} of Seg-CQ500; give the folder "
            "that holds it."
        )
    stated, decoder_of = scan_classes(source, "Seg-CQ500", as_class, class_table)
    cases: list[Case] = []
    refused: list[Refused] = []
    listed: set[Path] = set()
    for row in read_table(table, COLUMNS):
        try:
            image, mask = (_file(table, row["name"], row[key]) for key in ("CT_fn", "mask_fn"))
            who = row["name"]
            listed |= {image.parent, mask.parent}
            cases.append(NiftiCase(who, who, image, (mask,), decoder_of(who, image)))
        except Refused as refusal:
            refused.append(refusal)
    files, left_out = files_below(table.parent)
    scans = [path for path in files if path.match("CT.nii*") and path.parent.parent == table.parent]
    others = [path for path in scans if path.parent not in listed]
    if others:
        left_out.append(LeftOut(others[0], "is a scan that info.csv does not list", len(others)))
    return Found(cases, refused, left_out, stated)


def _file(table: Path, scan: str, name: str) -> Path:
    """A file that info.csv names: beside it, in the scan's folder, or from the folder above."""
    if not (is_inside(name) and is_inside(scan)):
        raise Refused(table, "names a file outside its own folder; download the set again.", name)
    for folder in (table.parent, table.parent / scan, table.parent.parent):
        if os.path.isfile(folder / name):  # False also for what can be no name at all
            return folder / name
    raise Refused(table, "names a file that is not there; download the set again.", name)


def _table(source: Path) -> Path | None:
    for folder in folders_below(source):
        table = folder / "info.csv"
        if table.is_file():
            try:
                read_table(table, COLUMNS)
            except UserError:
                continue  # another set's info.csv
            return table
    return None
