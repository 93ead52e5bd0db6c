"""Which class a binary mask shows: stated by the user, for all scans or scan by scan."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from lcgan_core.cohort.label_map import classes_named
from lcgan_core.cohort.mask_values import OneClass
from lcgan_core.cohort.public.layout import read_table, stem
from lcgan_core.cohort.series import Refused
from lcgan_core.errors import UserError
from lcgan_core.lesions import Classes


def scan_classes(
    source: Path,
    name: str,
    as_class: str | None,
    class_table: Path | None,
    read: Callable[[Path], dict[str, str] | None] = lambda path: None,
) -> tuple[Classes, Callable[[str, Path], OneClass]]:
    """The classes, and a function from a scan's name and path to the decoder of its mask.

    name: of the set, for the sentence that asks; read: scan -> class of a table of the set's own,
    None for any other table. Raises UserError; the function raises Refused for a scan that the
    table lacks.
    """
    if (as_class is None) == (class_table is None):
        raise UserError(
            f"{source} holds binary masks ({name}): say which class they show with --as CLASS or "
            "--classes FILE.csv (columns scan,class)."
        )
    if class_table is None:
        classes, label_of = classes_named([str(as_class)], "--as")
        only = OneClass(label_of[str(as_class)])
        return classes, lambda scan, path: only
    table = read(Path(class_table)) or _read(Path(class_table))
    classes, label_of = classes_named(table.values(), class_table)
    known = {_plain(scan): OneClass(label_of[word]) for scan, word in table.items()}

    def decoder_of(scan: str, path: Path) -> OneClass:
        if _plain(scan) not in known:
            raise Refused(path, "is not in the CSV of classes; add a row for it.")
        return known[_plain(scan)]

    return classes, decoder_of


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


def _plain(scan: str) -> str:
    """A scan's name without leading zeros, which spreadsheets drop.

    >>> _plain("007"), _plain("0a7")
    ('7', '0a7')
    """
    return scan.lstrip("0") if scan.isdecimal() else scan
