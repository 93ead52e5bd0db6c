"""The book: executed notebooks, generated tables and figures and the prose, built as one site."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.resources import as_file, files
from pathlib import Path

from lcgan_core.errors import UserError
from lcgan_core.protocol.profiles import STAGE_PARAMETERS, Config
from lcgan_core.run import artefacts, plan
from lcgan_core.run.plan import ALL, Job

ROOT = artefacts.REPOSITORY
STAGE_PAGES = tuple(
    Job(
        stage,
        0.25 if "fraction" in own else None,
        "both" if "arm" in own else None,
    )
    for stage, own in STAGE_PARAMETERS.items()
)
"""The job whose executed notebook is the page of its stage."""


def source(stage: str) -> Path:
    """The committed notebook of a stage."""
    number = list(STAGE_PARAMETERS).index(stage) + 1
    return ROOT / "notebooks" / f"{number:02d}_{stage}.ipynb"


def executed(config: Config, job: Job) -> Path:
    """Where the executed notebook of a job lies or will lie."""
    name = job.stage if job.key == ALL else f"{job.stage}-{job.key}"
    return artefacts.root() / config.name / "notebooks" / f"{name}.ipynb"


def forget_broken(config: Config) -> None:
    """Delete executed notebooks whose artefact is gone or broken: their jobs are not done."""
    for job in plan.jobs(config):
        shown = job if job.stage == "segmentation" else job._replace(what=None)
        if artefacts.damage(artefacts.folder(config, job)):
            executed(config, shown).unlink(missing_ok=True)


def staging(run: str) -> Path:
    """Folder of the book's sources, put together for one run."""
    return ROOT / "_build" / "book" / run


def html(config: Config) -> Path:
    """Folder of the built pages of a run."""
    return _pages_in(staging(config.name))


def _pages_in(place: Path) -> Path:
    return place / "_build" / "html"


def pages() -> list[str]:
    """The files of prose, settings and measured times that the book is made from."""
    folders = ("book", "data", "results/bench")
    prose = [path for folder in folders for path in (ROOT / folder).rglob("*.*")]
    return sorted(
        str(path)
        for path in [*prose, *(ROOT / name for name in ("_config.yml", "_toc.yml", "CHANGELOG.md"))]
        if "generated" not in path.parts and "cohorts" not in path.parts
    )


def build(config: Config) -> Path:
    """Collect a finished run and build its book; returns the folder of the pages.

    Raises UserError for a run that is not finished, and with the log where a page is wrong.
    """
    from lcgan_core.book import bundle

    return _make(bundle.collect(config, bundle.of_run(config)), staging(config.name))


def render(published: str = "") -> Path:
    """Build the book of a published run from what is committed; returns the folder of the pages.

    Without a name the run of `compact`, else the one that finished last. Raises UserError for a run
    that is not published and for a broken bundle, before anything is changed.
    """
    from lcgan_core.book import bundle

    collected = bundle.published(published)
    return _make(collected, staging(f"published-{collected.name}"))


def _make(collected: Path, place: Path) -> Path:
    """Put the book's sources together in `place` and build them."""
    from lcgan_core.book import bundle
    from lcgan_core.book.pages import write as generated

    record = bundle.opened(collected)
    for path in map(Path, pages()):
        target = place / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    shutil.rmtree(place / "book" / "generated", ignore_errors=True)
    generated.write(collected, record, place / "book" / "generated")
    _viewers(collected, place / "book" / "_static")
    (place / "notebooks").mkdir(exist_ok=True)
    for path in bundle.notebooks(collected):
        shutil.copyfile(path, place / "notebooks" / path.name)
    return _built(place)


def _viewers(collected: Path, static: Path) -> None:
    """The viewers' pictures, and the charts' library, 5 MB, which is in the built book only."""
    from lcgan_core.book.pages import viewers

    shutil.rmtree(static / viewers.FOLDER, ignore_errors=True)
    shutil.copytree(collected / viewers.FOLDER, static / viewers.FOLDER)
    with as_file(files("plotly") / "package_data" / "plotly.min.js") as library:
        shutil.copy(library, static)


def _built(place: Path) -> Path:
    program = Path(sys.executable).with_name("jupyter-book")
    log = place / "book.log"
    command = [str(program), "build", "-W", "-n", "--keep-going", str(place)]
    with log.open("w") as lines:
        done = subprocess.run(
            command, stdout=lines, stderr=subprocess.STDOUT, check=False,
            env={**os.environ, "NO_COLOR": "1"},
        )  # fmt: skip
    if done.returncode:
        shutil.rmtree(_pages_in(place), ignore_errors=True)
        warnings = [line for line in log.read_text().splitlines() if "WARNING" in line]
        first = warnings[0] if warnings else "no warning was printed"
        raise UserError(f"The book has {len(warnings)} warnings, the first: {first}; see {log}.")
    # Jupyter Book's own has no title, no language and no icon, which a browser then asks for
    shutil.copyfile(place / "book" / "first_page.html", _pages_in(place) / "index.html")
    return _pages_in(place)
