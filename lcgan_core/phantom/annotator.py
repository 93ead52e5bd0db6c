"""What an annotator draws: the blood that shows in a window for blood, with a smooth border."""

from __future__ import annotations

import cv2
import numpy as np

from lcgan_core.phantom.fields import Field
from lcgan_core.phantom.tissues import Array

BONE_HU = 100
"""HU brighter than any blood in the window in which an annotator draws."""


def draw_labels(hu: Array, blood: Array, px: float, hand: Field, sd_mm: float, z: float) -> Array:
    """(H, W) uint8: the type of blood that fills most of a pixel of `hu`, drawn smoothly.

    Blood that the glare of bone hides is not drawn.
    """
    matrix = len(hu)
    found = np.zeros((matrix, matrix), np.uint8)
    if not blood.any():
        return found
    types = np.flatnonzero(blood.any(axis=(1, 2)))
    shares = [cv2.resize(blood[k], (matrix, matrix)) for k in types]
    if sd_mm:
        axis = np.arange(matrix, dtype=np.float32) * px
        x, y = np.meshgrid(axis, axis)
        off = [hand(x, y, np.full_like(x, z + far)) * sd_mm / px for far in (0.0, 90.0)]
        grid = [(a / px + d).astype(np.float32) for a, d in zip((x, y), off, strict=True)]
        shares = [cv2.remap(s, grid[0], grid[1], cv2.INTER_LINEAR) for s in shares]
    smooth_shares = np.stack([cv2.GaussianBlur(s, (0, 0), 0.7 / px) for s in shares])
    glare = cv2.GaussianBlur(hu.astype(np.float32), (0, 0), 0.7 / px) > BONE_HU
    drawn = (smooth_shares.sum(axis=0) > 0.5) & ~glare
    found[drawn] = types[smooth_shares.argmax(axis=0)[drawn]] + 1
    return found
