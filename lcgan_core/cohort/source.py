"""The scans in the folder that a person points at, without what a system left among them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from lcgan_core.cohort.series import LeftOut
from lcgan_core.run.listing import walk

DEEP = 6
"""How many levels down a public set is looked for: its own folders take three, the rest is
whatever the download was wrapped in."""


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
