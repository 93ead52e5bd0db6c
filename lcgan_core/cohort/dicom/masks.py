"""A file with a segmentation, and the series that it says it was drawn on."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, NamedTuple

import pydicom
from pydicom import uid

SEG = (uid.SegmentationStorage, uid.UID("1.2.840.10008.5.1.4.1.1.66.7"))  # the second: label maps
REFERENCES = ["ReferencedSeriesSequence", "ReferencedFrameOfReferenceSequence"]
PLACES = ["PerFrameFunctionalGroupsSequence", "SourceImageSequence", "ROIContourSequence"]
Kind = Literal["NIfTI", "SEG", "RTSTRUCT"]


class MaskFile(NamedTuple):
    """A mask by its header; series, instances: the UIDs of series and images that it names."""

    path: Path
    kind: Kind
    series: tuple[str, ...] = ()
    instances: tuple[str, ...] = ()


def is_mask(item: pydicom.Dataset) -> bool:
    """Whether a header is that of a DICOM SEG or RTSTRUCT."""
    return item.get("SOPClassUID") in (*SEG, uid.RTStructureSetStorage)


def scan_mask(path: Path, item: pydicom.Dataset) -> MaskFile:
    """What a SEG or RTSTRUCT refers to."""
    kind: Kind = "SEG" if item.SOPClassUID in SEG else "RTSTRUCT"
    series = _uids(item, "SeriesInstanceUID")
    images = _uids(item, "ReferencedSOPInstanceUID")
    return MaskFile(path, kind, series, images if series else drawn_on(path))


def drawn_on(path: Path) -> tuple[str, ...]:
    """The images that the frames or contours of a SEG or RTSTRUCT name, in order."""
    tags: list = PLACES  # large, so they are read only as a last resort
    places = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=tags, force=True)
    return _uids(places, "ReferencedSOPInstanceUID")


def _uids(item: pydicom.Dataset, name: str) -> tuple[str, ...]:
    """The distinct values of an attribute inside a header's sequences, in order."""
    found = (
        str(element.value)
        for sequence in item
        if sequence.VR == "SQ"
        for part in sequence.value
        for element in part.iterall()
        if element.keyword == name and element.value
    )
    return tuple(dict.fromkeys(found))
