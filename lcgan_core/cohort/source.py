"""The folder that a person points at: is it one, and what lies in it, without an archive's junk."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from lcgan_core.cohort.series import LeftOut
from lcgan_core.errors import UserError

ARCHIVE = re.compile(r"\.(zip|tar|tgz|tar\.\w+|rar|7z)$", re.IGNORECASE)
DEEP = 6
"""How far down a set is sought: its own folders are three deep at most, the rest is wrapping."""


def checked(source: Path) -> Path:
    """`source`, an existing folder; UserError with the remedy where it is not."""
    source = Path(source)
    if ARCHIVE.search(source.name) and not source.is_dir():
        raise UserError(f"{source} is an archive; unpack it first and give the folder.")
    if not source.exists():
        raise UserError(f"{source} does not exist; give the folder that holds the scans.")
    if not source.is_dir():
        raise UserError(f"{source} is a file; give the folder that holds it.")
    return source


def is_junk(path: Path) -> bool:
    """What macOS puts beside real files in an archive; it ends in .nii.gz like they do."""
    return path.name.startswith("._") or "__MACOSX" in path.parts


def files_below(source: Path) -> tuple[list[Path], list[LeftOut]]:
    """All files in order, and the junk among them."""
    found = [Path(top) / name for top, _, names in os.walk(source) for name in names]
    junk = sorted(path for path in found if is_junk(path.relative_to(source)))
    reason = "is left behind by an archive made on macOS"
    left_out = [LeftOut(junk[0], reason, len(junk))] if junk else []
    return sorted(set(found) - set(junk)), left_out


def folders_below(source: Path, deep: int = DEEP) -> Iterator[Path]:
    """`source` and the folders in it, outer ones first, at most `deep` levels down."""
    level = [Path(source)]
    for _ in range(deep + 1):
        yield from level
        level = sorted(
            Path(entry.path)
            for folder in level
            for entry in os.scandir(folder)
            if entry.is_dir() and not entry.name.startswith((".", "__MACOSX"))
        )
