"""`lcgan paint`: as many synthetic slices as asked for, from masks that need no image."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from lcgan_core.cohort.label_map import LabelMap
from lcgan_core.cohort.salt import users_salt
from lcgan_core.errors import UserError
from lcgan_core.export.case import Common, ExportedCase
from lcgan_core.export.place import Place
from lcgan_core.run.listing import listing
from lcgan_core.run.progress import progress
from lcgan_core.seeds import seed_of
from lcgan_core.synthesis import description
from lcgan_core.synthesis.moved import Allowed
from lcgan_core.synthesis.painter import Painter
from lcgan_core.takeaway import masks
from lcgan_core.takeaway.folder import Making, format_of, stamp_of
from lcgan_core.takeaway.sheet import contact_sheet
from lcgan_core.takeaway.units import Sheet, Sheets

CHUNK = 64
"""Masks painted in one call; a slice's noise follows from the call and its place in it."""
OUTSIDE = 0.5
"""Of a lesion, how much may be painted as air before its slice is pointed out."""
TABLE, CONTACT_SHEET = "synthetic.csv", "contact_sheet.png"


@dataclass(frozen=True)
class Asked:
    """What `lcgan paint` was asked for; count 0: one slice for each mask."""

    source: Path
    model: Path
    out: Path
    form: str = "nifti"
    count: int = 0
    seed: int = 1
    moved: bool = False
    labels: str = ""
    pattern: str = ""
    spacing: str = ""


class Painted(NamedTuple):
    """Slice `number` (from 0) of those asked for: its mask as painted, its HU, its seed."""

    number: int
    sheet: Sheet
    labels: np.ndarray
    hu: np.ndarray
    seed: int


def paint(asked: Asked) -> int:
    """Write the slices, unless the same call has; returns how many there are.

    Memory does not grow with their number. After an interruption the same call goes on. Raises
    UserError for what cannot be painted, and where the output is something else.
    """
    if asked.count < 0:
        raise UserError(f"--count {asked.count} is not a number of slices; give 1 or more.")
    form = format_of(asked.form)
    painter = Painter.from_pretrained(asked.model)
    told = painter.description
    given = LabelMap.parse(asked.labels) if asked.labels else None
    units = masks.find(
        asked.source, told.lesions, users_salt(), given, asked.pattern, asked.spacing
    )
    sheets = Sheets(units, told.size)
    count = asked.count or len(sheets)
    files = listing(asked.source) if asked.source.is_dir() else asked.source.stat().st_mtime_ns
    stamp = stamp_of(
        description.digest(painter.folder), files, count, asked.seed, asked.moved, asked.form,
        asked.labels, asked.pattern, asked.spacing, CHUNK,
    )  # fmt: skip
    common = Common(
        told.lesions, told.hu, stamp, f"{told.method} ({told.trained.cohort}), synthetic"
    )
    making = Making(asked.out, form, common)
    if making.finished:
        return count
    cases = list(_cases(sheets, count, form.whole))
    waiting = cases[making.done :]
    if waiting:
        slices = _slices(painter, sheets, waiting[0][0], count, asked)
        numbers = {number: case for case in cases for number in case}
        for case, part in groupby(
            progress(slices, "painting", "slice", count - waiting[0][0]),
            lambda one: numbers[one.number],
        ):
            making.add([_case(case, list(part), told)])
    about = {
        "lcgan_core": importlib.metadata.version("lcgan-core"),
        "model": {"method": told.method, "epoch": told.candidate, **told.trained.model_dump()},
        "synthetic": True,
        "seed": asked.seed,
        "moved": asked.moved,
        "slices": count,
        "masks": len(sheets),
        "window_hu": list(told.hu),
        "saturated": f"HU below {told.hu[0]:g} and above {told.hu[1]:g} are cut off.",
        "use": "Research only, not for diagnosis.",
        **told.trained.terms,
    }
    shown = _slices(painter, sheets, 0, min(count, CHUNK), asked)
    picture = contact_sheet([(one.hu, one.labels) for one in shown], told)
    making.finish(TABLE, about, {CONTACT_SHEET: picture})
    return count


def _cases(sheets: Sheets, count: int, whole: bool) -> Iterator[tuple[int, ...]]:
    """The numbers of the slices of each case: one each, or all of a mask file in one round."""
    if not whole:
        yield from ((number,) for number in range(count))
        return
    masks_ = len(sheets)
    for _, part in groupby(range(count), lambda n: (n // masks_, sheets.at[n % masks_][0])):
        yield tuple(part)


def _slices(
    painter: Painter, sheets: Sheets, first: int, count: int, asked: Asked
) -> Iterator[Painted]:
    """Slices `first` to `count`, painted CHUNK at a time whatever the first is."""
    allowed = _allowed(painter, sheets) if asked.moved else None
    for start in range(first - first % CHUNK, count, CHUNK):
        numbers = range(start, min(start + CHUNK, count))
        drawn = [sheets[number % len(sheets)] for number in numbers]
        labels = [one.labels for one in drawn]
        if allowed:
            labels = [
                allowed.moved(one.labels, seed_of(asked.seed, "moved", number), one.hu)
                for one, number in zip(drawn, numbers, strict=True)
            ]
        seed = seed_of(asked.seed, "paint", start)
        painted = painter.paint(np.stack(labels), seed)
        for number, sheet, mask, hu in zip(numbers, drawn, labels, painted, strict=True):
            if number >= first:
                yield Painted(number, sheet, mask, hu, seed)


def _lost(one: Painted, lowest: float) -> float:
    """The share of a slice's lesion pixels that were painted as air: they lie outside the head."""
    return float((one.hu[one.labels > 0] <= lowest).mean())


def outside(out: Path) -> str:
    """A sentence about slices whose lesions lie mostly in air; empty if there are none."""
    table = pd.read_csv(out / TABLE)
    lost = table[table.lost > OUTSIDE]
    if lost.empty:
        return ""
    return (
        f"The lesions of {len(lost)} of {len(table)} cases lie mostly in air ({lost.name.iloc[0]} "
        "first): their masks reach outside the head that was painted; see the column lost."
    )


def _allowed(painter: Painter, sheets: Sheets) -> Allowed:
    return Allowed((sheet.labels for sheet in sheets), painter.description.lesions)


def _case(
    numbers: tuple[int, ...], slices: Sequence[Painted], told: description.Description
) -> ExportedCase:
    first = slices[0]
    place = first.sheet.place
    place = Place(
        place.steps, np.concatenate([one.sheet.place.starts for one in slices]), place.thickness
    )
    return ExportedCase(
        name=f"synthetic_{numbers[0] + 1:05d}",
        patient=first.sheet.unit.patient,
        hu=np.stack([one.hu for one in slices]),
        labels=np.stack([one.labels for one in slices]),
        place=place,
        synthetic=True,
        facts={
            "slices": len(slices),
            "mask": first.sheet.unit.name,
            "mask_slice": first.sheet.row,
            "moved": any((one.labels != one.sheet.labels).any() for one in slices),
            "seed": first.seed,
            "epoch": told.candidate,
            "pixel_mm": round(place.pixel[0], 4),
            "lost": round(float(np.mean([_lost(one, told.hu[0]) for one in slices])), 3),
        },
    )
