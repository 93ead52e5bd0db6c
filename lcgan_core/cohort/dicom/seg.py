"""DICOM SEG as labels: each frame on the slice that it says it belongs to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pydicom

from lcgan_core.cohort.dicom.bare import read_whole
from lcgan_core.cohort.dicom.geometry import SAME_ORIENTATION
from lcgan_core.cohort.dicom.part_names import label_of, said_by
from lcgan_core.cohort.dicom.place import Places
from lcgan_core.cohort.dicom.planes import Frames, Planes, lay, planes_of
from lcgan_core.cohort.dicom.stack import Stack
from lcgan_core.cohort.label_map import BACKGROUND, LabelMap
from lcgan_core.cohort.series import Refused

Group = tuple[pydicom.Dataset, pydicom.Dataset]


def read_seg(path: Path, stack: Stack, labels: LabelMap) -> tuple[np.ndarray, tuple[str, ...]]:
    """(S, H, W) uint8 labels on the stack's grid, and notes; raises Refused.

    Frames come in any order and empty ones are left out, so each is put where its referenced slice
    or its plane position says. FRACTIONAL counts from half of its maximum. Where two classes claim
    a pixel, the segment with the higher number has it.
    """
    item = read_whole(path)
    label_of_segment = _labels_of_segments(path, item, labels)
    frames = int(item.get("NumberOfFrames") or 1)
    groups = item.get("PerFrameFunctionalGroupsSequence") or []
    shared = (item.get("SharedFunctionalGroupsSequence") or [pydicom.Dataset()])[0]
    if len(groups) != frames:
        raise Refused(path, "does not say where its frames lie; export the mask again.")
    places, whose = Places(stack), {str(item.get("FrameOfReferenceUID") or "")}
    planes = None
    size = (int(item.Rows), int(item.Columns))
    if size != stack.shape[1:] or not all(_same_grid((group, shared), stack) for group in groups):
        if any(_sources((group, shared)) for group in groups) or not places.share_a_frame(whose):
            raise Refused(
                path,
                f"has {size[0]} x {size[1]} pixels, the CT series {stack.shape[1]} x "
                f"{stack.shape[2]}, or lies in another plane or has another pixel spacing, though "
                "it names the slices of the series; export the segmentation on their grid.",
            )
        planes = _own_grid([(group, shared) for group in groups], stack, path)
        where = planes.of_frames
    else:
        where = [_slice_of((group, shared), places, whose, stack, path) for group in groups]
    try:
        pixels = item.pixel_array.reshape(frames, *size)
    except Exception as error:  # every decoder has its own family of errors
        raise Refused(path, "cannot be decoded; export the mask again.", error) from None
    shape = stack.shape if planes is None else (max(where) + 1, *size)
    result, twice = np.zeros(shape, np.uint8), np.zeros(shape, bool)
    for number, value in sorted(label_of_segment.items()):
        if value == BACKGROUND:
            continue
        for k, inside in _of_segment(item, pixels, groups, shared, number):
            at = result[where[k]]
            twice[where[k]] |= inside & (at != value) & (at != BACKGROUND)
            at[inside] = value
    notes: tuple[str, ...] = ()
    if planes:
        result, notes = lay(path, result, planes)
    if twice.any():
        notes += (f"{twice.sum()} pixels had two classes; the later one was taken.",)
    return result, notes


def _labels_of_segments(path: Path, item: pydicom.Dataset, labels: LabelMap) -> dict[int, int]:
    """Segment number -> label value."""
    found = {0: BACKGROUND}  # a label map may name its background
    for segment in item.get("SegmentSequence") or []:
        number = int(segment.SegmentNumber)
        if number == 0:
            continue
        texts = [str(segment.get("SegmentLabel") or "")]
        texts += said_by(segment.get("SegmentedPropertyTypeCodeSequence"))
        value = label_of(texts, labels)
        if value is None:
            raise Refused(
                path,
                "holds a segment of no known class; name it in labels.json, with an empty "
                "text to ignore it.",
                texts[0],
            )
        found[number] = value
    return found


def _of_segment(
    item: pydicom.Dataset,
    pixels: np.ndarray,
    groups: Sequence[pydicom.Dataset],
    shared: pydicom.Dataset,
    number: int,
) -> Iterator[tuple[int, np.ndarray]]:
    """Frames of one segment: index and (H, W) bool."""
    if item.get("SegmentationType") == "LABELMAP":
        yield from enumerate(pixels == number)
        return
    half = float(item.get("MaximumFractionalValue") or 255) / 2
    least = half if item.get("SegmentationType") == "FRACTIONAL" else 1
    for k, group in enumerate(groups):
        if int(
            _first((group, shared), "SegmentIdentificationSequence").ReferencedSegmentNumber
        ) == (number):
            yield k, pixels[k] >= least


def _first(groups: Group, name: str) -> pydicom.Dataset:
    """A functional group's item, the frame's own or else the shared one; empty if there is none."""
    for group in groups:
        if group.get(name):
            return group[name].value[0]
    return pydicom.Dataset()


def _slice_of(groups: Group, places: Places, frames: set[str], stack: Stack, path: Path) -> int:
    """The slice on which a frame lies; raises Refused where it names or lies on another one."""
    position = _first(groups, "PlanePositionSequence").get("ImagePositionPatient")
    at = None if position is None else np.array(position, float)
    named = places.named(_sources(groups))
    index: int | None
    if named and len(named) == 1:
        (index,) = named
    elif at is None:
        raise Refused(path, "does not say where its frames lie; export the mask again.")
    else:
        index = places.nearest(at) if named or places.share_a_frame(frames) else None
    if index is None or (named is not None and index not in named):
        raise Refused(
            path, "refers to slices that the CT series lacks; give the series that it was drawn on."
        )
    if at is not None and places.apart(index, at) > max(stack.slices[0].spacing) / 2:
        raise Refused(
            path,
            "lies beside the slices that it refers to; export the segmentation on the grid "
            "of the series.",
        )
    return index


def _same_grid(groups: Group, stack: Stack) -> bool:
    """Whether a frame has the orientation and pixel spacing of the series, as far as it says."""
    image = stack.slices[0]
    orientation = _first(groups, "PlaneOrientationSequence").get("ImageOrientationPatient")
    spacing = _first(groups, "PixelMeasuresSequence").get("PixelSpacing")
    return _close(orientation, image.orientation, SAME_ORIENTATION) and _close(
        spacing, image.spacing, 1e-3 * min(image.spacing)
    )


def _sources(groups: Group) -> list[str]:
    """The images that a frame names."""
    sources = _first(groups, "DerivationImageSequence").get("SourceImageSequence") or []
    return [uid for each in sources if (uid := str(each.get("ReferencedSOPInstanceUID") or ""))]


def _own_grid(frames: list[Group], stack: Stack, path: Path) -> Planes:
    """The planes in which frames on a grid of their own lie; raises Refused."""
    measures = [_first(groups, "PixelMeasuresSequence") for groups in frames]
    told = [
        (
            _first(groups, "PlanePositionSequence").get("ImagePositionPatient"),
            _first(groups, "PlaneOrientationSequence").get("ImageOrientationPatient"),
            measured.get("PixelSpacing"),
        )
        for groups, measured in zip(frames, measures, strict=True)
    ]
    if any(value is None for each in told for value in each):
        raise Refused(path, "does not say where its frames lie; export the mask again.")
    positions, orientations, spacings = (np.array(each, float) for each in zip(*told, strict=True))
    if np.ptp(orientations, axis=0).max() > SAME_ORIENTATION or np.ptp(spacings, axis=0).any():
        raise Refused(path, "has frames of several grids; export it on the grid of the series.")
    thick = measures[0].get("SpacingBetweenSlices") or measures[0].get("SliceThickness")
    thickness = float(thick) if thick else None
    return planes_of(path, Frames(positions, orientations[0], spacings[0], thickness), stack)


def _close(values: Sequence | None, expected: Sequence[float], within: float) -> bool:
    """Whether numbers of a header, if given, are the expected ones."""
    return values is None or bool(np.abs(np.array(values, float) - expected).max() <= within)
