"""DICOM without a preamble and file meta, as old archives and planning systems write it."""

from __future__ import annotations

from pathlib import Path

import pydicom
from pydicom import uid

from lcgan_core.cohort.series import Refused

FIRST = (b"\x02\x00\x00\x00", b"\x02\x00\x01\x00", b"\x02\x00\x02\x00", b"\x08\x00")
"""How such a file may begin: with the file meta, or with group 0008, both little endian."""
KIND: list = ["SOPClassUID"]
ROOM = 64 << 20
"""Bytes that reading a file takes beside its own."""
DAMAGED = "has a damaged header; copy it again or remove it."
TOO_MUCH = "it claims more than the file holds"


def is_bare(path: Path) -> bool:
    """Whether a file without a preamble is DICOM all the same: it says what kind of object it is.

    Raises OSError.
    """
    with path.open("rb") as file:
        if not file.read(4).startswith(FIRST):
            return False
    try:
        item = pydicom.dcmread(path, force=True, stop_before_pixels=True, specific_tags=KIND)
    except Exception:  # whatever it is, pydicom cannot make anything of it
        return False
    return str(item.get("SOPClassUID") or "").startswith("1.2.840.10008.")


def syntax_of(item: pydicom.Dataset) -> uid.UID | None:
    """The transfer syntax of a data set: as stated, or else the uncompressed one that it is in."""
    stated = getattr(item, "file_meta", pydicom.Dataset()).get("TransferSyntaxUID")
    if stated:
        return stated
    implicit, little = item.original_encoding
    if not little:
        return None
    return uid.ImplicitVRLittleEndian if implicit else uid.ExplicitVRLittleEndian


def claims_too_much(path: Path) -> bool:
    """After a MemoryError: whether it was a header's claim that did not fit, and not the file.

    Raises MemoryError where there is no memory for the file itself.
    """
    return len(bytes(path.stat().st_size + ROOM)) > 0


def read_whole(path: Path) -> pydicom.Dataset:
    """A whole file that was known to be DICOM, with its transfer syntax stated; raises Refused."""
    try:
        item = pydicom.dcmread(path, force=True)
    except MemoryError:
        claims_too_much(path)
        raise Refused(path, DAMAGED, TOO_MUCH) from None
    if not getattr(item, "file_meta", None):
        item.file_meta = pydicom.dataset.FileMetaDataset()
    syntax = syntax_of(item)
    if syntax and "TransferSyntaxUID" not in item.file_meta:
        item.file_meta.TransferSyntaxUID = syntax
    return item
