"""One CT series of one patient, with its labels: what every reader returns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Series:
    """Slices sorted along the slice normal, from the feet up.

    hu: (S, H, W) int16 HU in -1024..3071; labels: (S, H, W) uint8 0..5; positions: (S,) mm along
    the slice normal; pixel_spacing: (row, column) mm; gantry_tilt: degrees.
    """

    patient: str
    uid: str
    hu: np.ndarray
    labels: np.ndarray
    positions: np.ndarray
    pixel_spacing: tuple[float, float]
    gantry_tilt: float
