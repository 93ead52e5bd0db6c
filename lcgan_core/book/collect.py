"""A bundle, collected from what the stages of a finished run wrote: no network runs."""

from __future__ import annotations

import json
import re
import shutil
from ast import literal_eval
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd

from lcgan_core.book import numbers_only, places, weights
from lcgan_core.book.bundle import seal
from lcgan_core.book.contents import (
    OF_GENERATORS,
    RECORD,
    VERSION,
    VIEWER_FOLDER,
    classes_of,
    of_stage,
    read_results,
)
from lcgan_core.book.figures import pictures
from lcgan_core.errors import UserError
from lcgan_core.protocol import methods
from lcgan_core.protocol.config import OWN, Config
from lcgan_core.protocol.profiles import STAGE_PARAMETERS, at, flat_fields, load
from lcgan_core.run import artefacts, pages, plan
from lcgan_core.run.plan import EVALUATION, Job

PATHS = re.compile(r"^(profile|cohort|segmentation_weights) = (.*)$", re.MULTILINE)
"""Parameters of a notebook that may be paths, as papermill writes them."""
DRAWN = {
    "fig3": pictures.snapshot_examples,
    "fig5": pictures.traditional_examples,
    "fig6": pictures.synthetic_examples,
    "closest": pictures.closest_pairs,
}


def collect(config: Config, out: Path, public: bool = False, models: bool = False) -> Path:
    """Make the bundle of a finished run at `out`: all of it, or nothing and UserError.

    A `public` one has no pictures where the store forbids to publish them; one with `models` has
    the generators of simulated heads (`weights`).
    """
    _finished(config)
    with places.making(out) as (work, old):
        record = _record(config)
        _tables(config, work)
        for name, draw in DRAWN.items():
            folder = artefacts.folder(config, _sources(config)[name])
            pictures.save(draw(folder, classes_of(record["run"])), work / name)
        _viewers(config, work / VIEWER_FOLDER)
        _notebooks(config, work / "notebooks")
        if models:
            weights.collect(config, work / weights.FOLDER)
        if public and numbers_only.asked(record["run"]):
            numbers_only.strip(work)
            record["pictures"] = False
        artefacts.write_text(work / RECORD, json.dumps(record, indent=1) + "\n")
        seal(work)
        if out.exists():
            out.rename(old)
        work.rename(out)
    return out


def shows_people(config: Config) -> bool:
    """Whether the public bundle of a finished run holds slices of people; UserError if it is not
    finished."""
    _finished(config)
    facts = json.loads((artefacts.folder(config, EVALUATION) / "run.json").read_text())
    return config.cohort_name == OWN and not numbers_only.asked(facts)


def _finished(config: Config) -> None:
    states = {job: artefacts.state(config, job) for job in plan.jobs(config)}
    if lacking := [job for job, state in states.items() if state != "done"]:
        raise UserError(
            f"The run '{config.name}' is not finished: {len(lacking)} of its {len(states)} jobs "
            "are missing or were made with other settings, code or data, the first is "
            f"{lacking[0].place}; run `make book PROFILE={config.file or config.profile}`."
        )


def _sources(config: Config) -> dict[str, Job]:
    """Picture or table of one subset -> the job that it is taken from. The paper shows its Figs. 3
    and 5 for 10 %, the second of its three subsets."""
    middle, largest = config.middle_fraction, config.shown_fraction
    painted = Job("augmentation", "gan", largest)
    return {
        "fig3": _selection(config, middle),
        "fig5": Job("augmentation", "traditional", middle),
        "fig6": painted,
        "closest": _selection(config, largest),
        "neighbours": _selection(config, largest),
        "densities": painted,
    }


def _selection(config: Config, fraction: float, draw: int = 1) -> Job:
    """The selection of the paper's generator, which paints the copies of the arm gan."""
    return plan.inputs(config, Job("augmentation", "gan", fraction, draw))["selection"]


def _selections(config: Config) -> list[Job]:
    """All selections of a run, generator by generator."""
    there = [job for job in plan.jobs(config) if job.stage == "selection"]
    generators = list(dict.fromkeys(job.what for job in there))
    return sorted(there, key=lambda job: (generators.index(job.what), job.fraction, job.draw))


def _tables(config: Config, work: Path) -> None:
    evaluation = artefacts.folder(config, EVALUATION)
    read_results(evaluation / "results.csv", config.name)
    for name in of_stage("evaluation"):
        shutil.copyfile(evaluation / f"{name}.csv", work / f"{name}.csv")
    for name in of_stage("selection"):
        _concatenated(config, _selections(config), name, work)
    measured = [_selection(config, f, k) for f in config.fractions for k in config.draws_at(f)]
    _concatenated(config, measured, "real_slices", work)
    for name in ("neighbours", "densities"):
        source = artefacts.folder(config, _sources(config)[name])
        shutil.copyfile(source / f"{name}.csv", work / f"{name}.csv")
    _of_generators(config, work)
    runs = pd.DataFrame([_run(config, job) for job in plan.jobs(config)])
    runs.to_csv(work / "runs.csv", index=False)


def _of_generators(config: Config, work: Path) -> None:
    """What the copies of each generator look like, where there are several."""
    jobs, largest = plan.jobs(config), config.shown_fraction
    own = {name: Job("augmentation", methods.kind_of(name), largest) for name in methods.GENERATORS}
    painted = {name: artefacts.folder(config, job) for name, job in own.items() if job in jobs}
    if len(painted) < 2:
        return
    tables = []
    for name, folder in painted.items():
        table = pd.read_csv(folder / "densities.csv")
        table.insert(0, "generator", name)
        tables.append(table)
    pd.concat(tables).to_csv(work / f"{OF_GENERATORS}.csv", index=False, float_format="%.6g")
    facts = json.loads((artefacts.folder(config, EVALUATION) / "run.json").read_text())
    pictures.save(pictures.of_generators(painted, classes_of(facts)), work / "generators")


def _concatenated(config: Config, selections: Sequence[Job], name: str, work: Path) -> None:
    """A table of all selections, preceded by the columns that distinguish them."""
    parts = []
    for job in selections:
        folder = artefacts.folder(config, job)
        if name == "real_slices":
            table = pd.read_csv(folder / "real_images.csv", index_col=0).T
        else:
            table = pd.read_csv(folder / f"{name}.csv")
        keys = {"generator": job.what, "fraction": job.fraction, "draw": job.draw}
        parts.append(table.assign(**keys)[[*keys, *table.columns]])
    pd.concat(parts).to_csv(work / f"{name}.csv", index=False, float_format="%.6g")


def _run(config: Config, job: Job) -> dict[str, Any]:
    """A row of runs.csv, from the job's own record."""
    folder = artefacts.folder(config, job)
    record = artefacts.provenance(folder)
    return {
        "job": job.place,
        "stage": job.stage,
        "fraction": job.fraction,
        "draw": job.draw,
        "what": job.what,
        "segmenter": job.segmenter,
        "fingerprint": record["fingerprint"],
        "inputs": " ".join(record["inputs"]),
        "code": record["code"],
        "device": record["device"],
        "threads": record["threads"],
        "python": record["python"],
        "torch": record["versions"]["torch"],
        "seconds": record["seconds"],
        "finished": _written(folder),
    }


def _written(artefact: Path) -> str:
    when = datetime.fromtimestamp((artefact / artefacts.PROVENANCE).stat().st_mtime, UTC)
    return f"{when:%Y-%m-%d %H:%M} UTC"


def _viewers(config: Config, work: Path) -> None:
    """The viewers' pictures and CSVs, as the stages wrote them: Figs. 3 and 6 of each fraction."""
    work.mkdir()
    of = {
        "fig3": [_selection(config, fraction) for fraction in config.fractions],
        "fig5": [_sources(config)["fig5"]],
        "fig6": [Job("augmentation", "gan", fraction) for fraction in config.fractions],
    }
    for name, made_by in of.items():
        folders = [artefacts.folder(config, job) / "viewer" for job in made_by]
        for path in (path for folder in folders for path in folder.glob("*.webp")):
            shutil.copyfile(path, work / path.name)
        rows = pd.concat([pd.read_csv(folder / f"{name}.csv") for folder in folders])
        rows.to_csv(work / f"{name}.csv", index=False, float_format="%.6g")


def _notebooks(config: Config, work: Path) -> None:
    work.mkdir()
    for stage in STAGE_PARAMETERS:
        path = pages.executed(config, stage)
        nbformat.write(nameless(nbformat.read(path, as_version=4), config), work / path.name)


def nameless(notebook: nbformat.NotebookNode, config: Config) -> nbformat.NotebookNode:
    """An executed notebook without the paths of this machine: papermill's and those given to it."""

    def named(given: re.Match[str]) -> str:
        name, value = given[1], Path(literal_eval(given[2])).name
        return f"{name} = {json.dumps(config.cohort_name if name == 'cohort' else value)}"

    notebook.metadata.pop("papermill", None)
    for cell in notebook.cells:
        cell.metadata.pop("papermill", None)
        if "injected-parameters" in cell.metadata.get("tags", []):
            cell.metadata.tags = [*cell.metadata.tags, "hide-input"]
            cell.source = PATHS.sub(named, cell.source)
    return notebook


def _record(config: Config) -> dict[str, Any]:
    """The evaluation's own record, the facts of the run, how the run differs from its profile, and
    what the book shows of it."""
    evaluation = artefacts.folder(config, EVALUATION)
    facts = json.loads((evaluation / "run.json").read_text())
    return artefacts.provenance(evaluation) | {
        "bundle": VERSION,
        "finished": _written(evaluation),
        "run": facts,
        "changes": changes(config),
        "settings": settings(config),
        "shown_fraction": config.shown_fraction,
        "sources": {name: job.place for name, job in _sources(config).items()},
        "pages": {
            stage: [job.place for job in pages.shown(config, stage)] for stage in STAGE_PARAMETERS
        },
    }


def settings(config: Config) -> dict[str, dict[str, Any]]:
    """Stage -> the settings that its jobs read themselves, by their flat names."""
    known = config.nameless()
    found: dict[str, dict[str, Any]] = {stage: {} for stage in STAGE_PARAMETERS}
    for job in plan.jobs(config):
        for name in plan.settings_of(config, job):
            value: Any = known
            for part in name.split("."):
                value = value[part]
            flat = name.replace(".", "_")
            inner = {f"{flat}_{k}": v for k, v in value.items()} if isinstance(value, dict) else {}
            found[job.stage] |= inner or {flat: value}
    return found


def changes(config: Config) -> list[str]:
    """Sentences: how the run differs from its profile, and how much smaller that made the grid.

    >>> changes(load("quick", seed=7))
    ['`seed` is 7 instead of 2020.']
    """
    shipped = load(config.file or config.profile, cohort=config.cohort.source)
    said = [
        f"`{name}` {_instead(_nameless(name, value), at(shipped, flat_fields()[name]))}."
        for name, value in config.overrides.items()
        if name != "cohort"
    ]
    trained, planned = (len(plan.segmentations(one)) for one in (config, shipped))
    if trained < planned:
        said.append(f"{trained} of the profile's {planned} segmentation networks were trained.")
    return said


def _nameless(name: str, value: Any) -> Any:
    return Path(value).name if name == "segmentation_weights" else value


def _instead(here: Any, there: Any) -> str:
    listed = isinstance(there, tuple) and all(len(set(one)) == len(one) for one in (here, there))
    if listed and set(here) < set(there):
        return f"leaves out {_words(tuple(one for one in there if one not in here))}"
    return f"is {_words(here)} instead of {_words(there)}"


def _words(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
