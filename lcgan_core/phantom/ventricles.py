"""Lateral, third and fourth ventricles, and the cisterns: CSF inside and below the brain."""

from __future__ import annotations

import numpy as np

from lcgan_core.phantom.fields import Point, ball, ramp, tube
from lcgan_core.phantom.tissues import Array

HORNS: tuple[tuple[Point, float], ...] = (
    ((17, 34, 34), 1.8),  # tip of the frontal horn
    ((12, 27, 40), 4.2),
    ((7.0, 10, 45), 4.6),  # foramen of Monro
    ((10, -8, 53), 5.0),  # body
    ((15, -24, 51), 5.2),
    ((25, -36, 41), 6.4),  # atrium
    ((29, -47, 37), 4.2),
    ((25, -64, 34), 1.0),  # occipital horn
)
TEMPORAL: tuple[tuple[Point, float], ...] = (
    ((25, -36, 41), 5.8),
    ((31, -28, 27), 3.2),
    ((33, -10, 13), 2.4),
    ((29, 3, 9), 1.8),
)
"""Course (mm) and radius (mm) of the lateral ventricle on either side."""


def ventricles(x: Array, y: Array, z: Array, size: float, uneven: float) -> Array:
    """mm into the ventricles, of x's shape; `size` scales their width, `uneven` widens one side."""
    side = np.abs(x)
    wide = size * (1 + uneven * np.sign(x))
    lateral = np.full_like(x, -50.0)
    for course in (HORNS, TEMPORAL):
        for (start, r0), (end, r1) in zip(course, course[1:], strict=False):
            # upright ovals: a horn is taller than wide
            flat = (0.75 * start[2], 0.75 * end[2])
            inside = tube(
                side, y, 0.75 * z,
                ((*start[:2], flat[0]), (*end[:2], flat[1])), (r0, r1),
            )  # fmt: skip
            lateral = np.maximum(lateral, inside)
    lateral = lateral + 4.2 * (wide - 1)
    # the caudate's head and the thalamus bulge into the outer wall
    caudate = ball(side - 17.5 - 3 * (wide - 1), y - 19, z - 40, (6.5, 12, 14))
    thalamus = ball(side - 13 - 2 * (wide - 1), y + 13, z - 35, (9, 15, 11))
    lateral = np.minimum(lateral, -np.maximum(caudate, thalamus))
    lateral = np.minimum(lateral, side - 0.7)  # the septum
    third = np.minimum(0.6 + 2.0 * size - 0.6 - side, ball(0 * x, y + 1, z - 27, (1, 15, 11)) * 11)
    fourth = ball(x, y + 45, z - 2, (8 * size**0.5, 5 * size**0.5, 12))
    return np.maximum(np.maximum(lateral, third), fourth)


def cisterns(x: Array, y: Array, z: Array, atrophy: float) -> Array:
    """mm into the suprasellar, ambient and quadrigeminal cisterns, of x's shape."""
    side, wide = np.abs(x), 1.0 + 1.6 * atrophy
    star = 7.5 + 2.0 * np.cos(5 * np.arctan2(x, y - 9)) + 5.0 * atrophy
    suprasellar = np.minimum(star - np.hypot(x, y - 9), 8 - np.abs(z - 11))
    ring = np.hypot(x / 17.5, (y + 19) / 15.5)
    # widest beside and behind the midbrain, closed where the peduncles leave it
    open_to = ramp(-np.arctan2(y + 19, side), -0.5, 0.9)
    ambient = 1.0 * wide * open_to - 1.6 * (1 - open_to) - np.abs(ring - 1.0) * 16
    ambient = np.minimum(ambient, 9 - np.abs(z - 18))
    smile = 1.3 * wide - np.abs(y + 35.5 - 0.016 * x * x)
    quadrigeminal = np.minimum(np.minimum(smile, 15 - side), 7 - np.abs(z - 24))
    vallecula = 1.2 * wide - np.hypot(x, 0.3 * (y + 72)) + 0 * z
    vallecula = np.where(z < 14, vallecula, -5.0)
    stem = 0.9 * wide - np.abs(y - 9 - 7 * np.sin((side - 6) / 14))
    stem = np.minimum(stem, np.minimum(side - 8, 46 - side))
    stem = stem - 6 * (1 - ramp(6 - np.abs(z - 14), 0, 3))
    found = np.maximum(np.maximum(suprasellar, ambient), np.maximum(quadrigeminal, stem))
    return np.asarray(np.maximum(found, vallecula))
