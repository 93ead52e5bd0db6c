"""A DICOM series with its mask, ready to be read in any process."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lcgan_core.cohort.dicom.masks import MaskFile
from lcgan_core.cohort.dicom.nifti_mask import read_nifti_mask
from lcgan_core.cohort.dicom.pixels import read_hu
from lcgan_core.cohort.dicom.quiet import quiet
from lcgan_core.cohort.dicom.rtstruct import read_rtstruct
from lcgan_core.cohort.dicom.seg import read_seg
from lcgan_core.cohort.dicom.stack import Stack
from lcgan_core.cohort.label_map import LabelMap
from lcgan_core.cohort.orientation import tilt_of, to_display
from lcgan_core.cohort.placing import BY_ORDER
from lcgan_core.cohort.series import Refused, Series

READERS = {"NIfTI": read_nifti_mask, "SEG": read_seg, "RTSTRUCT": read_rtstruct}


@dataclass(frozen=True)
class DicomCase:
    """A sorted series and the masks that refer to it; see lcgan_core.cohort.series.Case."""

    patient: str
    series: str
    stack: Stack
    masks: tuple[MaskFile, ...]
    labels: LabelMap

    @property
    def path(self) -> Path:
        return self.stack.slices[0].path.parent

    def load(self) -> Series:
        """The series as a radiologist sees it; raises Refused."""
        labels, mask_notes = self._read_masks()
        hu, notes = read_hu(self.stack.slices)
        turned, affine = to_display(hu.T, self.stack.affine)
        column, row = (float(round(n, 6)) for n in np.linalg.norm(affine[:3, :2], axis=0))
        return Series(
            patient=self.patient,
            uid=self.series,
            hu=turned,
            labels=to_display(labels.T, self.stack.affine)[0],
            positions=self.stack.heights,
            pixel_spacing=(row, column),
            gantry_tilt=tilt_of(affine),
            notes=(*self.stack.notes, *notes, *mask_notes),
            by_order=BY_ORDER in mask_notes,
        )

    def _read_masks(self) -> tuple[np.ndarray, tuple[str, ...]]:
        """The labels of all masks together; raises Refused where two of them claim a voxel."""
        labels, notes = self._read_mask(self.masks[0])
        for mask in self.masks[1:]:
            more, noted = self._read_mask(mask)
            if (labels.astype(bool) & more.astype(bool)).any():
                raise Refused(
                    mask.path,
                    f"is one of {len(self.masks)} masks of one series and overlaps another one; "
                    "keep one of them, or one for each class.",
                )
            labels = labels + more
            notes += noted
        if len(self.masks) > 1:
            notes += (f"{len(self.masks)} masks that do not overlap were joined.",)
        return labels, notes

    def _read_mask(self, mask: MaskFile) -> tuple[np.ndarray, tuple[str, ...]]:
        try:
            with quiet():
                return READERS[mask.kind](mask.path, self.stack, self.labels)
        except Refused:
            raise
        except Exception as error:  # a damaged SEG or RTSTRUCT can fail in any of pydicom's parsers
            raise Refused(mask.path, "is damaged; export the mask again.", error) from None
