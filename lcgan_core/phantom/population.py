"""A whole in-silico cohort: as files that anyone can read, or directly as series in memory."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from lcgan_core.cohort.series import Series
from lcgan_core.errors import UserError
from lcgan_core.lesions import HEMORRHAGES
from lcgan_core.phantom.patient import scan_patient
from lcgan_core.phantom.writer import patient_name, uid_of, write_patient
from lcgan_core.run.progress import progress


@dataclass(frozen=True)
class InSilicoCase:
    """Patient `number` of cohort `seed`, generated when it is loaded, without a file."""

    seed: int
    number: int
    matrix: int
    slices: int

    @property
    def patient(self) -> str:
        return patient_name(self.number)

    @property
    def series(self) -> str:
        return str(uid_of(self.seed, self.number, "series"))

    @property
    def path(self) -> Path:
        return Path(f"in-silico-{self.seed}") / self.patient

    def load(self) -> Series:
        """The series as it would be read back from the files of write_patient."""
        scan = scan_patient(self.seed, self.number, self.matrix, self.slices)
        return Series(
            patient=self.patient,
            uid=self.series,
            hu=scan.hu,
            labels=scan.labels,
            positions=np.array([scan.height(k) for k in range(self.slices)]),
            pixel_spacing=(scan.pixel_spacing, scan.pixel_spacing),
            gantry_tilt=scan.tilt,
        )


def write_cohort(
    folder: Path, patients: int, seed: int, matrix: int, slices: int,
    parallel: Callable[..., Iterable[Path]] = map, seg: bool = False, annotator_mm: float = 0.0,
) -> list[Path]:  # fmt: skip
    """Write folder/IS-0001 ... and labels.json; patients already there are kept.

    parallel: map, or the map of an executor of processes; the files are the same. annotator_mm: SD
    of the annotator's hand around the true border. Raises UserError for no patients, a negative
    seed, and a folder that contains something else.
    """
    if patients < 1:
        raise UserError(f"{patients} patients were requested; request at least one.")
    if seed < 0:
        raise UserError(f"The seed {seed} is negative; give 0 or a larger whole number.")
    folder = Path(folder)
    recipe: dict[str, float] = {"seed": seed, "matrix": matrix, "slices": slices, "seg": seg}
    recipe["annotator_mm"] = annotator_mm
    names = [patient_name(k) for k in range(1, patients + 1)]
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder} is a file; give a folder that is empty or new.")
    known = folder / "cohort.json"
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        ours = (*names, "labels.json", "cohort.json", *(f".{name}.writing" for name in names))
        if path.name not in ours or not known.exists():
            raise UserError(
                f"{folder} contains {path.name}, which is not of this cohort; give a folder that "
                "is empty or new."
            )
    if known.exists() and (was := json.loads(known.read_text())) != recipe:
        differs = next(key for key in recipe if was.get(key) != recipe[key])
        raise UserError(
            f"{folder} contains a cohort with {differs} {was.get(differs)}, not "
            f"{recipe[differs]}; give another folder."
        )
    folder.mkdir(parents=True, exist_ok=True)
    known.write_text(json.dumps(recipe) + "\n")
    labels = {str(value): name for value, name in enumerate(HEMORRHAGES, start=1)}
    (folder / "labels.json").write_text(json.dumps(labels) + "\n")
    work = partial(_write, folder, seed, matrix, slices, seg, annotator_mm)
    written = parallel(work, range(1, patients + 1))
    return list(progress(written, "in-silico patients", "patient", patients))


def _write(
    folder: Path, seed: int, matrix: int, slices: int, seg: bool, annotator_mm: float, number: int
) -> Path:
    return write_patient(folder, number, seed, matrix, slices, seg, annotator_mm)
