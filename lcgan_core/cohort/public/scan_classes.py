"""Which haemorrhage a binary mask shows: told by the user, for all scans or scan by scan."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from lcgan_core.cohort.classes import OneClass
from lcgan_core.cohort.public.layout import read_table, stem
from lcgan_core.cohort.series import Refused
from lcgan_core.errors import UserError
from lcgan_core.lesions import HEMORRHAGES, LABELS


def scan_classes(
    source: Path,
    name: str,
    as_class: str | None,
    classes: Path | None,
    read: Callable[[Path], dict[str, str] | None] = lambda path: None,
) -> Callable[[str, Path], OneClass]:
    """A function from a scan's name and path to its class; it raises Refused where a CSV lacks it.

    name: of the set, for the sentence that asks; read: scan -> class name of a table of the set's
    own, None for another. Raises UserError.
    """
    if (as_class is None) == (classes is None):
        raise UserError(
            f"{source} holds binary masks ({name}): say which haemorrhage they are with --as CLASS "
            "or --classes FILE.csv (columns scan,class)."
        )
    if classes is None:
        only = OneClass(_label(str(as_class), "--as"))
        return lambda scan, path: only
    table = read(Path(classes)) or _read(Path(classes))
    known = {_plain(scan): OneClass(_label(word, str(classes))) for scan, word in table.items()}

    def class_of(scan: str, path: Path) -> OneClass:
        if _plain(scan) not in known:
            raise Refused(path, "is not in the CSV of classes; add a row for it.")
        return known[_plain(scan)]

    return class_of


def _read(path: Path) -> dict[str, str]:
    table: dict[str, str] = {}
    for row in read_table(path, ("scan", "class")):
        scan = stem(row["scan"])
        if table.setdefault(scan, row["class"]) != row["class"]:
            raise UserError(
                f"{path} lists the scan {scan} with two classes; a binary mask can show one only: "
                "remove the scan."
            )
    return table


def _label(word: str, where: str) -> int:
    if word.upper() not in LABELS:
        raise UserError(
            f'{where} names the class "{word}"; it must be one of {", ".join(HEMORRHAGES)}.'
        )
    return LABELS[word.upper()]


def _plain(scan: str) -> str:
    """Spreadsheets drop the zeros in front of a number.

    >>> _plain("007"), _plain("0a7")
    ('7', '0a7')
    """
    return scan.lstrip("0") if scan.isdecimal() else scan
