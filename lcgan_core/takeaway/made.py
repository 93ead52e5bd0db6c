"""A network of a finished run as a model: which job it is of, and what has to be known of it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, NamedTuple

from lcgan_core.errors import UserError
from lcgan_core.protocol.config import IN_SILICO, Config
from lcgan_core.run import artefacts, plan
from lcgan_core.run.plan import Job
from lcgan_core.stages import cohort, selection, training
from lcgan_core.synthesis.description import Description, Trained, described


class Made(NamedTuple):
    """Weights in `folder` and their description; `selection`: the folder of the quality tables of
    a generator, None for a segmenter."""

    folder: Path
    description: Description
    selection: Path | None = None


def generator(config: Config, job: Job, epoch: int | None = None) -> Made:
    """The generator of a selection, at the chosen candidate or at another epoch; made if missing.

    Raises UserError for an epoch that was not kept.
    """
    artefacts.make(config, job)
    folders = {
        role: artefacts.folder(config, one) for role, one in plan.inputs(config, job).items()
    }
    chosen = artefacts.folder(config, job)
    kept = training.candidates(folders["training"])
    if epoch is not None and epoch not in kept:
        raise UserError(
            f"--epoch {epoch} was not kept; {job.what} has {', '.join(map(str, kept))}."
        )
    candidate = epoch if epoch is not None else selection.candidate(chosen, "chosen")
    told = _described(config, job, "generator", job.what, candidate)
    return Made(folders["training"], told, chosen)


def segmenter(config: Config, job: Job) -> Made:
    """The segmenter of an arm; made if missing."""
    artefacts.make(config, job)
    told = _described(config, job, "segmenter", job.segmenter or "")
    return Made(artefacts.folder(config, job), told)


def _described(
    config: Config,
    job: Job,
    role: Literal["generator", "segmenter"],
    method: str,
    candidate: int | None = None,
) -> Description:
    heads = artefacts.folder(config, plan.COHORT)
    store = cohort.store_of(heads)
    fraction = job.fraction or 1.0
    rows = cohort.training_rows(config, heads, fraction, job.draw)
    table = store.slices.iloc[rows]
    trained = Trained(
        cohort=config.cohort_name,
        people=store.manifest.get("source", config.cohort_name) != IN_SILICO,
        fraction=fraction,
        draw=job.draw,
        patients=int(table.patient.nunique()),
        slices=len(table),
        pixel_mm=(float(table.pixel_spacing_mm.min()), float(table.pixel_spacing_mm.max())),
        fingerprint=plan.fingerprint(config, job),
        terms={k: store.manifest[k] for k in ("publish", "citation") if k in store.manifest},
    )
    return described(config, role, method, store.classes, trained, candidate)
