"""Seg-CQ500: 51 scans of CQ500 with binary masks, listed in info.csv."""

from __future__ import annotations

from pathlib import Path

from lcgan_core.cohort.nifti import NiftiCase
from lcgan_core.cohort.public.layout import is_inside, read_table
from lcgan_core.cohort.public.scan_classes import scan_classes
from lcgan_core.cohort.series import Case, Found, LeftOut, Refused
from lcgan_core.cohort.source import checked, files_below, folders_below
from lcgan_core.errors import UserError

COLUMNS = ("name", "CT_fn", "mask_fn")


def is_here(source: Path) -> bool:
    return _table(source) is not None


def find(source: Path, as_class: str | None = None, classes: Path | None = None) -> Found:
    """The scans and masks that info.csv names; the class comes from the user."""
    table = _table(checked(source))
    if table is None:
        raise UserError(f"{source} holds no info.csv with {', '.join(COLUMNS)} of Seg-CQ500.")
    class_of = scan_classes(source, "Seg-CQ500", as_class, classes)
    cases: list[Case] = []
    refused: list[Refused] = []
    listed: set[Path] = set()
    for row in read_table(table, COLUMNS):
        try:
            image, mask = (_file(table, row["name"], row[key]) for key in ("CT_fn", "mask_fn"))
            who = row["name"]
            listed |= {image.parent, mask.parent}
            cases.append(NiftiCase(who, who, image, (mask,), class_of(who, image)))
        except Refused as refusal:
            refused.append(refusal)
    _, left_out = files_below(table.parent)
    others = [path for path in sorted(table.parent.glob("*/CT.nii*")) if path.parent not in listed]
    if others:
        left_out.append(LeftOut(others[0], "is a scan that info.csv does not list", len(others)))
    return Found(cases, refused, left_out)


def _file(table: Path, scan: str, name: str) -> Path:
    """A file that info.csv names: beside it, in the scan's folder, or from the folder above on."""
    if not (is_inside(name) and is_inside(scan)):
        raise Refused(table, "names a file outside its own folder; download the set again.", name)
    for folder in (table.parent, table.parent / scan, table.parent.parent):
        if (folder / name).is_file():
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
