"""What is written: slices of one patient with their masks, and where they lie."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from lcgan_core.export.place import Place
from lcgan_core.lesions import Classes

TRAIN, TEST = "Tr", "Ts"
"""The folders of nnU-Net that a case belongs to."""


@dataclass(frozen=True)
class ExportedCase:
    """One or more slices of a series.

    name: of its files, and of nobody; patient: hashed, or a synthetic one; hu: (S, H, W) int16, or
    None where there are masks only; labels: (S, H, W) uint8; synthetic: whether a network painted
    it; role: TRAIN or TEST; facts: further columns of the table.
    """

    name: str
    patient: str
    hu: np.ndarray | None
    labels: np.ndarray
    place: Place
    synthetic: bool = False
    role: str = TRAIN
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Common:
    """Classes, window (lowest and highest HU; infinite where all are kept), and a stamp from which
    new identifiers follow."""

    classes: Classes
    window: tuple[float, float]
    stamp: str
    source: str = ""

    @property
    def saturated(self) -> bool:
        """Whether HU beyond the window are cut off."""
        return bool(np.isfinite(self.window).all())


class Format(Protocol):
    """A way to write cases into a folder."""

    whole: bool
    """Whether a case is all slices of a series, and not one slice."""

    def __init__(self, folder: Path, common: Common) -> None: ...

    def write(self, number: int, case: ExportedCase) -> dict[str, str]:
        """Write case `number`, counted from 0; returns the names of its `image` and `label`.

        Called again for the same number, it writes the same files anew.
        """
        ...

    def finish(self, rows: list[dict[str, Any]]) -> None:
        """Write what describes all cases; `rows` has what `write` returned and the case's facts."""
        ...
