"""The folder that a person points at: whether it is one, what lies in it, and all that as a hash.

By the hash a changed cohort is a new one.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from itertools import compress
from pathlib import Path

from lcgan_core.errors import UserError

ARCHIVE = re.compile(r"\.(zip|tar|tgz|tar\.\w+|rar|7z)$", re.IGNORECASE)


def listing(source: Path) -> str:
    """Hash of the names, sizes and times of all files below `source` that may be read."""
    found = []
    with suppress(UserError):  # reading the scans says it
        for path in (path for _, paths in walk(source) for path in paths if path.is_file()):
            status = path.stat()
            found.append((str(path), status.st_size, status.st_mtime_ns))
    return hashlib.sha256(json.dumps(sorted(found)).encode()).hexdigest()


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
