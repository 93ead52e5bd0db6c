"""Head CT as DICOM with its mask as NIfTI, one folder a patient: read, checked, sorted."""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import cast

import nibabel as nib
import numpy as np
import pydicom
from nibabel.filebasedimages import ImageFileError
from nibabel.orientations import (
    apply_orientation,
    inv_ornt_aff,
    io_orientation,
    ornt_transform,
)
from pydicom.errors import InvalidDicomError

from lcgan_core.cohort.series import Series
from lcgan_core.errors import UserError
from lcgan_core.labels import HEMORRHAGES

HU_RANGE = (-1024, 3071)
MASKS = (".nii", ".nii.gz")
IGNORED = (".txt", ".md", ".csv", ".json")
LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
TOLERANCE_MM = 0.1


def read_cohort(folder: Path) -> Iterator[Series]:
    """Every patient folder's series, in the order of the folders' names; one at a time."""
    folder = Path(folder)
    if not folder.is_dir():
        raise UserError(
            f"{folder} does not exist; give the folder that holds the patients' folders."
        )
    patients = sorted(path for path in folder.iterdir() if path.is_dir() and path.name[0] != ".")
    if not patients:
        raise UserError(
            f"{folder} is not a cohort: it holds no folder; give one with a folder for each "
            "patient, each with a CT series (DICOM) and a mask (NIfTI)."
        )
    for patient in patients:
        yield read_patient(patient)


def read_patient(folder: Path) -> Series:
    """One patient's CT series and mask.

    Slices are sorted along the slice normal; HU from each slice's own rescale, clipped to
    [-1024, 3071]; the mask is turned to the series' grid by the affines.
    """
    files = sorted(path for path in Path(folder).rglob("*") if path.is_file())
    masks = [path for path in files if path.name.endswith(MASKS)]
    slices = [
        _read_slice(path)
        for path in files
        if path not in masks and path.suffix.lower() not in IGNORED and path.name[0] != "."
    ]
    if not slices:
        raise UserError(f"{folder} is not a patient's folder: it holds no DICOM file.")
    if len(masks) != 1:
        raise UserError(
            f"{folder} holds {len(masks)} NIfTI masks; give exactly one (.nii, .nii.gz)."
        )
    uids = {str(item.SeriesInstanceUID) for item in slices}
    if len(uids) != 1:
        raise UserError(
            f"{folder} holds {len(uids)} series; keep the one that the mask belongs to."
        )
    positions = _sort(folder, slices)
    first = slices[0]
    affine = series_affine(slices)
    hu = np.stack([_to_hu(item) for item in slices])
    labels = _read_mask(masks[0], affine, hu.shape)
    return Series(
        patient=str(first.get("PatientID", "")) or folder.name,
        uid=uids.pop(),
        hu=hu,
        labels=labels,
        positions=positions,
        pixel_spacing=(float(first.PixelSpacing[0]), float(first.PixelSpacing[1])),
        gantry_tilt=float(first.get("GantryDetectorTilt") or 0.0),
    )


def _read_slice(path: Path) -> pydicom.Dataset:
    try:
        item = pydicom.dcmread(path)
    except InvalidDicomError:
        raise UserError(
            f"{path} is neither DICOM nor a NIfTI mask; remove it from the patient's folder."
        ) from None
    except Exception as error:  # a damaged header can fail in any of pydicom's parsers
        raise UserError(f"{path} cannot be read ({error}); copy it again or remove it.") from None
    if item.get("Modality") != "CT":
        raise UserError(
            f"{path} is {item.get('Modality', 'of no modality')}, not CT; keep only the head CT."
        )
    needed = (
        "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "Rows", "Columns",
        "RescaleSlope", "RescaleIntercept", "SeriesInstanceUID",
    )  # fmt: skip
    missing = [name for name in needed if item.get(name) in (None, "")]
    if missing:
        raise UserError(f"{path} lacks {', '.join(missing)}; export the original series again.")
    return item


def _sort(folder: Path, slices: list[pydicom.Dataset]) -> np.ndarray:
    """Sort in place along the slice normal; returns the positions (S,) in mm."""
    first = slices[0]
    orientation = np.array(first.ImageOrientationPatient, float)
    for item in slices:
        same = (
            np.allclose(np.array(item.ImageOrientationPatient, float), orientation, atol=1e-3)
            and (item.Rows, item.Columns) == (first.Rows, first.Columns)
            and np.allclose(np.array(item.PixelSpacing, float), np.array(first.PixelSpacing, float))
        )
        if not same:
            raise UserError(
                f"{item.filename} has another orientation, matrix or pixel spacing than "
                f"{first.filename}; keep one axial series a patient."
            )
    normal = np.cross(orientation[:3], orientation[3:])
    normal *= np.sign(normal[2]) or 1.0  # from the feet up, whichever way the rows run
    slices.sort(key=lambda item: float(normal @ np.array(item.ImagePositionPatient, float)))
    positions = np.array(
        [float(normal @ np.array(item.ImagePositionPatient, float)) for item in slices]
    )
    gaps = np.diff(positions)
    if len(gaps) and gaps.min() < TOLERANCE_MM:
        k = int(gaps.argmin())
        raise UserError(
            f"{slices[k].filename} and {slices[k + 1].filename} lie at the same position; "
            "keep one of them."
        )
    if len(gaps) and gaps.max() > 1.5 * np.median(gaps):
        k = int(gaps.argmax())
        raise UserError(
            f"{folder} lacks slices: there are {gaps[k]:.1f} mm between "
            f"{Path(slices[k].filename).name} and {Path(slices[k + 1].filename).name}, "
            f"elsewhere {np.median(gaps):.1f} mm; export the whole series again."
        )
    return positions


def series_affine(slices: Sequence[pydicom.Dataset]) -> np.ndarray:
    """(4, 4) from (column, row, slice) index to RAS mm, as NIfTI has it, of sorted slices."""
    first, last = slices[0], slices[-1]
    row, column = np.split(np.array(first.ImageOrientationPatient, float), 2)
    start = np.array(first.ImagePositionPatient, float)
    step = np.cross(row, column)
    if len(slices) > 1:
        step = (np.array(last.ImagePositionPatient, float) - start) / (len(slices) - 1)
    affine = np.eye(4)
    affine[:3, 0] = row * float(first.PixelSpacing[1])
    affine[:3, 1] = column * float(first.PixelSpacing[0])
    affine[:3, 2] = step
    affine[:3, 3] = start
    return LPS_TO_RAS @ affine


def _to_hu(item: pydicom.Dataset) -> np.ndarray:
    try:
        stored = item.pixel_array
    except Exception as error:  # every decoder has its own family of errors
        raise UserError(
            f"The pixels of {item.filename} cannot be decoded ({error}); copy the file again or "
            "export it uncompressed."
        ) from None
    hu = stored * float(item.RescaleSlope) + float(item.RescaleIntercept)
    return hu.round().clip(*HU_RANGE).astype(np.int16)


def _read_mask(path: Path, affine: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """(S, H, W) uint8 labels on the series' grid, turned by the two affines."""
    try:
        image = cast(nib.Nifti1Image, nib.load(path))
        voxels = np.asarray(image.dataobj)
    except (ImageFileError, OSError, EOFError, ValueError, gzip.BadGzipFile) as error:
        raise UserError(f"{path} is not a readable NIfTI mask ({error}); write it anew.") from None
    turn = ornt_transform(io_orientation(image.affine), io_orientation(affine))
    turned = apply_orientation(voxels, turn)
    grid = image.affine @ inv_ornt_aff(turn, voxels.shape)
    expected = (shape[2], shape[1], shape[0])
    if turned.shape != expected:
        raise UserError(
            f"{path} has {turned.shape} voxels (columns, rows, slices), the CT series {expected}; "
            "give the mask that was drawn on this series."
        )
    corners = np.array(np.meshgrid(*([0, n - 1] for n in expected))).reshape(3, -1)
    corners = np.vstack([corners, np.ones(8)])
    apart = np.abs((grid - affine) @ corners)[:3].max()
    if apart > max(TOLERANCE_MM, 0.5 * np.abs(affine[:3, 0]).max()):
        raise UserError(
            f"{path} lies up to {apart:.1f} mm away from the CT series; give the mask that was "
            "drawn on this series, with its affine."
        )
    values = np.unique(turned)
    unknown = [value for value in values if value not in range(len(HEMORRHAGES) + 1)]
    if unknown:
        raise UserError(
            f"{path} holds the label {unknown[0]:g}; map the labels to 0 background, "
            + ", ".join(f"{k} {name}" for k, name in enumerate(HEMORRHAGES, start=1))
            + "."
        )
    return turned.T.astype(np.uint8)
