"""The folder that a person points at: is it one, and what lies in it, without an archive's junk."""

from __future__ import annotations

import math
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
    found = sorted(path for folder in _walk(source) for path in _entries(folder) if path.is_file())
    junk = [path for path in found if is_junk(path.relative_to(source))]
    reason = "is left behind by an archive made on macOS"
    left_out = [LeftOut(junk[0], reason, len(junk))] if junk else []
    return [path for path in found if not is_junk(path.relative_to(source))], left_out


def folders_below(source: Path) -> Iterator[Path]:
    """`source` and the folders in it, outer ones first, as deep as a set may lie."""
    for folder in _walk(source, DEEP):
        inside = folder.relative_to(source)
        if not is_junk(inside) and not any(part.startswith(".") for part in inside.parts):
            yield folder


def _walk(source: Path, deep: float = math.inf) -> Iterator[Path]:
    """Folders level by level, through links too, each once however links go in circles."""
    level, seen = [Path(source)], set[str]()
    while level and deep >= 0:
        yield from level
        inner = [path for folder in level for path in _entries(folder) if path.is_dir()]
        seen |= {os.path.realpath(folder) for folder in level}
        fresh = {os.path.realpath(path): path for path in reversed(inner)}
        level = sorted(path for real, path in fresh.items() if real not in seen)
        deep -= 1


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except PermissionError:
        raise UserError(f"{folder} may not be read by you; ask for access to it.") from None
