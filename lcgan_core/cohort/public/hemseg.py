"""HemSeg-200 and -500: binary masks only; the images are rebuilt from RSNA 2019 by the user."""

from __future__ import annotations

import json
from pathlib import Path

from lcgan_core.cohort.nifti import NiftiCase
from lcgan_core.cohort.public.layout import pairs, read_table, volumes
from lcgan_core.cohort.public.scan_classes import scan_classes
from lcgan_core.cohort.series import Case, Found, LeftOut, Refused
from lcgan_core.cohort.source import files_below, folders_below
from lcgan_core.errors import UserError

SPLITS = ("train", "val", "test")
IMAGES = ("image", "images", "img")
PUBLISHED = {"0": "IPH", "1": "IVH"}
"""What {train,val,test}_set.csv mean. The README says otherwise, so the user must ask for them."""


def is_here(source: Path) -> bool:
    return bool(_labels(source))


def find(source: Path, as_class: str | None = None, class_table: Path | None = None) -> Found:
    """Pair label/ with the image folder beside it in each split.

    class_table: also one of the set's own tables, or their folder. Patients come from
    annotion_file_info*.jsonl, since some are in more than one published split.
    """
    folders = _labels(source)
    if not folders:
        raise UserError(
            f"{source} holds no folders train/label, val/label, test/label of HemSeg; give the "
            "folder that holds them."
        )
    stated, decoder_of = scan_classes(source, "HemSeg", as_class, class_table, _read_classes)
    cases: dict[str, Case] = {}
    files, left_out = files_below(source)
    patients = _patients(files)
    refused: list[Refused] = []
    for folder in folders:
        beside = [folder.parent / name for name in IMAGES if (folder.parent / name).is_dir()]
        if not beside:
            raise UserError(
                f"{folder} holds masks only: rebuild the images from RSNA 2019 with the set's "
                f"dcm2nii.py and put them into {folder.parent / IMAGES[0]}."
            )
        paired, unpaired = pairs(volumes(beside[0]), volumes(folder))
        refused += unpaired
        for scan, (image, mask) in paired.items():
            if scan in cases:
                left_out.append(LeftOut(mask, "is a scan that is there twice"))
                continue
            note = () if scan in patients else ("patient unknown, taken as one of its own",)
            who = patients.get(scan, f"HemSeg-{scan}")
            try:
                cases[scan] = NiftiCase(  # the study as BHSD and RSNA write it
                    who, f"ID_{scan}", image, (mask,), decoder_of(scan, image), note
                )
            except Refused as refusal:
                refused.append(refusal)
    return Found(list(cases.values()), refused, left_out, stated)


def _labels(source: Path) -> list[Path]:
    return [
        folder
        for folder in folders_below(source)
        if folder.name == "label" and folder.parent.name in SPLITS and volumes(folder)
    ]


def _patients(files: list[Path]) -> dict[str, str]:
    """Scan -> patient, from either release's spelling of the keys."""
    found = {}
    for path in (path for path in files if path.match("annotion_file_info*.jsonl")):
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), start=1):
            try:
                item = json.loads(line) if line.strip() else None
                if item:
                    scan = next(item[key] for key in ("scan_name", "scan_", "scan") if key in item)
                    found[str(scan)] = str(item.get("patient_name") or item["patient"])
            except (
                ValueError, KeyError, StopIteration, AttributeError, TypeError, RecursionError,
            ):  # fmt: skip
                raise UserError(
                    f"{path} names no patient and scan in line {number}; download it again."
                ) from None
    return found


def _read_classes(path: Path) -> dict[str, str] | None:
    """The set's own tables as scan -> class; None where `path` is a table of the user's own."""
    tables = [path / f"{split}_set.csv" for split in SPLITS] if path.is_dir() else [path]
    missing = [table.name for table in tables if not table.is_file()]
    if missing:
        raise UserError(f"{path} lacks {', '.join(missing)}; give one CSV or the folder of all.")
    try:
        rows = [row for table in tables for row in read_table(table, ("filename", "label"))]
    except UserError:
        if path.is_dir():
            raise
        return None
    unknown = [row["label"] for row in rows if row["label"] not in PUBLISHED]
    if unknown:
        raise UserError(f'{path} holds the label "{unknown[0]}"; HemSeg has 0 = IPH and 1 = IVH.')
    return {row["filename"]: PUBLISHED[row["label"]] for row in rows}
