"""Bundles: all that the book needs from one finished run, in a folder small enough to commit.

`contents` says what a bundle contains, `collect` makes one.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from lcgan_core.book import places, untrusted
from lcgan_core.book.contents import RECORD, VERSION, Bundle
from lcgan_core.errors import UserError
from lcgan_core.run import artefacts


def published(name: str = "") -> Path:
    """The bundle of a published run: `compact` if there is one and none is named, else the one that
    finished last. UserError if there is none."""
    there = {path.parent.name: path.parent for path in places.RESULTS.glob("*/*.csv")}
    if name and name not in there:
        raise UserError(
            f"No run '{name}' is published under {places.RESULTS}; available: "
            f"{', '.join(there) or 'none'}."
        )
    if not there:
        raise UserError(
            f"No run is published under {places.RESULTS}; `make publish` publishes one."
        )
    if name or "compact" in there:
        return there[name or "compact"]
    return max(there.values(), key=lambda folder: opened(folder).record["finished"])


def notebooks(bundle: Path) -> list[Path]:
    """The executed notebooks of the stages' pages.

    A bundle without any is of `quick` as shipped, whose executed notebooks are in notebooks/.
    """
    own = bundle / "notebooks"
    return sorted((own if own.is_dir() else places.ROOT / "notebooks").glob("*.ipynb"))


def seal(bundle: Path) -> None:
    """Note the hash of each file of a bundle in its record."""
    record = json.loads((bundle / RECORD).read_text())
    record["files"] = {
        path.relative_to(bundle).as_posix(): _hash(path)
        for path in sorted(bundle.rglob("*"))
        if path.is_file() and path.name != RECORD
    }
    artefacts.write_text(bundle / RECORD, json.dumps(record, indent=1) + "\n")


def opened(folder: Path) -> Bundle:
    """A whole bundle; UserError names the first file that is missing, not as it was collected, or
    holds something that a page could take for markup."""
    try:
        record = json.loads((folder / RECORD).read_text())
        files = dict(record["files"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        raise _broken(folder, RECORD, "missing or damaged") from None
    if record.get("bundle") != VERSION:
        raise UserError(
            f"{folder} was collected by another version of lcgan, whose bundles have other files; "
            "collect the run again with `lcgan publish`; nothing was changed."
        )
    for name, known in files.items():
        path = folder / name
        if not path.is_file():
            raise _broken(folder, name, "missing")
        if _hash(path) != known:
            raise _broken(folder, name, "not as it was written")
    if found := untrusted.first(folder, files, record):
        raise UserError(
            f"{folder / found[0]} holds what no page may show: {found[1]!r}; take the run's bundle "
            "from where it was made, or collect the run again with `lcgan publish`."
        )
    return Bundle(folder, record)


def _broken(bundle: Path, name: str, how: str) -> UserError:
    return UserError(
        f"{bundle / name} is {how}; restore it with `git checkout -- {bundle}`, or collect the "
        "run again with `lcgan publish`; nothing was changed."
    )


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
