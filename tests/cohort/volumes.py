"""Tiny NIfTI heads for the tests that read some: air at -1000, an off-centre block of tissue."""

from pathlib import Path

import nibabel as nib
import numpy as np

AFFINE = np.array([[-0.5, 0, 0, 4.0], [0, 0.5, 0, -3.0], [0, 0, 5.0, -20.0], [0, 0, 0, 1]], float)
"""LAS, as BHSD stores it: columns to the left, y to the front."""


def head(seed: int = 0, shape: tuple[int, int, int] = (16, 18, 4)) -> np.ndarray:
    """(I, J, K) int16 HU: noisy air near -1000, noisy tissue near 40, no symmetry of any kind."""
    rng = np.random.default_rng(seed)
    hu = rng.integers(-1003, -996, shape)
    hu[4:14, 3:12, :] = rng.integers(20, 60, (10, 9, shape[2]))
    return hu.astype(np.int16)


def lesion(shape: tuple[int, int, int] = (16, 18, 4), value: int = 1) -> np.ndarray:
    """(I, J, K) uint8 mask: a corner of the tissue on slices 1 and 2."""
    mask = np.zeros(shape, np.uint8)
    mask[5:8, 4:9, 1:3] = value
    return mask


def write(path: Path, voxels: np.ndarray, affine: np.ndarray = AFFINE) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(nib.Nifti1Image(voxels, affine), path)
    return path


def display(voxels: np.ndarray, affine: np.ndarray = AFFINE) -> np.ndarray:
    """(S, H, W) as a radiologist sees it, by nibabel and the rule for canonical RAS arrays."""
    canonical = nib.as_closest_canonical(nib.Nifti1Image(voxels, affine)).dataobj
    return np.asarray(canonical)[::-1, ::-1, :].T


def noisy_head(shape: tuple[int, int, int] = (6, 20, 24), seed: int = 0) -> np.ndarray:
    """(S, H, W) int16 HU: air around, then bone, then brain, every voxel of which is random."""
    rng = np.random.default_rng(seed)
    hu = rng.integers(-1003, -996, shape)
    hu[:, 2:-2, 3:-3] = rng.integers(400, 1200, hu[:, 2:-2, 3:-3].shape)
    hu[:, 3:-3, 4:-4] = rng.integers(0, 70, hu[:, 3:-3, 4:-4].shape)
    return hu.astype(np.int16)
