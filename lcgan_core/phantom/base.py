"""The skull base and what lies under it: three fossae, petrous bones, orbits, sinuses, neck."""

from __future__ import annotations

import numpy as np

from lcgan_core.phantom.fields import ball, ramp, tube
from lcgan_core.phantom.tissues import Array, Canvas, Tissue, around

STEEP = 0.8
"""From a height above the base to a distance from it: the base slopes."""


def floor(x: Array, y: Array, bumps: Array) -> Array:
    """Height (mm) of the floor of the cranial cavity at (h, w) points; `bumps` roughens it.

    A step up towards the front (sphenoid wing), a ridge between the middle and the posterior fossa
    (petrous bone), and a hole for the spinal cord.
    """
    side, y = np.abs(x) + 1.5 * bumps, y + 2.0 * bumps  # no ridge is straight
    roof = np.exp(-(((side - 27) / 15) ** 2) - ((y - 50) / 24) ** 2)
    front = 7 + 7 * roof - 6 * ramp(y, 74, 92) + 2.0 * bumps
    middle = -15 + 0.014 * ((side - 38) ** 2 + 0.6 * (y - 8) ** 2)
    middle = np.where(side < 14, 6.0, np.maximum(middle, 6 - 1.6 * (side - 14)))
    behind = -36 + 0.017 * (1.1 * side**2 + (y + 46) ** 2)
    petrous, wing = (
        _beyond(side, y, (12, -1), (64, -20), -4),
        _beyond(side, y, (10, 18), (62, 32), 9),
    )
    behind = np.minimum(behind, 0.0)
    base = np.where(wing > 0, front, np.where(petrous > 0, middle, behind))
    clivus = (
        10
        - 1.5 * np.maximum(-1 - y, 0)
        - 0.9 * np.maximum(y - 18, 0)
        - 0.3 * np.maximum(side - 8, 0)
    )
    ridge = 13 - 0.03 * (side - 30) - np.where(petrous > 0, 0.9, 2.0) * np.abs(petrous) + bumps
    crest = 10 - np.where(wing > 0, 0.6, 1.7) * np.abs(wing)
    base = np.maximum(base, np.where(side < 12, clivus, np.maximum(ridge, crest)))
    base = np.where(y > -22, base, np.maximum(behind, ridge))
    base = np.where((side < 14) & (y <= -1) & (y > -22), np.maximum(clivus, behind), base)
    hole = np.hypot(side, 0.8 * (y + 34))
    return np.asarray(np.where(hole < 14, -80.0, base), np.float32)


def _beyond(
    side: Array, y: Array, start: tuple[float, float], end: tuple[float, float], bow: float
) -> Array:
    """mm in front of the line from `start` to `end`, which bows `bow` mm forward at its middle."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    length = float(np.hypot(dx, dy))
    along = np.clip(((side - start[0]) * dx + (y - start[1]) * dy) / length**2, 0, 1)
    bowed = 4 * bow * along * (1 - along)
    return ((y - start[1]) * dx - (side - start[0]) * dy) / length - bowed


def paint_base(
    canvas: Canvas, x: Array, y: Array, z: Array, floor_z: Array, outer: Array, skin: Array,
    bumps: Array,
) -> None:  # fmt: skip
    """Bone, muscle, fat and air below the floor; outer, skin: (h, w) mm below table and skin."""
    side = np.abs(x)
    below = np.minimum((floor_z - z) * STEEP, skin - 3)
    within = np.minimum(below, outer + 3 * ramp(y, 20, 60))
    canvas.fill(np.minimum(below, outer - 2), Tissue.FAT, 10 * bumps)
    flesh = np.minimum(within - 3, 6 + 7 * np.sin(0.21 * side + 0.9) + 5 * bumps)
    flesh = np.minimum(flesh, 20 - y + 6 * bumps + 0.1 * side)
    canvas.fill(flesh, Tissue.MUSCLE, 4 * bumps)
    if box := around((y > 10) & (below > -4)):
        _paint_orbits(canvas.part(box), *(a[box] for a in (side, y, z, below)))
    if box := around((y > -12) & (below > -4)):
        _paint_face(canvas.part(box), *(a[box] for a in (x, side, y, z, below, bumps)))

    petrous = tube(side, y, z, ((66, -24, -4), (13, -4, -2)), (15.0, 8.0))
    plate = np.minimum(
        within, 2.8 + 0.8 * bumps - below - 1.0 * ramp(y, 25, 40) + np.float32(2) * (y < -20)
    )
    bone = np.maximum(plate, np.minimum(petrous + 2.5 * bumps, within))
    clivus = np.minimum(np.minimum(11 - side, within), np.minimum(y + 22, 26 - y))
    bone = np.maximum(bone, np.minimum(clivus, 18 - below))
    canvas.fill(bone, Tissue.TABLE, 150 * bumps)
    inside = np.minimum(bone - 2.2, below - 2)
    canvas.fill(inside, Tissue.DIPLOE, 120 * bumps, share=0.7)
    # honeycomb of air in the mastoid, the labyrinth's capsule, the ear canal, the sphenoid sinus
    cells = ball(side - 52, y + 27, z + 10, (11, 13, 16))
    honey = np.sin(1.1 * side + 1.5 * bumps) * np.cos(1.0 * y + 1.5 * bumps)
    honey = np.minimum(cells + 2 * bumps, 2.0 * honey + 1.5 * bumps)
    canvas.fill(np.minimum(honey, bone - 1.5), Tissue.AIR)
    capsule = ball(side - 34, y + 12, z + 1, (7, 5, 6))
    canvas.fill(np.minimum(capsule, bone), Tissue.TABLE, 700.0)
    canal = tube(side, y, z, ((85, -14, -12), (44, -11, -8)), (4.0, 3.0))
    sinus = ball(side - 7, y - 14, z + 8, (10, 13, 9))
    canvas.fill(np.maximum(canal, np.minimum(sinus, below - 2)), Tissue.AIR)


def _paint_orbits(canvas: Canvas, side: Array, y: Array, z: Array, below: Array) -> None:
    cone = tube(side, y, z, ((35, 76, -4), (17, 22, 2)), (20.0, 4.0))
    cone = np.minimum(cone, below)
    canvas.fill(np.minimum(np.minimum(cone + 1.7, below), 68 - y), Tissue.TABLE)
    canvas.fill(cone, Tissue.FAT)
    nerve = tube(side, y, z, ((31, 58, -3), (16, 22, 2)), (2.2, 2.2))
    outer = tube(side, y, z, ((43, 62, -3), (21, 28, 1)), (2.0, 1.8))
    inner = tube(side, y, z, ((20, 66, -3), (15, 28, 1)), (2.0, 1.8))
    upper = tube(side, y, z, ((31, 62, 9), (18, 28, 6)), (2.2, 1.8))
    muscles = np.maximum(np.maximum(nerve, outer), np.maximum(inner, upper))
    canvas.fill(np.minimum(muscles, cone + 1), Tissue.MUSCLE)
    globe = ball(side - 31, y - 64, z + 2, (12, 12, 12))
    globe = np.minimum(globe, below + 1)
    canvas.fill(globe, Tissue.MUSCLE)
    canvas.fill(globe - 1.2, Tissue.GLOBE)
    lens = ball(side - 31, y - 73, z + 2, (4.5, 2, 4.5))
    canvas.fill(lens, Tissue.CALCIFICATION, -70.0, share=0.8)


def _paint_face(
    canvas: Canvas, x: Array, side: Array, y: Array, z: Array, below: Array, bumps: Array
) -> None:
    # ethmoid cells and nose between the orbits, the maxillary sinuses under them, the cheekbone
    nose = np.minimum(np.minimum(12 - side, below - 1), np.minimum(y - 22, 84 - y - 0.5 * side))
    nose = nose + 1.2 * bumps
    canvas.fill(nose + 1.6, Tissue.DIPLOE)
    canvas.fill(nose, Tissue.AIR)
    cells = np.minimum(4 * np.abs(np.sin(0.36 * y + 1.5 * bumps)), np.abs(side - 5.5 - 1.5 * bumps))
    septa = np.minimum(np.abs(x + 1.2 * bumps), cells + (side < 2))
    mucosa = np.maximum(np.minimum(3.0 - np.abs(side - 7) + bumps, -12 - z), 2.5 * (bumps - 0.6))
    canvas.fill(np.minimum(mucosa, nose), Tissue.MUSCLE, -12.0)
    canvas.paint(canvas.wall(septa, 0.6) * canvas.solid(nose), Tissue.DIPLOE)
    antrum = ball(side - 31, y - 54, z + 38, (15, 19, 17)) + bumps
    antrum = np.minimum(antrum, below - 4)
    canvas.fill(antrum + 1.8, Tissue.DIPLOE, 200.0)
    canvas.fill(antrum, Tissue.AIR)
    arch = tube(side, y, z, ((52, 66, -14), (67, 42, -17)), (4.0, 2.6))
    rear = tube(side, y, z, ((67, 42, -17), (67, -2, -12)), (2.6, 3.0))
    jaw = tube(side, y, z, ((52, 0, -20), (52, 8, -60)), (5.5, 4.0))
    bone = np.maximum(np.maximum(arch, rear), jaw)
    canvas.fill(np.minimum(bone, below + 1), Tissue.TABLE)
