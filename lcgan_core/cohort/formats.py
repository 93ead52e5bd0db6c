"""The layouts that head CTs come in, by name, and the reader of each."""

from __future__ import annotations

import importlib
import inspect
import shlex
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from lcgan_core.cohort.nifti_file import NIFTI
from lcgan_core.cohort.series import Found
from lcgan_core.cohort.source import files_below
from lcgan_core.cohort.workers import Parallel
from lcgan_core.errors import UserError
from lcgan_core.protocol.methods import FORMATS, load

SPELLING = {"as_class": "--as", "class_table": "--classes"}
"""Where the command line spells a reader's parameter in another way."""


PICTURES = (".png", ".jpg", ".jpeg")
ASKED_FOR = {
    "nifti": (
        "NIfTI files",
        '--images "{patient}/{scan}_ct.nii.gz" --masks "{patient}/{scan}_seg.nii.gz" '
        "--labels 1=EDH,2=IPH",
    ),
    "png": (
        "pictures",
        '--images "images/{patient}/{slice}.png" --masks "masks/{patient}/{slice}.png" '
        "--spacing 0.45/5 --as IPH",
    ),
}
"""What files of a format are called, and the options that only their owner can give."""


def find(name: str, source: Path, given: Mapping[str, Any], parallel: Parallel) -> Found:
    """What the reader of format `name` finds in `source`, with the options `given`.

    Raises UserError for an unknown format, an option that the format does not take, one that it
    needs and lacks, and a source that is no folder.
    """
    if name not in FORMATS:
        raise UserError(f"Unknown format '{name}'; allowed: {', '.join(FORMATS)}.")
    reader = load(FORMATS[name])
    takes = inspect.signature(reader).parameters
    for option in given:
        if option not in takes:
            raise UserError(f"Format '{name}' takes no {_spelled(option)}; leave it out.")
    for option, parameter in list(takes.items())[1:]:
        if parameter.default is parameter.empty and option not in given:
            raise UserError(f"Format '{name}' needs {_spelled(option)}; see the data guide.")
    # headers are small: a process takes many at a time
    streams = {"parallel": partial(parallel, chunk=64)} if "parallel" in takes else {}
    found = reader(source, **given, **streams)
    if not (found.cases or found.refused or found.left_out):
        raise UserError(
            f"{source} holds nothing that format '{name}' could read; see the data guide."
        )
    return found


def detect(source: Path) -> str:
    """The format of a folder: the public set that it looks like, else a tree of DICOM files.

    Raises UserError where it holds only files of a format whose options cannot be guessed.
    """
    for name, method in FORMATS.items():
        # imported here: opening a store must not wait for the DICOM and NIfTI libraries
        module = importlib.import_module(method.place.partition(":")[0])
        if hasattr(module, "is_here") and module.is_here(source):
            return name
    kinds = {_kind(path.name.lower()) for path in files_below(source)[0]} - {""}
    if "dicom" in kinds or not kinds:
        return "dicom"
    form = "nifti" if "nifti" in kinds else "png"
    what, options = ASKED_FOR[form]
    raise UserError(
        f"{source} holds {what}, but which of them are masks and what these show has to be said: "
        f"run `lcgan ingest {shlex.quote(str(source))} --out STORE --format {form} {options}` with "
        "patterns and values of your own, and use STORE as the cohort."
    )


def _kind(name: str) -> str:
    from lcgan_core.cohort.dicom.header import COMPANIONS

    if name.endswith((*NIFTI, *PICTURES)):
        return "nifti" if name.endswith(NIFTI) else "png"
    return "" if name.endswith(COMPANIONS) else "dicom"


def _spelled(option: str) -> str:
    return SPELLING.get(option, f"--{option}")
