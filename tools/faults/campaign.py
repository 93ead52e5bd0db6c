"""Faults one after another: what befell which command, how it ended, and whether it finished."""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tools.faults import works
from tools.faults.mishaps import DISKS, OTHERS, SIGNALS, Mishap, mountable
from tools.faults.process import Process
from tools.faults.works import WORKS

ERROR = r"Traceback|(?<!Workflow)Error:"  # the other is what Snakemake calls a run that ended early
SENTENCE = r"^(lcgan|The run stopped): .*[.]$"
PLACE = "place"
"""The same for all faults, because what a command makes may name it."""


class Whole(NamedTuple):
    """A run that nothing befell: what it made, and in how many seconds."""

    made: dict[str, str]
    seconds: float


class Outcome(NamedTuple):
    """A fault: how the command ended, its orphans, and what was wrong with it, if anything."""

    fault: int
    work: str
    mishap: str
    code: int | None
    orphans: int
    wrong: str


def mishaps() -> Mapping[str, Mishap]:
    """All that may befall a command here; signals twice as often as anything else."""
    twice = {f"{name} again": mishap for name, mishap in SIGNALS.items()}
    return {**SIGNALS, **OTHERS, **twice, **(DISKS if mountable() else {})}


def undisturbed(shared: Path, names: Iterable[str]) -> dict[str, Whole]:
    """What each work makes when nothing befalls it; `shared` then holds a finished run."""
    names, whole = list(names), {}
    works.prepare(shared, names)
    stages = [name for name in names if name.startswith("stage ")]
    for name in [*stages[-1:], *names]:  # the last stage makes what the others begin from
        place = shared / PLACE
        place.mkdir()
        WORKS[name].begin(shared, place)
        begun = time.monotonic()
        process = _begin(name, shared, place)
        if process.ended() != 0:
            raise RuntimeError(f"{name} fails where nothing befalls it: {process.said()}")
        whole[name] = Whole(works.contents(place / WORKS[name].ends), time.monotonic() - begun)
        if name in stages and not (shared / works.RUN).exists():
            shutil.copytree(place / "runs", shared / works.RUN)
        shutil.rmtree(place)
    return whole


def _begin(
    name: str, shared: Path, place: Path, limits: Mapping[int, int] | None = None
) -> Process:
    os.environ["LCGAN_RUNS"] = str(place / "runs")
    work = WORKS[name]
    number = len(list(shared.glob("said-*")))
    log = shared / f"said-{number}"
    return Process(work.command(shared, place), partial(work.ready, place), log, limits)


def run(
    seed: int, faults: Iterable[int], shared: Path, whole: Mapping[str, Whole]
) -> Iterator[Outcome]:
    """The outcomes of faults, by their numbers; shared, whole: as `undisturbed` left them."""
    possible = mishaps()
    for fault in faults:
        rng = np.random.default_rng([seed, fault])
        # every mishap meets every work in turn
        name = list(whole)[fault % len(whole)]
        how = list(possible)[(fault + fault // len(whole)) % len(possible)]
        yield _one(fault, name, how, possible[how], rng, shared, whole[name])


def _one(
    fault: int, name: str, how: str, mishap: Mishap, rng: np.random.Generator, shared: Path,
    whole: Whole,
) -> Outcome:  # fmt: skip
    place = shared / PLACE
    place.mkdir()
    with mishap.place(place):
        WORKS[name].begin(shared, place)
        begin = partial(_begin, name, shared, place)
        processes = mishap.befall(rng, place, whole.seconds, begin)
        codes = [process.ended() for process in processes]
        left = [each for process in processes for each in process.orphans()]
        wrong = [
            _wrong(code, process, (*mishap.codes, *WORKS[name].codes))
            for code, process in zip(codes, processes, strict=True)
        ]
        mishap.mend(place)
        again = begin() if 0 not in codes else None
        if again and again.ended() != 0:
            wrong.append(f"the same command failed afterwards: {again.said()}")
        wrong.append(_differs(works.contents(place / WORKS[name].ends), whole.made))
        wrong += [f"left {each}" for each in left]
    shutil.rmtree(place)
    return Outcome(fault, name, how, codes[0], len(left), "\n".join(filter(None, wrong)))


def _wrong(code: int | None, process: Process, codes: tuple[int, ...]) -> str:
    said = process.said()
    if code not in codes:
        return f"ended with {code}: {said}"
    if re.search(ERROR, said):
        return f"said {said}"
    if code and code > 0 and not re.search(SENTENCE, said, re.M):
        return f"ended with {code} and said no sentence: {said}"
    return ""


def _differs(made: dict[str, str], whole: dict[str, str]) -> str:
    if made == whole:
        return ""
    names = sorted(set(made.items()) ^ set(whole.items()))
    return f"made something else: {', '.join(dict.fromkeys(name for name, _ in names))}"
