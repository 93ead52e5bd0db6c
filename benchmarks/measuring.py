"""Time by the clock: calls that are compared take turns, so that a drift of the machine cancels."""

from __future__ import annotations

import multiprocessing
import platform
import re
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

import torch

from benchmarks.sizes import Sizes
from lcgan_core.cohort.workers import cores

Call = Callable[[], object]
Recipe = Callable[[], Call]
"""Prepares a call: makes images, builds networks. It must be picklable."""
Timer = Callable[[int], float]
"""Seconds that one of so many calls takes."""


def alternate(recipes: Mapping[str, Recipe], sizes: Sizes) -> dict[str, float]:
    """Median seconds of each recipe's call over `sizes.rounds` rounds of all, after a warm-up.

    Each has its own process, because memory that one keeps would make another one faster.
    """
    with ExitStack() as processes:
        enter = processes.enter_context
        timers: dict[str, Timer] = {
            name: enter(_apart(recipe)) if sizes.apart else partial(seconds, recipe())
            for name, recipe in recipes.items()
        }
        repeats = {}
        for name, timer in timers.items():
            timer(1)  # libraries load, kernels are chosen, caches fill
            repeats[name] = max(1, round(sizes.seconds / timer(1)))
        times: dict[str, list[float]] = {name: [] for name in timers}
        for _ in range(sizes.rounds):
            for name, timer in timers.items():
                times[name].append(timer(repeats[name]))
    return {name: statistics.median(each) for name, each in times.items()}


@contextmanager
def _apart(recipe: Recipe) -> Iterator[Timer]:
    """A timer of a recipe's call in a new process, which ends with the context."""
    start = multiprocessing.get_context("spawn")
    here, there = start.Pipe()
    process = start.Process(target=_serve, args=(there, recipe))
    process.start()
    there.close()  # the process has it: if that dies, here.recv() ends too

    def timer(repeats: int) -> float:
        try:
            here.send(repeats)
            return here.recv()
        except (EOFError, ConnectionError):
            raise RuntimeError("A recipe's process has ended; what it said is above.") from None

    try:
        yield timer
    finally:
        here.close()
        process.join()


def _serve(pipe: Connection, recipe: Recipe) -> None:
    call = recipe()
    with suppress(EOFError):  # the caller is done
        while True:
            pipe.send(seconds(call, pipe.recv()))


def seconds(call: Call, repeats: int) -> float:
    """Seconds that one of `repeats` calls takes, until the device has finished it."""
    _wait()
    started = time.perf_counter()
    for _ in range(repeats):
        call()
    _wait()
    return (time.perf_counter() - started) / repeats


def _wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def device_name() -> str:
    """The device that measured: the GPU, or the CPU with the cores that this process may use."""
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    info = Path("/proc/cpuinfo")
    lines = info.read_text() if info.exists() else ""
    model = re.search(r"^model name\s*: (.+)$", lines, re.MULTILINE)
    name = model[1].strip() if model else platform.machine()
    return f"CPU {name}, {cores()} cores"


def file_name(device: str) -> str:
    """A device's name as part of a file name.

    >>> file_name("CPU AMD EPYC, 2 cores")
    'cpu-amd-epyc-2-cores'
    """
    return re.sub(r"[^a-z0-9]+", "-", device.lower()).strip("-")
