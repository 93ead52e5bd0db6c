"""The layouts that head CTs come in, by name, and the reader of each."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

from lcgan_core.cohort.series import Found
from lcgan_core.cohort.workers import Parallel
from lcgan_core.errors import UserError

PUBLIC = ("ct-ich", "bhsd", "instance22", "seg-cq500", "hemseg", "mbh-seg25")
FORMATS = ("dicom", "nifti", *PUBLIC)

SPELLING = {"as_class": "--as", "class_table": "--classes"}
"""Where the command line spells a reader's parameter in another way."""


def find(name: str, source: Path, given: Mapping[str, Any], parallel: Parallel) -> Found:
    """What the reader of format `name` finds in `source`, with the options `given`.

    Raises UserError for an unknown format, an option that the format does not take, one that it
    needs and lacks, and a source that is no folder.
    """
    if name not in FORMATS:
        raise UserError(f"Unknown format '{name}'; allowed: {', '.join(FORMATS)}.")
    reader = _readers()[name].find
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
    """The format of a folder: the public set that it looks like, else a tree of DICOM files."""
    readers = _readers()
    return next((name for name in PUBLIC if readers[name].is_here(source)), "dicom")


def _readers() -> dict[str, ModuleType]:
    """Format -> the module whose `find(source, ...)` lists what lies in a folder."""
    # imported here: opening a store must not wait for the DICOM and NIfTI libraries
    from lcgan_core.cohort import dicom, nifti
    from lcgan_core.cohort.public import bhsd, ct_ich, hemseg, instance22, mbh_seg25, seg_cq500

    public = (ct_ich, bhsd, instance22, seg_cq500, hemseg, mbh_seg25)
    return {"dicom": dicom, "nifti": nifti, **dict(zip(PUBLIC, public, strict=True))}


def _spelled(option: str) -> str:
    return SPELLING.get(option, f"--{option}")
