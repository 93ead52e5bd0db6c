"""What a scanner makes of a head: slice thickness, blur, and noise with the texture of a kernel."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

NOISE_SD = 4.0  # HU at the centre of the brain, 120 kV and a 5 mm slice (see the data guide)
BLUR_MM = 0.65  # standard deviation of the in-plane point spread
GRAIN_MM = 0.55  # of the noise: a soft-tissue kernel
HU_RANGE = (-1024, 3071)


def scan(
    rng: np.random.Generator, hu: np.ndarray, spacing: tuple[float, float, float]
) -> np.ndarray:
    """int16 HU (S, H, W) as a scanner would give them for true HU (S, H, W)."""
    pixels = [BLUR_MM / step for step in spacing[1:]]
    # neighbouring slices bleed into each other where a structure is thinner than the slice
    seen = ndimage.convolve1d(hu, np.array([0.08, 0.84, 0.08], np.float32), axis=0, mode="nearest")
    seen = ndimage.gaussian_filter(seen, [0, *pixels])
    white = rng.standard_normal(hu.shape, dtype=np.float32)
    grain = ndimage.gaussian_filter(white, [0, *(GRAIN_MM / step for step in spacing[1:])])
    # more noise where more bone and brain is crossed: toward the centre of each slice
    rows, columns = (np.linspace(-1, 1, n, dtype=np.float32) for n in hu.shape[1:])
    off_centre = np.minimum(np.hypot(rows[:, None], columns), 1)
    sd = rng.normal(1, 0.08) * NOISE_SD * (1.1 - 0.45 * off_centre)
    seen += grain / grain.std() * sd
    return seen.round().clip(*HU_RANGE).astype(np.int16)
