"""INSTANCE 2022: 100 training scans with binary masks (train_2.zip)."""

from __future__ import annotations

import re
from pathlib import Path

from lcgan_core.cohort.nifti import NiftiCase
from lcgan_core.cohort.public.layout import pairs, volumes
from lcgan_core.cohort.public.scan_classes import scan_classes
from lcgan_core.cohort.series import Case, Found, Refused
from lcgan_core.cohort.source import files_below, folders_below
from lcgan_core.errors import UserError

NAME = re.compile(r"\d{3}")


def is_here(source: Path) -> bool:
    return _root(source) is not None


def find(source: Path, as_class: str | None = None, class_table: Path | None = None) -> Found:
    """Pair data/001.nii.gz with label/001.nii.gz; the classes come from the user."""
    root = _root(source)
    if root is None:
        raise UserError(
            f'{source} holds no folders "data" and "label" of INSTANCE 2022; give the folder that '
            "holds them."
        )
    stated, decoder_of = scan_classes(source, "INSTANCE 2022", as_class, class_table)
    paired, refused = pairs(volumes(root / "data"), volumes(root / "label"))
    cases: list[Case] = []
    for name, (image, mask) in paired.items():
        try:
            who = f"INSTANCE22-{name}"
            cases.append(NiftiCase(who, who, image, (mask,), decoder_of(name, image)))
        except Refused as refusal:
            refused.append(refusal)
    return Found(cases, refused, files_below(root)[1], stated)


def _root(source: Path) -> Path | None:
    for folder in folders_below(source):
        numbered = [name for name in volumes(folder / "label") if NAME.fullmatch(name)]
        if numbered and (folder / "data").is_dir():
            return folder
    return None
