"""Where the sources and pages of a book are, and the bundles that it is made from."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lcgan_core.errors import UserError
from lcgan_core.protocol.config import Config
from lcgan_core.run import artefacts, locks
from lcgan_core.run.disk import disk_errors

ROOT = artefacts.REPOSITORY
RESULTS = ROOT / "results"
"""Published runs, one folder each."""


def collected(config: Config) -> Path:
    """The bundle of a run, beside its artefacts."""
    return artefacts.run_folder(config) / "bundle"


def staging(run: str) -> Path:
    """The folder in which the sources of a run's book are put together."""
    return ROOT / "_build" / "book" / run


def html(staged: Path) -> Path:
    """The built pages of a book whose sources were put together at `staged`."""
    return staged / "_build" / "html"


def prose() -> list[Path]:
    """The files of prose, settings and measured times that every book is made from."""
    folders = ("book", "data", "results/bench")
    files = [path for folder in folders for path in (ROOT / folder).rglob("*.*")]
    files += [ROOT / name for name in ("_config.yml", "_toc.yml", "CHANGELOG.md")]
    return sorted(
        path for path in files if not {"generated", "cohorts"} & set(path.relative_to(ROOT).parts)
    )


@contextmanager
def making(out: Path) -> Iterator[tuple[Path, Path]]:
    """Folders beside `out` for the bundle in the making and the one before, for one process only;
    what a killed process has left there is put back or cleared away."""

    def refuse(who: locks.Holder) -> None:
        raise UserError(f"{out} is being made by {who}; wait until it has ended.")

    place = out.with_name(f".{out.name}.partial")
    new, old = place / "new", place / "old"
    with disk_errors(out):
        place.mkdir(parents=True, exist_ok=True)
        with locks.take(place / "lock", refuse):
            _clear(new, old, out)
            new.mkdir(parents=True)
            try:
                yield new, old
            finally:
                _clear(new, old, out)
                shutil.rmtree(place)


def _clear(new: Path, old: Path, out: Path) -> None:
    if old.exists() and not out.exists():
        old.rename(out)
    for left in (new, old):
        shutil.rmtree(left, ignore_errors=True)
