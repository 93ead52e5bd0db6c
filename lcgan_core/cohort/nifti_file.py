"""One NIfTI file, read with care: a damaged or false header gives a sentence, not a crash."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path
from typing import NamedTuple, cast

import nibabel as nib
import numpy as np
from isal import igzip
from isal.igzip_lib import IsalError
from nibabel.arrayproxy import ArrayProxy
from nibabel.filebasedimages import ImageFileError
from nibabel.orientations import io_orientation
from nibabel.spatialimages import HeaderDataError
from nibabel.wrapstruct import WrapStructError

from lcgan_core.cohort.orientation import apart, near
from lcgan_core.cohort.series import Refused

NIFTI = (".nii", ".nii.gz")
MOST_BYTES = 2**31
"""More than any head CT takes, also where a slope makes float64 of its voxels: 1,024 slices of
512 x 512."""
UNREADABLE: tuple[type[Exception], ...] = (
    ImageFileError, HeaderDataError, WrapStructError, OSError, EOFError, ValueError, TypeError,
    OverflowError, zlib.error, gzip.BadGzipFile, IsalError,  # type: ignore[assignment]
)  # fmt: skip
LONGEST_MM = 1000
"""Longer than any voxel of a head CT."""


class Header(NamedTuple):
    """Where the voxels of a file lie: shape (I, J, K), affine (4, 4) to RAS mm.

    other: the qform where it lies elsewhere than the sform, which is `affine`; states: whether the
    header states any of them or leaves the orientation to a guess.
    """

    shape: tuple[int, ...]
    affine: np.ndarray
    other: np.ndarray | None
    states: bool


def read_nifti(path: Path) -> tuple[np.ndarray, Header]:
    """(I, J, K) voxels and their header; raises Refused naming the file."""
    image, header = _open(path)
    try:
        return _voxels(path, cast(ArrayProxy, image.dataobj)).reshape(header.shape), header
    except UNREADABLE as error:
        raise Refused(path, "is not a readable NIfTI file; copy it again.", error) from None


def read_header(path: Path) -> Header:
    """The header, as read_nifti, without reading the voxels."""
    return _open(path)[1]


def _voxels(path: Path, header: ArrayProxy) -> np.ndarray:
    if path.suffix != ".gz":
        return np.asarray(header)
    spec = header.shape, header.dtype, header.offset, header.slope, header.inter
    with igzip.open(path) as voxels:  # three times as fast as the zlib that nibabel takes
        return np.asarray(ArrayProxy(voxels, spec))


def _open(path: Path) -> tuple[nib.Nifti1Image, Header]:
    try:
        image = cast(nib.Nifti1Image, nib.load(path))
        shape = tuple(n for k, n in enumerate(image.shape) if k < 3 or n > 1)
        if len(shape) != 3 or min(shape) < 1:
            raise Refused(
                path,
                f"has the shape {tuple(image.shape)}, not that of one volume; "
                "give one grey-scale NIfTI volume.",
            )
        dtype = image.get_data_dtype()
        taken = np.prod(shape, dtype=float) * max(dtype.itemsize, 8)
        if taken > MOST_BYTES or dtype.kind not in "iuf":
            raise Refused(
                path,
                f"claims {tuple(image.shape)} voxels of {dtype}: no head CT, which has whole or "
                f"real numbers that take at most {MOST_BYTES >> 30} GiB; keep only the head.",
            )
        affine = np.asarray(image.affine, float)
        codes = [int(image.header[name]) for name in ("sform_code", "qform_code")]
        qform = np.asarray(image.get_qform(), float) if all(codes) else affine
    except UNREADABLE as error:
        raise Refused(path, "is not a readable NIfTI file; copy it again.", error) from None
    sizes = np.linalg.norm(affine[:3, :3], axis=0)  # NaN where the affine is
    flat = not (sizes < LONGEST_MM).all() or abs(np.linalg.det(affine[:3, :3])) < 1e-6
    if flat or np.isnan(io_orientation(affine)).any():
        raise Refused(path, "has an impossible voxel size or a flat affine; write it again.")
    elsewhere = not apart(affine, qform, shape) <= near(affine)  # also where the qform is NaN
    return image, Header(shape, affine, qform if elsewhere else None, any(codes))
