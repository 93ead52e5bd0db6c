"""A series as a reader gives it, resampled to the slices of a store."""

from __future__ import annotations

import cv2
import numpy as np

from lcgan_core.cohort.hounsfield import AIR
from lcgan_core.cohort.series import Series
from lcgan_core.cohort.store import StoredSeries
from lcgan_core.lesions import Classes


def to_slices(series: Series, size: int, classes: Classes) -> StoredSeries:
    """Every slice at size x size pixels, with its row of slices.csv; labels of `classes`."""
    shape = (len(series.hu), size, size)
    hu, labels, rows = np.empty(shape, np.int16), np.empty(shape, np.uint8), []
    for k, position in enumerate(series.positions):
        hu[k], labels[k], spacing = resample(
            series.hu[k], series.labels[k], series.pixel_spacing, size
        )
        areas = np.bincount(labels[k].ravel(), minlength=len(classes) + 1)[1:] * spacing**2
        rows.append(
            {
                "patient": series.patient,
                "series": series.uid,
                "position_mm": round(float(position), 3),
                "pixel_spacing_mm": round(spacing, 6),
                "gantry_tilt_deg": round(series.gantry_tilt, 2),
                **{
                    name: round(float(area), 2)
                    for name, area in zip(classes.areas, areas, strict=True)
                },
            }
        )
    return StoredSeries(rows, hu, labels)


def resample(
    hu: np.ndarray, labels: np.ndarray, spacing: tuple[float, float], size: int
) -> tuple[np.ndarray, np.ndarray, float]:
    """A slice at size x size pixels, padded to a square with air first, and its pixel size in mm.

    HU are resampled by area when shrinking and linearly when enlarging, labels by nearest pixel.
    """
    height, width = (n * step for n, step in zip(hu.shape, spacing, strict=True))
    side = max(height, width)
    rows, columns = (round(side / step) for step in spacing)
    if hu.shape != (rows, columns):
        square_hu = np.full((rows, columns), AIR, np.int16)
        square_labels = np.zeros((rows, columns), np.uint8)
        top, left = (rows - hu.shape[0]) // 2, (columns - hu.shape[1]) // 2
        inside = np.s_[top : top + hu.shape[0], left : left + hu.shape[1]]
        square_hu[inside], square_labels[inside] = hu, labels
        hu, labels = square_hu, square_labels
    if (rows, columns) != (size, size):
        how = cv2.INTER_AREA if rows > size else cv2.INTER_LINEAR
        resized = cv2.resize(hu.astype(np.float32), (size, size), interpolation=how)
        hu = resized.round().astype(np.int16)
        if labels.any():
            labels = cv2.resize(labels, (size, size), interpolation=cv2.INTER_NEAREST_EXACT)
        else:
            labels = np.zeros((size, size), np.uint8)
    return hu, labels, side / size
