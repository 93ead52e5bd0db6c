"""The folder that a person points at: whether it is one, and the files and folders in it."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator
from itertools import compress
from pathlib import Path

from lcgan_core.cohort.series import LeftOut
from lcgan_core.errors import UserError

ARCHIVE = re.compile(r"\.(zip|tar|tgz|tar\.\w+|rar|7z)$", re.IGNORECASE)
DEEP = 6
"""How many levels down a public set is looked for: its own folders take three, the rest is
whatever the download was wrapped in."""


def walk(source: Path, deep: float = math.inf) -> Iterator[tuple[Path, list[Path]]]:
    """Each folder, outer ones first, with what lies right in it and is no folder, in order.

    Follows links, and visits each folder once even where links form a circle. Raises UserError,
    saying what to do, where `source` is no folder or one in it may not be read.
    """
    level, seen = [_checked(Path(source))], set[str]()
    while level and deep >= 0:
        inner: dict[str, Path] = {}
        for folder in level:
            seen.add(os.path.realpath(folder))
            entries = _entries(folder)
            is_folder = [path.is_dir() for path in entries]
            yield folder, [path for path, yes in zip(entries, is_folder, strict=True) if not yes]
            for path in compress(entries, is_folder):
                inner.setdefault(os.path.realpath(path), path)
        level = sorted(path for real, path in inner.items() if real not in seen)
        deep -= 1


def files_below(source: Path) -> tuple[list[Path], list[LeftOut]]:
    """All files in order, and those that a system or an archive left among them."""
    found = sorted(path for _, paths in walk(source) for path in paths if path.is_file())
    junk = [path for path in found if _is_junk(path, source)]
    reason = "is hidden, or left behind by an archive."
    left_out = [LeftOut(junk[0], reason, len(junk))] if junk else []
    return [path for path in found if not _is_junk(path, source)], left_out


def files_in(folder: Path) -> list[Path]:
    """Files right in a folder, in order; none where there is no such folder."""
    if not folder.is_dir():
        return []
    [(_, paths)] = walk(folder, deep=0)
    return [path for path in paths if path.is_file() and not _is_junk(path, folder)]


def folders_below(source: Path) -> Iterator[Path]:
    """`source` and the folders in it, outer ones first, as deep as a public set may lie."""
    return (folder for folder, _ in walk(source, DEEP) if not _is_junk(folder, source))


def _is_junk(path: Path, source: Path) -> bool:
    """Hidden, or what macOS adds to an archive: "._scan.nii.gz" is no scan."""
    return any(part[0] == "." or part == "__MACOSX" for part in path.relative_to(source).parts)


def _checked(source: Path) -> Path:
    if ARCHIVE.search(source.name) and not source.is_dir():
        raise UserError(f"{source} is an archive; unpack it first and give the folder.")
    if not source.exists():
        raise UserError(f"{source} does not exist; give the folder that holds the scans.")
    if not source.is_dir():
        raise UserError(f"{source} is a file; give the folder that holds it.")
    return source


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except PermissionError:
        raise UserError(f"You may not read {folder}; ask for access to it.") from None
