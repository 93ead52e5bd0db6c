"""RTSTRUCT as labels: each contour filled on the slice that it was drawn on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pydicom
from skimage.draw import polygon2mask

from lcgan_core.cohort.dicom.part_names import label_of
from lcgan_core.cohort.dicom.place import Places
from lcgan_core.cohort.dicom.stack import Stack
from lcgan_core.cohort.label_map import BACKGROUND, LabelMap
from lcgan_core.cohort.series import Refused

CLOSED = ("CLOSED_PLANAR", "CLOSEDPLANAR_XOR")


class Contour(NamedTuple):
    points: np.ndarray  # (N, 3) LPS mm
    drawn_on: list[str]  # SOPInstanceUIDs


def read_rtstruct(path: Path, stack: Stack, labels: LabelMap) -> tuple[np.ndarray, list]:
    """(S, H, W) uint8 labels on the stack's grid, and notes; raises Refused.

    A pixel belongs to a ROI where its centre lies inside an odd number of the ROI's contours on
    that slice: a hole is a contour within a contour. Where two classes claim a pixel, the later
    ROI has it.
    """
    item = pydicom.dcmread(path)
    places = Places(stack)
    contours = {
        int(roi.ReferencedROINumber): list(_contours(roi))
        for roi in item.get("ROIContourSequence") or []
    }
    result = np.zeros(stack.shape, np.uint8)
    skipped = twice = 0
    for roi in item.get("StructureSetROISequence") or []:
        drawn = contours.get(int(roi.ROINumber))
        if not drawn:
            skipped += 1
            continue
        name = str(roi.get("ROIName") or "")
        value = label_of([name, str(roi.get("ROIDescription") or "")], labels)
        if value is None:
            raise Refused(
                path,
                "holds a ROI of no known class; name it in labels.json, with an empty text "
                "to ignore it.",
                name,
            )
        if value == BACKGROUND:
            continue
        for index, inside in _filled(path, drawn, places, stack):
            at = result[index]
            twice += int((inside & (at != value) & (at != BACKGROUND)).sum())
            at[inside] = value
    notes = [f"{skipped} ROIs without a closed contour were skipped."] if skipped else []
    if twice:
        notes.append(f"{twice} pixels had two classes; the later one was taken.")
    return result, notes


def _contours(roi: pydicom.Dataset) -> Iterator[Contour]:
    """Closed contours of a ROI, each once: a second copy would empty the first."""
    seen = set()
    for contour in roi.get("ContourSequence") or []:
        points = np.array(contour.get("ContourData") or [], float)
        if contour.get("ContourGeometricType") not in CLOSED or points.size < 9:
            continue
        if points.tobytes() not in seen:
            seen.add(points.tobytes())
            images = contour.get("ContourImageSequence") or []
            named = [str(image.get("ReferencedSOPInstanceUID")) for image in images]
            yield Contour(points.reshape(-1, 3), named)


def _filled(
    path: Path, contours: list[Contour], places: Places, stack: Stack
) -> Iterator[tuple[int, np.ndarray]]:
    """Slices that a ROI covers: index and (H, W) bool."""
    filled: dict[int, np.ndarray] = {}
    for contour in contours:
        index = places.named(contour.drawn_on)
        if index is None:
            index = places.nearest(contour.points.mean(axis=0))
        if index is None:
            raise Refused(
                path,
                "has contours on slices that the CT series lacks; give the series that they "
                "were drawn on.",
            )
        image = stack.slices[index]
        offset = contour.points - image.position
        rows = offset @ np.array(image.orientation[3:]) / image.spacing[0]
        columns = offset @ np.array(image.orientation[:3]) / image.spacing[1]
        inside = polygon2mask(image.size, np.column_stack([rows, columns]))
        filled[index] = filled.get(index, np.zeros(image.size, bool)) ^ inside
    yield from filled.items()
