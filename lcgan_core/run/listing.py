"""The contents of a folder as one hash: a changed cohort is a new one."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path


def listing(source: Path) -> str:
    """Hash of the names, sizes and times of all files below `source`."""
    found = []
    for path in sorted(Path(source).rglob("*")):
        if path.is_file():
            status = path.stat()
            found.append((str(path), status.st_size, status.st_mtime_ns))
    return hashlib.sha256(json.dumps(found).encode()).hexdigest()
