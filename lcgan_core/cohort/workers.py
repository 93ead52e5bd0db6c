"""Processes that read head CTs in parallel, however many there are to read."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from itertools import islice
from typing import Any, Protocol

from lcgan_core.run import signals

AHEAD = 2
"""Tasks queued per process: enough to keep it busy, few enough for any memory."""
PRELOADED = ["lcgan_core.cohort.ingest", "lcgan_core.cohort.dicom"]


class Parallel(Protocol):
    def __call__(self, function: Callable, items: Iterable, chunk: int = 1) -> Iterator[Any]:
        """`function` of every item, in order; `chunk` items go to a process at a time."""
        ...


def cores() -> int:
    """CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def workers(processes: int) -> Iterator[Parallel]:
    """A lazy, ordered map over `processes` processes; memory does not grow with the items.

    One process means this one. Ctrl-C ends all of them at once and drops what is queued.
    """
    if processes < 2:
        yield lambda function, items, chunk=1: map(function, items)
        return
    # a fork of this process would copy torch's locked threads; a fork of a bare process that has
    # imported the readers is safe and costs nothing
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    with ProcessPoolExecutor(processes, context, initializer=_begin) as pool:

        def parallel(function: Callable, items: Iterable, chunk: int = 1) -> Iterator[Any]:
            waiting: deque[Future] = deque()
            rest = iter(items)
            while True:
                while len(waiting) < AHEAD * processes and (part := list(islice(rest, chunk))):
                    with signals.held():  # a process that is half begun would be nobody's
                        waiting.append(pool.submit(_each, function, part))
                if not waiting:
                    return
                yield from waiting.popleft().result()

        try:
            yield parallel
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _begin() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first process reports what Ctrl-C stopped
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A killed process cannot end its workers, which would wait for it for ever."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _each(function: Callable, part: list) -> list:
    return [function(item) for item in part]
