"""`python -m lcgan_core.book.jupyter ARGUMENTS`: Jupyter Book, which ends with its caller.

The caller holds the other end of the standard input. Without this a killed `lcgan book` would leave
a build behind that writes into the pages of the next one.
"""

from __future__ import annotations

import os
import sys
import threading


def main() -> None:
    """Do what Jupyter Book does with these arguments."""
    threading.Thread(target=_end_with_caller, daemon=True).start()
    from jupyter_book.cli.main import main as jupyter_book

    jupyter_book()


def _end_with_caller() -> None:
    while os.read(sys.stdin.fileno(), 1):
        pass
    os._exit(1)


if __name__ == "__main__":
    main()
