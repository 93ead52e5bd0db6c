"""Masks without images, one file or series at a time, as sheets of a model's size."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from lcgan_core.cohort.label_map import LabelMap
from lcgan_core.cohort.resampling import resample
from lcgan_core.cohort.series import Refused
from lcgan_core.errors import UserError
from lcgan_core.export.place import Place
from lcgan_core.lesions import Classes


class Drawing(NamedTuple):
    """The label map of a mask file: (S, H, W) uint8 as a radiologist sees it, where it lies, and
    the slices that it was drawn on, (S, H, W) int16 HU, where they are known."""

    labels: np.ndarray
    place: Place
    hu: np.ndarray | None = None


@dataclass(frozen=True)
class Unit:
    """One mask file, or one series of a store: its patient (hashed), its name (hashed, or a number
    in the store), the file that a person would look for, and how to read it."""

    patient: str
    name: str
    path: Path
    load: Callable[[], Drawing]


class Sheet(NamedTuple):
    """One slice of a mask at a model's size: labels (H, W) uint8, where it lies, and the HU that it
    was drawn on."""

    unit: Unit
    row: int
    labels: np.ndarray
    place: Place
    hu: np.ndarray | None = None


class Sheets(Sequence[Sheet]):
    """Every slice with a lesion of some units, brought to a size; few are in memory at a time."""

    def __init__(self, units: Sequence[Unit], size: int) -> None:
        self.units, self.size = units, size
        self._fitted = lru_cache(maxsize=2)(self._read)
        self.at = list(self._index())
        if not self.at:
            raise UserError("The masks show no lesion; there is nothing to paint around.")

    def _index(self) -> Iterator[tuple[int, int]]:
        for k in range(len(self.units)):
            labels = self._fitted(k).labels
            for row in np.flatnonzero(labels.any(axis=(1, 2))):
                yield k, int(row)

    def _read(self, k: int) -> Drawing:
        unit = self.units[k]
        drawing = unit.load()
        shape = drawing.labels.shape[1:]
        if max(shape) < self.size:
            raise Refused(
                unit.path,
                f"has masks of {shape[0]} x {shape[1]} pixels, the model paints {self.size} x "
                f"{self.size}; give larger masks, since an outline cannot be made finer.",
            )
        if shape == (self.size, self.size):
            return drawing
        spacing = drawing.place.pixel
        none = np.zeros(drawing.labels.shape, np.int16)
        seen = none if drawing.hu is None else drawing.hu
        small = [
            resample(hu, one, spacing, self.size)[:2]
            for hu, one in zip(seen, drawing.labels, strict=True)
        ]
        hu, labels = (np.stack(part) for part in zip(*small, strict=True))
        place = drawing.place.resized((shape[0], shape[1]), self.size)
        return Drawing(labels, place, None if drawing.hu is None else hu)

    def __len__(self) -> int:
        return len(self.at)

    def __getitem__(self, index):  # type: ignore[no-untyped-def]
        k, row = self.at[index]
        drawing = self._fitted(k)
        hu = None if drawing.hu is None else drawing.hu[row]
        return Sheet(self.units[k], row, drawing.labels[row], drawing.place[[row]], hu)


def to_model(labels: np.ndarray, drawn: Classes, model: Classes, where: Path) -> np.ndarray:
    """Labels of the classes of a mask as labels of the model's classes of the same names."""
    known = [0, *(model.labels.get(name, 255) for name in drawn.names)]
    found = np.array(known, np.uint8)[labels]
    if (found == 255).any():
        unknown = [name for name, value in drawn.labels.items() if (labels == value).any()]
        missing = next(name for name in unknown if name not in model.labels)
        raise UserError(
            f"{where} shows {missing}, which the model does not know (it knows "
            f"{', '.join(model.names)}); map it to one of them or to nothing with --labels."
        )
    return found


def stated(labels: LabelMap | None, source: Path) -> LabelMap:
    """The label map that was given, or that lies beside the masks; UserError without one."""
    if labels is not None:
        return labels
    beside = source / "labels.json" if source.is_dir() else source.with_name("labels.json")
    if beside.is_file():
        return LabelMap.read(beside)
    raise UserError(
        f"What the masks in {source} mean has to be said: --labels 1=EDH,2=IPH, or a labels.json "
        "beside them."
    )
