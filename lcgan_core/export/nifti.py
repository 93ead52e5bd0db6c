"""NIfTI: int16 HU and uint8 labels with one affine, and lists of them for MONAI and nnU-Net."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

from lcgan_core.errors import UserError
from lcgan_core.export.case import TEST, TRAIN, Common, ExportedCase
from lcgan_core.export.labels import write_label_map
from lcgan_core.run import artefacts

DATALIST, DATASET, SPLITS = "datalist.json", "dataset.json", "splits_final.json"
FOLDS = 5
"""Of patients, where no case decides otherwise who validates."""


class Nifti:
    """images/NAME.nii.gz and labels/NAME.nii.gz, with MONAI's datalist.json."""

    whole = False

    def __init__(self, folder: Path, common: Common) -> None:
        self.folder, self.common = folder, common

    def names(self, case: ExportedCase) -> tuple[str, str]:
        return f"images/{case.name}.nii.gz", f"labels/{case.name}.nii.gz"

    def write(self, number: int, case: ExportedCase) -> dict[str, str]:
        """Write image and labels of a case; see `Format.write`."""
        image, label = self.names(case)
        affine = case.place.affine()
        written = {"image": image, "label": label}
        if case.hu is None:
            del written["image"]
        else:
            save(self.folder / image, case.hu, affine)
        save(self.folder / label, case.labels, affine)
        return written

    def finish(self, rows: list[dict[str, Any]]) -> None:
        """Write datalist.json and labels.json."""
        write_label_map(self.folder, self.common.classes)
        if all("image" in row for row in rows):
            datalist = self.datalist(rows)
            artefacts.write_text(self.folder / DATALIST, json.dumps(datalist, indent=1) + "\n")

    def datalist(self, rows: list[dict[str, Any]]) -> dict[str, Any]:
        """As `monai.data.load_decathlon_datalist` reads it."""
        names = self.common.classes.names
        of = {
            role: [
                {"image": row["image"], "label": row["label"], "patient": row["patient"]}
                for row in rows
                if row["role"] == role and not row.get("validates")
            ]
            for role in (TRAIN, TEST)
        }
        held = [
            {"image": row["image"], "label": row["label"], "patient": row["patient"]}
            for row in rows
            if row.get("validates")
        ]
        return {
            "labels": {str(k): name for k, name in enumerate(("background", *names))},
            "training": of[TRAIN],
            "validation": held,
            "test": of[TEST],
        }


class NnUnet(Nifti):
    """nnU-Net's raw data set: imagesTr, labelsTr, imagesTs, dataset.json and splits_final.json."""

    def __init__(self, folder: Path, common: Common) -> None:
        super().__init__(folder, common)
        if not re.fullmatch(r"Dataset\d{3}_\w+", final_name(folder)):
            raise UserError(
                f"nnU-Net reads no folder called {final_name(folder)}; call it DatasetNNN_NAME, as "
                "in Dataset501_ICH."
            )

    def names(self, case: ExportedCase) -> tuple[str, str]:
        return (
            f"images{case.role}/{case.name}_0000.nii.gz",
            f"labels{case.role}/{case.name}.nii.gz",
        )

    def write(self, number: int, case: ExportedCase) -> dict[str, str]:
        """Write image and labels of a case; UserError where there is no image."""
        if case.hu is None:
            raise UserError("nnU-Net needs images beside the masks; write these as nifti or dicom.")
        return super().write(number, case)

    def finish(self, rows: list[dict[str, Any]]) -> None:
        """Write dataset.json, splits_final.json and datalist.json."""
        super().finish(rows)
        classes = self.common.classes
        dataset = {
            "channel_names": {"0": "CT"},
            "labels": {"background": 0, **classes.labels},
            "numTraining": sum(row["role"] == TRAIN for row in rows),
            "file_ending": ".nii.gz",
            "description": self.common.source,
        }
        artefacts.write_text(self.folder / DATASET, json.dumps(dataset, indent=1) + "\n")
        artefacts.write_text(self.folder / SPLITS, json.dumps(splits(rows), indent=1) + "\n")


def splits(rows: list[dict[str, Any]]) -> list[dict[str, list[str]]]:
    """Who trains and who validates, patient by patient; a synthetic case only trains.

    Where cases say that they validate there is one fold: a generator has seen all other patients,
    so that none of these may validate. Otherwise each patient validates in one of FOLDS folds.
    """
    training = [row for row in rows if row["role"] == TRAIN]
    if any(row.get("validates") for row in training):
        groups = [{row["patient"] for row in training if row.get("validates")}]
    else:
        real = list(dict.fromkeys(r["patient"] for r in training if not r["synthetic"]))
        groups = [set(real[k::FOLDS]) for k in range(min(FOLDS, len(real)))]
    return [
        {
            "train": [row["name"] for row in training if row["patient"] not in held],
            "val": [
                row["name"] for row in training if row["patient"] in held and not row["synthetic"]
            ],
        }
        for held in groups
    ]


def save(path: Path, slices: np.ndarray, affine: np.ndarray) -> None:
    """Write (S, H, W) slices as (W, H, S) voxels, whole or not at all, the same bytes each time."""
    image = nib.Nifti1Image(np.ascontiguousarray(slices.T), affine, dtype=slices.dtype)
    image.set_qform(affine, 1)
    image.set_sform(affine, 1)
    image.header.set_xyzt_units("mm")
    path.parent.mkdir(parents=True, exist_ok=True)
    with artefacts.atomic(path) as temporary:
        # gzip stores the time of writing
        temporary.write_bytes(gzip.compress(image.to_bytes(), 5, mtime=0))


def final_name(folder: Path) -> str:
    """The name that a folder will have when it is complete.

    >>> final_name(Path(".Dataset501_ICH.partial"))
    'Dataset501_ICH'
    """
    name = folder.name
    return name[1 : -len(".partial")] if name.endswith(".partial") else name
