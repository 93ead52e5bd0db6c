"""RTSTRUCT as labels: each contour filled on the slice that it was drawn on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pydicom
from skimage.draw import polygon2mask

from lcgan_core.cohort.dicom.bare import read_whole
from lcgan_core.cohort.dicom.header import Slice
from lcgan_core.cohort.dicom.part_names import label_of, said_by
from lcgan_core.cohort.dicom.place import Places
from lcgan_core.cohort.dicom.stack import Stack
from lcgan_core.cohort.label_map import BACKGROUND, LabelMap
from lcgan_core.cohort.series import Refused

BESIDE = 1.0
"""Pixels by which a contour may leave the image: half a pixel's width, drawn on a finer screen."""
ALIKE, KEPT = 0.95, 0.1
"""The shared area from which on two outlines are one drawn twice; what holes must leave of it."""
CLOSED = ("CLOSED_PLANAR", "CLOSEDPLANAR_XOR")
THINGS = {
    "EXTERNAL", "BOLUS", "ISOCENTER", "REGISTRATION", "MARKER", "SUPPORT", "FIXATION",
    "DOSE_REGION", "DOSE_MEASUREMENT", "CAVITY", "CONTRAST_AGENT", "BRACHY_CHANNEL",
    "BRACHY_ACCESSORY", "BRACHY_SRC_APP", "BRACHY_CHNL_SHLD",
}  # fmt: skip
"""What a ROI may be said to be that is no bleeding, whatever it is called. All other types leave it
open: planning systems write ORGAN or GTV for anything."""


class Contour(NamedTuple):
    points: np.ndarray  # (N, 3) LPS mm
    drawn_on: list[str]  # SOPInstanceUIDs


def read_rtstruct(path: Path, stack: Stack, labels: LabelMap) -> tuple[np.ndarray, tuple[str, ...]]:
    """(S, H, W) uint8 labels on the stack's grid, and notes; raises Refused.

    A pixel belongs to a ROI where its centre lies inside an odd number of the ROI's contours on
    that slice: a hole is a contour within a contour. Where two classes claim a pixel, the later
    ROI has it.
    """
    item = read_whole(path)
    places = Places(stack)
    contours = {
        int(roi.ReferencedROINumber): list(_contours(roi))
        for roi in item.get("ROIContourSequence") or []
    }
    frames = {str(roi.get("ReferencedFrameOfReferenceUID") or "") for roi in _rois(item)}
    observed = _observed(item)
    result = np.zeros(stack.shape, np.uint8)
    skipped = twice = 0
    for roi in _rois(item):
        drawn = contours.get(int(roi.ROINumber))
        if not drawn:
            skipped += 1
            continue
        name, *more = (str(roi.get(tag) or "") for tag in ("ROIName", "ROIDescription"))
        value = label_of([name, *more, *observed[int(roi.ROINumber)]], labels)
        if value is None:
            raise Refused(
                path,
                "holds a ROI of no known class; name it in labels.json, with an empty text "
                "to ignore it.",
                name,
            )
        if value == BACKGROUND:
            continue
        by_slice: dict[int, list[np.ndarray]] = defaultdict(list)
        for contour in drawn:
            index = _slice_of(contour, places, frames, path)
            by_slice[index].append(_to_pixels(contour, stack.slices[index], path))
        if not any(_fill(outlines, stack.shape[1:], path).any() for outlines in by_slice.values()):
            raise Refused(path, "has contours that hold not one pixel of the scan; draw it again.")
        for index, outlines in by_slice.items():
            inside = _fill(outlines, stack.shape[1:], path)
            at = result[index]
            twice += int((inside & (at != value) & (at != BACKGROUND)).sum())
            at[inside] = value
    notes = [f"{skipped} ROIs without a closed contour were skipped."] if skipped else []
    if twice:
        notes.append(f"{twice} pixels had two classes; the later one was taken.")
    return result, tuple(notes)


def _rois(item: pydicom.Dataset) -> Sequence[pydicom.Dataset]:
    return item.get("StructureSetROISequence") or []


def _observed(item: pydicom.Dataset) -> dict[int, list[str]]:
    """What is said of each ROI, by its number, beside its name: labels, codes and types."""
    said: dict[int, list[str]] = defaultdict(list)
    for seen in item.get("RTROIObservationsSequence") or []:
        texts = said[int(seen.ReferencedROINumber)]
        for tag in ("ROIObservationLabel", "ROIObservationDescription"):
            texts.append(str(seen.get(tag) or ""))
        texts += said_by(seen.get("RTROIIdentificationCodeSequence"))
        kind = str(seen.get("RTROIInterpretedType") or "")
        texts += [kind] if kind.upper() in THINGS else []
    return said


def _contours(roi: pydicom.Dataset) -> Iterator[Contour]:
    """Closed contours of a ROI."""
    for contour in roi.get("ContourSequence") or []:
        points = np.array(contour.get("ContourData") or [], float)
        if contour.get("ContourGeometricType") not in CLOSED or points.size < 9:
            continue
        images = contour.get("ContourImageSequence") or []
        named = [str(image.get("ReferencedSOPInstanceUID") or "") for image in images]
        yield Contour(points.reshape(-1, 3), named)


def _slice_of(contour: Contour, places: Places, frames: set[str], path: Path) -> int:
    """The slice in whose plane a contour lies; raises Refused where it names another one."""
    index, named = places.nearest(contour.points.mean(axis=0)), places.named(contour.drawn_on)
    gone = named is not None and not named
    if index is None or gone or not (named or places.share_a_frame(frames)):
        raise Refused(
            path,
            "has contours on slices that the CT series lacks; give the series that they "
            "were drawn on.",
        )
    if (named and index not in named) or not places.lies_on(index, contour.points):
        raise Refused(
            path,
            "has contours that do not lie in the plane of the slice that they name; export it "
            "again from the system that drew it.",
        )
    return index


def _to_pixels(contour: Contour, image: Slice, path: Path) -> np.ndarray:
    """(N, 2) row and column of a contour's points; raises Refused outside the image."""
    offset = contour.points - image.position
    rows = offset @ np.array(image.orientation[3:]) / image.spacing[0]
    columns = offset @ np.array(image.orientation[:3]) / image.spacing[1]
    points = np.column_stack([rows, columns])
    if (points < -BESIDE).any() or (points > np.array(image.size) - 1 + BESIDE).any():
        raise Refused(
            path,
            "has contours outside the image; give the series that they were drawn on.",
        )
    return points


def _fill(outlines: list[np.ndarray], shape: tuple[int, ...], path: Path) -> np.ndarray:
    """(H, W) bool inside an odd number of outlines, of which a copy of another one is no hole."""
    filled = np.zeros(shape, bool)
    seen: list[tuple[np.ndarray, float]] = []
    for outline in outlines:
        inside, area = polygon2mask(shape, outline), _area(outline)
        if not any(_same(inside, area, *other) for other in seen):
            seen.append((inside, area))
            filled ^= inside
    drawn = np.logical_or.reduce([inside for inside, _ in seen])
    if filled.sum() < KEPT * drawn.sum():
        raise Refused(path, "has contours that cancel each other out; keep one of each pair.")
    return filled


def _same(a: np.ndarray, area: float, b: np.ndarray, other: float) -> bool:
    """Whether two outlines are one: the same pixels, or nearly so and drawn the same way round."""
    if (a == b).all():
        return True
    common = (a & b).sum() / max((a | b).sum(), 1)
    return bool(area * other > 0 and common > ALIKE)


def _area(outline: np.ndarray) -> float:
    """Twice the area within an outline, negative where it runs the other way round."""
    (y, x), (v, u) = outline.T, np.roll(outline, -1, axis=0).T
    return float((x * v - u * y).sum())
