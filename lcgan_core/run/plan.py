"""The graph of a run: its jobs, what each one needs, and what makes a finished one stale.

Nothing here imports a network library, so that the Snakefile, read once per job, loads quickly.
"""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from lcgan_core.protocol import methods
from lcgan_core.protocol.arms import ARMS
from lcgan_core.protocol.config import IN_SILICO, Config
from lcgan_core.run.code import code_hash
from lcgan_core.run.listing import listing

ALL = "all"
"""The key of a stage with a single job."""
JUDGE = "judge"
PATIENTS = (
    "seed", "cohort.lesion_only", "cohort.folds", "cohort.test_share", "cohort.validation_share",
)  # fmt: skip
"""The settings that say who trains, validates and tests."""
SLICES = (*PATIENTS, "window")
"""The settings of every job that reads the slices of a subset."""


class Job(NamedTuple):
    """One artefact of a run: a stage, and what distinguishes it from the others."""

    stage: str
    what: str = ""
    """Training: a generator, or JUDGE. Selection: a generator. Augmentation: a kind of copy.
    Segmentation: an arm."""
    fraction: float | None = None
    draw: int = 1
    """Which patients are in the subset, which seeds train on them and, with folds, who tests."""
    segmenter: str | None = None

    @property
    def key(self) -> str:
        """Folder name under runs/<run>/<stage>/; the default segmenter is not written out.

        >>> Job("segmentation", "both", 0.25, 2, "fcn8s").key, Job("cohort").key
        ('0.25-draw2-both', 'all')
        """
        other = self.segmenter if self.segmenter != methods.default_segmenter() else None
        parts = [
            f"{self.fraction:g}" if self.fraction is not None else None,
            f"draw{self.draw}" if self.draw > 1 else None,
            self.what,
            other,
        ]
        return "-".join(part for part in parts if part) or ALL

    @property
    def name(self) -> str:
        """What people and Snakemake call it.

        >>> Job("training", "lcgan", 0.25).name, Job("evaluation").name
        ('training-0.25-lcgan', 'evaluation')
        """
        return self.stage if self.key == ALL else f"{self.stage}-{self.key}"

    @property
    def place(self) -> str:
        """Its folder below the run's folder, as provenance and error messages name it."""
        return f"{self.stage}/{self.key}"


COHORT, EVALUATION = Job("cohort"), Job("evaluation")


def judge(config: Config, draw: int) -> Job:
    """The segmenter that has seen all training labels of a draw (paper, Fig. 4).

    One serves all draws, unless folds let each draw train on other patients: the judge of another
    one would have seen the patients that this one tests.
    """
    own = draw if config.cohort.folds else 1
    return Job("training", JUDGE, config.fractions[-1], own, config.judge_segmenter)


def inputs(config: Config, job: Job) -> dict[str, Job]:
    """The jobs whose artefacts a job reads, by the role that each plays."""

    def same(stage: str, what: str, segmenter: str | None = None) -> Job:
        """A job of the same patients and seeds."""
        return job._replace(stage=stage, what=what, segmenter=segmenter)

    match job.stage:
        case "training":
            return {"cohort": COHORT}
        case "selection":
            return {
                "cohort": COHORT,
                "training": same("training", job.what),
                "judge": judge(config, job.draw),
                # the judge that has seen only the subset's labels is the arm `original`
                "subset_judge": same("segmentation", "original", config.judge_segmenter),
            }
        case "augmentation" if how := methods.painted(job.what):
            if how.noise:
                return {"cohort": COHORT, "copies": same(job.stage, methods.kind_of(how.generator))}
            needed = {"cohort": COHORT, "training": same("training", how.generator)}
            if how.candidate in methods.BY_CRITERIA:
                needed["selection"] = same("selection", how.generator)
            return needed
        case "augmentation":
            return {"cohort": COHORT}
        case "segmentation":
            kinds = [kind for kind in ARMS[job.what].copies if kind != "original"]
            needed = {"cohort": COHORT, **{kind: same("augmentation", kind) for kind in kinds}}
            if painter := ARMS[job.what].online:
                needed |= {each: same(each, painter) for each in ("training", "selection")}
            return needed
        case "evaluation":
            return {"cohort": COHORT, **{one.key: one for one in segmentations(config)}}
    return {}


def jobs(config: Config, *wanted: Job) -> list[Job]:
    """Every job of a run, or some jobs and those that they need, each after its own inputs."""
    found: dict[Job, None] = {}

    def add(job: Job) -> None:
        if job not in found:
            for needed in inputs(config, job).values():
                add(needed)
            found[job] = None

    for job in wanted or (EVALUATION, *shown(config)):
        add(job)
    return list(found)


def segmentations(config: Config) -> list[Job]:
    """Every segmenter of the grid: the profile's arms at each fraction in all its draws."""
    return [
        Job("segmentation", arm, fraction, draw, segmenter)
        for segmenter in config.segmenters
        for fraction in config.fractions
        for draw in config.draws_at(fraction)
        for arm in config.arms_at(fraction, draw, segmenter)
    ]


def page(config: Config, stage: str, own: dict[str, Any]) -> dict[str, Job]:
    """The jobs that a stage's notebook shows, by role; `own` has the notebook's own parameters."""
    if stage in ("cohort", "evaluation"):
        return {stage: Job(stage)}
    fraction, draw = own["fraction"], own.get("draw", 1)
    generator = own.get("generator", "lcgan")
    match stage:
        case "training":
            return {"training": Job(stage, generator, fraction, draw), JUDGE: judge(config, draw)}
        case "selection":
            return {"selection": Job(stage, generator, fraction, draw)}
        case "augmentation":
            kinds = (methods.kind_of(generator), "traditional")
            return {kind: Job(stage, kind, fraction, draw) for kind in kinds}
    segmenter = own.get("segmenter", config.segmenters[0])
    return {stage: Job(stage, own["arm"], fraction, draw, segmenter)}


def page_parameters(config: Config, stage: str) -> dict[str, Any]:
    """The parameters of a stage's notebook as a page of the book."""
    if stage in ("cohort", "evaluation"):
        return {}
    own: dict[str, Any] = {"fraction": config.page_fraction}
    if stage == "segmentation":
        own |= {"arm": "both", "segmenter": config.segmenters[0]}
    return own


def shown(config: Config) -> list[Job]:
    """What the book shows in addition to the evaluation: the jobs of its pages, and the paper's
    two copies of each subset in its first draw."""
    pages = [
        job
        for stage in ("training", "selection", "augmentation", "segmentation")
        for job in page(config, stage, page_parameters(config, stage)).values()
    ]
    copies = [
        Job("augmentation", kind, fraction)
        for fraction in config.fractions
        for kind in ("gan", "traditional")
    ]
    return list(dict.fromkeys([*pages, *copies]))


def work_of(config: Config, job: Job) -> str:
    """The function that makes a job's artefact, as "module:name" (below `lcgan_core.stages`)."""
    name = {"selection": "select", "segmentation": "segment", "evaluation": "evaluate"}
    what = name.get(job.stage, "")
    match job.stage:
        case "cohort" if config.cohort.source == IN_SILICO:
            what = "in_silico"
        case "cohort":
            what = "given"
        case "training":
            what = "judge" if job.what == JUDGE else "generator"
        case "augmentation":
            how = methods.painted(job.what)
            what = "copy" if how is None else "add_noise" if how.noise else "paint"
        case "segmentation" if ARMS[job.what].online:
            return "lcgan_core.stages.online:segment"
    return f"lcgan_core.stages.{job.stage}:{what}"


def settings_of(config: Config, job: Job) -> tuple[str, ...]:
    """The fields of the profile that a job reads itself; its inputs bring their own."""
    match job.stage:
        case "cohort" if config.cohort.source == IN_SILICO:
            sizes = ("cohort.patients", "cohort.matrix", "cohort.slices", "cohort.annotator_mm")
            return ("seed", "image_size", "cohort.source", *sizes)
        case "cohort":
            return ("image_size", "cohort.source")
        case "selection":
            return (*SLICES, "realism", "judge")
        case "augmentation" if job.what in methods.COPIES:
            return (*SLICES, *methods.COPIES[job.what].settings)
        case "augmentation":
            return SLICES
        case "segmentation":
            redrawn = ("traditional",) if ARMS[job.what].redrawn else ()
            own = methods.SEGMENTERS[job.segmenter or ""].settings
            painter = ARMS[job.what].online
            painting = methods.GENERATORS[painter].settings if painter else ()
            return (*SLICES, "equal_steps", *redrawn, *own, *painting)
        case "evaluation":
            return ("fractions", "draws", "evaluation", *PATIENTS)
    if job.what == JUDGE:
        return (*SLICES, *methods.SEGMENTERS[job.segmenter or ""].settings)
    return (*SLICES, *methods.GENERATORS[job.what].settings)


def _methods_of(config: Config, job: Job) -> list[str]:
    """The methods that a job calls by name, which its own code does not show."""
    used: list[methods.Method] = []
    if job.stage == "cohort" and config.cohort.source == IN_SILICO:
        used.append(methods.FORMATS["dicom"])  # the phantom is read as any user's cohort is
    elif job.stage == "cohort":
        used += methods.FORMATS.values()
    elif job.stage == "selection" or (job.stage == "training" and job.what != JUDGE):
        used.append(methods.GENERATORS[job.what])
    elif job.stage == "augmentation":
        if how := methods.painted(job.what):
            used += [] if how.noise else [methods.GENERATORS[how.generator]]
        else:
            used.append(methods.COPIES[job.what])
    if job.stage == "selection":
        used.append(methods.SEGMENTERS[config.judge_segmenter])
    if job.stage == "segmentation" and ARMS[job.what].online:
        used.append(methods.GENERATORS[ARMS[job.what].online])
    if job.segmenter:
        used.append(methods.SEGMENTERS[job.segmenter])
    return [method.place for method in used]


def fingerprint(config: Config, job: Job) -> str:
    """Hash of everything that determines a job's artefact: settings, code and inputs."""
    return _fingerprint(config.model_dump_json(), job)


@cache
def _fingerprint(config_json: str, job: Job) -> str:
    config = Config.model_validate_json(config_json)
    dumped, source = config.model_dump(mode="json"), config.cohort.source
    how = methods.painted(job.what)
    parts = {
        "job": [*job[:3], job.segmenter, *([job.draw] if job.draw > 1 else [])],
        "settings": {name: _at(dumped, name) for name in settings_of(config, job)},
        "arm": ARMS[job.what].settings() if job.stage == "segmentation" else None,
        "painted": how.settings() if job.stage == "augmentation" and how else None,
        "files": listing(Path(source)) if job.stage == "cohort" and source != IN_SILICO else None,
        "code": code_of(config, job),
        "inputs": {
            role: _fingerprint(config_json, needed) for role, needed in inputs(config, job).items()
        },
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def code_of(config: Config, job: Job) -> str:
    """Hash of the code that a job can reach."""
    return code_hash((work_of(config, job), *_methods_of(config, job)))


def _at(dumped: dict[str, Any], name: str) -> Any:
    for part in name.split("."):
        dumped = dumped[part]
    return dumped
