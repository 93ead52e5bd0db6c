"""Where the sources and pages of a book are, and the bundles that it is made from."""

from __future__ import annotations

from pathlib import Path

from lcgan_core.protocol.config import Config
from lcgan_core.run import artefacts

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
