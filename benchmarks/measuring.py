"""Time by the clock: calls that are compared take turns, so that a drift of the machine cancels."""

from __future__ import annotations

import platform
import re
import statistics
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import torch

from benchmarks.sizes import Sizes
from lcgan_core.cohort.workers import cores
from lcgan_core.loops import placing

Call = Callable[[], object]
OURS = ("ours", "compiled", "product")
"""Names of calls that run as training does: ours, and the limit that they are held against."""
BY_ITSELF = {placing.M_MMAP_MAX: 65_536, placing.M_MMAP_THRESHOLD: 32 << 20}
"""Limits of malloc, which ours changes (`placing.KEPT`), as they settle where nobody does. The heap
is not trimmed for the others either, or each turn of ours would have to fill it anew."""


def alternate(calls: Mapping[str, Call], sizes: Sizes) -> dict[str, float]:
    """Median seconds of each call over `sizes.rounds` rounds of all of them, after a warm-up."""
    repeats = {}
    for name, call in calls.items():
        placing.limit_malloc(placing.KEPT if name in OURS else BY_ITSELF)
        seconds(call, 1)  # libraries load, kernels are chosen, caches fill
        repeats[name] = max(1, round(sizes.seconds / seconds(call, 1)))
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(sizes.rounds):
        for name, call in calls.items():
            placing.limit_malloc(placing.KEPT if name in OURS else BY_ITSELF)
            times[name].append(seconds(call, repeats[name]))
    return {name: statistics.median(each) for name, each in times.items()}


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
    """What measured: the GPU's name, or the CPU's with the cores that this process may use."""
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    info = Path("/proc/cpuinfo")
    lines = info.read_text() if info.exists() else ""
    model = re.search(r"^model name\s*: (.+)$", lines, re.MULTILINE)
    name = model[1].strip() if model else platform.machine()
    return f"CPU {name}, {cores()} cores"


def file_name(device: str) -> str:
    """A device's name as a file may bear it.

    >>> file_name("CPU AMD EPYC, 2 cores")
    'cpu-amd-epyc-2-cores'
    """
    return re.sub(r"[^a-z0-9]+", "-", device.lower()).strip("-")
