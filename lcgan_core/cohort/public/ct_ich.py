"""CT-ICH (PhysioNet, Hssayeni) 1.3.1: 75 scans; binary masks and a CSV of classes per slice."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lcgan_core.cohort.label_map import LabelMap
from lcgan_core.cohort.mask_values import EXCLUDED, MaskDecoder, lesion
from lcgan_core.cohort.nifti import NiftiCase
from lcgan_core.cohort.public.layout import pairs, read_table, volumes
from lcgan_core.cohort.series import Case, Found, Refused
from lcgan_core.cohort.source import files_below, folders_below
from lcgan_core.errors import UserError
from lcgan_core.lesions import LABELS

CLASSES = {
    "Intraventricular": "IVH",
    "Intraparenchymal": "IPH",
    "Subarachnoid": "SAH",
    "Epidural": "EDH",
    "Subdural": "SDH",
}
TABLE = "hemorrhage_diagnosis_raw_ct.csv"
COLUMNS = ("PatientNumber", "SliceNumber", *CLASSES, "No_Hemorrhage")


@dataclass(frozen=True)
class SliceClasses:
    """A binary mask whose classes a CSV gives slice by slice (a MaskDecoder).

    slices: voxel index of a slice (SliceNumber - 1) and its label values. A slice takes its class
    where it has exactly one. It is left out where it has more, since the mask does not tell them
    apart, and where CSV and mask disagree on whether it bleeds.
    """

    slices: tuple[tuple[int, tuple[int, ...]], ...]

    def __call__(self, mask: np.ndarray, path: Path) -> tuple[np.ndarray, tuple[str, ...]]:
        drawn, classes = lesion(mask, path), dict(self.slices)
        if max(classes) >= mask.shape[2]:
            raise Refused(
                path, f"has {mask.shape[2]} slices, but the CSV lists more; download the set again."
            )
        labels = np.zeros(mask.shape, np.uint8)
        told: Counter[str] = Counter()
        for k in range(mask.shape[2]):
            found = classes.get(k)
            if found is None or bool(found) != bool(drawn[:, :, k].any()):
                told["CSV and mask disagree"] += 1
                labels[:, :, k] = EXCLUDED
            elif len(found) > 1:
                told["two or more classes"] += 1
                labels[:, :, k] = EXCLUDED
            elif found:
                labels[:, :, k][drawn[:, :, k]] = found[0]
        return labels, tuple(f"slices left out, {why}: {n}" for why, n in sorted(told.items()))


def is_here(source: Path) -> bool:
    return _root(source) is not None or _jpegs(source)


def find(source: Path) -> Found:
    """Scans with masks and CSV, or with the FDA's five-class masks where those are there too."""
    root = _root(source)
    if root is None and _jpegs(source):
        raise UserError(
            f"{source} holds the JPEG release of CT-ICH, whose images are windowed and have no HU; "
            "download version 1.3.1, with ct_scans and masks as NIfTI."
        )
    if root is None:
        raise UserError(f"{source} holds no {TABLE} of CT-ICH; give the folder of version 1.3.1.")
    slices = _slices(_entry(root, TABLE))
    five, five_map = _five_class(source)
    paired, refused = pairs(volumes(_entry(root, "ct_scans")), volumes(_entry(root, "masks")))
    cases: list[Case] = []
    for name, (image, mask) in paired.items():
        who = f"CT-ICH-{name}"
        if name in five:
            note = ("five-class masks of the FDA used in place of the binary ones",)
            cases.append(NiftiCase(who, who, image, (five[name],), five_map, note))
        elif name.isdecimal() and int(name) in slices:
            classes = SliceClasses(tuple(sorted(slices[int(name)].items())))
            cases.append(NiftiCase(who, who, image, (mask,), classes))
        else:
            refused.append(Refused(image, "has no row in the CSV; download the set again."))
    return Found(cases, refused, files_below(root)[1])


def _slices(table: Path) -> dict[int, dict[int, tuple[int, ...]]]:
    """Patient -> voxel index of a slice -> label values of its classes."""
    found: dict[int, dict[int, tuple[int, ...]]] = {}
    for line, row in enumerate(read_table(table, COLUMNS), start=2):
        try:
            cells = {name: float(row[name]) for name in COLUMNS}  # "1.0" occurs
            if any(cell != int(cell) for cell in cells.values()):
                raise ValueError
        except (ValueError, OverflowError):
            raise UserError(
                f"{table} holds something other than whole numbers in line {line}; download the "
                "set again."
            ) from None
        if cells["SliceNumber"] < 1:
            raise UserError(
                f"{table} has SliceNumber {row['SliceNumber']} in line {line}, but slices count "
                "from 1 in CT-ICH; download the set again."
            )
        classes = tuple(LABELS[label] for name, label in CLASSES.items() if cells[name])
        patient = found.setdefault(int(cells["PatientNumber"]), {})
        if patient.setdefault(int(cells["SliceNumber"]) - 1, classes) != classes:
            raise UserError(
                f"{table} has a slice twice, with other classes in line {line}; download the set "
                "again."
            )
    return found


def _five_class(source: Path) -> tuple[dict[str, Path], MaskDecoder]:
    """subtype_masks/049_1.nii as 049, with the map that ICH.ctbl beside them states."""
    for folder in folders_below(source):
        if folder.name == "subtype_masks":
            table = folder / "ICH.ctbl"
            if not table.is_file():
                raise UserError(
                    f"{folder} has no ICH.ctbl, which says what its integers mean; unpack it again."
                )
            lines = (line.split() for line in table.read_text(errors="replace").splitlines())
            known = {words[0]: words[1] for words in lines if len(words) > 1 and words[1] in LABELS}
            masks = volumes(folder).items()
            return {name.split("_")[0]: path for name, path in masks}, LabelMap.of(
                known.items(), table
            )
    return {}, LabelMap()


def _entry(folder: Path, name: str) -> Path:
    """A file or folder by its name in any case: the set's README spells names differently."""
    return next(
        (e for e in sorted(folder.iterdir()) if e.name.lower() == name.lower()), folder / name
    )


def _root(source: Path) -> Path | None:
    return next((f for f in folders_below(source) if _entry(f, TABLE).is_file()), None)


def _jpegs(source: Path) -> bool:
    return any(_entry(f, "Patients_CT").is_dir() for f in folders_below(source))
