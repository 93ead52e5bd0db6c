"""A small made-up head CT on disk, for the tests that read one."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from lcgan_core.cohort.dicom import find
from lcgan_core.cohort.label_map import LabelMap
from lcgan_core.cohort.series import Series
from lcgan_core.lesions import LABELS

from .volumes import noisy_head

OURS = LabelMap(values=tuple((str(value), value) for value in LABELS.values()))
"""The label map of masks that number the five as we do."""
NAME, IDENTITY, BORN = "ROENTGEN^WILHELM", "HOSPITAL-4711", "18450327"
"""What must never reach a slice store."""


def read_all(source: Path, labels: LabelMap | None = OURS) -> Iterator[Series]:
    """Every series below a folder, one at a time; raises the first refusal."""
    found = find(source, labels)
    for refusal in found.refused:
        raise refusal
    yield from (case.load() for case in found.cases)


def read_one(source: Path, labels: LabelMap | None = OURS) -> Series:
    """The one series below a folder; raises the first refusal."""
    [series] = read_all(source, labels)
    return series


@dataclass
class Study:
    """A patient's folder, and what was put into it: hu and labels (S, H, W), mm."""

    folder: Path
    hu: np.ndarray
    labels: np.ndarray
    step: float
    spacing: tuple[float, float]

    @property
    def slices(self) -> list[Path]:
        return sorted(self.folder.glob("*.dcm"))

    @property
    def from_the_feet(self) -> list[Path]:
        return sorted(self.slices, key=lambda p: float(pydicom.dcmread(p).ImagePositionPatient[2]))

    @property
    def mask(self) -> Path:
        return self.folder / "mask.nii.gz"

    def edit(self, index: int, **changes: object) -> Path:
        """Change attributes of a slice's file; None removes one."""
        path = self.slices[index]
        item = pydicom.dcmread(path)
        for name, value in changes.items():
            if value is None:
                delattr(item, name)
            else:
                setattr(item, name, value)
        item.save_as(path)
        return path

    def write_mask(self, labels: np.ndarray, affine: np.ndarray | None = None) -> None:
        """Write (S, H, W) labels; the affine is that of the series unless given."""
        affine = self.affine if affine is None else affine
        nib.save(nib.Nifti1Image(labels.T, affine), self.mask)

    @property
    def affine(self) -> np.ndarray:
        """Of (column, row, slice) to RAS, worked out by hand: columns to the left, rows back."""
        return np.array(
            [
                [-self.spacing[1], 0, 0, 11.0],
                [0, -self.spacing[0], 0, 7.0],
                [0, 0, self.step, -20.0],
                [0, 0, 0, 1],
            ]
        )


@pytest.fixture
def study(tmp_path: Path) -> Study:
    """Six slices of 20 x 24, file names in no order, one mask."""
    return make_study(tmp_path / "cohort" / "patient one")


def make_study(folder: Path, seed: int = 0, shape: tuple[int, int, int] = (6, 20, 24)) -> Study:
    rng = np.random.default_rng(seed)
    hu = noisy_head(shape, seed)
    labels = rng.integers(0, 6, shape).astype(np.uint8)
    it = Study(folder, hu, labels, 5.0, (0.5, 0.75))
    folder.mkdir(parents=True)
    series, study, frame = (generate_uid(entropy_srcs=[str(folder.name), s]) for s in "abc")
    for k, letter in enumerate(rng.permutation(list("qwertzuiop"[: shape[0]]))):
        write_slice(
            folder / f"{letter}.dcm",
            hu[k],
            # another intercept on every slice: a reader must apply each slice's own
            RescaleIntercept=-1024 - k,
            SOPInstanceUID=generate_uid(entropy_srcs=[folder.name, str(k)]),
            SeriesInstanceUID=series,
            StudyInstanceUID=study,
            FrameOfReferenceUID=frame,
            PatientID=IDENTITY + folder.name,
            ImagePositionPatient=[-11.0, -7.0, -20.0 + k * it.step],
            PixelSpacing=list(it.spacing),
            SliceThickness=it.step,
        )
    it.write_mask(labels)
    return it


def write_slice(path: Path, hu: np.ndarray, **attributes: object) -> Path:
    """Write (H, W) HU as a CT image, stored unsigned; None leaves an attribute out."""
    values = dict(
        SOPClassUID=CTImageStorage, SOPInstanceUID=generate_uid(), SeriesInstanceUID="1.2.3",
        StudyInstanceUID="1.2", FrameOfReferenceUID="1.2.4", PatientName=NAME, PatientID=IDENTITY,
        PatientBirthDate=BORN, PatientSex="", StudyDate="", StudyTime="", AccessionNumber="",
        ReferringPhysicianName="", StudyID="", SeriesNumber=1, Modality="CT",
        ImageOrientationPatient=[1, 0, 0, 0, 1, 0], ImagePositionPatient=[0, 0, 0],
        PixelSpacing=[0.5, 0.5], Rows=hu.shape[0], Columns=hu.shape[1], SamplesPerPixel=1,
        PhotometricInterpretation="MONOCHROME2", BitsAllocated=16, BitsStored=16, HighBit=15,
        PixelRepresentation=0, RescaleSlope=1, RescaleIntercept=-1024,
    ) | attributes  # fmt: skip
    intercept = attributes.get("RescaleIntercept", -1024) or 0
    kind = "<i2" if values["PixelRepresentation"] else "<u2"
    stored = hu.astype(np.int32) - int(intercept)
    values.setdefault("PixelData", stored.astype(kind).tobytes())
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = values["SOPClassUID"]
    meta.MediaStorageSOPInstanceUID = values["SOPInstanceUID"]
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    item = FileDataset("", Dataset(), file_meta=meta, preamble=b"\0" * 128)
    for name, value in values.items():
        if value is not None:
            setattr(item, name, value)
    path.parent.mkdir(parents=True, exist_ok=True)
    item.save_as(path, enforce_file_format=True)
    return path
