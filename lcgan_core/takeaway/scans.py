"""Head CT without masks: DICOM series, NIfTI volumes, or a slice store, on their own grid."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import pydicom
from nibabel.orientations import apply_orientation, io_orientation, ornt_transform

from lcgan_core.cohort.dicom.header import scan as header_of
from lcgan_core.cohort.dicom.pixels import read_hu
from lcgan_core.cohort.dicom.search import _LeftOut, _sort
from lcgan_core.cohort.dicom.stack import Stack
from lcgan_core.cohort.nifti import pixel_spacing, to_hu
from lcgan_core.cohort.nifti_file import NIFTI, read_nifti
from lcgan_core.cohort.orientation import DISPLAY, to_display
from lcgan_core.cohort.resampling import resample
from lcgan_core.cohort.series import Refused
from lcgan_core.cohort.source import files_below
from lcgan_core.errors import UserError

LONG = 1 << 20
"""Bytes of an element that is read only if somebody asks for it: a header may claim any length."""
TAKEN_OVER = (
    "PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime",
    "StudyID", "AccessionNumber", "ReferringPhysicianName",
)  # fmt: skip


class Seen(NamedTuple):
    """A scan as a radiologist sees it: hu (S, H, W) int16, the affine (4, 4) of its own grid."""

    hu: np.ndarray
    affine: np.ndarray
    pixel: tuple[float, float]
    """(row, column) mm."""


class Scan(NamedTuple):
    """One series: patient and name as the source has them, the file to look for, how to read it;
    stack: of a DICOM series."""

    patient: str
    name: str
    path: Path
    load: Callable[[], Seen]
    stack: Stack | None = None


def find(source: Path) -> tuple[list[Scan], list[Refused]]:
    """The scans below a folder, masks passed over, and what was refused."""
    files = files_below(source)[0]
    volumes = [path for path in files if path.name.lower().endswith(NIFTI)]
    shelf, _, refused = _sort(source, map(header_of, files), _LeftOut())
    scans = []
    for key, stack in sorted(shelf.stacks.items(), key=lambda pair: pair[0]):
        if isinstance(stack, Refused):
            refused.append(stack)
        else:
            name = f"{key.series}, scan {key.scan + 1}" if key.scan else key.series
            load = partial(_of_dicom, stack)
            scans.append(Scan(key.patient, name, stack.slices[0].path.parent, load, stack))
    if not scans:
        names = (path.name.split(".nii")[0] for path in volumes)
        scans = [
            Scan(name, path.relative_to(source).as_posix(), path, partial(_of_nifti, path))
            for name, path in zip(names, volumes, strict=True)
        ]
    if not scans and not refused:
        raise UserError(f"{source} holds no head CT: neither DICOM series nor NIfTI volumes.")
    return scans, refused


def _of_dicom(stack: Stack) -> Seen:
    hu, _ = read_hu(stack.slices)
    return _seen(stack.slices[0].path, hu.T, stack.affine)


def _of_nifti(path: Path) -> Seen:
    voxels, header = read_nifti(path)
    return _seen(path, to_hu(voxels, path)[0], header.affine)


def _seen(path: Path, voxels: np.ndarray, affine: np.ndarray) -> Seen:
    turned, display = to_display(voxels, affine)
    return Seen(np.ascontiguousarray(turned), affine, pixel_spacing(path, display))


def fitted(seen: Seen, size: int) -> np.ndarray:
    """(S, size, size) HU, as a store would have them."""
    empty = np.zeros(seen.hu.shape[1:], np.uint8)
    return np.stack([resample(hu, empty, seen.pixel, size)[0] for hu in seen.hu])


def unfitted(labels: np.ndarray, seen: Seen) -> np.ndarray:
    """Labels (S, size, size) on the scan's own pixels (S, H, W), by nearest pixel."""
    height, width = seen.hu.shape[1:]
    row, column = seen.pixel
    side = max(height * row, width * column)
    rows, columns = round(side / row), round(side / column)
    top, left = (rows - height) // 2, (columns - width) // 2
    large = [
        cv2.resize(one, (columns, rows), interpolation=cv2.INTER_NEAREST_EXACT) for one in labels
    ]
    return np.stack(large)[:, top : top + height, left : left + width]


def unturned(labels: np.ndarray, affine: np.ndarray) -> np.ndarray:
    """(I, J, K) labels in the order of the scan's voxels, from (S, H, W) turned slices."""
    back = ornt_transform(DISPLAY, io_orientation(affine))
    return apply_orientation(labels.T, back)


def images_of(stack: Stack) -> list[pydicom.Dataset]:
    """The headers of a series' images, in its order, as a SEG refers to them."""
    return [_image(item.path) for item in stack.slices]


def _image(path: Path) -> pydicom.Dataset:
    """A header; what a SEG takes over from it is empty where it was left out."""
    item = pydicom.dcmread(path, stop_before_pixels=True, defer_size=LONG)
    for name in TAKEN_OVER:
        if name not in item:
            setattr(item, name, None)
    return item
