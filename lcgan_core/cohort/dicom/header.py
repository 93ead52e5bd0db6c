"""One file's header: what it is, and whether it can be one slice of a head CT."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pydicom
from pydicom import uid
from pydicom.dataset import FileMetaDataset
from pydicom.errors import InvalidDicomError
from pydicom.filereader import read_file_meta_info
from pydicom.tag import Tag

from lcgan_core.cohort.dicom.bare import DAMAGED, TOO_MUCH, claims_too_much, is_bare, syntax_of
from lcgan_core.cohort.dicom.checks import NotASlice, check_kind, check_pixels
from lcgan_core.cohort.dicom.geometry import degrees_from_axial, is_orthonormal
from lcgan_core.cohort.dicom.masks import REFERENCES, MaskFile, is_mask, scan_mask
from lcgan_core.cohort.dicom.quiet import quiet
from lcgan_core.cohort.dicom.values import Values, values_of
from lcgan_core.cohort.nifti_file import NIFTI
from lcgan_core.cohort.series import SIDES_MM

COMPANIONS = (
    ".txt", ".md", ".csv", ".json", ".xml", ".pdf", ".jpg", ".jpeg", ".png", "thumbs.db",
)  # fmt: skip
NOBODY = re.compile(r"|0+|(?i:anon(ymous|ymi[sz]ed)?|unknown|none|null|n/?a|patient|deidentified)")
TELLING = (
    "StudyInstanceUID", "FrameOfReferenceUID", "ConvolutionKernel", "ImageType", "KVP",
    "SliceThickness", "TemporalPositionIdentifier", "AcquisitionNumber",
)  # fmt: skip
"""What may tell two scans under one series UID apart; the first two always do."""
TIMES = ("AcquisitionDate", "AcquisitionTime", "ContentDate", "ContentTime")
NAMES = (
    "SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "PatientID", "Modality",
    "InstanceNumber", "Rows", "Columns", "PixelSpacing", "BitsAllocated",
    "ImagePositionPatient", "ImageOrientationPatient", "NumberOfFrames", "SamplesPerPixel",
    "BitsStored", "HighBit", "PhotometricInterpretation", "PixelRepresentation",
    "PixelPaddingValue", "PixelPaddingRangeLimit", "RescaleIntercept", "RescaleSlope",
    "RescaleType", "BurnedInAnnotation", *TELLING, *TIMES, *REFERENCES,
)  # fmt: skip
TAGS: list = [Tag(name) for name in NAMES]  # once: looking up names takes as long as reading
PIXEL_DATA = b"\xe0\x7f\x10\x00"
STEEPEST, MOST_HU = 100, 100_000  # of a rescale; extended scales have 10 and -10,240
MOST_DEGREES = 35  # gantries tilt by 30 at most; a sagittal or coronal reformat lies at 90


class Plain(NamedTuple):
    """Where a file holds uncompressed 16-bit pixels: first byte, dtype, and bits in use."""

    offset: int
    dtype: str
    bits: int


class Slice(NamedTuple):
    """A CT image as its header describes it: sizes (rows, columns), lengths in mm, LPS."""

    path: Path
    patient: str  # "" where the file names none
    series: str
    instance: str
    number: int | None
    acquisition: int | None
    size: tuple[int, int]
    spacing: tuple[float, float]
    orientation: tuple[float, ...]
    position: tuple[float, ...]
    rescale: tuple[float, float] | None  # slope, intercept
    padding: tuple[int, ...]  # of stored values, none to two ends of a range
    plain: Plain | None
    telling: tuple[str, ...]  # values of TELLING, "" where there is none
    acquired: str  # date and time, "" where unknown
    made: str  # the same of the content

    @property
    def frame(self) -> str:
        """Its frame of reference, "" where it names none."""
        return self.telling[1]


class Skipped(NamedTuple):
    """A file that is no slice of a head CT: refused, or left out as it should be."""

    path: Path
    refused: bool
    reason: str
    detail: str = ""
    patient: str = ""
    series: str = ""


def scan(path: Path) -> Slice | MaskFile | Skipped:
    """What a file is; reads no pixels, raises nothing, and returns little (it is pickled)."""
    name = path.name.lower()
    if name.endswith(NIFTI):
        return MaskFile(path, "NIfTI")
    if name.endswith(COMPANIONS) or name.startswith("dicomdir"):
        return Skipped(path, False, "is a companion of the images, such as a text or an index.")
    item = pydicom.Dataset()
    try:
        with quiet():
            syntax, item, room, start = _read(path)
            if is_mask(item):
                return scan_mask(path, item)
            values = Values(item)
            check_kind(values)
            check_pixels(values, syntax, room)
            return _slice(path, values, _plain(values, syntax, start))
    except NotASlice as why:
        refused, reason, *detail = why.args
        return Skipped(path, refused, reason, "".join(detail), *_whose(Values(item)))
    except OSError as error:
        return Skipped(path, True, "cannot be opened; check its permissions.", str(error))
    except MemoryError:
        claims_too_much(path)
        return Skipped(path, True, DAMAGED, TOO_MUCH, *_whose(Values(item)))
    except Exception as error:  # a damaged header can fail in any of pydicom's parsers
        return Skipped(path, True, DAMAGED, str(error), *_whose(Values(item)))


def _whose(item: Values) -> tuple[str, str]:
    """Patient and series, empty where the file does not name them."""
    try:
        patient, series = (
            str(item.get(k) or "").strip() for k in ("PatientID", "SeriesInstanceUID")
        )
    except Exception:  # these values themselves may be damaged
        return "", ""
    return "" if NOBODY.fullmatch(patient) else patient, series


def _read(path: Path) -> tuple[uid.UID | None, pydicom.Dataset, int, tuple[int, bytes]]:
    """Transfer syntax, header, bytes left for the pixels, and where these start and how."""
    try:
        meta = read_file_meta_info(path)
    except InvalidDicomError:
        if not is_bare(path):
            reason = "is neither DICOM nor a NIfTI mask; convert or remove it."
            raise NotASlice(True, reason) from None
        meta = FileMetaDataset()
    syntax = meta.get("TransferSyntaxUID")
    if syntax == uid.DeflatedExplicitVRLittleEndian:  # inflating it may fill the memory
        raise NotASlice(True, f"is stored as {syntax.name}, not read here; export it uncompressed.")
    if meta.get("MediaStorageSOPClassUID") == uid.MediaStorageDirectoryStorage:
        raise NotASlice(False, "is a companion of the images, such as a text or an index.")
    with path.open("rb") as file:
        item = pydicom.dcmread(file, stop_before_pixels=True, specific_tags=TAGS, force=not meta)
        at = file.tell()
        syntax = syntax or syntax_of(item)
        return syntax, item, os.fstat(file.fileno()).st_size - at, (at, file.read(12))


def _plain(item: Values, syntax: uid.UID | None, start: tuple[int, bytes]) -> Plain | None:
    """How to read the pixels without pydicom, which copies them twice; None where it must."""
    head = 12 if syntax == uid.ExplicitVRLittleEndian else 8
    at, element = start
    names = "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation"
    allocated, bits, highest, signed = (item.get(name) for name in names)
    length = int.from_bytes(element[head - 4 : head], "little")
    if (
        syntax not in (uid.ExplicitVRLittleEndian, uid.ImplicitVRLittleEndian)
        or element[:4] != PIXEL_DATA
        or length != 2 * item.get("Rows") * item.get("Columns")
        or (allocated, highest) != (16, (bits or 0) - 1)
        or signed not in (0, 1)
    ):
        return None
    return Plain(at + head, "<i2" if signed else "<u2", bits)


def _slice(path: Path, item: Values, plain: Plain | None) -> Slice:
    spacing, position, orientation = (
        tuple(float(value) for value in values_of(item, name))
        for name in ("PixelSpacing", "ImagePositionPatient", "ImageOrientationPatient")
    )
    lengths = (len(spacing), len(position), len(orientation))
    if lengths != (2, 3, 6) or not np.isfinite([*spacing, *position, *orientation]).all():
        raise NotASlice(True, "has a damaged position or orientation; export the series again.")
    if min(spacing) < SIDES_MM[0] or max(spacing) > SIDES_MM[1]:
        said = f"states a pixel spacing of {spacing[0]:g} x {spacing[1]:g} mm, no CT's;"
        raise NotASlice(True, f"{said} export the original series again.")
    if not is_orthonormal(orientation):
        raise NotASlice(True, "has rows and columns not at right angles; export the series again.")
    if degrees_from_axial(orientation) > MOST_DEGREES:
        raise NotASlice(False, "is not axial: a localizer or a reformat.")
    return Slice(
        path,
        *_whose(item),
        instance=str(item.get("SOPInstanceUID") or ""),
        number=_integer(item, "InstanceNumber"),
        acquisition=_integer(item, "AcquisitionNumber"),
        size=(int(item.get("Rows")), int(item.get("Columns"))),
        spacing=(spacing[0], spacing[1]),
        orientation=orientation,
        position=position,
        rescale=_rescale(item),
        padding=_padding(item),
        plain=plain,
        telling=tuple("\\".join(map(str, values_of(item, name))) for name in TELLING),
        acquired=_text(item, "AcquisitionDate") + _text(item, "AcquisitionTime"),
        made=_text(item, "ContentDate") + _text(item, "ContentTime"),
    )


def _text(item: Values, name: str) -> str:
    return str(item.get(name) or "").strip()


def _rescale(item: Values) -> tuple[float, float] | None:
    slope, intercept = item.get("RescaleSlope"), item.get("RescaleIntercept")
    if None in (slope, intercept):
        return None
    slope, intercept = float(slope), float(intercept)
    if not (0 < slope <= STEEPEST and abs(intercept) <= MOST_HU):  # nor where one is NaN
        raise NotASlice(True, "has a damaged rescale; export the original series again.")
    return slope, intercept


def _padding(item: Values) -> tuple[int, ...]:
    ends = (item.get(name) for name in ("PixelPaddingValue", "PixelPaddingRangeLimit"))
    first, last = (None if end in (None, "") else int(end) for end in ends)
    return () if first is None else (first,) if last is None else (first, last)


def _integer(item: Values, name: str) -> int | None:
    try:
        return int(item.get(name))
    except (TypeError, ValueError):
        return None
