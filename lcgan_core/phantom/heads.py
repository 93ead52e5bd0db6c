"""What a head CT looks like, as numbers that real and in-silico heads are compared by.

Everything is measured on HU between -20 and 100, as windowed pictures keep them.
"""

from __future__ import annotations

import cv2
import numpy as np
from scipy import ndimage
from skimage.morphology import skeletonize

from lcgan_core.phantom.tissues import Array

PIXEL_MM = 0.9
"""Size of the pixels on which everything is measured."""
BONE_HU, CSF_HU, AIR_HU = 88.0, 18.0, -19.0
LEVELS = {"vertex": (8.0, 28.0), "ventricles": (45.0, 65.0)}
"""mm below the highest slice with 10 cm2 of cavity."""
DRIFT_MM = 65.0
"""mm below the same slice within which the middle of the cavity is followed."""
RAYS = 360


def head_numbers(volume: Array, px: float, spacing: float) -> dict[str, float]:
    """The numbers of one series (S, H, W) of HU from the feet up; px, spacing: mm.

    Raises ValueError where no slice shows a closed skull.
    """
    scale = px / PIXEL_MM
    found: dict[str, list[dict[str, float]]] = {level: [] for level in LEVELS}
    middles: list[tuple[float, float]] = []
    top = None
    for k in range(len(volume) - 1, -1, -1):
        hu = cv2.resize(
            np.clip(volume[k], -20, 100).astype(np.float32), None, fx=scale, fy=scale,
            interpolation=cv2.INTER_AREA,
        )  # fmt: skip
        inside = cavity(hu)
        if inside.sum() * PIXEL_MM**2 <= 1000:
            continue
        top = k if top is None else top
        below = (top - k) * spacing
        if below <= DRIFT_MM:
            middles.append((-below, float(np.nonzero(inside)[0].mean()) * PIXEL_MM))
        for level, (low, high) in LEVELS.items():
            if low <= below <= high:
                found[level].append(_slice(hu, inside))
    if not all(found.values()):
        raise ValueError("no slice of this series shows a closed skull")
    # how far back the head lies in higher slices, where they are not stacked along its axis
    heights, rows = np.transpose(middles)
    drift = float(np.degrees(np.arctan(np.polyfit(heights, rows, 1)[0])))
    return {"series_drift_deg": drift} | {
        f"{level}_{name}": float(np.median([row[name] for row in each]))
        for level, each in found.items()
        for name in each[0]
    }


def oedema_numbers(hu: Array, blood: Array, oedema: Array, px: float) -> dict[str, float]:
    """Of the oedema around blood on a slice (H, W) of HU; blood, oedema: (H, W) bool; px: mm.

    width_mm: of an even rim of its area around a disc of the blood's; reach_mm: distance from the
    blood that nine tenths of it are within; hu: its median.
    """
    areas = np.array([blood.sum(), (blood | oedema).sum()]) * px**2
    away = ndimage.distance_transform_edt(~blood) * px
    return {
        "width_mm": float(np.diff(np.sqrt(areas / np.pi))[0]),
        "reach_mm": float(np.percentile(away[oedema], 90)),
        "hu": float(np.median(hu[oedema])),
    }


def cavity(hu: Array) -> Array:
    """(H, W) bool: what bone surrounds, the largest part."""
    bone = cv2.morphologyEx((hu >= BONE_HU).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5)))
    parts, n = ndimage.label(ndimage.binary_fill_holes(bone) & (hu < BONE_HU))
    if not n:
        return np.zeros(hu.shape, bool)
    largest = parts == np.bincount(parts.ravel())[1:].argmax() + 1
    return np.asarray(ndimage.binary_fill_holes(largest))


def _slice(hu: Array, inside: Array) -> dict[str, float]:
    deep = cv2.distanceTransform(inside.astype(np.uint8), cv2.DIST_L2, 5) * PIXEL_MM
    return {**_pose(inside), **_shells(hu, inside), **_fluid(hu, inside, deep), **_brain(hu, deep)}


def _pose(inside: Array) -> dict[str, float]:
    """Turn of the long axis against the picture's, distance of its middle, size of the cavity."""
    row, column = np.nonzero(inside)
    points = np.stack([column - column.mean(), row - row.mean()]) * PIXEL_MM
    values, axes = np.linalg.eigh(np.cov(points))
    turn = float(np.degrees(np.arctan2(axes[0, 1], axes[1, 1])))
    middle = (np.array(inside.shape) - 1) / 2
    return {
        "turn_deg": (turn + 45) % 90 - 45,
        "off_centre_mm": float(np.hypot(row.mean() - middle[0], column.mean() - middle[1]))
        * PIXEL_MM,
        "length_mm": float(4 * np.sqrt(values[1])),
        "width_over_length": float(np.sqrt(values[0] / values[1])),
    }


def _shells(hu: Array, inside: Array) -> dict[str, float]:
    """Thickness of skull and scalp along rays from the middle of the cavity."""
    row, column = (float(a.mean()) for a in np.nonzero(inside))
    far = 150.0 / PIXEL_MM
    size = (round(far), RAYS)
    # without the second flag OpenCV leaves what lies outside the picture as memory had it
    how = cv2.INTER_LINEAR | cv2.WARP_FILL_OUTLIERS
    rays = cv2.warpPolar(hu - AIR_HU, size, (column, row), far, how) + AIR_HU
    within = cv2.warpPolar(inside.astype(np.float32), size, (column, row), far, how)
    at = np.arange(size[0])[None]
    start = np.where(within > 0.5, at, 0).max(axis=1, keepdims=True)
    case = (rays >= BONE_HU) & (at > start - 3) & (at < start + 30)
    bone = case.sum(axis=1) * PIXEL_MM
    end = np.where(case, at, 0).max(axis=1, keepdims=True)
    near = (at > end + 1) & (at < end + 20 / PIXEL_MM)
    flesh = near & (rays > AIR_HU)
    last = np.where(flesh, at, end).max(axis=1, keepdims=True)
    gap = near & (rays <= AIR_HU) & (at < last)
    seen = bone > 0
    return {
        "skull_mm": float(np.median(bone[seen])),
        "skull_spread": float(
            np.subtract(*np.percentile(bone[seen], (90, 10))) / np.median(bone[seen])
        ),
        "scalp_mm": float(np.median((last - end)[seen[:, None]])) * PIXEL_MM,
        "skin_line_share": float((gap.sum(axis=1) * PIXEL_MM > 1.5)[seen].mean()),
    }


def _fluid(hu: Array, inside: Array, deep: Array) -> dict[str, float]:
    """CSF near the skull and in the middle, and the length, width and branches of its lines."""
    soft = cv2.GaussianBlur(hu, (0, 0), 0.8 / PIXEL_MM)
    fluid = (soft < CSF_HU) & inside
    outer, middle = (deep > 0) & (deep < 25), deep > 25
    lines = skeletonize(fluid & outer)
    around = cv2.filter2D(lines.astype(np.uint8), -1, np.ones((3, 3)), borderType=0) - 1
    length = max(float(lines.sum()), 1.0) * PIXEL_MM * 1.2
    area = float((fluid & outer).sum()) * PIXEL_MM**2
    return {
        "csf_outer": float(fluid[outer].mean()),
        "csf_middle": float(fluid[middle].mean()) if middle.any() else 0.0,
        "sulci_mm_per_cm2": length / (outer.sum() * PIXEL_MM**2 / 100),
        "sulci_width_mm": area / length,
        "branches_per_dm": float((lines & (around > 2)).sum()) / length * 100,
    }


def _brain(hu: Array, deep: Array) -> dict[str, float]:
    """Brightness, grey against white, and noise of brain that is neither CSF nor blood."""
    soft = cv2.GaussianBlur(hu, (0, 0), 2.0 / PIXEL_MM)
    brain = (deep > 6) & (soft > 22) & (soft < 46)
    low, half, high = np.percentile(soft[brain], (10, 50, 90))
    fine = hu - cv2.GaussianBlur(hu, (0, 0), 1.5 / PIXEL_MM)
    noise = fine[brain]
    return {
        "brain_hu": float(half),
        "grey_white_hu": float(high - low),
        "noise_hu": float(1.48 * np.median(np.abs(noise - np.median(noise)))),
    }
