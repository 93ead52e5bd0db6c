"""A head drawn from random numbers: tissues in HU and landmarks on the grid of its CT slices.

Coordinates are mm from the centre of the brain: x to the patient's left, y to the front, z up.
Fields are (S, H, W), S from the feet up, rows from front to back, columns from the patient's right
to left, as a slice is displayed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

Grid = tuple[float, float, float]

AIR, FAT, SKIN, TABLE, DIPLOE, DURA = -1000, -90, 45, 1100, 600, 50
CSF, WHITE, GREY, CEREBELLUM, PETROUS = 9, 29, 38, 36, 900
"""HU of the tissues: MIDA phantom and clinical tables (see the data guide)."""


@dataclass(frozen=True)
class Head:
    """HU without blood, and where blood can go.

    depth: mm below the inner table, negative in bone and outside; parenchyma, ventricles and
    subarachnoid: bool; x, y, z: mm, broadcastable; spacing: mm between slices, rows, columns.
    """

    hu: np.ndarray
    depth: np.ndarray
    parenchyma: np.ndarray
    ventricles: np.ndarray
    subarachnoid: np.ndarray
    x: np.ndarray
    y: np.ndarray
    z: np.ndarray
    spacing: Grid


def noise(rng: np.random.Generator, head: Grid | Head, shape: tuple, scale: float) -> np.ndarray:
    """A random field of `shape` (S, H, W), unit variance, features about `scale` mm wide."""
    spacing = head.spacing if isinstance(head, Head) else head
    extent = np.array(shape) * np.array(spacing)
    coarse = rng.standard_normal((extent / scale * 2).astype(int) + 5)
    coarse = ndimage.gaussian_filter(coarse, 1.0, mode="wrap").astype(np.float32)
    axes = [
        (1 + np.arange(n) * step / scale * 2).astype(np.float32)
        for n, step in zip(shape, spacing, strict=True)
    ]
    field = ndimage.map_coordinates(coarse, np.meshgrid(*axes, indexing="ij"), order=1)
    return (field - field.mean()) / field.std()


def ball(x: np.ndarray, y: np.ndarray, z: np.ndarray, radii: Grid) -> np.ndarray:
    """Distance from the origin in units of `radii`: below 1 inside the ellipsoid.

    >>> float(ball(np.array(3.0), np.array(0.0), np.array(4.0), (6.0, 1.0, 8.0))).__round__(3)
    0.707
    """
    return np.sqrt((x / radii[0]) ** 2 + (y / radii[1]) ** 2 + (z / radii[2]) ** 2)


def grow(rng: np.random.Generator, shape: tuple[int, int, int], spacing: Grid, foot: float) -> Head:
    """One patient's head; the lowest slice lies at z = `foot` mm."""
    x, y, z = _coordinates(rng, shape, spacing, foot)
    radii = (rng.normal(69, 2.5), rng.normal(85, 3.0), rng.normal(70, 2.5))
    depth, skull = _skull(rng, spacing, shape, radii, x, y, z)
    inside = depth > 0
    age = rng.uniform(0, 1)  # 0 young: tight sulci and slit ventricles; 1 old: wide ones

    warped = [axis + 2.5 * noise(rng, spacing, shape, 70.0) for axis in (x, y, z)]
    ventricles = _ventricles(rng, age, *warped) & (depth > 8)
    midline = np.abs(warped[0])
    cisterns = _cisterns(age, *warped) & inside
    ribbon, sulci = _cortex(rng, age, spacing, shape, depth, midline)
    gap = 0.8 + 2.2 * age  # CSF over the brain
    subarachnoid = inside & ((depth < gap) | sulci | cisterns)
    subarachnoid |= inside & (midline < 0.8 + 0.8 * age) & (depth < 26) & (z > -20)
    subarachnoid &= ~ventricles
    parenchyma = inside & ~subarachnoid & ~ventricles

    hu = np.full(shape, AIR, np.float32)
    scalp = 5.0 + 1.5 * noise(rng, spacing, shape, 80.0)
    hu[depth > -skull - scalp - 1.8] = SKIN
    hu[depth > -skull - scalp] = FAT
    hu[depth > -skull] = TABLE
    marrow = (depth > -skull + 1.8) & (depth < -1.8)
    hu[marrow] = (DIPLOE + 90 * noise(rng, spacing, shape, 6.0))[marrow]
    hu[inside] = CSF
    hu[parenchyma] = WHITE
    hu[parenchyma & (ribbon | _deep_grey(*warped))] = GREY
    behind = (z < -14 - 0.2 * (warped[1] + 50)) & (warped[1] < -22 + 0.004 * x**2)
    hu[parenchyma & behind] = CEREBELLUM
    hu[parenchyma] += (1.0 * noise(rng, spacing, shape, 10.0))[parenchyma]
    falx = (midline < 0.7) & inside & (depth < 30) & (z > -12) & ((y < -5) | (y > 30) | (z > 30))
    hu[falx] = DURA
    petrous = ball(np.abs(x) - 40, y + 12 + 0.5 * (np.abs(x) - 40), z + 50, (26, 9, 12)) < 1
    hu[petrous & (depth > -2)] = PETROUS
    return Head(hu, depth, parenchyma & ~falx, ventricles, subarachnoid, x, y, z, spacing)


def _coordinates(rng: np.random.Generator, shape: tuple, spacing: Grid, foot: float) -> list:
    """x, y, z of every pixel, the head a little turned and shifted on the table."""
    s, h, w = (
        (np.arange(n) - (n - 1) / 2) * step for n, step in zip(shape, spacing, strict=True)
    )
    right, back = np.meshgrid(w + rng.normal(0, 3), h + rng.normal(0, 3), indexing="xy")
    turn = np.deg2rad(rng.normal(0, 4))
    x = np.cos(turn) * right - np.sin(turn) * back
    y = -(np.sin(turn) * right + np.cos(turn) * back)
    z = foot + (s - s[0])
    tilt, roll = np.deg2rad(rng.normal(0, 3, 2))
    up = z[:, None, None] + np.sin(tilt) * y + np.sin(roll) * x
    return [np.broadcast_to(a, shape).astype(np.float32) for a in (x, y, up)]


def _skull(
    rng: np.random.Generator, spacing: Grid, shape: tuple, radii: Grid, x: np.ndarray,
    y: np.ndarray, z: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """mm below the inner table, and the thickness of the bone in mm."""
    # broader behind than in front, flat at the base
    side = x / (1 - 0.0016 * y)
    r = ball(side, y, np.where(z < 0, z * 0.75, z), radii)
    # a superellipse: heads are boxier than ellipses
    box = ((np.abs(side) / radii[0]) ** 2.4 + (np.abs(y) / radii[1]) ** 2.4) ** (1 / 2.4)
    r = np.maximum(0.55 * r + 0.45 * np.sqrt(box**2 + (z / radii[2] * 0.9) ** 2), 1e-3)
    length = np.sqrt(x**2 + y**2 + z**2) / r
    depth = (1 - r) * length + 1.2 * noise(rng, spacing, shape, 60.0)
    front_back = np.abs(y) / (np.abs(x) + np.abs(y) + 1)
    thickness = rng.normal(1.0, 0.12) * (5.0 + 3.0 * front_back) + 0.5 * noise(
        rng, spacing, shape, 45.0
    )
    return depth.astype(np.float32), np.clip(thickness, 3.0, None).astype(np.float32)


def _ventricles(
    rng: np.random.Generator, age: float, x: np.ndarray, y: np.ndarray, z: np.ndarray
) -> np.ndarray:
    """Lateral ventricles as tubes along a line, third and fourth ventricle."""
    size = (0.55 + 0.75 * age) * rng.normal(1, 0.1)
    # frontal horn, body, atrium, occipital horn; and from the atrium the temporal horn
    line = np.array([(12, 30, 4), (7, 14, 14), (9, -10, 19), (21, -30, 10), (17, -48, 4)], float)
    widths = np.array([5.5, 7.0, 6.5, 8.0, 4.5]) * size
    horn = np.array([(21, -30, 8), (31, -14, -12), (30, 4, -17)], float)
    horn_widths = np.array([6.0, 4.0, 2.5]) * size
    found = np.zeros(x.shape, bool)
    for side in (-1, 1):
        lateral = side * x * rng.normal(1, 0.04)
        for points, radii in ((line, widths), (horn, horn_widths)):
            for k in range(len(points) - 1):
                found |= _tube(lateral, y, z, points[k : k + 2], radii[k : k + 2])
    found &= np.abs(x) > 0.9  # the septum
    found |= (np.abs(x) < 1.0 + 1.8 * age) & (ball(0 * x, y, z + 4, (1, 13, 10)) < 1)
    return found | (ball(x, y + 38, z + 36, (7, 5, 8)) < 1)


def _tube(
    x: np.ndarray, y: np.ndarray, z: np.ndarray, ends: np.ndarray, radii: np.ndarray
) -> np.ndarray:
    """A straight tube between two points whose radius runs from one value to the other."""
    start, way = ends[0], ends[1] - ends[0]
    along = ((x - start[0]) * way[0] + (y - start[1]) * way[1] + (z - start[2]) * way[2]) / (
        way @ way
    )
    along = np.clip(along, 0, 1)
    away = [axis - s - along * d for axis, s, d in zip((x, y, z), start, way, strict=True)]
    # ventricles are taller than wide
    distance = np.sqrt((away[0] * 1.25) ** 2 + away[1] ** 2 + (away[2] * 0.8) ** 2)
    return distance < radii[0] + along * (radii[1] - radii[0])


def _cisterns(age: float, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Sylvian fissures and the cisterns at the base."""
    lateral = np.abs(x)
    width = 1.1 + 1.6 * age
    course = y - 8 + 0.55 * (z - 4) + 0.25 * (lateral - 45)
    sylvian = (np.abs(course) < width) & (lateral > 36) & (np.abs(z - 2) < 22)
    insula = (np.abs(lateral - 38 - 0.012 * y**2) < width) & (np.abs(y - 4) < 16)
    insula &= np.abs(z - 4) < 14
    suprasellar = ball(x, y - 10, z + 30, (13, 11, 7)) < 1 + 0.3 * np.cos(
        5 * np.arctan2(x, y - 10)
    )
    quadrigeminal = (ball(x, y + 30 + 0.3 * lateral, z + 10, (15, 3 + age, 7))) < 1
    return sylvian | insula | suprasellar | quadrigeminal


def _cortex(
    rng: np.random.Generator, age: float, spacing: Grid, shape: tuple, depth: np.ndarray,
    midline: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """The grey ribbon and the sulci that it follows inward: level lines of a folded field."""
    fold = noise(rng, spacing, shape, 15.0) + 0.5 * noise(rng, spacing, shape, 9.0)
    slope = np.sqrt(sum(g**2 for g in np.gradient(fold, *spacing[1:], axis=(1, 2))))
    to_sulcus = np.abs(fold) / np.maximum(slope, 0.02)  # mm, near the level line
    surface = np.minimum(depth, midline + 1.0)
    reach = 15 + 5 * noise(rng, spacing, shape, 30.0)
    sulci = (to_sulcus < 0.35 + 0.95 * age) & (surface < reach)
    ribbon = (surface < 4.2) | ((to_sulcus < 3.4) & (surface < reach + 3))
    return ribbon, sulci


def _deep_grey(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Caudate heads, lentiform nuclei, thalami."""
    lateral = np.abs(x)
    caudate = ball(lateral - 13, y - 20, z - 10, (4, 9, 10)) < 1
    lentiform = ball(lateral - 25 + 0.25 * (y - 5), y - 5, z - 2, (6, 15, 11)) < 1
    thalamus = ball(lateral - 11, y + 12, z - 3, (8, 13, 10)) < 1
    return caudate | lentiform | thalamus
