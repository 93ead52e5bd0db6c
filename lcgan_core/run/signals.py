"""SIGTERM and SIGHUP end a command as Ctrl-C does: with a sentence, and what can be kept is."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

STOPPING = (signal.SIGTERM, signal.SIGHUP)
"""From a scheduler or `kill`, and from a terminal that is closed."""
UNTOUCHED = (signal.SIG_IGN, None)
"""Handlers that stay: of a signal that is ignored (nohup), and of one that is not Python's."""
NOBODY_READS = 128 + signal.SIGPIPE
"""Exit code where the output is a pipe whose reader has gone."""


class Stopped(KeyboardInterrupt):
    """A signal other than Ctrl-C's; args: its number."""


@contextmanager
def stopping() -> Iterator[list[Stopped]]:
    """Inside, signals of STOPPING raise Stopped, unless the process ignores them (nohup).

    Gives those raised so far, because libraries may make a plain interrupt of them.
    """
    met: list[Stopped] = []

    def stop(number: int, frame: FrameType | None) -> None:
        met.append(Stopped(number))
        raise met[-1]

    before = {each: signal.getsignal(each) for each in STOPPING}
    for each, handler in before.items():
        if handler == signal.SIG_DFL:
            signal.signal(each, stop)
    try:
        yield met
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


@contextmanager
def held() -> Iterator[None]:
    """Ctrl-C and the signals of STOPPING that come inside take effect when this has ended."""
    if threading.current_thread() is not threading.main_thread():
        yield  # no other thread meets a signal
        return
    met: list[int] = []
    before = {each: signal.getsignal(each) for each in (signal.SIGINT, *STOPPING)}
    taken = {each: handler for each, handler in before.items() if handler not in UNTOUCHED}
    for each in taken:
        signal.signal(each, lambda number, frame: met.append(number))
    try:
        yield
    finally:
        for each, handler in taken.items():
            signal.signal(each, handler)
        for number in met:
            signal.raise_signal(number)


def exit_code(error: BaseException) -> int:
    """As a shell has it: 128 and the number of the signal.

    >>> exit_code(KeyboardInterrupt()), exit_code(Stopped(signal.SIGTERM))
    (130, 143)
    """
    return 128 + (error.args[0] if isinstance(error, Stopped) else signal.SIGINT)
