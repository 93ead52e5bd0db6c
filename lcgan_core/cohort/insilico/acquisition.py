"""What a scanner makes of a head: blur, a bright rim under the bone, correlated noise, padding."""

from __future__ import annotations

import cv2
import numpy as np

from lcgan_core.cohort.insilico.tissues import Array

HU_RANGE = (-1024, 3071)
NOISE_SD = 4.0
"""HU in the middle of a 5 mm slice at 120 kV (datasets guide 5.2)."""
BLUR_MM, GRAIN_MM = 0.62, 0.55
"""SD of the point spread and of the noise's grain: a soft-tissue kernel."""
RIM_HU, RIM_MM = 4.0, 4.0
"""Beam hardening left over: brain beside bone reads a little too dense."""


def scan_slice(rng: np.random.Generator, hu: Array, depth: Array, px: float, sd: float) -> Array:
    """(H, W) int16 HU as a scanner gives it.

    hu: (H, W) true HU; depth: mm below the inner table; px: mm; sd: of the noise, HU.
    """
    rim = RIM_HU * np.exp(-np.clip(depth, 0, 60) / RIM_MM) * (depth > 0)
    seen: Array = cv2.GaussianBlur((hu + rim).astype(np.float32), (0, 0), BLUR_MM / px)
    white = rng.standard_normal(hu.shape, dtype=np.float32)
    grain = cv2.GaussianBlur(white, (0, 0), GRAIN_MM / px)
    rows, columns = (np.linspace(-1, 1, n, dtype=np.float32) for n in hu.shape)
    off_centre = np.minimum(np.hypot(rows[:, None], columns), 1)
    seen += grain / grain.std() * sd * (1.1 - 0.4 * off_centre)
    return np.asarray(np.rint(seen).clip(*HU_RANGE), dtype=np.int16)
