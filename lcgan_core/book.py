"""The book: executed notebooks, generated tables and figures and the prose, built as one site."""

from __future__ import annotations

import shutil
import subprocess
import sys
from importlib.resources import as_file, files
from pathlib import Path

import nbformat

from lcgan_core import plan, runs
from lcgan_core.errors import UserError
from lcgan_core.plan import ALL, Job
from lcgan_core.profiles import STAGE_PARAMETERS, Config

ROOT = runs.REPOSITORY
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
    return runs.root() / config.name / "notebooks" / f"{name}.ipynb"


def forget_broken(config: Config) -> None:
    """Delete executed notebooks whose artefact is gone or broken: their jobs are not done."""
    for job in plan.jobs(config):
        shown = job if job.stage == "segmentation" else job._replace(what=None)
        if runs.damage(runs.folder(config, job)):
            executed(config, shown).unlink(missing_ok=True)


def staging(config: Config) -> Path:
    """Folder of the book's sources, put together for one run."""
    return ROOT / "_build" / "book" / config.name


def html(config: Config) -> Path:
    """Folder of the built pages of a run."""
    return staging(config) / "_build" / "html"


def pages() -> list[str]:
    """The files of prose, settings and measured times that the book is made from."""
    folders = ("book", "data", "results/bench")
    prose = [path for folder in folders for path in (ROOT / folder).rglob("*.*")]
    return sorted(
        str(path)
        for path in [*prose, ROOT / "_config.yml", ROOT / "_toc.yml"]
        if "generated" not in path.parts and "cohorts" not in path.parts
    )


def build(config: Config) -> None:
    """Stage and build the book of a finished run; UserError with the log where a page is wrong."""
    from lcgan_core import pages as generated

    place = staging(config)
    for path in map(Path, pages()):
        target = place / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    generated.write(config, place / "book" / "generated")
    # the charts' library, 5 MB: in the built book only
    with as_file(files("plotly") / "package_data" / "plotly.min.js") as library:
        shutil.copy(library, place / "book" / "_static")
    (place / "notebooks").mkdir(exist_ok=True)
    for job in STAGE_PAGES:
        _stage_notebook(executed(config, job), place / "notebooks" / source(job.stage).name)
    program = Path(sys.executable).with_name("jupyter-book")
    log = runs.root() / config.name / "logs" / "book.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    command = [str(program), "build", "-W", "-n", "--keep-going", str(place)]
    with log.open("w") as lines:
        done = subprocess.run(command, stdout=lines, stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        shutil.rmtree(html(config), ignore_errors=True)
        warnings = [line for line in log.read_text().splitlines() if "WARNING" in line]
        first = warnings[0] if warnings else "no warning was printed"
        raise UserError(f"The book has {len(warnings)} warnings, the first: {first}; see {log}.")


def _stage_notebook(path: Path, target: Path) -> None:
    """Copy an executed notebook without papermill's traces, which name this machine's paths."""
    notebook = nbformat.read(path, as_version=4)
    notebook.metadata.pop("papermill", None)
    for cell in notebook.cells:
        cell.metadata.pop("papermill", None)
        if "injected-parameters" in cell.metadata.get("tags", []):
            cell.metadata.tags = [*cell.metadata.tags, "hide-input"]
    nbformat.write(notebook, target)
