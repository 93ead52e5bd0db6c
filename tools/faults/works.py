"""What is disturbed: ingest and join, each stage, a grid, publish, a book's sources and pages."""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from lcgan_core import cli
from lcgan_core.book import build, collect, places
from lcgan_core.cohort import ingest
from lcgan_core.phantom import write_cohort
from lcgan_core.protocol import profiles
from lcgan_core.run import artefacts, pages, plan
from lcgan_core.training import engine
from tests.book import made

SMALL = {
    "cohort_patients": 4, "cohort_matrix": 64, "cohort_slices": 6, "image_size": 64,
    "fractions": [1.0], "lcgan_width": 2, "lcgan_snapshots": [1, 2], "segmentation_width": 2,
    "segmentation_steps": 4, "realism_steps": 2, "evaluation_resamples": 10,
}  # fmt: skip
SETS = [part for name, value in SMALL.items() for part in ("--set", f"{name}={value}")]
OWN = {
    "training": ["--fraction", "1"],
    "selection": ["--fraction", "1"],
    "augmentation": ["--fraction", "1"],
    "segmentation": ["--fraction", "1", "--arm", "both"],
}
ARMS = ("original", "traditional")
VARYING = {"seconds", "spent", "since", "stamp"}
"""Keys of JSON that are times, or hash the times of files."""
HEADS, STORES, RUN, FINISHED = "heads", "stores", "run", "finished"


class Work(NamedTuple):
    """A command; `shared` is a folder that `prepare` made once, `place` that of one fault.

    begin: puts into the place what the command needs; command: its arguments; ready: changes this
    process, which is a fork, so that it does the command in the place; ends: the folder with all
    that the command makes.
    """

    begin: Callable[[Path, Path], None]
    command: Callable[[Path, Path], list[str]]
    ready: Callable[[Path], None]
    ends: str
    codes: tuple[int, ...] = ()
    """Exit codes that it may have besides those of a command of lcgan."""


def prepare(shared: Path, names: Iterable[str]) -> None:
    """Scans, stores and a finished run, as far as the works of these names begin from them."""
    names = list(names)
    for module in (f"lcgan_core.stages.{stage}" for stage in profiles.STAGE_PARAMETERS):
        importlib.import_module(module)  # a fork with little memory must not have to
    if "grid" in names:
        importlib.import_module("snakemake.cli")
    begins = {WORKS[name].begin for name in names}
    if _nothing in begins:
        write_cohort(shared / HEADS, patients=3, seed=1, matrix=64, slices=5)
        for name in ("a", "b"):
            ingest.ingest_folder(shared / HEADS, "dicom", shared / STORES / name, 64, {}, b"s" * 32)
    if _finished in begins:
        config = profiles.load("quick")
        made.finished(config)  # below $LCGAN_RUNS
        shutil.copytree(artefacts.run_folder(config), shared / FINISHED / config.name)


def _nothing(shared: Path, place: Path) -> None:
    pass


def _nothing_yet(shared: Path, place: Path) -> None:
    (place / "runs").mkdir()


def _as_it_is(place: Path) -> None:
    pass


def _by_workers(place: Path) -> None:
    ingest.SMALL = 0
    ingest.cores = lambda: 2


def _with_checkpoints(place: Path) -> None:
    engine.SECONDS_BETWEEN_CHECKPOINTS = 0.5


def _in_place(place: Path) -> None:
    """Publications and books are made in the place, and the pages' sources are not rendered."""
    places.RESULTS = place / "results"
    places.staging = lambda run: place / "results" / run
    build._built = lambda staged: staged
    collect.DRAWN = {}


def _with_pages(place: Path) -> None:
    """As `_in_place`, and Jupyter Book makes a book of one page."""
    built = build._built
    _in_place(place)

    def small(staged: Path) -> Path:
        (staged / "_toc.yml").write_text("format: jb-book\nroot: book/small\n")
        (staged / "book" / "small.md").write_text("# Small\n\nA page.\n")
        return built(staged)

    build._built = small


def _snakemake(place: Path) -> None:
    """Snakemake in the place of a command of lcgan."""
    from snakemake import cli as snakemake

    os.chdir(place)  # where it keeps its notes
    cli.app = lambda standalone_mode: snakemake.main(sys.argv[1:])


def _grid(shared: Path, place: Path) -> list[str]:
    """As `make book` starts it, for the four jobs that two arms need."""
    config = profiles.load("quick", **SMALL)
    made_by = [plan.Job("segmentation", arm, 1.0, 1, config.segmenters[0]) for arm in ARMS]
    return [
        "--snakefile", str(artefacts.REPOSITORY / "Snakefile"), "--cores", "2",
        "--quiet", "rules", "host", "--scheduler", "greedy", "--rerun-incomplete", "--nolock",
        "--config", "profile=quick", *(f"{k}={json.dumps(v)}" for k, v in SMALL.items()),
        "--", *(str(pages.mark(config, job)) for job in made_by),
    ]  # fmt: skip


def _stage(stage: str) -> Work:
    """A stage of a run of which all earlier ones are finished."""
    stages = list(profiles.STAGE_PARAMETERS)

    def begin(shared: Path, place: Path) -> None:
        left = stages[stages.index(stage) :]
        (place / "runs").mkdir()
        if (shared / RUN).exists():  # not before the first run that nothing befalls
            shutil.copytree(shared / RUN, place / "runs", dirs_exist_ok=True, ignore=_without(left))

    def command(shared: Path, place: Path) -> list[str]:
        return ["run", stage, *OWN.get(stage, []), *SETS]

    return Work(begin, command, _with_checkpoints, "runs")


def _without(stages: list[str]) -> Callable[[str, list[str]], list[str]]:
    return lambda folder, names: [name for name in names if name in stages]


def _finished(shared: Path, place: Path) -> None:
    shutil.copytree(shared / FINISHED, place / "runs")
    (place / "results").mkdir()


def _ingest(shared: Path, place: Path) -> list[str]:
    return ["ingest", f"{shared / HEADS}", "--out", f"{place / 'made' / 'store'}", "--size", "64"]


def _join(shared: Path, place: Path) -> list[str]:
    stores = [str(shared / STORES / name) for name in ("a", "b")]
    return ["join", *stores, "--out", str(place / "made" / "store")]


WORKS: Mapping[str, Work] = {
    "ingest": Work(_nothing, _ingest, _as_it_is, "made"),
    "ingest by workers": Work(_nothing, _ingest, _by_workers, "made"),
    "join": Work(_nothing, _join, _as_it_is, "made"),
    **{f"stage {name}": _stage(name) for name in profiles.STAGE_PARAMETERS},
    "publish": Work(_finished, lambda shared, place: ["publish"], _in_place, "results"),
    "book's sources": Work(_finished, lambda shared, place: ["book"], _in_place, "results"),
    "book's pages": Work(
        _finished, lambda shared, place: ["book"], _with_pages, "results/quick/_build/html"
    ),
    # Snakemake waits at SIGTERM for the jobs that run, and then calls the run a failed one
    "grid": Work(_nothing_yet, _grid, _snakemake, "runs", codes=(1,)),
}


def contents(folder: Path) -> dict[str, str]:
    """Each file below a folder with a hash of what it says, times left out; locks and logs are no
    content.

    Of the stage that is made last only its own artefacts count, whichever jobs came before.
    """
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.name.endswith(".lock") and "logs" not in path.parts:
            found[path.relative_to(folder).as_posix()] = _hash(path)
    return found


def _hash(path: Path) -> str:
    content = path.read_bytes()
    if path.suffix == ".json":
        content = json.dumps(_timeless(json.loads(content)), sort_keys=True).encode()
    return hashlib.sha256(content).hexdigest()


def _timeless(value: object) -> object:
    if isinstance(value, dict):
        return {k: _timeless(v) for k, v in value.items() if k not in VARYING}
    return [_timeless(each) for each in value] if isinstance(value, list) else value
