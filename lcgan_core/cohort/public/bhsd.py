"""BHSD: 192 head CTs of RSNA 2019 with masks of five classes (label_192.zip)."""

from __future__ import annotations

from pathlib import Path

from lcgan_core.cohort.nifti import NiftiCase
from lcgan_core.cohort.public.layout import AS_RSNA, RSNA, pairs, volumes
from lcgan_core.cohort.series import Case, Found, LeftOut, Refused, Series
from lcgan_core.cohort.source import files_below, folders_below
from lcgan_core.errors import UserError


class BhsdCase(NiftiCase):
    """A scan of BHSD: every one of them bleeds."""

    by_index = True  # the masks of four training cases differ from their scans in the affine alone

    def load(self) -> Series:
        """As any NIfTI; also Refused where the mask is empty, as in a copy that circulates."""
        series = super().load()
        if not series.labels.any():
            raise Refused(
                self.path,
                "has an empty mask, though every scan of this set bleeds; download the "
                "set from its authors.",
            )
        return series


def is_here(source: Path) -> bool:
    return _root(source) is not None


def find(source: Path) -> Found:
    """Pair images/ and "ground truths/"; dataset.json names other folders and is not read."""
    root = _root(source)
    if root is None:
        raise UserError(
            f'{source} holds no folders "images" and "ground truths" of BHSD; give the folder '
            "that label_192.zip unpacks to."
        )
    if not (root / "ground truths").is_dir():
        raise UserError(
            f'{root} has a folder "ground_truths"; in BHSD it is called "ground truths", with a '
            "space: unpack label_192.zip again, or rename it if the masks are BHSD's."
        )
    _, left_out = files_below(root)
    for folder in root.parent.glob("unlabel_*"):
        unlabelled = [path for path in files_below(folder)[0] if RSNA.match(path.name)]
        if unlabelled:
            left_out.append(LeftOut(unlabelled[0], "is a scan without a mask", len(unlabelled)))
    paired, refused = pairs(volumes(root / "images"), volumes(root / "ground truths"))
    cases: list[Case] = []
    for name, (image, mask) in paired.items():
        ids = RSNA.fullmatch(name)
        if ids:
            cases.append(BhsdCase(ids[1], ids[2], image, (mask,), AS_RSNA))
        else:
            refused.append(Refused(image, "is not named ID_patient_ID_study as in BHSD."))
    if not cases:
        raise UserError(
            f"{root} holds no pair of NIfTI files with the names of BHSD (ID_..._ID_....nii.gz); "
            "some copies lack the suffix: unpack label_192.zip of its authors."
        )
    return Found(cases, refused, left_out)


def _root(source: Path) -> Path | None:
    for folder in folders_below(source):
        names = {entry.name for entry in folder.iterdir() if entry.is_dir()}
        if "images" in names and names & {"ground truths", "ground_truths"}:
            return folder
    return None
