"""What every reader of head CTs returns: cases, one series each, and what it did not take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np

from lcgan_core.errors import UserError
from lcgan_core.lesions import FIVE, Classes

NUMBERS = "numbers"
"""In a store's manifest, under "publish": numbers may be published, pictures may not."""
SIDES_MM, APART_MM = (0.01, 10.0), 100.0
"""Between what the side of a CT's pixel lies, and how far its slices lie apart at most."""


@dataclass(frozen=True)
class Series:
    """Slices sorted along the slice normal, from the feet up, each as a radiologist sees it.

    hu: (S, H, W) int16 HU in -1024..3071, patient right on the left, anterior up;
    labels: (S, H, W) uint8, 0 or a label of the classes that were found with it; positions: (S,) mm
    along the slice normal; pixel_spacing: (row, column) mm; gantry_tilt: degrees; notes: what a
    reader did beyond reading, for the report, without the name of a person or file; hu_exact: where
    only HU of a window are known, the lowest and highest of them; by_order: whether the masks lie
    where they do by the order of their voxels alone, since nothing states their geometry; by_hu:
    labels that were outlined by HU, and so fit wherever they lie; doubts: number of a slice in the
    source, and why its mask may be wrong.
    """

    patient: str
    uid: str
    hu: np.ndarray
    labels: np.ndarray
    positions: np.ndarray
    pixel_spacing: tuple[float, float]
    gantry_tilt: float
    notes: tuple[str, ...] = ()
    hu_exact: tuple[float, float] | None = None
    by_order: bool = False
    by_hu: tuple[int, ...] = ()
    doubts: tuple[tuple[int, str], ...] = ()


class Case(Protocol):
    """A series that can be loaded, in this process or (pickled) in another one.

    patient, series: as the source names them, hashed before anything is written; path: the file
    or folder that a person would look for.
    """

    @property
    def patient(self) -> str: ...

    @property
    def series(self) -> str: ...

    @property
    def path(self) -> Path: ...

    def load(self) -> Series:
        """The series; raises Refused."""
        ...


class Refused(UserError):
    """A file or series that cannot be taken: where, why, and what to do about it.

    `reason` goes into the store's report and so names neither a person nor a file; `path`, which
    may, and `detail` (a library's own words, which may quote the file) are shown on the terminal.

    >>> print(Refused(Path("a.dcm"), "is cut off; copy it again.", "EOF"))
    a.dcm is cut off; copy it again. (EOF)
    """

    def __init__(self, path: Path, reason: str, detail: object = ""):
        self.path, self.reason, self.detail = Path(path), reason, str(detail)
        super().__init__(f"{path} {reason}" + (f" ({self.detail})" if self.detail else ""))

    def __reduce__(self) -> tuple:
        return Refused, (self.path, self.reason, self.detail)


class LeftOut(NamedTuple):
    """Files that a reader passes over as it should: localizers, reports, an archive's leftovers."""

    path: Path  # of one of them
    reason: str  # as in Refused
    files: int = 1


class Found(NamedTuple):
    """What lies in a source, before any pixel is read, and the classes of its masks.

    terms: what a store's manifest says of its use: "publish" is NUMBERS where no picture made from
    the source may be published; "citation" is how to cite it.
    """

    cases: list[Case]
    refused: list[Refused]
    left_out: list[LeftOut]
    classes: Classes = FIVE
    terms: Mapping[str, str] = {}
