"""Head CT as DICOM with its mask as DICOM SEG, RTSTRUCT or NIfTI: found, checked, read."""

from lcgan_core.cohort.dicom.geometry import series_affine
from lcgan_core.cohort.dicom.search import find

__all__ = ["find", "series_affine"]
