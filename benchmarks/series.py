"""Any number of head CT series on disk within seconds: one in-silico patient under many names."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pydicom

from lcgan_core.lesions import FIVE
from lcgan_core.phantom import patient_name, write_patient


def grow(folder: Path, patients: int, matrix: int, slices: int) -> None:
    """Fill `folder` up to that many patients, each a DICOM series and its NIfTI mask."""
    folder.mkdir(exist_ok=True)
    (folder / "labels.json").write_text(
        json.dumps({str(n): name for name, n in FIVE.labels.items()})
    )
    first = write_patient(folder, 1, seed=2020, matrix=matrix, slices=slices)
    there = len(list(folder.glob("IS-*")))
    for number in range(there + 1, patients + 1):
        _rename(first, folder / patient_name(number), number)


def _rename(source: Path, target: Path, number: int) -> None:
    """Copy a patient; names and identifiers of the same length keep the files valid."""
    (target / "series").mkdir(parents=True)
    shutil.copyfile(source / "labels.nii.gz", target / "labels.nii.gz")
    for path in (source / "series").iterdir():
        item = pydicom.dcmread(path, stop_before_pixels=True)
        content = path.read_bytes().replace(item.PatientID.encode(), target.name.encode())
        for uid in (item.StudyInstanceUID, item.SeriesInstanceUID, item.SOPInstanceUID):
            content = content.replace(uid.encode(), f"{uid[:-6]}{number:06d}".encode())
        (target / "series" / path.name).write_bytes(content)


def folders(folder: Path) -> list[Path]:
    """The folder of each series, as other readers expect it."""
    return sorted(folder.glob("IS-*/series"))
