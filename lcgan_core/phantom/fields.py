"""Smooth random fields and simple solids, from which anatomy is built."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from scipy import fft

from lcgan_core.phantom.tissues import Array

GRID = 64


@dataclass(frozen=True)
class Field:
    """A periodic random field on a GRID^3 lattice of `step` mm, sampled linearly anywhere.

    atlas: its layers in z, one below the other; the first layer, row and column come last again.
    """

    atlas: Array
    step: float

    def __call__(self, x: Array, y: Array, z: Array) -> Array:
        """float32 values at points (mm), of their shape, (n,) or (h, w)."""
        if not x.size:
            return np.zeros(x.shape, np.float32)
        turns = [np.atleast_2d(a) * np.float32(1 / self.step / GRID) for a in (x, y, z)]
        column, row, height = (
            ((t - np.floor(t)) * np.float32(GRID)).astype(np.float32, copy=False) for t in turns
        )
        layer = np.floor(height)
        part, below = height - layer, row + layer * np.float32(GRID + 1)
        low, high = (
            # OpenCV interpolates in a plane, ten times as fast as SciPy in space
            cv2.remap(self.atlas, column, at, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
            for at in (below, below + np.float32(GRID + 1))
        )
        return np.asarray(low + part * (high - low), np.float32).reshape(x.shape)


def smooth(rng: np.random.Generator, length: float, step: float = 4.0) -> Field:
    """A field of zero mean and unit variance; `length` (mm) is the SD of its Gaussian kernel."""
    response = np.exp(-2.0 * (np.pi * _frequencies() * length / step) ** 2)
    return Field(_atlas(_filtered(rng, response)), step)


def folds(rng: np.random.Generator, wavelength: float, step: float = 3.0) -> Field:
    """A field of the approximate signed distance (mm) to sheets that wind and branch like sulci.

    The sheets are the zero set of band-pass noise: one every half `wavelength` (mm).
    """
    response = np.exp(-0.5 * ((_frequencies() * wavelength / step - 1.0) / 0.18) ** 2)
    values = _filtered(rng, response)
    slope = np.sqrt(sum(g**2 for g in np.gradient(values, step)))
    # value over slope is a distance; the floor keeps it finite on ridges, where the slope is zero
    return Field(_atlas(values / (slope + 0.5 * slope.mean())), step)


def _atlas(values: Array) -> Array:
    wrapped = np.pad(values.astype(np.float32), (0, 1), mode="wrap")
    return wrapped.reshape((GRID + 1) ** 2, GRID + 1)


@cache
def _frequencies() -> Array:
    full, half = np.fft.fftfreq(GRID), np.fft.rfftfreq(GRID)
    squares = full[:, None, None] ** 2 + full[None, :, None] ** 2 + half[None, None, :] ** 2
    return np.asarray(np.sqrt(squares), dtype=np.float32)


def _filtered(rng: np.random.Generator, response: Array) -> Array:
    """White noise with this response (GRID, GRID, GRID / 2 + 1), of zero mean and unit variance."""
    heard = response > 1e-3 * response.max()  # waves beyond are not even sampled
    waves = np.zeros(response.shape, np.complex64)
    waves[heard] = rng.standard_normal((heard.sum(), 2), np.float32).view(np.complex64)[:, 0]
    # half of what is sampled there has no place in a real field
    waves[..., :: GRID // 2] *= np.float32(np.sqrt(2))
    waves *= response
    waves[0, 0, 0] = 0
    values = fft.irfftn(waves, s=(GRID, GRID, GRID), overwrite_x=True)
    values /= values.std()
    return np.asarray(values)


def ramp(values: Array, low: float, high: float) -> Array:
    """The smooth step 3t^2 - 2t^3 from 0 at `low` to 1 at `high`.

    >>> ramp(np.array([0.0, 1.0, 2.0, 3.0]), 1.0, 3.0).tolist()
    [0.0, 0.0, 0.5, 1.0]
    """
    t = np.clip((values - low) / (high - low), 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)


def ball(x: Array, y: Array, z: Array, radii: tuple[float, float, float]) -> Array:
    """The approximate distance (mm) into an ellipsoid around the origin; negative outside.

    >>> ball(np.array([0.0, 4.0]), np.zeros(2), np.zeros(2), (2.0, 5.0, 5.0)).tolist()
    [2.0, -2.0]
    """
    return np.asarray(
        (1.0 - np.sqrt((x / radii[0]) ** 2 + (y / radii[1]) ** 2 + (z / radii[2]) ** 2))
        * min(radii)
    )


Point = tuple[float, float, float]


def tube(
    x: Array, y: Array, z: Array, ends: tuple[Point, Point], radii: tuple[float, float]
) -> Array:
    """Distance (mm) into a straight tube whose radius runs from one value to the other.

    >>> axis = np.array([0.0, 5.0])
    >>> tube(axis, axis * 0 + 1, axis * 0, ((0, 0, 0), (10, 0, 0)), (2.0, 4.0)).tolist()
    [1.0, 2.0]
    """
    start = ends[0]
    way = [b - a for a, b in zip(*ends, strict=True)]
    away = [x - start[0], y - start[1], z - start[2]]
    length2 = sum(w * w for w in way)
    along = np.clip(sum(a * w for a, w in zip(away, way, strict=True)) / length2, 0.0, 1.0)
    apart = np.sqrt(sum((a - along * w) ** 2 for a, w in zip(away, way, strict=True)))
    return np.asarray(radii[0] + along * (radii[1] - radii[0]) - apart)
