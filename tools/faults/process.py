"""A command of lcgan in a fork of this process, which has imported all that it needs."""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from multiprocessing.synchronize import Event
from pathlib import Path

import psutil

from lcgan_core import cli
from lcgan_core.run import ending

SECONDS, LEAVE = 300, 60
"""After so long a command hangs, and so long its children may take to end after it."""


class Process:
    """A command that has begun, in a session of its own; it writes what it says into `log`."""

    def __init__(
        self,
        arguments: list[str],
        ready: Callable[[], None],
        log: Path,
        limits: Mapping[int, int] | None = None,
    ) -> None:
        self.log = log
        context = multiprocessing.get_context("fork")
        begun = context.Event()
        self.process = context.Process(
            target=_work, args=(arguments, ready, log, limits or {}, begun)
        )
        self.process.start()
        begun.wait()

    def send(self, number: int) -> None:
        """A signal to the first process alone, if it is still there."""
        assert self.process.pid
        os.kill(self.process.pid, number)

    def ended(self) -> int | None:
        """The exit code, a signal's as a negative number; None if it hung."""
        self.process.join(SECONDS)
        if self.process.exitcode is None:
            self.process.kill()
            self.process.join()
            return None
        return self.process.exitcode

    def orphans(self) -> list[str]:
        """The command lines of its children that have not ended with it; they are ended now."""
        deadline = time.monotonic() + LEAVE
        while (left := self._session()) and time.monotonic() < deadline:
            time.sleep(0.05)
        for each in left:
            each.kill()
        return list(left.values())

    def said(self) -> str:
        return self.log.read_text(errors="replace")

    def _session(self) -> dict[psutil.Process, str]:
        """Those of its session that run, with their command lines, which go with them."""
        found = {}
        for each in psutil.process_iter():
            try:
                ours = os.getsid(each.pid) == self.process.pid
                if ours and each.status() != psutil.STATUS_ZOMBIE:
                    found[each] = " ".join(each.cmdline())
            except (ProcessLookupError, psutil.NoSuchProcess):
                continue
        return found


def _work(
    arguments: list[str],
    ready: Callable[[], None],
    log: Path,
    limits: Mapping[int, int],
    begun: Event,
) -> None:
    os.setsid()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background ignores it,
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # and nohup this
    with log.open("w") as file:
        for number in (1, 2):
            os.dup2(file.fileno(), number)
    for name, number in (("stdout", 1), ("stderr", 2), ("__stderr__", 2)):
        setattr(sys, name, os.fdopen(number, "w", closefd=False, buffering=1))
    ready()
    of = ending.of

    def begins(command: Callable[[], int]) -> int | str:
        return of(lambda: [begun.set(), command()][1])  # earlier it would meet Python's own start

    vars(ending)["of"] = begins
    for which, limit in limits.items():
        resource.setrlimit(which, (limit, limit))
    sys.argv = ["lcgan", *arguments]
    try:
        cli.main()
    finally:
        # Python ends the threads of pools before it waits for their processes; multiprocessing,
        # whose process this is, does it the other way round and would wait for ever
        threading._shutdown()
