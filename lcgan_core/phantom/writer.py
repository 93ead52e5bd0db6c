"""An in-silico patient on disk: a CT series as DICOM, its labels as NIfTI."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path

import nibabel as nib
import numpy as np
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian, generate_uid

from lcgan_core.cohort.dicom import series_affine
from lcgan_core.phantom.patient import Scan, scan_patient


def patient_name(number: int) -> str:
    """Folder and patient id of patient `number`; nobody's name.

    >>> patient_name(7)
    'IS-0007'
    """
    return f"IS-{number:04d}"


def write_patient(
    folder: Path,
    number: int,
    seed: int,
    matrix: int,
    slices: int,
    seg: bool = False,
    annotator_mm: float = 0.0,
) -> Path:
    """Generate patient `number` of cohort `seed` and write folder/IS-number, unless it is there.

    series/IM0001.dcm ..., labels.nii.gz and, if asked for, labels_seg.dcm (DICOM SEG); the same
    bytes for the same arguments, whatever other patients are written. The folder appears when it is
    complete.
    """
    final = folder / patient_name(number)
    if final.exists():
        return final
    scan = scan_patient(seed, number, matrix, slices, annotator_mm)
    work = folder / f".{final.name}.writing"
    shutil.rmtree(work, ignore_errors=True)
    (work / "series").mkdir(parents=True)
    try:
        series = [_slice(scan, k, seed, number) for k in range(slices)]
        for k, item in enumerate(series, start=1):
            item.save_as(work / "series" / f"IM{k:04d}.dcm", enforce_file_format=True)
        image = nib.Nifti1Image(scan.labels.T, series_affine(series))
        # gzip stores the time of writing, which would make every cohort different
        (work / "labels.nii.gz").write_bytes(gzip.compress(image.to_bytes(), 5, mtime=0))
        if seg and scan.labels.any():
            from lcgan_core.phantom.segmentation import dicom_seg

            dicom_seg(series, scan.labels, uid_of(seed, number, "seg")).save_as(
                work / "labels_seg.dcm", enforce_file_format=True
            )
        work.rename(final)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return final


def uid_of(*parts: object) -> UID:
    """The identifier that follows from a seed, a patient's number and a word."""
    return generate_uid(entropy_srcs=["LcGAN in silico", *(str(part) for part in parts)])


def _slice(scan: Scan, k: int, seed: int, number: int) -> FileDataset:
    """Slice k of a series as a CT image, with the attributes that the standard requires."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = uid_of(seed, number, "slice", k)
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    item = FileDataset("", Dataset(), file_meta=meta, preamble=b"\0" * 128)
    item.SOPClassUID = CTImageStorage
    item.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    item.PatientName = f"IN-SILICO^{number:04d}"
    item.PatientID = patient_name(number)
    item.PatientBirthDate = ""
    item.PatientSex = ""
    item.StudyInstanceUID = uid_of(seed, number, "study")
    item.StudyID = "1"
    item.StudyDate = item.SeriesDate = item.AcquisitionDate = item.ContentDate = "20200101"
    item.StudyTime = item.ContentTime = "000000"
    item.AccessionNumber = ""
    item.ReferringPhysicianName = ""
    item.StudyDescription = "LcGAN in-silico head CT"
    item.SeriesInstanceUID = uid_of(seed, number, "series")
    item.SeriesNumber = 1
    item.FrameOfReferenceUID = uid_of(seed, number, "frame")
    item.PositionReferenceIndicator = ""
    item.PatientPosition = "HFS"
    item.Modality = "CT"
    item.Manufacturer = "LcGAN in silico"
    item.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    item.AcquisitionNumber = 1
    item.InstanceNumber = k + 1
    item.KVP = 120
    item.GantryDetectorTilt = scan.tilt
    rows, columns = scan.hu[k].shape
    px, lean = scan.pixel_spacing, np.radians(scan.tilt)
    right, front = ((n - 1) / 2 * px for n in (columns, rows))
    down, up = float(np.cos(lean)), float(np.sin(lean))
    corner = (-right, -front * down, scan.height(k) / down + front * up)
    # as many digits as fit into a decimal string, so that a reader finds the same heights
    item.ImageOrientationPatient = [1, 0, 0, 0, round(down, 12), -round(up, 12) + 0.0]
    item.ImagePositionPatient = [round(mm, 8) for mm in corner]
    item.PixelSpacing = [px, px]
    item.SliceThickness = scan.thickness
    item.SpacingBetweenSlices = scan.slice_spacing
    item.Rows, item.Columns = rows, columns
    item.SamplesPerPixel = 1
    item.PhotometricInterpretation = "MONOCHROME2"
    item.BitsAllocated, item.BitsStored, item.HighBit = 16, 12, 11
    item.PixelRepresentation = 0
    item.RescaleIntercept, item.RescaleSlope, item.RescaleType = -1024, 1, "HU"
    item.WindowCenter, item.WindowWidth = 40, 80
    item.PixelData = (scan.hu[k].astype(np.int32) + 1024).astype("<u2").tobytes()
    return item
