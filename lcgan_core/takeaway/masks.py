"""Where masks lie, what they are, and how each is read: store, NIfTI, DICOM SEG or PNG."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pydicom

from lcgan_core.cohort.dicom.geometry import to_affine
from lcgan_core.cohort.dicom.masks import SEG
from lcgan_core.cohort.dicom.part_names import label_of, said_by
from lcgan_core.cohort.dicom.quiet import quiet
from lcgan_core.cohort.label_map import LabelMap
from lcgan_core.cohort.nifti import pixel_spacing
from lcgan_core.cohort.nifti_file import NIFTI, read_nifti
from lcgan_core.cohort.orientation import to_display
from lcgan_core.cohort.patterns import _matching
from lcgan_core.cohort.pictures import _spacing, read_mask
from lcgan_core.cohort.salt import hashed
from lcgan_core.cohort.series import Refused
from lcgan_core.cohort.source import files_below
from lcgan_core.cohort.store import SliceStore
from lcgan_core.errors import UserError
from lcgan_core.export.place import Place
from lcgan_core.export.store import FOLDER
from lcgan_core.lesions import Classes
from lcgan_core.takeaway.units import Drawing, Unit, stated, to_model

EXAMPLE = "{patient}_seg.nii.gz"
LABEL_FOLDERS = ("labels", "labelsTr")
"""Where written data sets keep their masks."""


def find(
    source: Path,
    model: Classes,
    salt: bytes,
    labels: LabelMap | None = None,
    pattern: str = "",
    spacing: str = "",
) -> list[Unit]:
    """The masks in a folder or file; labels of the units are those of the model.

    pattern: which files are masks, as EXAMPLE; spacing: of PNG, as `lcgan ingest` takes it.
    Raises UserError where nothing is found or something has to be said.
    """
    for folder in (source, source / FOLDER):
        if (folder / "slices.csv").is_file():
            return _of_store(SliceStore.open(folder), model)
    if not source.exists():
        raise UserError(f"{source} does not exist; give a folder or file with masks.")
    files = [source] if source.is_file() else _mask_files(source)
    if pattern:
        found = _matching(source, files, pattern, ("patient",), EXAMPLE)
        named = {path: key[0] for key, path in found.items()}
    else:
        named = {path: _stem(path) for path in files}
    units = _of_files(source, named, model, salt, labels, spacing)
    if not units:
        raise UserError(
            f"{source} holds no mask: no slice store, NIfTI, DICOM SEG or PNG"
            + (f" that matches {pattern}" if pattern else "")
            + "; give the folder that holds them."
        )
    return units


def _mask_files(source: Path) -> list[Path]:
    for name in LABEL_FOLDERS:
        if (source / name).is_dir():
            source = source / name
            break
    return files_below(source)[0]


def _stem(path: Path) -> str:
    name = path.name.lower()
    ending = next(
        (e for e in sorted(NIFTI, key=len, reverse=True) if name.endswith(e)), path.suffix
    )
    return path.name[: len(path.name) - len(ending)]


def _of_files(
    source: Path,
    named: dict[Path, str],
    model: Classes,
    salt: bytes,
    labels: LabelMap | None,
    spacing: str,
) -> list[Unit]:
    units = []
    for path, patient in named.items():
        lower = path.name.lower()
        if lower.endswith(NIFTI):
            load = partial(_read_nifti, path, stated(labels, source), model)
        elif lower.endswith(".png"):
            if not spacing:
                raise UserError(
                    "PNG masks do not say how large their pixels are; give --spacing, the mm from "
                    "pixel to pixel and slice to slice, as in 0.45/5."
                )
            load = partial(_read_png, path, stated(labels, source), model, spacing)
        elif (item := _seg_header(path)) is not None:
            patient = str(item.get("PatientID") or patient)
            load = partial(_read_seg, path, labels or _beside(source), model)
        else:
            continue
        units.append(Unit(hashed(salt, patient), hashed(salt, str(path)), path, load))
    return units


def _beside(source: Path) -> LabelMap:
    """The label map of segments' names; without one they are known by their names alone."""
    path = source / "labels.json"
    return LabelMap.read(path) if path.is_file() else LabelMap()


def _of_store(store: SliceStore, model: Classes) -> list[Unit]:
    units = []
    for (patient, series), rows in store.slices.groupby(["patient", "series"], sort=False):
        load = partial(_read_store, store, rows.index.to_numpy(), model)
        units.append(Unit(str(patient), str(series), store.folder, load))
    return units


def _read_store(store: SliceStore, rows: np.ndarray, model: Classes) -> Drawing:
    table = store.slices.iloc[rows]
    labels = to_model(np.asarray(store.labels[rows]), store.classes, model, store.folder)
    place = Place.of_store(
        table.position_mm.to_numpy(float),
        float(table.pixel_spacing_mm.iloc[0]),
        float(table.gantry_tilt_deg.iloc[0]),
        store.image_size,
    )
    return Drawing(labels, place, np.asarray(store.hu[rows]))


def _read_nifti(path: Path, labels: LabelMap, model: Classes) -> Drawing:
    voxels, header = read_nifti(path)
    decoded, affine = to_display(labels(voxels, path)[0], header.affine)
    pixel_spacing(path, affine)
    place = Place.of_affine(affine, len(decoded))
    return Drawing(to_model(decoded, labels.classes, model, path), place)


def _read_png(path: Path, labels: LabelMap, model: Classes, spacing: str) -> Drawing:
    pixel, step = _spacing(spacing)
    decoded = labels(read_mask(path).T[:, :, None], path)[0].T
    place = Place.of_store(np.zeros(1), pixel, 0.0, decoded.shape[-1])
    place = Place(place.steps, place.starts, step)
    return Drawing(to_model(decoded, labels.classes, model, path), place)


def _seg_header(path: Path) -> pydicom.Dataset | None:
    try:
        with quiet():
            item = pydicom.dcmread(path, specific_tags=["SOPClassUID", "PatientID"])
    except Exception:  # any other file in the folder
        return None
    return item if item.get("SOPClassUID") in SEG else None


def _read_seg(path: Path, labels: LabelMap, model: Classes) -> Drawing:
    """A SEG by itself: each frame lies where it says, without the images that it was drawn on."""
    try:
        with quiet():
            item = pydicom.dcmread(path)
            decoded, place = _frames(path, item, labels)
    except UserError:
        raise
    except Exception as error:  # every decoder has its own family of errors
        raise Refused(path, "cannot be decoded; export the mask again.", error) from None
    return Drawing(to_model(decoded, labels.classes, model, path), place)


def _frames(path: Path, item: pydicom.Dataset, labels: LabelMap) -> tuple[np.ndarray, Place]:
    """(S, H, W) uint8 labels of a SEG, and where they lie; errors where it is no whole SEG."""
    if item.get("SegmentationType") == "LABELMAP":
        raise Refused(path, "is a label map SEG; export it as BINARY.")
    pixels = item.pixel_array.reshape(-1, int(item.Rows), int(item.Columns))
    value_of = _segments(path, item, labels)
    slices: dict[float, list[tuple[int, np.ndarray, np.ndarray]]] = defaultdict(list)
    shared = item.SharedFunctionalGroupsSequence[0]
    for frame, own in zip(pixels, item.PerFrameFunctionalGroupsSequence, strict=True):
        groups = (own, shared)
        number = int(_group(path, groups, "SegmentIdentificationSequence").ReferencedSegmentNumber)
        if not value_of[number]:
            continue
        turned, affine = _turned(path, frame > 0, groups)
        height = round(float(affine[2, 3]), 2)
        slices[height].append((value_of[number], turned, affine))
    if not slices:
        raise Refused(path, "holds no segment that is a lesion; leave it out.")
    result, starts = [], []
    for height in sorted(slices):
        whole = np.zeros(slices[height][0][1].shape, np.uint8)
        for value, inside, _ in sorted(slices[height], key=lambda each: each[0]):
            whole[inside] = value
        result.append(whole)
        starts.append(slices[height][0][2][:3, 3])
    affine = next(iter(slices.values()))[0][2]
    pixel_spacing(path, affine)
    place = Place(affine[:3, :2], np.array(starts), float(np.linalg.norm(affine[:3, 2])))
    return np.stack(result), place


def _segments(path: Path, item: pydicom.Dataset, labels: LabelMap) -> dict[int, int]:
    found = {}
    for segment in item.get("SegmentSequence") or []:
        texts = [str(segment.get("SegmentLabel") or "")]
        texts += said_by(segment.get("SegmentedPropertyTypeCodeSequence"))
        value = label_of(texts, labels)
        if value is None:
            raise Refused(
                path, "holds a segment of no known class; name it with --labels.", texts[0]
            )
        found[int(segment.SegmentNumber)] = value
    return found


def _turned(
    path: Path, frame: np.ndarray, groups: Sequence[pydicom.Dataset]
) -> tuple[np.ndarray, np.ndarray]:
    """(H, W) of a frame as a radiologist sees it, and its display affine."""
    measures = _group(path, groups, "PixelMeasuresSequence")
    orientation = _group(path, groups, "PlaneOrientationSequence").ImageOrientationPatient
    position = _group(path, groups, "PlanePositionSequence").ImagePositionPatient
    affine = to_affine(orientation, measures.PixelSpacing, position, position, 1)
    thickness = measures.get("SpacingBetweenSlices") or measures.get("SliceThickness") or 5.0
    affine[:3, 2] *= float(thickness)
    turned, display = to_display(frame.T[:, :, None], affine)
    return turned[0], display


def _group(path: Path, groups: Sequence[pydicom.Dataset], name: str) -> pydicom.Dataset:
    for group in groups:
        if group.get(name):
            return group[name].value[0]
    raise Refused(path, "does not say where its frames lie; export the mask again.", name)
