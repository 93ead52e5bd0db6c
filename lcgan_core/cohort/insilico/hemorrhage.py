"""The five haemorrhages: where each may lie, how large it is, and what it pushes aside."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lcgan_core.cohort.insilico.brain import DURA_MM, Spaces
from lcgan_core.cohort.insilico.fields import Field, ball, edge, ramp, smooth
from lcgan_core.cohort.insilico.tissues import Array, Canvas, Tissue
from lcgan_core.labels import HEMORRHAGES, LABELS

TYPE_COUNTS = (0.34, 0.36, 0.26, 0.04)
"""Share of patients with one to four types (BHSD: 50, 62, 63, 17 of 192)."""

WEIGHTS = (0.66, 0.50, 0.57, 0.30, 0.40)
"""How readily each type is drawn, after its share of scans in BHSD; EDH (0.12) and SDH raised so
that a few dozen patients hold all five."""

BLOOD_HU = {"IPH": (54, 6), "IVH": (47, 6), "SAH": (51, 6), "EDH": (57, 5), "SDH": (53, 8)}
"""Mean and SD over lesions of undiluted blood; blur and partial volume lower what is measured."""


@dataclass(frozen=True)
class Place:
    """n voxels: x, y, z (mm), depth below the inner table (mm), px (mm)."""

    x: Array
    y: Array
    z: Array
    depth: Array
    px: float


@dataclass(frozen=True)
class Lesion:
    """One haemorrhage: an ellipsoid region (IPH, SAH), a patch of the skull (EDH, SDH) or the
    ventricles behind a level (IVH).

    centre, radii: mm; thick: mm of extra-axial blood; hu: undiluted; rim: mm of oedema.
    """

    name: str
    centre: tuple[float, float, float]
    radii: tuple[float, float, float]
    hu: float
    texture: Field
    thick: float = 0.0
    rim: float = 0.0

    @property
    def label(self) -> int:
        return LABELS[self.name]

    def attenuation(self, at: Place) -> Array:
        """HU (n,) of the clot: its mean, with lumps."""
        return np.asarray(self.hu + 3.0 * self.texture(at.y, at.z, at.x))

    def region(self, at: Place) -> Array:
        """mm into the ragged ellipsoid (n,)."""
        x, y, z = (a - c for a, c in zip((at.x, at.y, at.z), self.centre, strict=True))
        ragged = self.texture(at.x, at.y, at.z) + 0.5 * self.texture(2 * at.z, 2 * at.x, 2 * at.y)
        ragged = np.clip(ragged, -1.6, 1.4)  # no crumbs far from the clot
        return ball(x, y, z, self.radii) + 0.26 * min(self.radii) * ragged

    def thickness(self, at: Place) -> Array:
        """mm of extra-axial blood over the inner table (n,): a lens (EDH) or a crescent (SDH)."""
        lift = np.float32(42.0)
        length = np.sqrt(at.x**2 + at.y**2 + (at.z - lift) ** 2) + 1e-3
        around = np.arctan2(at.x, at.y) - self.centre[0]
        around = (around + np.pi) % (2 * np.pi) - np.pi
        flat = np.sqrt(at.x**2 + at.y**2) / length
        upward = np.arcsin(np.clip((at.z - lift) / length, -1, 1)) - self.centre[1]
        away2 = (around * flat * 75 / self.radii[0]) ** 2 + (upward * 75 / self.radii[1]) ** 2
        if self.name == "EDH":
            return self.thick * np.clip(1 - away2, 0, 1)
        ragged = 1 + 0.18 * self.texture(at.x, at.y, at.z)
        own_side = ramp(at.x * np.sign(self.centre[0]), 1.0, 6.0)  # the falx holds it
        return self.thick * ragged * np.sqrt(np.clip(1 - away2**1.5, 0, 1)) * own_side

    def push(self, at: Place) -> tuple[Array, Array, Array]:
        """Where (mm) the tissue now at each voxel lay before the lesion pushed it."""
        if self.name in ("EDH", "SDH"):
            sine, cosine = np.sin(self.centre[0]), np.cos(self.centre[0])
            near = np.exp(-((at.x - 55 * sine) ** 2 + (at.y - 70 * cosine) ** 2) / (2 * 48.0**2))
            near = near * np.exp(-((at.z - 42 - 70 * self.centre[1]) ** 2) / (2 * 42.0**2))
            shift = 0.75 * self.thick * near * ramp(at.depth, 0, 30)
            return at.x + shift * sine, at.y + 0.4 * shift * cosine, at.z
        if self.name == "IPH":
            away = [a - c for a, c in zip((at.x, at.y, at.z), self.centre, strict=True)]
            r = np.sqrt(away[0] ** 2 + away[1] ** 2 + away[2] ** 2) + 0.1
            grown = 0.45 * self.radii[0] * self.radii[1] * self.radii[2]
            before = np.cbrt(np.maximum(r**3 - grown, (0.35 * r) ** 3))
            factor = 1 - (1 - before / r) * ramp(at.depth, 0, 15)
            moved = [c + a * factor for a, c in zip(away, self.centre, strict=True)]
            return moved[0], moved[1], moved[2]
        return at.x, at.y, at.z


def lesions(rng: np.random.Generator) -> list[Lesion]:
    """Draw what one patient has: one to four types, in the order in which they are painted."""
    count = 1 + rng.choice(len(TYPE_COUNTS), p=TYPE_COUNTS)
    odds = np.array(WEIGHTS) / sum(WEIGHTS)
    chosen = rng.choice(len(HEMORRHAGES), size=count, replace=False, p=odds)
    return [lesion for k in sorted(chosen) for lesion in _draw(rng, HEMORRHAGES[k])]


def _draw(rng: np.random.Generator, name: str) -> list[Lesion]:
    side = float(rng.choice((-1, 1)))
    hu = float(rng.normal(*BLOOD_HU[name]))
    if name == "IPH":
        spots = [_intraparenchymal(rng, side, hu)]
        if rng.random() < 0.2:
            spots.append(_intraparenchymal(rng, -side if rng.random() < 0.5 else side, hu))
        return spots
    if name == "IVH":
        level = rng.uniform(-54, -32) if rng.random() < 0.75 else rng.uniform(-10, 60)
        sides = rng.choice((-1, 0, 0, 1))
        centre = (60.0 * sides, float(level), 40.0)
        return [Lesion(name, centre, (1.0, 1.0, 1.0), hu, smooth(rng, 10.0))]
    if name == "SAH":
        regions = [_subarachnoid(rng, side, hu)]
        if rng.random() < 0.3:
            regions.append(_subarachnoid(rng, -side, hu))
        return regions
    around = side * float(rng.uniform(0.25, 0.75)) * np.pi  # beside, never across, the midline
    if name == "EDH":
        wide = float(rng.uniform(17, 38))
        radii, thick = (
            (wide, wide * float(rng.uniform(0.6, 1.0)), 1.0),
            wide * rng.uniform(0.3, 0.6),
        )
    else:
        radii = (float(rng.uniform(45, 92)), float(rng.uniform(12, 30)), 1.0)
        thick = float(np.clip(rng.lognormal(np.log(7.0), 0.4), 4.5, 18))
    centre = (float(around), float(rng.uniform(-0.15, 0.7)), 0.0)
    return [Lesion(name, centre, radii, hu, smooth(rng, 12.0), thick=float(thick))]


def _intraparenchymal(rng: np.random.Generator, side: float, hu: float) -> Lesion:
    where = rng.choice(4, p=(0.42, 0.15, 0.37, 0.06))
    if where == 0:  # basal ganglia
        centre = np.array([27 * side, 4, 32]) + rng.normal(0, 3.5, 3)
    elif where == 1:  # thalamus
        centre = np.array([13 * side, -12, 35]) + rng.normal(0, 2.5, 3)
    elif where == 2:  # a lobe
        turn, r = rng.uniform(0.1, 0.9) * np.pi, rng.uniform(0.5, 0.72)
        centre = np.array(
            [side * 66 * r * np.sin(turn), 84 * r * np.cos(turn), rng.uniform(35, 78)]
        )
    else:  # cerebellum
        centre = np.array([22 * side, -48, rng.uniform(6, 14)])
    radius = float(np.clip(rng.lognormal(np.log(11.5), 0.42), 5.5, 30))
    if where in (1, 3):
        radius = min(radius, 15.0)
    radii = radius * rng.uniform(0.75, 1.3, 3)
    place = (float(centre[0]), float(centre[1]), float(centre[2]))
    size = (float(radii[0]), float(radii[1]), float(radii[2]))
    texture = smooth(rng, float(np.clip(0.45 * radius, 4.5, 9.0)))
    return Lesion("IPH", place, size, hu, texture, rim=float(rng.uniform(1.5, 6.0)))


def _subarachnoid(rng: np.random.Generator, side: float, hu: float) -> Lesion:
    if rng.random() < 0.4:  # around the circle of Willis, into the Sylvian fissures
        centre = (float(rng.normal(0, 12)), 10.0, 18.0)
        radii = (float(rng.uniform(25, 55)), float(rng.uniform(16, 32)), float(rng.uniform(8, 15)))
    else:  # over one convexity
        turn = side * rng.uniform(0.15, 0.85) * np.pi
        centre = (float(58 * np.sin(turn)), float(74 * np.cos(turn)), float(rng.uniform(35, 85)))
        radii = tuple(float(r) for r in rng.uniform(12, 30, 3))  # type: ignore[assignment]
    return Lesion("SAH", centre, radii, hu, smooth(rng, 12.0))


def swelling(found: list[Lesion], at: Place) -> Array:
    """mm that subarachnoid blood adds to half the width of the sulci it fills (n,)."""
    added = np.zeros_like(at.x)
    for lesion in found:
        if lesion.name == "SAH":
            added = np.maximum(added, 0.75 * edge(lesion.region(at), 8.0))
    return added


def paint_blood(canvas: Canvas, found: list[Lesion], at: Place, spaces: Spaces) -> None:
    """Paint the lesions inside the brain and its CSF, then those between brain and bone."""
    under = edge(at.depth - 1.0, at.px)
    for lesion in found:
        if lesion.name == "IPH":
            inside = np.minimum(lesion.region(at), np.abs(at.x) + 3.0)
            solid = under * (1 - spaces.ventricle)
            dry = solid * (1 - spaces.subarachnoid)
            canvas.paint(edge(inside + lesion.rim, 2.5) * dry, Tissue.OEDEMA)
            canvas.bleed(edge(inside, at.px) * solid, lesion.label, lesion.attenuation(at))
        elif lesion.name == "IVH":
            ragged = 1.2 * lesion.texture(at.x, at.y, at.z)
            inside = lesion.centre[1] - at.y + ragged
            if lesion.centre[0]:
                inside = np.minimum(inside, at.x * np.sign(lesion.centre[0]) + 1.5)
            cover = edge(inside, 1.5) * spaces.ventricle
            canvas.bleed(cover, lesion.label, lesion.attenuation(at))
        elif lesion.name == "SAH":
            cover = edge(lesion.region(at), 3.0) * spaces.subarachnoid * (1 - spaces.ventricle)
            canvas.bleed(cover, lesion.label, lesion.attenuation(at))
    for lesion in found[::-1]:
        if lesion.name in ("EDH", "SDH"):
            inside = np.minimum(lesion.thickness(at) - at.depth, at.depth) - DURA_MM
            cover = edge(inside, at.px) * (lesion.thickness(at) > 0.5)
            canvas.bleed(cover, lesion.label, lesion.attenuation(at))
