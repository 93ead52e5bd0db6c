"""MBH-Seg25: head CTs of RSNA 2019 with masks of five classes by one to four raters each."""

from __future__ import annotations

from pathlib import Path

from lcgan_core.cohort.nifti import NiftiCase
from lcgan_core.cohort.public.layout import AS_RSNA, RSNA, volumes
from lcgan_core.cohort.series import Case, Found, LeftOut, Refused
from lcgan_core.cohort.source import files_below, folders_below
from lcgan_core.errors import UserError

RATER = "label_annot_"
"""How the other masks, label_consensus_* and label_uncertainty, were made is not documented."""


def is_here(source: Path) -> bool:
    return any(_is_scan(folder) for folder in folders_below(source))


def find(source: Path) -> Found:
    """Folders ID_patient_ID_study with image.nii.gz and raters' masks, merged by majority."""
    cases: list[Case] = []
    refused: list[Refused] = []
    _, left_out = files_below(source)
    for folder in folders_below(source):
        scan_labels = [path for name, path in volumes(folder).items() if RSNA.fullmatch(name)]
        if scan_labels:
            left_out.append(LeftOut(scan_labels[0], "is a scan without a mask", len(scan_labels)))
        if not _is_scan(folder):
            continue
        found = volumes(folder)
        masks = tuple(path for name, path in found.items() if name.startswith(RATER))
        if not masks:
            refused.append(Refused(folder, "has no rater's mask; download the set again."))
            continue
        patient, study = RSNA.fullmatch(folder.name).groups()  # type: ignore[union-attr]
        note = f"majority of {len(masks)} raters" if len(masks) > 1 else "one rater"
        cases.append(NiftiCase(patient, study, found["image"], masks, AS_RSNA, (note,)))
    if not (cases or refused):
        raise UserError(
            f"{source} holds no folder ID_patient_ID_study with image.nii.gz of MBH-Seg25; give "
            "the folder that holds them."
        )
    return Found(cases, refused, left_out)


def _is_scan(folder: Path) -> bool:
    return bool(RSNA.fullmatch(folder.name)) and "image" in volumes(folder)
