"""The shells of a head: inner table, outer table and skin, as radius by angle and height.

Coordinates (mm): x to the patient's left, y to the front, z up from about the orbitomeatal plane.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from lcgan_core.cohort.insilico.fields import ball, edge, tube
from lcgan_core.cohort.insilico.tissues import Array, Canvas, Tissue

ANGLES = 360
HEIGHTS = np.arange(-12.0, 140.0)
WIDEST, VERTEX = 42.0, 111.0
"""Height (mm) where the brain case is widest, and of its top."""

FRONTAL, PARIETAL, TEMPORAL, OCCIPITAL = 7.5, 6.5, 4.7, 8.5
"""Mean thickness of the bones (mm), datasets guide 5.1."""


@dataclass(frozen=True)
class Shells:
    """Tables (heights x angles x 4) of radius (mm) and slope factor, looked up by angle and height.

    inner: of the inner table, then of the outer table; outer: of the skin, then the thickness of
    the temporal muscle (mm) and 0.
    """

    inner: Array
    outer: Array

    def depths(self, x: Array, y: Array, z: Array) -> tuple[Array, Array, Array, Array]:
        """mm below the inner table, the outer table and the skin (H, W), and mm of muscle."""
        r = np.sqrt(x * x + y * y)
        angle = (np.arctan2(x, y) / (2 * np.pi) % 1.0 * ANGLES).astype(np.float32)
        height = (z - np.float32(HEIGHTS[0])).astype(np.float32)
        inner = cv2.remap(
            self.inner, angle, height, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        outer = cv2.remap(
            self.outer, angle, height, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        return (
            (inner[..., 0] - r) * inner[..., 1],
            (inner[..., 2] - r) * inner[..., 3],
            (outer[..., 0] - r) * outer[..., 1],
            outer[..., 2],
        )


def shells(rng: np.random.Generator) -> Shells:
    """The shells of one patient: egg-shaped and lopsided, the bones as thick as they should be."""
    phi = np.linspace(0, 2 * np.pi, ANGLES, endpoint=False)
    z = HEIGHTS[:, None]
    taper, boxy = rng.normal(0.10, 0.025), rng.normal(2.25, 0.1)
    wobble = sum(
        rng.normal(0, 0.012 / k)
        * np.cos(k * phi + rng.uniform(0, 2 * np.pi) + z * rng.normal(0, 0.004))
        for k in range(1, 5)
    )
    front, side, back = np.clip(np.cos(phi), 0, 1), np.abs(np.sin(phi)), np.clip(-np.cos(phi), 0, 1)
    low = np.clip((50 - z) / 30, 0, 1)
    bone = (
        FRONTAL * front**2 + OCCIPITAL * back**2 + PARIETAL * side**2
        + low * (TEMPORAL - PARIETAL) * side**4
        + 7 * np.clip((24 - z) / 14, 0, 1) * front**12
        + 3 * np.exp(-(((z - 22) / 8) ** 2)) * back**60
    )  # fmt: skip
    ripples = sum(rng.normal(0, 0.025) * np.cos(k * phi + rng.uniform(0, 6.3)) for k in range(2, 8))
    bone = bone * rng.normal(1.0, 0.12) * (1 + ripples)
    # the temporal muscle fills the hollow beside the forehead
    beside = np.exp(-(((np.abs((phi + np.pi) % (2 * np.pi) - np.pi) - 1.05) / 0.38) ** 2))
    muscle = rng.normal(9, 1.5) * beside * np.clip((58 - z) / 40, 0, 1)
    scalp = rng.normal(5.5, 0.8) * (1 + 0.5 * ripples) + muscle + 1.5 * back * low

    def shell(outward: Array | float) -> tuple[Array, Array]:
        radius = _radius(phi, z, outward, taper, boxy) * (1 + wobble)
        slope_z, slope_phi = (
            np.gradient(radius, axis=0),
            np.gradient(radius, 2 * np.pi / ANGLES, axis=1),
        )
        factor = 1 / np.sqrt(1 + slope_z**2 + (slope_phi / np.maximum(radius, 5)) ** 2)
        return radius, factor

    inner = np.stack([*shell(0.0), *shell(bone)], axis=-1)
    outer = np.stack([*shell(bone + scalp), muscle, 0 * muscle], axis=-1)
    closed = [np.concatenate([t, t[:, :1]], axis=1).astype(np.float32) for t in (inner, outer)]
    return Shells(*closed)


def _radius(phi: Array, z: Array, outward: Array | float, taper: float, boxy: float) -> Array:
    across, along = np.abs(np.sin(phi)), np.abs(np.cos(phi))
    # the floor of the frontal lobes lies higher than that of the temporal lobes
    recess = 14 * np.clip((16 - z) / 16, 0, 1.5) * (np.cos(phi) > 0)
    half_width = 67 * (1 - taper * np.cos(phi)) + outward
    half_length = np.where(np.cos(phi) > 0, 83 - recess, 86) + outward
    outline = ((across / half_width) ** boxy + (along / half_length) ** boxy) ** (-1 / boxy)
    up = np.clip((z - WIDEST) / (VERTEX + 0.9 * outward - WIDEST), 0, 1)
    down = np.clip((WIDEST - z) / WIDEST, 0, 1.3)
    return np.asarray(outline * (1 - up**2.3) ** (1 / 2.1) * (1 - 0.10 * down**2))


def paint_shells(
    canvas: Canvas, depths: tuple[Array, Array, Array, Array], grain: Array, px: float
) -> None:
    """Scalp and skull, for the depths (n,) of Shells.depths; `grain` (n,) textures the diploe."""
    inner, outer, skin, muscle = depths
    canvas.paint(edge(skin, px), Tissue.SKIN)
    canvas.paint(edge(skin - 2.3, px), Tissue.FAT, 8 * grain)
    canvas.paint(edge(muscle - 1.5 + outer, px) * edge(skin - 3.5, px), Tissue.MUSCLE)
    canvas.paint(edge(outer, px), Tissue.TABLE)
    canvas.paint(edge(np.minimum(outer - 1.9, -inner - 1.7), px), Tissue.DIPLOE, 90 * grain)


def paint_base(
    canvas: Canvas, x: Array, y: Array, z: Array, inner: Array, bumps: Array, px: float
) -> None:
    """Petrous ridges, sphenoid wings, orbital roofs, frontal sinus: grazed by the lowest slices.

    inner: (n,) mm below the inner table; bumps: (n,) unit-variance field that roughens the bone.
    """
    side = np.abs(x)
    petrous = tube(side, y, z, ((64, -22, -4), (12, 2, -3)), (11.0, 5.0))
    wing = tube(side, y, z, ((62, 30, 0), (14, 22, 1)), (5.0, 3.0))
    dome = 9 - ((side - 27) / 9) ** 2 - ((y - 50) / 12) ** 2 + 2.2 * bumps
    roof = np.minimum(1.6 - np.abs(z - dome), y - 30)
    canvas.paint(
        edge(np.maximum(np.maximum(petrous, wing), roof), px) * edge(inner + 2, px), Tissue.TABLE
    )
    cells = ball(side - 44, y + 13, z + 3, (13, 6, 5))
    canvas.paint(edge(cells, px), Tissue.DIPLOE, -500.0)
    sinus = ball(side - 10, y - 87, z - 8, (13, 4, 13))
    canvas.paint(edge(np.minimum(sinus, -inner - 1.5), px), Tissue.AIR)
