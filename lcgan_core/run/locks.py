"""One process at a time: file locks that end with their process and name their holder."""

from __future__ import annotations

import fcntl
import json
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TextIO


class Holder(NamedTuple):
    """The process that holds a lock, since when (seconds of `time.time`)."""

    process: int
    host: str
    since: float

    def __str__(self) -> str:
        return f"process {self.process} on {self.host}"


def take(path: Path, when_taken: Callable[[Holder], None]) -> TextIO:
    """The lock file at `path`, held until it is closed or this process ends.

    If another process holds it, `when_taken` is called with that process; if it does not raise,
    this process waits.
    """
    file = path.open("a+")
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            when_taken(_written(file))
            fcntl.flock(file, fcntl.LOCK_EX)
        file.truncate(0)
        json.dump((os.getpid(), platform.node(), time.time()), file)
        file.flush()
    except BaseException:
        file.close()
        raise
    return file


def holder(path: Path) -> Holder | None:
    """Who holds the lock at `path`; None if nobody does."""
    try:
        with path.open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return _written(file)
    except FileNotFoundError:
        pass
    return None


def _written(file: TextIO) -> Holder:
    file.seek(0)
    try:
        return Holder(*json.load(file))
    except (ValueError, TypeError):  # taken this very moment, or by an older version
        return Holder(0, "this or another machine", time.time())
