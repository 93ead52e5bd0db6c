"""The shells of a head: inner table, outer table and skin, as radius by angle and height.

Coordinates (mm): x to the patient's left, y to the front, z up from about the orbitomeatal plane.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from lcgan_core.phantom.fields import ball
from lcgan_core.phantom.tissues import HU, Array, Canvas, Tissue, around, edge

ANGLES = 360
HEIGHTS = np.arange(-60.0, 140.0)
WIDEST, VERTEX = 42.0, 111.0
"""Height (mm) at which the cranial cavity is widest, and height of its top."""

FRONTAL, PARIETAL, TEMPORAL, OCCIPITAL = 7.2, 6.0, 2.8, 7.8
"""Mean thickness of the bones, mm."""
SEAM_MM = 0.35
"""Half the width of a suture."""

Crack = tuple[float, float, float, float, float]
"""A fracture: the angle (radians) and height (mm) of its middle, its slant (radians), half its
length and half its width (mm)."""


@dataclass(frozen=True)
class Shells:
    """Tables (heights x angles x 4) of radius (mm) and slope factor, looked up by angle and height.

    inner: of the inner table, then of the outer table; outer: of the skin, then the thickness of
    the temporal muscle (mm) and 0.
    """

    inner: Array
    outer: Array

    def depths(self, x: Array, y: Array, z: Array) -> tuple[Array, Array, Array, Array, Array]:
        """mm below the inner table, the outer table and the skin, mm of muscle, and the slope.

        All (H, W); the slope factor is 1 where the inner table is upright and 0 where it lies flat.
        """
        r = np.sqrt(x * x + y * y)
        angle = (np.arctan2(x, y) / (2 * np.pi) % 1.0 * ANGLES).astype(np.float32)
        height = (z - np.float32(HEIGHTS[0])).astype(np.float32)
        inner, outer = (
            cv2.remap(table, angle, height, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
            for table in (self.inner, self.outer)
        )
        return (
            (inner[..., 0] - r) * inner[..., 1],
            (inner[..., 2] - r) * inner[..., 3],
            (outer[..., 0] - r) * outer[..., 1],
            outer[..., 2],
            inner[..., 1],
        )


def shells(rng: np.random.Generator) -> Shells:
    """The shells of one patient: egg-shaped and asymmetric, with bones of realistic thickness."""
    phi = np.linspace(0, 2 * np.pi, ANGLES, endpoint=False)
    z = HEIGHTS[:, None]
    taper, boxy = rng.normal(0.13, 0.035), rng.normal(2.25, 0.12)
    wobble = sum(
        rng.normal(0, 0.012 / k)
        * np.cos(k * phi + rng.uniform(0, 2 * np.pi) + z * rng.normal(0, 0.004))
        for k in range(1, 5)
    )
    front, side, back = np.clip(np.cos(phi), 0, 1), np.abs(np.sin(phi)), np.clip(-np.cos(phi), 0, 1)
    low, temple = np.clip((50 - z) / 30, 0, 1), np.clip((80 - z) / 40, 0, 1)
    bone = (
        FRONTAL * front**2 + OCCIPITAL * back**2 + PARIETAL * side**2
        + temple * (TEMPORAL - PARIETAL) * side**4
        + 5 * np.clip((24 - z) / 14, 0, 1) * front**12
        + 3 * np.exp(-(((z - 12) / 8) ** 2)) * back**60
    )  # fmt: skip
    ripples = sum(
        rng.normal(0, 0.06) * np.cos(k * phi + rng.uniform(0, 6.3) + z * rng.normal(0, 0.03))
        for k in range(2, 13)
    )
    bone = bone * rng.normal(1.0, 0.14) * np.clip(1 + ripples, 0.5, 1.7)
    turned = np.abs((phi + np.pi) % (2 * np.pi) - np.pi)
    # the temporal muscle fills the hollow beside the forehead
    muscle = rng.normal(9, 1.5) * np.exp(-(((turned - 1.05) / 0.38) ** 2))
    muscle = muscle * np.clip((58 - z) / 40, 0, 1)
    pit = (
        -rng.uniform(2, 6) * np.exp(-(((turned - 1.0) / 0.25) ** 2)) * np.clip((55 - z) / 35, 0, 1)
    )
    crest = 3.5 * np.exp(-((turned / 0.05) ** 2)) + 2.5 * np.exp(-(((np.pi - turned) / 0.06) ** 2))
    crest = crest * rng.uniform(0.3, 1.3) * np.clip((75 - z) / 40, 0, 1)
    scalp = rng.normal(6.3, 1.2) * (1 + 0.5 * ripples) + muscle - 0.6 * pit + 1.5 * back * low

    def shell(outward: Array | float, face: Array | float = 0.0) -> tuple[Array, Array]:
        radius = _radius(phi, z, outward, taper, boxy) * (1 + wobble) + face
        slope_z, slope_phi = (
            np.gradient(radius, axis=0),
            np.gradient(radius, 2 * np.pi / ANGLES, axis=1),
        )
        factor = 1 / np.sqrt(1 + slope_z**2 + (slope_phi / np.maximum(radius, 5)) ** 2)
        return radius, factor

    inner = np.stack([*shell(0.0, pit - crest), *shell(bone, pit)], axis=-1)
    skin = shell(bone + scalp, pit + _face(turned, z))
    outer = np.stack([*skin, muscle, 0 * muscle], axis=-1)
    closed = [np.concatenate([t, t[:, :1]], axis=1).astype(np.float32) for t in (inner, outer)]
    return Shells(*closed)


def swollen(it: Shells, turn: float, height: float, mm: float) -> Shells:
    """The shells with a bruise of `mm` in the scalp, around an angle (radians) and a height."""
    angle = np.arange(it.outer.shape[1]) * (2 * np.pi / ANGLES) - turn
    away = (angle + np.pi) % (2 * np.pi) - np.pi
    bruise = mm * np.exp(-((away / 0.4) ** 2) - ((HEIGHTS[:, None] - height) / 28) ** 2)
    outer = it.outer.copy()
    outer[..., 0] += bruise
    outer[..., 2] += bruise
    return Shells(it.inner, outer)


def _radius(phi: Array, z: Array, outward: Array | float, taper: float, boxy: float) -> Array:
    across, along = np.abs(np.sin(phi)), np.abs(np.cos(phi))
    half_width = 67 * (1 - taper * np.cos(phi)) + outward
    half_length = np.where(np.cos(phi) > 0, 83, 86) + outward
    outline = ((across / half_width) ** boxy + (along / half_length) ** boxy) ** (-1 / boxy)
    up = np.clip((z - WIDEST) / (VERTEX + 0.9 * outward - WIDEST), 0, 1)
    down = np.clip((WIDEST - z) / WIDEST, 0, 1.7)
    return np.asarray(outline * (1 - up**2.3) ** (1 / 2.1) * (1 - 0.07 * down**2))


def _face(turned: Array, z: Array) -> Array:
    """mm by which nose, ears and eye sockets stand out from the egg of the head."""
    nose = 22 * np.exp(-((turned / 0.10) ** 2)) * np.clip((8 - z) / 28, 0, 1)
    socket = -9 * np.exp(-(((turned - 0.40) / 0.20) ** 2)) * np.exp(-(((z + 1) / 13) ** 2))
    # the ear's rim stands off the head: two thin folds, one before the other
    height = np.clip(1 - ((z + 8) / 24) ** 2, 0, 1)
    fold = np.exp(-(((turned - 1.86) / 0.035) ** 2)) + 0.7 * np.exp(
        -(((turned - 1.72) / 0.022) ** 2)
    )
    return np.asarray(nose + socket + 17 * height * fold)


def paint_shells(
    canvas: Canvas, depths: tuple[Array, ...], floor: Array, grain: Array, slab: float
) -> None:
    """Scalp and skull, for the depths (h, w) of Shells.depths.

    floor: (h, w) mm above the skull base, below which there is no cranial cavity; grain: (h, w)
    texture of the diploe; slab: mm of a slice that this plane stands for, which blurs slanting
    bone.
    """
    inner, outer, skin, muscle, slope = depths
    blur = canvas.px + slab * np.sqrt(np.clip(1 - canvas.up(slope) ** 2, 0, 1))
    texture = canvas.up(grain)
    canvas.paint(canvas.solid(skin), Tissue.SKIN)
    canvas.paint(canvas.solid(skin - 2.7), Tissue.FAT, 8 * texture)
    # the temporal muscle, and elsewhere the galea
    flesh = np.minimum(np.maximum(muscle - 1.5, 1.6) + outer, skin - 3.5)
    canvas.paint(canvas.solid(flesh), Tissue.MUSCLE, 5 * texture)
    case = np.minimum(outer, floor + 5)
    canvas.paint(edge(canvas.up(case), blur), Tissue.TABLE)
    spongy = np.minimum(np.minimum(outer - 1.9, -inner - 1.7), floor + 3)
    canvas.paint(canvas.solid(spongy), Tissue.DIPLOE, 90 * texture)


def sutures(x: Array, y: Array, z: Array) -> tuple[Array, Array, Array]:
    """Signed mm to the coronal, the lambdoid and the sagittal suture, of x's shape."""
    return y - 30 + 0.30 * (z - 60), y + 58 - 0.35 * (z - 50), x


def paint_seams(
    canvas: Canvas,
    x: Array,
    y: Array,
    z: Array,
    bone: Array,
    wave: Array,
    cracks: tuple[Crack, ...],
) -> None:
    """Sutures and fractures as gaps in bone, `bone` (h, w) mm into it; `wave` bends them."""
    coronal, lambdoid, sagittal = sutures(x, y, z)
    back = np.where((y > -50) | (np.abs(x) < 8), np.where(y > 30, 99, sagittal), lambdoid)
    seam = np.where(np.abs(coronal) < np.abs(back), coronal, back) + 1.5 * wave
    half = np.where(z > 20, SEAM_MM, 0).astype(np.float32)
    for turn, height, slant, long, wide in cracks:
        beside = (np.arctan2(x, y) - turn + np.pi) % (2 * np.pi) - np.pi
        across, up = 75 * beside, z - height
        crack = np.cos(slant) * across + np.sin(slant) * up + 1.5 * wave
        along = np.cos(slant) * up - np.sin(slant) * across
        nearer = (np.abs(crack) < np.abs(seam)) & (np.abs(along) < long)
        seam, half = np.where(nearer, crack, seam), np.where(nearer, wide, half)
    if box := around((np.abs(seam) < 4) & (bone > -2) & (half > 0)):
        part = canvas.part(box)
        gap = part.wall(seam[box].astype(np.float32), half[box].astype(np.float32))
        # what is in a gap is as dense as muscle, but for the map of tissues it is part of the bone
        dense = HU[Tissue.MUSCLE] - HU[Tissue.DIPLOE]
        part.paint(gap * part.solid(bone[box]), Tissue.DIPLOE, dense)


def paint_frontal_sinus(
    canvas: Canvas, size: float, x: Array, y: Array, z: Array, inner: Array
) -> None:
    """Air in the frontal bone (h, w); `size` 0 (none) to 1.5."""
    cell = ball(np.abs(x) - 9, y - 89, z - 12, (13 * size + 1, 5, 14 * size + 1))
    canvas.fill(np.minimum(cell, -inner - 1.5), Tissue.AIR)
