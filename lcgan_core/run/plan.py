"""The graph of a run: which job needs which, and what makes a finished job stale.

Nothing here imports a network library, so that the Snakefile, read once a job, loads at once.
"""

from __future__ import annotations

import ast
import hashlib
import json
from functools import cache
from pathlib import Path
from typing import NamedTuple

from lcgan_core.protocol.arms import ARMS
from lcgan_core.protocol.profiles import IN_SILICO, Config
from lcgan_core.run.listing import listing

PACKAGE = Path(__file__).parents[1]

USES = {
    "cohort": ("seed", "image_size", "cohort"),
    "training": ("seed", "window", "lcgan", "segmentation"),
    "selection": ("seed", "realism", "judge"),
    "augmentation": ("seed", "window"),
    "segmentation": ("seed", "window", "segmentation", "equal_steps"),
    "evaluation": ("fractions", "evaluation"),
}
"""The parts of a profile that a stage reads itself (its inputs bring their own)."""


SHOWN_COPIES = ("gan", "traditional")
"""The copies that stage 4 makes; an arm that takes another kind has it made."""

GENERATORS = {"gan": "lcgan", "l1_only": "l1_only"}
"""Kind of copy -> the network of stage 2 that paints it."""

ALL = "all"
"""Key of a stage that is one job."""


class Job(NamedTuple):
    """One artefact of a run: a stage, and what tells it from the stage's other artefacts."""

    stage: str
    fraction: float | None = None
    # the network in training (lcgan, l1_only, judge), the kind of copy in augmentation, the arm in
    # segmentation
    what: str | None = None
    draw: int = 1
    """Which patients the fraction holds, and which seeds train on them."""

    @property
    def key(self) -> str:
        """Folder name under runs/<profile>/<stage>/, or ALL where the stage is one folder.

        >>> Job("segmentation", 0.25, "both").key, Job("selection", 0.25, draw=2).key
        ('0.25-both', '0.25-draw2')
        """
        parts = [
            f"{self.fraction:g}" if self.fraction is not None else None,
            f"draw{self.draw}" if self.draw > 1 else None,
            self.what,
        ]
        return "-".join(part for part in parts if part) or ALL


def inputs(config: Config, job: Job) -> list[Job]:
    """The jobs whose artefacts `job` reads."""
    cohort = Job("cohort")

    def same(stage: str, what: str | None = None) -> Job:
        """A job of the same patients and seeds."""
        return job._replace(stage=stage, what=what)

    match job.stage:
        case "training":
            return [cohort]
        case "selection":
            return [
                cohort,
                same("training", "lcgan"),
                Job("training", max(config.fractions), "judge"),  # one judge for all draws
                same("segmentation", "original"),  # the judge of the subset
            ]
        case "augmentation" if job.what in GENERATORS:
            return [
                cohort,
                same("training", GENERATORS[job.what]),
                same("selection"),
            ]
        case "augmentation":
            return [cohort]
        case "segmentation":
            kinds = dict.fromkeys(ARMS[job.what or ""].copies)
            made = [same("augmentation", k) for k in kinds if k != "original"]
            return [cohort, *made]
        case "evaluation":
            return [cohort, *segmentations(config)]
    return []


def jobs(config: Config) -> list[Job]:
    """Every job of a run, each after those that it needs; the evaluation is the last."""
    found: dict[Job, None] = {}

    def add(job: Job) -> None:
        if job not in found:
            for needed in inputs(config, job):
                add(needed)
            found[job] = None

    add(Job("evaluation"))
    return list(found)


def segmentations(config: Config) -> list[Job]:
    """Every FCN-8s of the grid: the profile's arms of each fraction in all its draws."""
    return [
        Job("segmentation", fraction, arm, draw)
        for fraction in config.fractions
        for draw in config.draws_at(fraction)
        for arm in config.arms_at(fraction)
    ]


def fingerprint(config: Config, job: Job) -> str:
    """Hash of all that the artefact of `job` follows from: settings, code and inputs."""
    return _fingerprint(config.model_dump_json(), job)


@cache
def _fingerprint(config_json: str, job: Job) -> str:
    config = Config.model_validate_json(config_json)
    dumped, source = config.model_dump(mode="json"), config.cohort.source
    parts = {
        # the first draw is what a run without draws was
        "job": list(job if job.draw > 1 else job[:-1]),
        "settings": {name: dumped[name] for name in USES[job.stage]},
        # an arm is a setting: one more arm leaves the others as they are
        "arm": ARMS[job.what][1:] if job.stage == "segmentation" and job.what else None,
        "files": listing(Path(source)) if job.stage == "cohort" and source != IN_SILICO else None,
        "code": code_hash(f"lcgan_core.stages.{job.stage}"),
        "inputs": {
            f"{needed.stage}/{needed.key}": _fingerprint(config_json, needed)
            for needed in inputs(config, job)
        },
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


@cache
def code_hash(module: str) -> str:
    """Hash of the source files that a module imports from this package, directly or not."""
    text = b"".join(path.read_bytes() for path in sorted(_sources(module)))
    return hashlib.sha256(text).hexdigest()[:16]


def _sources(module: str) -> set[Path]:
    found: set[Path] = set()
    waiting = [module]
    while waiting:
        path = _file(waiting.pop())
        if path is None or path in found or path.parent.name == "stages" and found:
            # another stage's code counts through that stage's own fingerprint
            continue
        found.add(path)
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                waiting += [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                waiting += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return found - {
        PACKAGE / f"{name}.py" for name in ("plan", "runs", "locks", "profiles", "arms")
    }


def _file(module: str) -> Path | None:
    head, *rest = module.split(".")
    if head != PACKAGE.name:
        return None
    path = PACKAGE.joinpath(*rest)
    for candidate in (path.with_suffix(".py"), path / "__init__.py"):
        if candidate.is_file():
            return candidate
    return None
