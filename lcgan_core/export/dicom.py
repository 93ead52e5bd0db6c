"""DICOM: a derived CT series with new identifiers, and its masks as DICOM SEG."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian, generate_uid

from lcgan_core.cohort.dicom.geometry import LPS_TO_RAS
from lcgan_core.cohort.hounsfield import HU_RANGE
from lcgan_core.errors import UserError
from lcgan_core.export.case import Common, ExportedCase
from lcgan_core.export.labels import LABELS
from lcgan_core.export.place import Place
from lcgan_core.export.seg import Drawn, dicom_seg
from lcgan_core.run import artefacts

MAKER = "LcGAN"
NOT_FOR = "Research only, not for diagnosis."
PAINTED = f"Synthetic: painted by a neural network around a mask. {NOT_FOR}"
WRITTEN = f"Resampled and written by a program. {NOT_FOR}"


class Dicom:
    """NAME/ct/0001.dcm ... and NAME/seg.dcm."""

    whole = True

    def __init__(self, folder: Path, common: Common) -> None:
        self.folder, self.common = folder, common

    def write(self, number: int, case: ExportedCase) -> dict[str, str]:
        """Write series and SEG of a case; see `Format.write`."""
        if case.hu is None:
            raise UserError("DICOM masks need their images; write these masks as nifti.")
        final = self.folder / case.name
        work = final.with_name(f".{case.name}.writing")
        shutil.rmtree(work, ignore_errors=True)
        (work / "ct").mkdir(parents=True)
        try:
            series = [self._slice(case, number, k) for k in range(len(case.hu))]
            for k, item in enumerate(series, start=1):
                item.save_as(work / "ct" / f"{k:04d}.dcm", enforce_file_format=True)
            drawn = Drawn(
                PAINTED if case.synthetic else WRITTEN,
                by_program=case.synthetic,
                uid=self._uid(case.name, "seg"),
            )
            seg = dicom_seg(series, case.labels, self.common.classes, drawn)
            seg.save_as(work / "seg.dcm", enforce_file_format=True)
            shutil.rmtree(final, ignore_errors=True)
            work.rename(final)
        finally:
            shutil.rmtree(work, ignore_errors=True)
        return {"image": f"{case.name}/ct", "label": f"{case.name}/seg.dcm"}

    def finish(self, rows: list[dict[str, Any]]) -> None:
        """Write labels.json, by which the segments are known to `lcgan ingest`."""
        meant = {name: f"{name}:{title}" for name, title in self.common.classes.title_of.items()}
        artefacts.write_text(self.folder / LABELS, json.dumps(meant, indent=1) + "\n")

    def _uid(self, *parts: object) -> UID:
        return generate_uid(entropy_srcs=[MAKER, self.common.stamp, *map(str, parts)])

    def _slice(self, case: ExportedCase, number: int, k: int) -> FileDataset:
        """Slice k of a case as a CT image, with the attributes that the standard requires."""
        assert case.hu is not None
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID = CTImageStorage
        meta.MediaStorageSOPInstanceUID = self._uid(case.name, "slice", k)
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        item = FileDataset("", Dataset(), file_meta=meta, preamble=b"\0" * 128)
        item.SOPClassUID = CTImageStorage
        item.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
        if case.synthetic:
            item.SyntheticData = "YES"
        item.PatientName = f"{'SYNTHETIC' if case.synthetic else 'HASHED'}^{case.patient}"
        item.PatientID = case.patient
        item.PatientBirthDate = item.PatientSex = ""
        item.PatientIdentityRemoved = "YES"
        item.DeidentificationMethod = "Ids are salted hashes; no other header is kept"
        item.StudyInstanceUID = self._uid(case.patient, "study")
        item.StudyID, item.AccessionNumber, item.ReferringPhysicianName = "1", "", ""
        item.StudyDate = item.StudyTime = ""
        item.StudyDescription = f"{MAKER} {'synthetic' if case.synthetic else 'resampled'} head CT"
        item.SeriesInstanceUID = self._uid(case.name, "series")
        item.SeriesNumber = number + 1
        item.SeriesDescription = NOT_FOR
        item.FrameOfReferenceUID = self._uid(case.name, "frame")
        item.PositionReferenceIndicator = ""
        item.PatientPosition, item.BodyPartExamined, item.Modality = "HFS", "HEAD", "CT"
        item.Manufacturer = item.ManufacturerModelName = MAKER
        item.ImageType = ["DERIVED", "SECONDARY", "AXIAL"]
        item.DerivationDescription = PAINTED if case.synthetic else WRITTEN
        item.AcquisitionNumber, item.InstanceNumber, item.KVP = None, k + 1, None
        item.BurnedInAnnotation, item.LossyImageCompression = "NO", "00"
        _set_plane(item, case.place, k)
        _set_pixels(item, case.hu[k], self.common.window)
        return item


def _set_plane(item: Dataset, place: Place, k: int) -> None:
    """Orientation, position and spacing of slice k, in the LPS of DICOM."""
    turn = LPS_TO_RAS[:3, :3]
    directions = turn @ (place.steps / np.linalg.norm(place.steps, axis=0))
    item.ImageOrientationPatient = [_decimal(x) for x in directions.T.ravel()]
    item.ImagePositionPatient = [_decimal(x) for x in turn @ place.starts[k]]
    item.PixelSpacing = [_decimal(x) for x in place.pixel]
    item.SliceThickness = _decimal(place.thickness)


def _set_pixels(item: Dataset, hu: np.ndarray, window: tuple[float, float]) -> None:
    """(H, W) HU as unsigned 12-bit values, as a scanner stores them."""
    low, high = window if np.isfinite(window).all() else (0.0, 100.0)
    item.Rows, item.Columns = hu.shape
    item.SamplesPerPixel, item.PhotometricInterpretation = 1, "MONOCHROME2"
    item.BitsAllocated, item.BitsStored, item.HighBit, item.PixelRepresentation = 16, 12, 11, 0
    item.RescaleIntercept, item.RescaleSlope, item.RescaleType = -1024, 1, "HU"
    item.WindowCenter, item.WindowWidth = _decimal((low + high) / 2), _decimal(high - low)
    item.PixelData = (hu.clip(*HU_RANGE).astype(np.int32) + 1024).astype("<u2").tobytes()


def _decimal(value: float) -> float:
    """A number that fits into the 16 characters of a decimal string.

    >>> _decimal(-123.456789012345), _decimal(-1e-17)
    (-123.456789, 0.0)
    """
    return round(float(value), 6) + 0.0
