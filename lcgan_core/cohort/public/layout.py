"""What the layouts of public sets share: pairs of folders, tables, and patients' names."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterable
from pathlib import Path, PurePosixPath, PureWindowsPath

from lcgan_core.cohort.label_map import LabelMap
from lcgan_core.cohort.nifti_file import NIFTI
from lcgan_core.cohort.series import Refused
from lcgan_core.cohort.source import files_in
from lcgan_core.errors import UserError

RSNA = re.compile(r"(ID_[0-9a-f]{8})_(ID_[0-9a-f]{10})")
"""Patient and study as RSNA 2019 names them. BHSD, MBH-Seg25 and HemSeg draw on its images; their
readers use these ids as they are, so that a person in two of the sets has one name and one hash.
Every other set prefixes its own: 049 of one set is not 049 of another."""

AS_RSNA = LabelMap.parse("1=EDH,2=IPH,3=IVH,4=SAH,5=SDH")
"""The map that BHSD publishes, MBH-Seg25 shares and the subtype masks of CT-ICH state."""


def volumes(folder: Path) -> dict[str, Path]:
    """NIfTI files right in a folder by their name without .nii or .nii.gz, in order."""
    return {stem(path.name): path for path in files_in(folder) if path.name.endswith(NIFTI)}


def stem(name: str) -> str:
    """A file's name without .nii.gz or .nii.

    >>> stem("049_1.nii.gz"), stem("049_1")
    ('049_1', '049_1')
    """
    return re.sub(r"\.nii(\.gz)?$", "", name)


def pairs(
    images: dict[str, Path], masks: dict[str, Path]
) -> tuple[dict[str, tuple[Path, Path]], list[Refused]]:
    """Image and mask of each name, and a refusal for each that lacks the other."""
    refused = [
        Refused(path, "has no mask of the same name; download the set again.")
        for name, path in images.items()
        if name not in masks
    ]
    refused += [
        Refused(path, "is a mask without an image of the same name; download the set again.")
        for name, path in masks.items()
        if name not in images
    ]
    return {name: (images[name], masks[name]) for name in images if name in masks}, refused


def read_table(path: Path, columns: Iterable[str]) -> list[dict[str, str]]:
    """Rows of a CSV as columns -> text; a BOM, case and further columns do not matter.

    Raises UserError where it cannot be read or lacks a column.
    """
    if not os.path.isfile(path):  # reading a pipe would wait for ever
        raise UserError(f"{path} is no file; give a CSV file in UTF-8.")
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = [[cell.strip() for cell in row] for row in csv.reader(file) if any(row)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(
            f"{path} cannot be read as a CSV file in UTF-8 ({error}); save it as such."
        ) from None
    header = [name.lower() for name in rows[0]] if rows else []
    missing = [name for name in columns if name.lower() not in header]
    if missing:
        raise UserError(
            f"{path} lacks the column {', '.join(missing)}; separate columns by commas and name "
            "them in the first line."
        )
    where = {name: header.index(name.lower()) for name in columns}
    short = [k for k, row in enumerate(rows, start=1) if len(row) <= max(where.values())]
    if short:
        raise UserError(f"{path} has too few cells in row {short[0]}; mend or remove the row.")
    return [{name: row[k] for name, k in where.items()} for row in rows[1:]]


def is_inside(name: str) -> bool:
    """Whether a file name from a table stays in the table's folder, on any operating system.

    >>> [is_inside(name) for name in ("a/CT.nii", "../CT.nii", "/CT.nii", "C:\\\\CT.nii")]
    [True, False, False, False]
    """
    windows = PureWindowsPath(name)
    return bool(name) and not (
        ".." in windows.parts or windows.drive or windows.root or PurePosixPath(name).is_absolute()
    )
