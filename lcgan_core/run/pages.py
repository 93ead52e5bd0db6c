"""What Snakemake sees of a run: the marks of finished jobs, and the six executed notebooks."""

from __future__ import annotations

from pathlib import Path

from lcgan_core.protocol.config import Config
from lcgan_core.protocol.profiles import STAGE_PARAMETERS
from lcgan_core.run import artefacts
from lcgan_core.run.plan import Job, jobs, page, page_parameters


def source(stage: str) -> Path:
    """The committed notebook of a stage."""
    number = list(STAGE_PARAMETERS).index(stage) + 1
    return artefacts.REPOSITORY / "notebooks" / f"{number:02d}_{stage}.ipynb"


def executed(config: Config, stage: str) -> Path:
    """Where the executed notebook of a stage's page is or will be."""
    return artefacts.run_folder(config) / "notebooks" / source(stage).name


def execute(config: Config, stage: str, given: dict) -> None:
    """Run the notebook of a stage with a run's parameters, on artefacts that exist.

    `given`: profile and overrides as the user gave them.
    """
    import papermill  # takes a second to import, and most jobs do not need it

    out = executed(config, stage)
    out.parent.mkdir(parents=True, exist_ok=True)
    with artefacts.atomic(out) as temporary:
        papermill.execute_notebook(
            str(source(stage)),
            str(temporary),
            {**given, **page_parameters(config, stage)},
            kernel_name="python3",
            progress_bar=False,
        )


def shown(config: Config, stage: str) -> list[Job]:
    """The jobs whose artefacts the page of a stage shows."""
    return list(page(config, stage, page_parameters(config, stage)).values())


def mark(config: Config, job: Job) -> Path:
    """The file that tells Snakemake that a job is done."""
    return artefacts.run_folder(config) / "done" / job.name


def forget_undone(config: Config) -> None:
    """Delete the marks of jobs that are not done or are stale, and the pages that show them.

    Snakemake knows from its own records what is stale; these lie in the checkout, while the run may
    have been made from another one.
    """
    undone = {job for job in jobs(config) if artefacts.state(config, job) != "done"}
    for job in undone:
        mark(config, job).unlink(missing_ok=True)
    for stage in STAGE_PARAMETERS:
        if undone & set(shown(config, stage)):
            executed(config, stage).unlink(missing_ok=True)
