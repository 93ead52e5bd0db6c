"""A head moved, turned and stretched a little, until a mask lies where its haemorrhages may."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from scipy.ndimage import gaussian_filter1d

from lcgan_core.lesions import LABELS
from lcgan_core.phantom.base import STEEP, floor
from lcgan_core.phantom.sampling import Patient
from lcgan_core.phantom.skull import ANGLES
from lcgan_core.phantom.tissues import Array
from lcgan_core.phantom.ventricles import ventricles

SPREAD = (0.03, 0.03, 6.0, 7.0, 0.28, 4.0, 0.25)
"""SD between patients of: size across and along, shift (mm), turn (radians), height of a slice
(mm), size of the ventricles."""
STIFF = 1 / 3
"""mm by which a mask may lie wrong before a head is moved by one SD."""
STEPS, STEP = 6, 0.1
"""Of Gauss and Newton; SDs by which a slope is measured."""
GLARE_MM, TOUCH_MM = 2.0, 3.0
"""How near to bone the middles of a mask's pixels come, where bone outshines blood; and how near
those of extra-axial blood are on average: in slices of 128 pixels of the phantom's own patients, 5
and 50 per cent of the outermost ones are nearer."""
LEANS_MM = 12.0
"""Blood whose outer border lies deeper hangs on the falx or the tentorium."""
POINTS = 400
"""Pixels of a mask that are looked at."""
BULGE_MM, WIDE = 6.0, 8.0
"""The most that a skull is bulged; SD of its smoothing, in ANGLES of a turn."""


@dataclass(frozen=True)
class Mask:
    """Pixels of a mask: left, back: (1, n) mm from the middle of the slice; label: (1, n) 1..5, or
    0 beside intraventricular blood and no farther in front; outer: (1, n) bool, extra-axial with no
    blood outside it; height: mm of the slice."""

    left: Array
    back: Array
    label: Array
    outer: Array
    height: float


def mask_of(labels: Array, px: float, height: float) -> Mask:
    """The pixels of a slice's labels (H, W) uint8: evenly spread ones, and all outer ones."""
    row, column = np.nonzero((labels > 0) | _beside(labels == LABELS["IVH"]))
    middle = (np.array(labels.shape) - 1) / 2
    away = np.stack([row, column]) - middle[:, None]
    further = away * (1 + 1.6 / np.maximum(np.linalg.norm(away, axis=0), 1)) + middle[:, None]
    beyond = np.rint(further).astype(int).clip(0, np.array(labels.shape)[:, None] - 1)
    label = labels[row, column]
    outer = np.isin(label, (LABELS["EDH"], LABELS["SDH"])) & (labels[*beyond] == 0)
    few = outer.copy()
    few[:: max(len(row) // POINTS, 1)] = True
    back, left = (away[:, few] * px).astype(np.float32)
    return Mask(left[None], back[None], label[few][None], outer[few][None], height)


def _beside(blood: Array) -> Array:
    """(H, W) bool: next to blood that has settled, but not in front of it, where CSF may be."""
    around = cv2.dilate(blood.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    settled = np.maximum.accumulate(blood.any(axis=1))
    return around & settled[:, None]


def fitted(it: Patient, mask: Mask) -> tuple[Patient, float, float]:
    """The patient with the mask inside the skull, extra-axial blood against it and intraventricular
    blood in the ventricles, as nearly as a likely head allows; the height (mm) of the slice; and by
    how many mm the skull then still had to be bulged or dented."""
    by, best = np.zeros(len(SPREAD)), np.zeros(len(SPREAD))
    least = np.inf
    for _ in range(STEPS):
        now = _misfit(it, mask, by)
        if (misfit := float(now @ now)) < least:
            best, least = by, misfit
        ahead = [_misfit(it, mask, by + STEP * one) for one in np.eye(len(by))]
        slope = (np.stack(ahead) - now) / STEP
        by = (by - np.linalg.solve(slope @ slope.T, slope @ now)).clip(-3, 3)
    moved, height = _moved(it, mask.height, best)
    bulge = _bulge(moved, replace(mask, height=height))
    return _bulged(moved, bulge), height, float(np.abs(bulge).max())


def depth(it: Patient, mask: Mask) -> Array:
    """(1, n) mm of a mask's pixels below the inner table, or above the base of the skull."""
    x, y, z = it.in_head(mask.left, mask.back, mask.height)
    above = (z - floor(x, y, it.grain(0.5 * x, 0.5 * y, 0.5 * z))) * STEEP
    return np.minimum(it.shells.depths(x, y, z)[0], above)


def _moved(it: Patient, height: float, by: Array) -> tuple[Patient, float]:
    across, along, left, back, turn, up, wide = (by * SPREAD).tolist()
    return replace(
        it,
        scale=(it.scale[0] * (1 + across), it.scale[1] * (1 + along), it.scale[2]),
        shift=(it.shift[0] + left, it.shift[1] + back),
        turn=(it.turn[0] + turn, *it.turn[1:]),
        brain=replace(it.brain, size=float(np.clip(it.brain.size + wide, 0.55, 2.2))),
    ), height + up


def _misfit(it: Patient, mask: Mask, by: Array) -> Array:
    """mm by which pixels lie wrong, in units of STIFF, each kind of fault by its mean; and `by`."""
    moved, height = _moved(it, mask.height, by)
    here = replace(mask, height=height)
    x, y, z = moved.in_head(here.left, here.back, height)
    deep = depth(moved, here)
    faults = [np.minimum(deep - GLARE_MM, 0)]
    if mask.outer.any():
        # near the vertex a falx is close below the skull, but not in the plane
        slope = moved.shells.depths(x[mask.outer], y[mask.outer], z[mask.outer])[4].ravel()
        far = deep[mask.outer] - TOUCH_MM
        faults.append(np.minimum(far, LEANS_MM * slope))
    for value, side in ((LABELS["IVH"], np.minimum), (0, np.maximum)):
        if (some := mask.label == value).any():
            size, uneven = moved.brain.size, moved.brain.uneven
            faults.append(side(ventricles(x[some], y[some], z[some], size, uneven), 0))
    return np.concatenate([*(f.ravel() / STIFF / np.sqrt(f.size) for f in faults), by])


def _bulge(it: Patient, mask: Mask) -> Array:
    """(ANGLES + 1,) mm by which a skull has to bulge, or to be dented, to lie against the mask."""
    x, y, z = it.in_head(mask.left, mask.back, mask.height)
    deep, _, _, _, slope = it.shells.depths(x, y, z)
    leans = mask.outer & (deep < LEANS_MM / 2)  # a skull is not dented to meet the tentorium
    out = (np.where(leans, TOUCH_MM, GLARE_MM) - deep) / np.maximum(slope, 0.3)
    degree = np.floor(np.arctan2(x, y) / (2 * np.pi) * ANGLES).astype(int) % ANGLES
    wanted = np.full(ANGLES, -np.inf)
    held = leans | (out > 0)
    np.maximum.at(wanted, degree[held], out[held])
    known = np.isfinite(wanted)
    wanted[~known] = 0
    even, weight = (gaussian_filter1d(a.astype(float), WIDE, mode="wrap") for a in (wanted, known))
    bulge = (even / np.maximum(weight, 0.25)).clip(-BULGE_MM, BULGE_MM).astype(np.float32)
    return np.append(bulge, bulge[0])


def _bulged(it: Patient, bulge: Array) -> Patient:
    inner, outer = it.shells.inner.copy(), it.shells.outer.copy()
    inner[..., 0] += bulge
    inner[..., 2] += bulge
    outer[..., 0] += bulge
    return replace(it, shells=replace(it.shells, inner=inner, outer=outer))
