"""The five haemorrhages as shapes: where each may lie, what it pushes aside, how it is painted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lcgan_core.lesions import LABELS
from lcgan_core.phantom.brain import DURA_MM, Spaces, Where, falx, tentorium
from lcgan_core.phantom.fields import Field, ball, ramp
from lcgan_core.phantom.skull import sutures
from lcgan_core.phantom.tissues import Array, Canvas, Tissue

RAGGED = {"IPH": 0.32, "SAH": 0.55}
"""Unevenness of an ellipsoid's border, as a proportion of its smallest radius."""
TIGHT_ML, CLOSED_MM = (35.0, 110.0), 1.6
"""mL of blood from which, and with which, the sulci and basal cisterns of the whole head close, and
by how many mm half their width then shrinks: chosen by us."""
SLIP_ML, SLIP_MM = (30.0, 90.0), 7.0
"""mL of blood in or on a hemisphere from which its uncus slips over the edge of the tentorium, and
with which it does so by SLIP_MM: chosen by us."""
LIFT = np.float32(42.0)
"""Height (mm) of the point from which the inner table is seen by two angles."""


@dataclass(frozen=True)
class Lesion:
    """One haemorrhage: a ragged ellipsoid (IPH, SAH), a patch of the inner table (EDH, SDH), a
    layer on the falx or the tentorium (SDH), or the ventricles behind a fluid level (IVH).

    centre, radii: mm, on the inner table radians and mm; hu: undiluted; thick: mm of extra-axial
    blood; rim: mm of oedema of `rim_hu`; mixed: HU by which its denser, dependent part exceeds the
    rest; swirl: HU by which blood that has not clotted is darker, in islands; give: how far the
    brain below extra-axial blood is pushed aside, as a proportion of its thickness.
    """

    name: str
    centre: tuple[float, float, float]
    radii: tuple[float, float, float]
    hu: float
    texture: Field
    thick: float = 0.0
    rim: float = 0.0
    rim_hu: float = 23.0
    mixed: float = 0.0
    swirl: float = 0.0
    on: str = "skull"
    give: float = 0.75

    @property
    def label(self) -> int:
        return LABELS[self.name]

    @property
    def lifts(self) -> bool:
        """Whether it lies between the skull and the brain."""
        return self.name in ("EDH", "SDH") and self.on == "skull"

    @property
    def ml(self) -> float:
        """mL by which it makes the brain's room smaller, roughly."""
        a, b, c = self.radii
        if self.lifts:
            return 1.9e-3 * a * b * self.thick
        return 4.2e-3 * a * b * c if self.name == "IPH" else 0.0

    def attenuation(self, at: Where) -> Array:
        """HU (h, w): its mean, lumps, and where it has not clotted, a fluid level."""
        lumps = self.texture(at.y, at.z, at.x)
        hu = self.hu + 3.5 * lumps
        if self.mixed:
            middle = 66 * float(np.cos(self.centre[0])) if self.lifts else self.centre[1]
            hu = hu + self.mixed * np.clip((10 * lumps - at.y + middle) / 8, -0.5, 0.5)
        if self.swirl:
            islands = self.texture(1.6 * at.x, 1.6 * at.y, 1.6 * at.z)
            hu = hu - self.swirl * ramp(islands, 0.3, 1.0)
        return np.asarray(hu)

    def oedema(self, at: Where, inside: Array) -> Array:
        """mm into blood and oedema (h, w), whose rim is broken and uneven; inside: into blood."""
        uneven = 0.8 + 0.7 * self.texture(0.7 * at.y, 0.7 * at.x, 0.7 * at.z)
        return np.asarray(inside + self.rim * np.clip(uneven, 0, 1.8))

    def region(self, at: Where) -> Array:
        """mm into the ragged ellipsoid (h, w)."""
        x, y, z = (a - c for a, c in zip((at.x, at.y, at.z), self.centre, strict=True))
        inside, most = ball(x, y, z, self.radii), RAGGED[self.name] * min(self.radii)
        near = inside > -1.4 * most - self.rim - 5  # nothing is painted elsewhere
        x, y, z = at.x[near], at.y[near], at.z[near]
        ragged = self.texture(x, y, z) + 0.5 * self.texture(2 * z, 2 * x, 2 * y)
        inside[near] += most * np.clip(ragged, -1.6, 1.4)  # no crumbs far from the clot
        return inside

    def thickness(self, at: Where) -> Array:
        """mm of blood over the inner table (h, w): a lens (EDH) or a crescent (SDH)."""
        length = np.sqrt(at.x**2 + at.y**2 + (at.z - LIFT) ** 2) + 1e-3
        around = np.arctan2(at.x, at.y) - self.centre[0]
        around = (around + np.pi) % (2 * np.pi) - np.pi
        flat = np.sqrt(at.x**2 + at.y**2) / length
        upward = np.arcsin(np.clip((at.z - LIFT) / length, -1, 1)) - self.centre[1]
        away2 = (around * flat * 75 / self.radii[0]) ** 2 + (upward * 75 / self.radii[1]) ** 2
        if self.name == "EDH":
            # the dura is attached at the sutures, where the lens ends
            lens = self.thick * np.clip(1 - away2, 0, 1)
            return np.asarray(lens * np.sqrt(np.clip(self._to_suture(at) / 22, 0, 1)))
        ragged = 1 + 0.18 * self.texture(at.x, at.y, at.z)
        own_side = ramp(at.x * float(np.sign(self.centre[0])), 1.0, 6.0)  # the falx holds it
        under = np.minimum(*tentorium(np.abs(at.x), at.y, at.z))
        own_side = own_side * (1 - ramp(under, -2.0, 4.0))  # and so does the tentorium
        return self.thick * ragged * np.sqrt(np.clip(1 - away2**1.5, 0, 1)) * own_side

    def _to_suture(self, at: Where) -> Array:
        """mm to the nearest suture, on this lesion's side of each."""
        up = np.sin(self.centre[1]) * 75 + LIFT
        y, x = (f(self.centre[0]) * np.cos(self.centre[1]) * 75 for f in (np.cos, np.sin))
        own = sutures(*(np.array(a, np.float32) for a in (x, y, up)))
        here = [a * np.sign(b) for a, b in zip(sutures(at.x, at.y, at.z), own, strict=True)]
        # blood over the vertex may cross the midline
        return np.asarray(np.minimum.reduce(here if abs(x) > 12 else here[:2]))

    def layer(self, at: Where) -> Array:
        """mm into a layer of blood on the falx or the tentorium (h, w)."""
        below, behind = tentorium(np.abs(at.x), at.y, at.z)
        x, y, z = (a - c for a, c in zip((at.x, at.y, at.z), self.centre, strict=True))
        patch = ball(0 * x, y, z, (99, *self.radii[1:])) + 3 * self.texture(at.x, at.y, at.z)
        sheet = np.abs(falx(at.x, at.y, at.z, below)) if self.on == "falx" else np.abs(below + 1)
        sheet = np.where((self.on == "falx") | (behind > 0), sheet, 50.0)
        own_side = at.x * float(np.sign(self.centre[0]))
        thin = self.thick * np.sqrt(np.clip(patch / min(self.radii[1:]), 0, 1))
        return np.asarray(np.minimum(thin - sheet, own_side))

    def pressure(self, at: Where) -> Array:
        """mm by which sulci near it are narrower (h, w): on its side, or around it."""
        if self.lifts:
            across = at.x * np.sin(self.centre[0]) + at.y * np.cos(self.centre[0])
            return np.asarray(0.5 * min(self.thick / 10, 1.0) * ramp(across, 0.0, 40.0))
        if self.name != "IPH":
            return np.zeros_like(at.x)
        x, y, z = (a - c for a, c in zip((at.x, at.y, at.z), self.centre, strict=True))
        a, b, c = self.radii
        near = ball(x, y, z, (2.2 * a, 2.2 * b, 2.2 * c))
        return np.asarray(0.7 * min(min(self.radii) / 15, 1.0) * ramp(near, 0.0, min(self.radii)))

    def push(self, at: Where) -> Where:
        """Where the tissue at each point was before the lesion displaced it."""
        if self.lifts:
            sine, cosine = float(np.sin(self.centre[0])), float(np.cos(self.centre[0]))
            near = np.exp(-((at.x - 55 * sine) ** 2 + (at.y - 70 * cosine) ** 2) / (2 * 48.0**2))
            near = near * np.exp(-((at.z - 42 - 70 * self.centre[1]) ** 2) / (2 * 42.0**2))
            shift = self.give * self.thick * near * ramp(at.depth, 0, 30)
            moved = Where(at.x + shift * sine, at.y + 0.4 * shift * cosine, at.z, at.depth)
            return self._slip(moved, float(np.sign(sine)))
        if self.name == "IPH":
            away = [a - c for a, c in zip((at.x, at.y, at.z), self.centre, strict=True)]
            r = np.sqrt(away[0] ** 2 + away[1] ** 2 + away[2] ** 2) + 0.1
            grown = 0.5 * self.radii[0] * self.radii[1] * self.radii[2]
            before = np.cbrt(np.maximum(r**3 - grown, (0.35 * r) ** 3))
            factor = 1 - (1 - before / r) * ramp(at.depth, 0, 15)
            x, y, z = (c + a * factor for a, c in zip(away, self.centre, strict=True))
            lobe = abs(self.centre[0]) > 15 and self.centre[2] > 5
            return self._slip(Where(x, y, z, at.depth), float(lobe * np.sign(self.centre[0])))
        return at

    def _slip(self, at: Where, side: float) -> Where:
        """The same, with the uncus of one side (1 left, -1 right, 0 none) pushed inward and down
        into the cistern beside the midbrain."""
        mm = SLIP_MM * side * float(ramp(np.array(self.ml), *SLIP_ML))
        if not mm:
            return at
        away = ((at.x * side - 13) / 12) ** 2 + ((at.y - 4) / 15) ** 2 + ((at.z - 14) / 11) ** 2
        shift = mm * np.exp(-away / 2)
        return Where(at.x + shift, at.y, at.z + 0.4 * np.abs(shift), at.depth)


def swelling(found: list[Lesion], at: Where) -> Array:
    """mm that subarachnoid blood adds to half the width of the sulci it fills, and that other
    blood takes from it by its pressure (h, w)."""
    added = np.zeros_like(at.x)
    # what no longer fits closes the sulci and cisterns of the whole head
    full = ramp(np.array(sum(lesion.ml for lesion in found)), *TIGHT_ML)
    pressed = np.full_like(at.x, CLOSED_MM * full)
    for lesion in found:
        if lesion.name == "SAH":
            most = 0.35 + 0.02 * min(lesion.radii)  # a large bleed fills its sulci tightly
            added = np.maximum(added, most * np.clip(lesion.region(at) / 8 + 0.5, 0, 1))
        elif lesion.name != "IVH":
            pressed = np.maximum(pressed, lesion.pressure(at))
    return added - pressed * (added == 0)


def paint_blood(
    canvas: Canvas, found: list[Lesion], lifting: list[tuple[Lesion, Array]], at: Where,
    spaces: Spaces, top: Array,
) -> None:  # fmt: skip
    """Paint the lesions inside the brain and its CSF, then those between brain and bone.

    lifting: the latter, each with its thickness (h, w) mm; top: (H, W) proportion of the pixel that
    is inside the cranial cavity.
    """
    under = canvas.solid(at.depth - 1.0)
    for lesion in found:
        if lesion.lifts:
            continue
        if lesion.name == "IPH":
            inside = np.minimum(lesion.region(at), np.abs(at.x) + 3.0)
            if inside.max() < -lesion.rim - 2:
                continue
            # a ventricle shines through near its border only: blood breaks into what it surrounds
            held = spaces.ventricle * (1 - canvas.solid(inside - 2.0, 3.0))
            cover = canvas.solid(inside, 1.8) * under * (1 - held)
            dry = under * (1 - spaces.ventricle) * (1 - spaces.subarachnoid)
            oedema = canvas.solid(lesion.oedema(at, inside), 3.0) * dry
            canvas.paint(oedema, Tissue.OEDEMA, lesion.rim_hu - 23.0)
        elif lesion.name == "IVH":
            inside = lesion.centre[1] - at.y + 1.2 * lesion.texture(at.x, at.y, at.z)
            if lesion.centre[0]:
                inside = np.minimum(inside, at.x * float(np.sign(lesion.centre[0])) + 1.5)
            cover = canvas.solid(inside, 2.5) * spaces.ventricle
        elif lesion.name == "SAH":
            cover = canvas.solid(lesion.region(at), 3.0)
            cover = cover * spaces.subarachnoid * (1 - spaces.ventricle)
        else:
            cover = canvas.solid(lesion.layer(at)) * under
        if cover.any():
            canvas.bleed(cover, lesion.label, canvas.up(lesion.attenuation(at)))
    for lesion, thick in lifting[::-1]:
        if thick.max() > 0.5:
            inside = np.minimum(thick - at.depth, at.depth) - 0.5 * DURA_MM
            cover = canvas.solid(np.where(thick > 0.5, inside, -3.0)) * top
            canvas.bleed(cover, lesion.label, canvas.up(lesion.attenuation(at)))
