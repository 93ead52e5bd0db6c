"""A bundle: all that the book needs of one finished run, in a folder small enough to be committed.

results.csv draws.csv differences.csv by_size.csv sensitivity.csv claims.csv   of stage 6
candidates.csv memorisation.csv kernel_distance.csv           of stage 3, each share and draw
neighbours.csv densities.csv                          of the largest subset, in draw 1
fig3 fig5 fig6 closest, each .png and .svg                                  pictures of slices
notebooks/                                         the executed notebook of each stage's page
runs.csv                                           a row a job: its inputs, code, device and time
provenance.json                        settings, facts of the run, a hash of each file here
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd

from lcgan_core.book import build
from lcgan_core.errors import UserError
from lcgan_core.protocol.profiles import Config, at, flat_fields, load
from lcgan_core.run import artefacts
from lcgan_core.run.plan import Job, jobs, segmentations

OF_EVALUATION = ("results", "draws", "differences", "by_size", "sensitivity", "claims")
OF_SELECTION = ("candidates", "memorisation", "kernel_distance")
PROVENANCE = "provenance.json"
VERSION = 2  # of what a bundle holds
RESULTS = artefacts.REPOSITORY / "results"
"""Published runs, a folder each."""


def of_run(config: Config) -> Path:
    """Where the bundle of a run lies beside its artefacts."""
    return artefacts.root() / config.name / "bundle"


def published(name: str = "") -> Path:
    """Where the bundle of a published run lies: `compact` if there is one and none is named, else
    the one that finished last. UserError where there is none."""
    there = {path.parent.name: path.parent for path in RESULTS.glob("*/*.csv")}
    if name and name not in there:
        raise UserError(
            f"No run '{name}' is published under {RESULTS}; there: {', '.join(there) or 'none'}."
        )
    if not there:
        raise UserError(f"No run is published under {RESULTS}; `make publish` does that.")
    if name or "compact" in there:
        return there[name or "compact"]
    return max(there.values(), key=lambda bundle: opened(bundle)["finished"])


def notebooks(bundle: Path) -> list[Path]:
    """The executed notebooks of the stages' pages.

    A bundle without any is of `quick` with its own numbers: notebooks/ holds that run's outputs.
    """
    own = bundle / "notebooks"
    return sorted((own if own.is_dir() else artefacts.REPOSITORY / "notebooks").glob("*.ipynb"))


def collect(config: Config, out: Path) -> Path:
    """Make the bundle of a finished run at `out`: all of it, or nothing and UserError."""
    _finished(config)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as temporary:
        work = Path(temporary) / "new"
        work.mkdir()
        _tables(config, work)
        _pictures(config, work)
        _notebooks(config, work / "notebooks")
        artefacts.write_text(work / PROVENANCE, json.dumps(_record(config), indent=1) + "\n")
        seal(work)
        if out.exists():
            out.rename(Path(temporary) / "old")
        work.rename(out)
    return out


def seal(bundle: Path) -> None:
    """Note the hash of each file of a bundle in its provenance.json."""
    record = json.loads((bundle / PROVENANCE).read_text())
    record["files"] = {
        path.relative_to(bundle).as_posix(): _hash(path)
        for path in sorted(bundle.rglob("*"))
        if path.is_file() and path.name != PROVENANCE
    }
    artefacts.write_text(bundle / PROVENANCE, json.dumps(record, indent=1) + "\n")


def opened(bundle: Path) -> dict[str, Any]:
    """The provenance of a whole bundle; UserError names the first file that is missing or not as
    it was collected."""
    try:
        record = json.loads((bundle / PROVENANCE).read_text())
        files = dict(record["files"])
    except (OSError, ValueError, KeyError, TypeError):
        raise _broken(bundle, PROVENANCE, "missing or damaged") from None
    if record.get("bundle") != VERSION:
        raise UserError(
            f"{bundle} was collected by another version of lcgan, whose bundles hold other files; "
            "collect the run anew with `lcgan publish`; nothing was changed."
        )
    for name, known in files.items():
        path = bundle / name
        if not path.is_file():
            raise _broken(bundle, name, "missing")
        if _hash(path) != known:
            raise _broken(bundle, name, "not as it was written")
    return record


def _broken(bundle: Path, name: str, how: str) -> UserError:
    return UserError(
        f"{bundle / name} is {how}; get it back with `git checkout -- {bundle}`, or collect the "
        "run anew with `lcgan publish`; nothing was changed."
    )


def _finished(config: Config) -> None:
    states = {job: artefacts.state(config, job) for job in jobs(config)}
    if lacking := [job for job, state in states.items() if state != "done"]:
        raise UserError(
            f"The run '{config.name}' is not finished, {len(lacking)} of its {len(states)} jobs "
            "are missing or of other settings, code or data, the first "
            f"{lacking[0].stage}/{lacking[0].key}; run `make book PROFILE={config.profile}`."
        )


def _tables(config: Config, work: Path) -> None:
    from lcgan_core.stages import augmentation  # torch is slow to import
    from lcgan_core.stages.evaluation import read_results

    evaluation = artefacts.folder(config, Job("evaluation"))
    read_results(evaluation / "results.csv", config.name)
    for name in OF_EVALUATION:
        shutil.copyfile(evaluation / f"{name}.csv", work / f"{name}.csv")
    for name in OF_SELECTION:
        parts = [
            pd.read_csv(
                artefacts.folder(config, Job("selection", fraction, draw=draw)) / f"{name}.csv"
            )
            .assign(fraction=fraction, draw=draw)
            .set_index(["fraction", "draw"])
            for fraction in config.fractions
            for draw in config.draws_at(fraction)
        ]
        pd.concat(parts).to_csv(work / f"{name}.csv", float_format="%.6g")
    largest = config.fractions[-2]
    chosen = artefacts.folder(config, Job("selection", largest))
    shutil.copyfile(chosen / "neighbours.csv", work / "neighbours.csv")
    densities = augmentation.lesion_densities(config, largest)
    densities.to_csv(work / "densities.csv", index_label="hemorrhage", float_format="%.6g")
    pd.DataFrame([_run(config, job) for job in jobs(config)]).to_csv(work / "runs.csv", index=False)


def _run(config: Config, job: Job) -> dict[str, Any]:
    """A row of runs.csv, from what the job noted of itself."""
    folder = artefacts.folder(config, job)
    record = artefacts.provenance(folder)
    return {
        "job": f"{job.stage}/{job.key}",
        "stage": job.stage,
        "fraction": job.fraction,
        "draw": job.draw,
        "what": job.what,
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


def _pictures(config: Config, work: Path) -> None:
    from lcgan_core.book.figures import pictures
    from lcgan_core.book.pages import viewers

    pictures.write(config, work)
    viewers.collect(config, work)


def _notebooks(config: Config, work: Path) -> None:
    work.mkdir()
    for job in build.STAGE_PAGES:
        notebook = nbformat.read(build.executed(config, job), as_version=4)
        nbformat.write(nameless(notebook, config), work / build.source(job.stage).name)


def nameless(notebook: nbformat.NotebookNode, config: Config) -> nbformat.NotebookNode:
    """An executed notebook without the paths of this machine: papermill's and the cohort's."""
    notebook.metadata.pop("papermill", None)
    for cell in notebook.cells:
        cell.metadata.pop("papermill", None)
        if "injected-parameters" in cell.metadata.get("tags", []):
            cell.metadata.tags = [*cell.metadata.tags, "hide-input"]
            cell.source = cell.source.replace(config.cohort.source, config.cohort_name)
    return notebook


def _record(config: Config) -> dict[str, Any]:
    """What the evaluation noted of itself and of the run, and where it is not its profile."""
    evaluation = artefacts.folder(config, Job("evaluation"))
    facts = json.loads((evaluation / "run.json").read_text())
    return artefacts.provenance(evaluation) | {
        "bundle": VERSION,
        "finished": _written(evaluation),
        "run": facts,
        "changes": changes(config),
    }


def changes(config: Config) -> list[str]:
    """Sentences: where the run is not its profile, and how much of the grid that took away.

    >>> changes(load("quick", seed=7))
    ['`seed` is 7 instead of 2020.']
    """
    shipped = load(config.profile)
    said = [
        f"`{name}` {_instead(value, at(shipped, flat_fields()[name]))}."
        for name, value in config.overrides.items()
        if name != "cohort"
    ]
    trained, planned = (len(segmentations(one)) for one in (config, shipped))
    if trained < planned:
        said.append(f"{trained} of the profile's {planned} segmentation networks were trained.")
    return said


def _instead(here: Any, there: Any) -> str:
    listed = isinstance(there, tuple) and len(set(there)) == len(there)
    if listed and set(here) < set(there):
        return f"leaves out {_words(tuple(one for one in there if one not in here))}"
    return f"is {_words(here)} instead of {_words(there)}"


def _words(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
