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

from lcgan_core.cohort.listing import listing
from lcgan_core.profiles import ARMS, IN_SILICO, Config

PACKAGE = Path(__file__).parent

USES = {
    "cohort": ("seed", "image_size", "cohort"),
    "training": ("seed", "window", "lcgan", "segmentation"),
    "selection": ("seed", "realism"),
    "augmentation": ("seed", "window"),
    "segmentation": ("seed", "window", "segmentation"),
    "evaluation": ("fractions", "evaluation"),
}
"""The parts of a profile that a stage reads itself (its inputs bring their own)."""


ALL = "all"
"""Key of a stage that is one job."""


class Job(NamedTuple):
    """One artefact of a run: a stage, and what tells it from the stage's other artefacts."""

    stage: str
    fraction: float | None = None
    what: str | None = None  # the network in training (lcgan, judge), the arm in segmentation

    @property
    def key(self) -> str:
        """Folder name under runs/<profile>/<stage>/, or ALL where the stage is one folder.

        >>> Job("segmentation", 0.25, "both").key
        '0.25-both'
        """
        parts = [f"{self.fraction:g}" if self.fraction is not None else None, self.what]
        return "-".join(part for part in parts if part) or ALL


def inputs(config: Config, job: Job) -> list[Job]:
    """The jobs whose artefacts `job` reads."""
    cohort, full = Job("cohort"), max(config.fractions)
    match job.stage:
        case "training":
            return [cohort]
        case "selection":
            return [cohort, Job("training", job.fraction, "lcgan"), Job("training", full, "judge")]
        case "augmentation":
            return [
                cohort,
                Job("training", job.fraction, "lcgan"),
                Job("selection", job.fraction),
            ]
        case "segmentation" if job.what == "original":
            return [cohort]
        case "segmentation":
            return [cohort, Job("augmentation", job.fraction)]
        case "evaluation":
            return [cohort, *segmentations(config)]
    return []


def segmentations(config: Config) -> list[Job]:
    """Every FCN-8s of the grid: all arms at all fractions."""
    return [Job("segmentation", fraction, arm) for fraction in config.fractions for arm in ARMS]


def fingerprint(config: Config, job: Job) -> str:
    """Hash of all that the artefact of `job` follows from: settings, code and inputs."""
    return _fingerprint(config.model_dump_json(), job)


@cache
def _fingerprint(config_json: str, job: Job) -> str:
    config = Config.model_validate_json(config_json)
    dumped, source = config.model_dump(mode="json"), config.cohort.source
    parts = {
        "job": list(job),
        "settings": {name: dumped[name] for name in USES[job.stage]},
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
    return found - {PACKAGE / "plan.py", PACKAGE / "runs.py", PACKAGE / "profiles.py"}


def _file(module: str) -> Path | None:
    head, *rest = module.split(".")
    if head != PACKAGE.name:
        return None
    path = PACKAGE.joinpath(*rest)
    for candidate in (path.with_suffix(".py"), path / "__init__.py"):
        if candidate.is_file():
            return candidate
    return None
