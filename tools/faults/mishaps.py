"""What befalls a command: signals, disks, limits, and another process that does the same."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from tools.faults.process import Process

Rng = np.random.Generator
ROOM = 256 << 20
"""Bytes of a disk that is large enough."""


class Mishap:
    """Lets `begin()` start a command in `place`, disturbs it and waits for its end; gives all
    processes that it started. usual: seconds that the command takes when nothing befalls it."""

    codes: tuple[int, ...] = (0, 1)
    """With which the command may end; a negative one is a signal's."""

    @contextmanager
    def place(self, folder: Path) -> Iterator[None]:
        """Around all that happens in `folder`."""
        yield

    def befall(
        self, rng: Rng, place: Path, usual: float, begin: Callable[..., Process]
    ) -> list[Process]:
        raise NotImplementedError

    def mend(self, place: Path) -> None:
        """Before the same command is given again."""


class Signal(Mishap):
    def __init__(self, number: int) -> None:
        self.number = number
        self.codes = (0, -number, 128 + number)

    def befall(self, rng, place, usual, begin):
        process = begin()
        time.sleep(usual * rng.random())
        process.send(self.number)
        return [process]


class Disk(Mishap):
    """A disk of its own, which is full before the command has written all, or is read-only."""

    def __init__(self, read_only: bool) -> None:
        self.read_only = read_only

    @contextmanager
    def place(self, folder: Path) -> Iterator[None]:
        _mount(folder, f"size={ROOM}")
        try:
            yield
        finally:
            subprocess.run(["umount", "--lazy", folder], check=True)

    def befall(self, rng, place, usual, begin):
        used = shutil.disk_usage(place).used
        more = 4096 * int(2 ** rng.uniform(0, 8))
        _mount(place, f"remount,{'ro' if self.read_only else f'size={used + more}'}")
        return [begin()]

    def mend(self, place):
        _mount(place, f"remount,rw,size={ROOM}")


class Limit(Mishap):
    """Of memory beyond what is taken already, or of the bytes of a file."""

    def __init__(self, which: int, most: int) -> None:
        self.which, self.most = which, most

    def befall(self, rng, place, usual, begin):
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        least = pages * resource.getpagesize() if self.which == resource.RLIMIT_AS else 0
        return [begin(limits={self.which: least + int(self.most * rng.random() ** 2)})]


class Twice(Mishap):
    def befall(self, rng, place, usual, begin):
        first = begin()
        time.sleep(usual * rng.random() / 2)
        return [first, begin()]


def mountable() -> bool:
    """Whether this process may mount a disk."""
    return os.geteuid() == 0 and not subprocess.run(
        ["unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"],
        capture_output=True, check=False,
    ).returncode  # fmt: skip


def _mount(folder: Path, options: str) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], check=True)


SIGNALS: Mapping[str, Mishap] = {
    "kill -9": Signal(signal.SIGKILL),
    "SIGTERM": Signal(signal.SIGTERM),
    "SIGHUP": Signal(signal.SIGHUP),
    "Ctrl-C": Signal(signal.SIGINT),
}
OTHERS: Mapping[str, Mishap] = {
    "limit of memory": Limit(resource.RLIMIT_AS, 150 << 20),
    "limit of file size": Limit(resource.RLIMIT_FSIZE, 200 << 10),
    "two at once": Twice(),
}
DISKS: Mapping[str, Mishap] = {
    "full disk": Disk(read_only=False),
    "read-only disk": Disk(read_only=True),
}
