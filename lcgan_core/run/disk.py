"""What a disk refuses, in one sentence."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lcgan_core.errors import UserError

REASONS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EACCES: "the folder is not writable",
    errno.EPERM: "the folder is not writable",
    errno.EROFS: "the disk is read-only",
    errno.EFBIG: "a file would be larger than this process may write (ulimit -f)",
    errno.ENAMETOOLONG: "the name is too long",
}


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Say in one sentence what a disk refuses while `path` is written."""
    try:
        yield
    except OSError as error:
        why = REASONS.get(number(error))
        if why is None:
            raise
        raise UserError(
            f"Could not write {path}: {why}; correct this and run the same command again; finished "
            "parts are kept."
        ) from None


def number(error: OSError) -> int:
    """The number of an error of the system; 0 if it is unknown.

    pydicom keeps it only in its text, and NumPy says nothing but how much it could write.

    >>> number(OSError("With tag (7FE0,0010): [Errno 28] No space left on device")) == errno.ENOSPC
    True
    >>> number(OSError("24576 requested and 2436 written")) == errno.ENOSPC
    True
    """
    if error.errno is not None:
        return error.errno
    found = re.search(r"\[Errno (\d+)\]", str(error))
    if found:
        return int(found[1])
    return errno.ENOSPC if "requested and" in str(error) else 0
