"""Artefact folders: each job's result, complete or absent, with a record of its origin."""

from __future__ import annotations

import importlib
import importlib.metadata
import json
import multiprocessing
import os
import platform
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from lcgan_core.errors import UserError, memory_is_full
from lcgan_core.protocol.config import Config
from lcgan_core.run import locks, shared
from lcgan_core.run.disk import disk_errors
from lcgan_core.run.plan import ALL, Job, code_of, fingerprint, inputs, jobs, work_of

REPOSITORY = Path(__file__).parents[2]
PROVENANCE = "artefact.json"
RUN_LOCK = ".run.lock"
ATTEMPTS = "attempts.json"
"""In a working folder: seconds spent by earlier attempts, and when the present one began."""
_claims: list[TextIO] = []  # a lock ends when its file is closed, and so with this process


def root() -> Path:
    """The folder of all runs: $LCGAN_RUNS, else runs/ in the checkout, else runs/ here."""
    if "LCGAN_RUNS" in os.environ:
        return Path(os.environ["LCGAN_RUNS"]).expanduser().resolve()
    home = REPOSITORY if (REPOSITORY / "pyproject.toml").exists() else Path.cwd()
    return home / "runs"


def folder(config: Config, job: Job) -> Path:
    """Where the artefact of `job` is or will be."""
    stage = run_folder(config) / job.stage
    return stage if job.key == ALL else stage / job.key


def run_folder(config: Config) -> Path:
    """The folder of a run: its artefacts, logs and executed notebooks."""
    return root() / config.name


def ensure(config: Config, job: Job) -> Path:
    """Folder of the artefact of `job`, made by its stage only if it is missing.

    Its inputs must exist. The stage writes into a working folder, which a single rename turns into
    the artefact when everything is done. After an interruption the working folder stays, so that
    training resumes from its last checkpoint. A second process that wants the same artefact says so
    and waits for the first. An artefact that lacks one of its files is made again.
    """
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        # a worker process is importing the user's script: it would wait for the lock forever
        raise UserError(
            'A script that runs stages must call them below `if __name__ == "__main__":`, because '
            "its worker processes import it."
        )
    final = folder(config, job)
    stamp = fingerprint(config, job)
    with disk_errors(final):
        final.parent.mkdir(parents=True, exist_ok=True)
        with locks.take(
            _lock(final), lambda who: _say(f"Waiting for {who}: it is making {final}.")
        ):
            if _stamp_of(final) == stamp:
                lack = damage(final)
                if lack is None:
                    return final
                _say(f"{final} is made again: {lack}.")
            given = _inputs(config, job)
            work = final.with_name(f".{final.name}.partial")
            other = shared.elsewhere(root(), final, stamp)
            if other is not None and damage(other) is None:
                _say(f"{job.name} is taken over from {other.relative_to(root()).parts[0]}.")
                shared.take_over(other, work, final)
                return final
            if _begun_with(work) != stamp:
                shutil.rmtree(work, ignore_errors=True)
                work.mkdir()
                write_text(work / "fingerprint", stamp)
            earlier = _spent(work)
            write_text(work / ATTEMPTS, json.dumps({"spent": earlier, "since": time.time()}))
            started = time.monotonic()
            with _memory_errors(job):
                _stage(config, job)(config, job, given, work)
            record = _provenance(config, job, stamp, earlier + time.monotonic() - started)
            (work / ATTEMPTS).unlink()
            record["files"] = _sizes(work)
            write_text(work / PROVENANCE, json.dumps(record, indent=1) + "\n")
            shutil.rmtree(final, ignore_errors=True)
            work.rename(final)
    return final


def make(config: Config, *wanted: Job) -> None:
    """Make the artefacts of some jobs and of everything they need, with progress on a terminal."""
    missing = [job for job in jobs(config, *wanted) if state(config, job) != "done"]
    for number, job in enumerate(missing, start=1):
        if len(missing) > 1:
            _say(f"{number} of {len(missing)}: {job.name}")
        ensure(config, job)


def _stage(config: Config, job: Job) -> Callable[[Config, Job, Mapping[str, Path], Path], None]:
    module, _, name = work_of(config, job).partition(":")
    return getattr(importlib.import_module(module), name)


def _inputs(config: Config, job: Job) -> dict[str, Path]:
    """The input folders of a job, by role; UserError names the first that is missing."""
    needed = inputs(config, job)
    for one in needed.values():
        if state(config, one) != "done":
            raise UserError(
                f"{job.name} needs {folder(config, one)}, which is missing or was made with "
                "other settings, code or data; `lcgan run` and `make book` make it first."
            )
    return {role: folder(config, one) for role, one in needed.items()}


def state(config: Config, job: Job) -> str:
    """The state of a job: "done", "stale" (of other settings, code or data) or "missing"."""
    final = folder(config, job)
    if damage(final):
        return "missing"
    return "done" if _stamp_of(final) == fingerprint(config, job) else "stale"


def running(config: Config, job: Job) -> locks.Holder | None:
    """The process that is computing a job at this moment; None if there is none."""
    return locks.holder(_lock(folder(config, job)))


def claim(config: Config) -> None:
    """Make this process the only one that fills the run's folder, until it ends.

    Raises UserError if another process is filling it.
    """

    def refuse(who: locks.Holder) -> None:
        raise UserError(
            f"{place} is being filled by {who}: wait for it or stop it (`lcgan status` shows its "
            "jobs), then run the same command again; nothing was changed."
        )

    place = root() / config.name
    with disk_errors(place):
        place.mkdir(parents=True, exist_ok=True)
        _claims.append(locks.take(place / RUN_LOCK, refuse))


def claimed(config: Config) -> bool:
    """Whether a process is filling the run's folder."""
    return locks.holder(root() / config.name / RUN_LOCK) is not None


def damage(path: Path) -> str | None:
    """What is wrong with an artefact, as the beginning of a sentence; None if it is whole."""
    if _stamp_of(path) is None:
        return f"{PROVENANCE} is missing or damaged"
    for name, size in provenance(path).get("files", {}).items():
        file = path / name
        if not file.is_file():
            return f"{name} is missing"
        if file.stat().st_size != size:
            return f"{name} was changed after it was written"
    return None


def provenance(path: Path) -> dict:
    """The record beside an artefact: job, settings, inputs, code, versions, device, seconds."""
    return json.loads((path / PROVENANCE).read_text())


def write_text(path: Path, text: str) -> None:
    """Write a text file whole or not at all."""
    with atomic(path) as temporary:
        temporary.write_text(text)


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """A temporary name to write to, renamed to `path` when the block ends without an error."""
    temporary = path.with_name(f".{path.name}.writing{path.suffix}")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def _memory_errors(job: Job) -> Iterator[None]:
    """Say in one sentence how to lower the memory that a job needs."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not memory_is_full(error):
            raise
        raise UserError(
            f"{job.name}: there is not enough memory; lower the batch and the width "
            "of the network, or image_size, in the profile."
        ) from None


def _lock(final: Path) -> Path:
    return final.with_name(f".{final.name}.lock")


def _say(sentence: str) -> None:
    print(sentence, file=sys.__stderr__)  # not into a notebook, whose outputs nbval reads


def _sizes(folder: Path) -> dict[str, int]:
    """Bytes of each file; only the in-silico scans, which are not read again, are deeper."""
    files = sorted(path for depth in ("*", "*/*") for path in folder.glob(depth) if path.is_file())
    return {path.relative_to(folder).as_posix(): path.stat().st_size for path in files}


def _stamp_of(path: Path) -> str | None:
    try:
        return provenance(path)["fingerprint"]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _begun_with(work: Path) -> str | None:
    try:
        return (work / "fingerprint").read_text()
    except OSError:
        return None


def _spent(work: Path) -> float:
    """Seconds that interrupted attempts spent in a working folder.

    An attempt is counted to its last sign of life, the last file that it wrote: what came after
    that is lost, and the time until the next attempt began is nobody's.
    """
    try:
        before = json.loads((work / ATTEMPTS).read_text())
    except (OSError, ValueError):
        return 0.0
    last = max(path.stat().st_mtime for path in work.rglob("*"))
    return before["spent"] + max(last - before["since"], 0.0)


def _provenance(config: Config, job: Job, stamp: str, seconds: float) -> dict:
    import torch

    gpu = torch.cuda.is_available()
    return {
        "stage": job.stage,
        "key": job.key,
        "fingerprint": stamp,
        "inputs": {
            needed.place: fingerprint(config, needed) for needed in inputs(config, job).values()
        },
        "config": config.nameless(),
        "code": code_of(config, job),
        "versions": {
            name: importlib.metadata.version(name)
            for name in ("lcgan-core", "torch", "torchvision", "numpy", "scipy")
        },
        "python": platform.python_version(),
        "device": torch.cuda.get_device_name() if gpu else f"CPU ({platform.machine()})",
        "threads": torch.get_num_threads(),
        "seconds": round(seconds, 1),
    }
