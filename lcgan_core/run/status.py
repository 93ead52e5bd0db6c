"""The progress of a run: jobs done, running, missing and stale, and the time that is left."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field

from lcgan_core.protocol.config import Config
from lcgan_core.protocol.profiles import STAGE_PARAMETERS
from lcgan_core.run import artefacts, locks, stopped
from lcgan_core.run.plan import Job, jobs

STATES = ("done", "running", "missing", "stale")


@dataclass
class Stage:
    """The jobs of one stage.

    left: seconds that the unfinished jobs will take, one after the other; unknown: how many of them
    have no finished job to judge by.
    """

    counts: Counter[str] = field(default_factory=Counter)
    left: float = 0.0
    unknown: int = 0


@dataclass(frozen=True)
class Status:
    """All stages by name, in their order, and the jobs that run with the process of each, and
    trainings that were begun: how far each got."""

    stages: dict[str, Stage]
    running: dict[Job, locks.Holder]
    stopped: dict[Job, str] = field(default_factory=dict)


def status(config: Config) -> Status:
    """Look at the folder of a run, which may be in progress; changes nothing."""
    running = {job: who for job in jobs(config) if (who := artefacts.running(config, job))}
    states = {
        job: "running" if job in running else artefacts.state(config, job) for job in jobs(config)
    }
    rates = _rates(config, [job for job, state in states.items() if state == "done"])
    stages = {name: Stage() for name in STAGE_PARAMETERS}
    for job, state in states.items():
        stage = stages[job.stage]
        stage.counts[state] += 1
        if state == "done":
            continue
        if _kind(job) not in rates:
            stage.unknown += 1
            continue
        spent = time.time() - running[job].since if job in running else 0.0
        stage.left += max(rates[_kind(job)] * work(config, job) - spent, 0.0)
    begun = {job: far for job, far in stopped.begun(config) if states[job] != "done"}
    return Status(stages, running, begun)


def work(config: Config, job: Job) -> float:
    """Size of a job relative to similar ones: a fraction of the patients, or optimiser steps."""
    fraction = job.fraction or 1.0
    if job.stage != "segmentation":
        return fraction
    return config.steps_at(fraction) * config.times(job.what)


def _kind(job: Job) -> tuple[str, str | None]:
    """What similar jobs have in common: their time is proportional to their work."""
    return job.stage, job.segmenter if job.stage == "segmentation" else job.what


def _rates(config: Config, done: list[Job]) -> dict[tuple[str, str | None], float]:
    """Seconds per unit of work of similar jobs, where one of them has finished."""
    seconds: dict[tuple[str, str | None], float] = defaultdict(float)
    works: dict[tuple[str, str | None], float] = defaultdict(float)
    for job in done:
        seconds[_kind(job)] += artefacts.provenance(artefacts.folder(config, job))["seconds"]
        works[_kind(job)] += work(config, job)
    return {kind: seconds[kind] / works[kind] for kind in seconds}


def duration(seconds: float) -> str:
    """Seconds in the units that people use.

    >>> [duration(s) for s in (0.4, 59, 90, 7200, 200000)]
    ['0 s', '59 s', '2 min', '2 h 0 min', '55 h 33 min']
    """
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def text(found: Status) -> str:
    """The table, the running jobs, and what is left of the whole run, for a terminal."""
    lines = [f"{'stage':<13}" + "".join(f"{state:>9}" for state in STATES) + f"{'left':>14}"]
    for name, stage in found.stages.items():
        counts = "".join(f"{stage.counts[state] or '-':>9}" for state in STATES)
        lines.append(f"{name:<13}{counts}{_left(stage.left, stage.unknown):>14}")
    for job, who in found.running.items():
        since = duration(time.time() - who.since)
        lines.append(f"{job.name} has been running for {since} in {who}.")
    for job, far in found.stopped.items():
        lines.append(f"{job.name} {'is' if job in found.running else 'stopped'} after {far}.")
    stages = found.stages.values()
    total = sum((stage.counts for stage in stages), Counter[str]())
    left, unknown = sum(stage.left for stage in stages), sum(stage.unknown for stage in stages)
    lines.append(f"{total['done']} of {total.total()} jobs are done.")
    if total["done"] < total.total():
        at_once = max(total["running"], 1)
        lines.append(f"Left with {at_once} at a time: {_left(left / at_once, unknown)}.")
    if unknown:
        lines.append("?: no job like these has finished yet.")
    return "\n".join(lines)


def _left(seconds: float, unknown: int) -> str:
    known = [duration(seconds)] if seconds else []
    return " + ".join([*known, *(["?"] if unknown else [])]) or "-"
