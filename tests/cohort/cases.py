"""Series of random numbers, for the tests of what comes after reading."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lcgan_core.cohort.ingest import Ingested, ingest
from lcgan_core.cohort.series import Found, LeftOut, Refused, Series
from lcgan_core.cohort.workers import workers
from lcgan_core.lesions import FIVE

SALT = b"test salt, 16 bytes or more"
SECRETS = ("ROENTGEN^WILHELM", "1.2.840.99.4711", "18450327", "ward-7")
"""A patient, a series, a date and a folder that must never reach a store."""


@dataclass(frozen=True)
class Made:
    """Case number `number`: `slices` slices of rows x columns pixels; leaves a trace in `loads`."""

    number: int
    loads: Path
    slices: int = 3
    shape: tuple[int, int] = (32, 32)
    spacing: tuple[float, float] = (0.5, 0.5)
    fails: str = ""

    @property
    def patient(self) -> str:
        return f"{SECRETS[0]}-{self.number}"

    @property
    def series(self) -> str:
        return f"{SECRETS[1]}.{self.number}"

    @property
    def path(self) -> Path:
        return Path(SECRETS[3], SECRETS[2], f"case{self.number}")

    def load(self) -> Series:
        with (self.loads / "log").open("a") as log:
            log.write(f"{self.number}\n")
        if self.fails == "refused":
            raise Refused(self.path, "is cut off; copy it again.", SECRETS[0])
        if self.fails == "bug":
            raise ZeroDivisionError(SECRETS[2])
        if self.fails == "interrupted":
            raise KeyboardInterrupt
        rng = np.random.default_rng(self.number)
        shape = (self.slices, *self.shape)
        return Series(
            patient=self.patient,
            uid=self.series,
            hu=rng.integers(-1024, 3071, shape).astype(np.int16),
            labels=rng.integers(0, 6, shape).astype(np.uint8),
            positions=-20 + 5.0 * np.arange(self.slices),
            pixel_spacing=self.spacing,
            gantry_tilt=-12.5,
            notes=("padding clipped",) if self.number == 1 else (),
        )


def store_of(
    cases, folder: Path, *, size=32, processes=1, refused=(), left_out=(), tell=None, classes=FIVE,
    as_given=False,
):  # fmt: skip
    """Ingest `cases`; `tell`, a list, takes the sentences."""
    found = Found(list(cases), list(refused), list(left_out), classes)
    told = tell.append if tell is not None else lambda sentence: None
    with workers(processes) as parallel:
        return ingest(found, folder, size, SALT, "made up", "stamp", parallel, told, as_given)


__all__ = ["SALT", "SECRETS", "Ingested", "LeftOut", "Made", "Refused", "store_of"]
