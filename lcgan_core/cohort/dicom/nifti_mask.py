"""A NIfTI mask as labels on a DICOM series, placed by the two affines."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lcgan_core.cohort import placing
from lcgan_core.cohort.dicom.stack import Stack
from lcgan_core.cohort.label_map import LabelMap
from lcgan_core.cohort.nifti_file import read_header, read_nifti


def fits(path: Path, stack: Stack) -> bool:
    """Whether a mask lies on the voxels of a series; reads its header only, raises Refused."""
    return placing.fits(read_header(path), stack.grid)


def read_nifti_mask(
    path: Path, stack: Stack, labels: LabelMap
) -> tuple[np.ndarray, tuple[str, ...]]:
    """(S, H, W) uint8 labels on the stack's grid, and notes; raises Refused."""
    values, header = read_nifti(path)
    meant, _ = labels(values, path)
    placed, notes = placing.place(meant, header, stack.grid, path)
    return placed.T, notes
