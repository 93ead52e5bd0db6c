"""The layouts that head CTs come in, by name, and the reader of each."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from lcgan_core.cohort.series import Found
from lcgan_core.cohort.workers import Parallel
from lcgan_core.errors import UserError
from lcgan_core.protocol.methods import FORMATS, load

SPELLING = {"as_class": "--as", "class_table": "--classes"}
"""Where the command line spells a reader's parameter in another way."""


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
    """The format of a folder: the public set that it looks like, else a tree of DICOM files."""
    for name, method in FORMATS.items():
        # imported here: opening a store must not wait for the DICOM and NIfTI libraries
        module = importlib.import_module(method.place.partition(":")[0])
        if hasattr(module, "is_here") and module.is_here(source):
            return name
    return "dicom"


def _spelled(option: str) -> str:
    return SPELLING.get(option, f"--{option}")
