"""`lcgan model`: a trained network with all that has to be known, in a folder of its own."""

from __future__ import annotations

from pathlib import Path

from lcgan_core.errors import UserError
from lcgan_core.protocol import methods
from lcgan_core.protocol.config import Config
from lcgan_core.run import artefacts, plan
from lcgan_core.run.plan import Job
from lcgan_core.stages import cohort
from lcgan_core.synthesis import description
from lcgan_core.synthesis.description import CARD
from lcgan_core.synthesis.painter import Painter
from lcgan_core.takeaway import card, made
from lcgan_core.takeaway.sheet import contact_sheet

PREVIEW = "preview.png"
SHOWN = 16
"""Masks in the preview."""


def generator(config: Config, job: Job, out: Path, epoch: int | None, preview: bool) -> bool:
    """Write the generator of a selection; returns whether it was trained on people.

    preview: also show slices that follow scans of people; those that follow simulated ones always
    are shown. Raises UserError for a generator that paints into slices of its training patients.
    """
    if job.what in methods.INTO_PATIENTS:
        raise UserError(
            f"{job.what} paints into slices of its training patients, which no model takes away; "
            "take another --generator."
        )
    found = made.generator(config, job, epoch)
    people = found.description.trained.people
    _write(found, out, {})
    if preview or not people:
        heads = artefacts.folder(config, plan.COHORT)
        rows = cohort.training_rows(config, heads, job.fraction or 1.0, job.draw)
        labels = cohort.store_of(heads).labels[rows[:: max(len(rows) // SHOWN, 1)][:SHOWN]]
        images = Painter.from_pretrained(out).paint(labels)
        pairs = list(zip(images, labels, strict=True))
        (out / PREVIEW).write_bytes(contact_sheet(pairs, found.description))
    return people


def halved(config: Config, job: Job, out: Path) -> None:
    """Write the generator of a selection in half precision and without a preview, for a bundle."""
    found = made.generator(config, job)
    told = {CARD: card.text(found, out.name).encode()}
    description.write(out, found.description, found.folder, told, half=True)


def segmenter(config: Config, job: Job, out: Path) -> bool:
    """Write the segmenter of an arm; returns whether it was trained on people."""
    found = made.segmenter(config, job)
    _write(found, out, {})
    return found.description.trained.people


def _write(found: made.Made, out: Path, others: dict[str, bytes]) -> None:
    told = {CARD: card.text(found, out.name).encode(), **others}
    description.write(out, found.description, found.folder, told)
