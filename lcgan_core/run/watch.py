"""Snakemake, seen by somebody who waits: one line a job, one sentence where it stops.

12 of 48 (25 %)  segmentation-0.25-both; about 14 min left
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress

from lcgan_core.run import signals
from lcgan_core.run.status import duration

FINISHED = re.compile(r"Finished jobid: \d+ \(Rule: (.+)\)")
STEPS = re.compile(r"(\d+) of (\d+) steps")
OURS = ("The run stopped:", "Waiting for ", "Snakemake cannot work in", "lcgan:", "UserError:")
"""How lines begin that are meant for the user."""
LAST = 15
AGAIN = "finished parts are kept: run the same command again to resume."


def watch(command: list[str]) -> int:
    """Run Snakemake and tell what it does on stderr; returns its exit code.

    Of a run that stops without one of our sentences, the last lines that Snakemake wrote are shown.
    Ctrl-C and a SIGTERM are one sentence and exit code 130 or 143.
    """
    # in the background of a shell Ctrl-C is ignored, which Snakemake would inherit: it has to obey
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
        process_group=0,
    )  # fmt: skip
    signal.signal(signal.SIGINT, before)
    assert process.stdout is not None
    last: deque[str] = deque(maxlen=LAST)
    told = False
    try:
        with signals.stopping():
            for line in said(process.stdout, last, time.monotonic):
                told |= line.startswith("The run stopped:")
                print(line, file=sys.stderr, flush=True)
            code = process.wait()
    except KeyboardInterrupt as stopped:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGINT)  # Snakemake and its jobs
        process.communicate()  # with nobody who reads, it would wait at a full pipe
        print(f"Interrupted; {AGAIN}", file=sys.stderr)
        return signals.exit_code(stopped)
    if code < 0:
        print(f"Snakemake was ended by signal {-code}; {AGAIN}", file=sys.stderr)
        return 128 - code
    if code and not told:
        print("\n".join(last), file=sys.stderr)
    return code


def said(lines: Iterable[str], last: deque[str], clock: Callable[[], float]) -> Iterator[str]:
    """What a user needs of Snakemake's lines, of which `last` keeps the last ones.

    >>> lines = ["Building DAG of jobs...", "Finished jobid: 3 (Rule: cohort)",
    ...     "1 of 4 steps (25%) done", "The run stopped: a job failed."]
    >>> list(said(lines, deque(), iter([0.0, 60.0]).__next__))
    ['1 of 4 (25 %)  cohort; about 3 min left', 'The run stopped: a job failed.']
    """
    started, finished = clock(), ""
    for line in lines:
        line = line.rstrip()
        last.append(line)
        if found := FINISHED.search(line):
            finished = found[1]
        elif found := STEPS.search(line):
            done, total = int(found[1]), int(found[2])
            left = (clock() - started) / done * (total - done)
            share = f"{done:>{len(str(total))}} of {total} ({100 * done // total} %)"
            yield f"{share}  {finished}" + (f"; about {duration(left)} left" if left else "")
        elif line.startswith(OURS):
            yield line
