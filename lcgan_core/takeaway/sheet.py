"""A contact sheet of painted slices: each with its mask outlined, and once without."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from lcgan_core.cohort.windows import to_window
from lcgan_core.synthesis.description import Description

TILE, COLUMNS = 128, 16


def contact_sheet(pairs: Sequence[tuple[np.ndarray, np.ndarray]], told: Description) -> bytes:
    """PNG of pairs (HU, labels), (H, W) each: pairs side by side, the mask outlined in the left."""
    low, high = told.hu
    tiles = []
    for hu, labels in pairs:
        grey = to_window(hu, (low + high) / 2, high - low)
        grey = cv2.resize(grey, (TILE, TILE), interpolation=cv2.INTER_AREA)
        plain = grey[..., None].repeat(3, 2)
        tiles += [_outlined(plain.copy(), labels, told.lesions.shown), plain]
    tiles += [np.zeros((TILE, TILE, 3), np.uint8)] * (-len(tiles) % COLUMNS)
    rows = [np.concatenate(tiles[k : k + COLUMNS], 1) for k in range(0, len(tiles), COLUMNS)]
    return cv2.imencode(".png", np.concatenate(rows)[..., ::-1])[1].tobytes()


def _outlined(tile: np.ndarray, labels: np.ndarray, colors: Sequence[Sequence[int]]) -> np.ndarray:
    large = cv2.resize(labels, (TILE, TILE), interpolation=cv2.INTER_NEAREST_EXACT)
    for value in np.unique(large[large > 0]):
        inside = (large == value).astype(np.uint8)
        outlines = cv2.findContours(inside, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)[0]
        cv2.drawContours(tile, outlines, -1, tuple(colors[value]), 1)
    return tile
