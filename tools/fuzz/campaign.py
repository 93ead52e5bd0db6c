"""Cases one after another, each within limits of memory and time, and a line about each."""

from __future__ import annotations

import json
import multiprocessing
import resource
import shutil
import signal
import time
import traceback
import warnings
from collections.abc import Iterable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

import numpy as np

from lcgan_core.errors import UserError
from tools.fuzz.kinds import KINDS

SECONDS, MEMORY = 30, 3 << 30
"""Of a case: after so long it hangs, and so much more than before it may take."""
LONGEST = 1500
"""Characters of a sentence that somebody still reads."""
TAKEN, REFUSED, FAILED = "taken", "refused", "failed"


class Outcome(NamedTuple):
    """What became of a case: TAKEN, REFUSED or FAILED, in how many seconds, and what was said."""

    case: int
    kind: str
    outcome: str
    seconds: float
    said: str


def kind_of(case: int) -> str:
    """The kinds take turns."""
    return list(KINDS)[case % len(KINDS)]


def outcome(seed: int, case: int, right: Path, place: Path) -> Outcome:
    """Do one case: spoil a copy of its right folder in `place`, and give it to its command."""
    kind = KINDS[kind_of(case)]
    rng = np.random.default_rng([seed, case])
    folder = place / f"case-{case}"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(right / kind_of(case), folder)
    given = kind.spoil(rng, folder)
    begun = time.perf_counter()
    try:
        kind.do(folder, given)
        became, said = TAKEN, ""
    except UserError as error:
        became, said = (REFUSED if is_sentence(str(error), folder) else FAILED), str(error)
    except BaseException:
        became, said = FAILED, traceback.format_exc()
    seconds = time.perf_counter() - begun
    shutil.rmtree(folder, ignore_errors=True)
    return Outcome(case, kind_of(case), became, round(seconds, 4), said)


def is_sentence(said: str, folder: Path) -> bool:
    """Whether a refusal is one line that names what is wrong, and says what to do.

    >>> is_sentence("/x/a.dcm is cut off; copy it again.", Path("/x"))
    True
    >>> is_sentence("Error", Path("/x"))
    False
    """
    settings = ("--", "Profile '", "nknown", "The pattern ")
    names = str(folder) in said or any(part in said for part in settings)
    ways = ("; ", "allowed: ", "refused: ", "is missing.", ": say ", ": run ", ": unpack ")
    remedy = any(part in said for part in ways)
    return said.isprintable() and len(said) <= LONGEST and names and remedy


def run(seed: int, cases: Iterable[int], right: Path, place: Path) -> Iterator[Outcome]:
    """The outcomes of cases, done in another process, which begins anew where one ends or hangs it.

    right: a folder that `corpus.make` made; place: where spoiled copies are put.
    """
    process = None
    for case in cases:
        if process is None:
            process = _Process(seed, right, place)
        ended = process.done(case)
        if ended is None:
            ended = Outcome(case, kind_of(case), FAILED, SECONDS, process.end())
            process = None
        yield ended
    if process:
        process.end()


class _Process:
    """A fork of this process that does the cases whose numbers it is sent."""

    def __init__(self, seed: int, right: Path, place: Path) -> None:
        context = multiprocessing.get_context("fork")
        self.ours, theirs = context.Pipe()
        self.process = context.Process(target=_work, args=(theirs, seed, right, place), daemon=True)
        self.process.start()
        theirs.close()

    def done(self, case: int) -> Outcome | None:
        try:
            self.ours.send(case)
            return Outcome(*self.ours.recv()) if self.ours.poll(SECONDS) else None
        except EOFError:
            return None

    def end(self) -> str:
        """How it ended, which it does now if it has not."""
        self.process.join(0.5)
        code = self.process.exitcode
        self.process.kill()
        self.process.join()
        return f"hung for {SECONDS} s" if code is None else f"ended with exit code {code}"


def _work(orders: Connection, seed: int, right: Path, place: Path) -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    warnings.simplefilter("ignore")  # the libraries' own about what they read
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    while True:
        orders.send(tuple(outcome(seed, orders.recv(), right, place)))


def journal(path: Path) -> list[Outcome]:
    """The outcomes that a file holds, one a line; a line that was not finished is cut off."""
    if not path.exists():
        return []
    whole = path.read_bytes()
    whole = whole[: whole.rfind(b"\n") + 1]
    path.write_bytes(whole)
    return [Outcome(**json.loads(line)) for line in whole.splitlines()]
