"""What looks like blood or hides it, without a label: infarcts, tumours, scars, craniotomies, and
what surgeons left: ventricular drains, clips."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lcgan_core.phantom.brain import Where
from lcgan_core.phantom.fields import Field, ball, smooth, tube
from lcgan_core.phantom.tissues import HU, Array, Canvas, Tissue

SHARE = {"infarct": 0.12, "scar": 0.08, "tumour": 0.04, "calcified": 0.03, "craniotomy": 0.06,
         "drain": 0.03, "clip": 0.02}  # fmt: skip
"""Proportion of patients with each; chosen by us, since no public table gives it."""

METAL_HU = 9000.0
"""Of a titanium clip, before the scanner's table of HU ends."""


@dataclass(frozen=True)
class Confounder:
    """A change of tissue in a ragged ellipsoid: centre, radii (mm), texture, HU."""

    kind: str
    centre: tuple[float, float, float]
    radii: tuple[float, float, float]
    hu: float
    texture: Field

    def inside(self, x: Array, y: Array, z: Array) -> Array:
        """mm into it (h, w)."""
        cx, cy, cz = self.centre
        inside, uneven = ball(x - cx, y - cy, z - cz, self.radii), 0.2 * min(self.radii)
        near = inside > -5 * uneven - 14  # nothing is painted elsewhere
        inside[near] += uneven * self.texture(x[near], y[near], z[near])
        return inside


def confounders(rng: np.random.Generator) -> list[Confounder]:
    """Sample what one patient has besides blood."""
    return [_draw(rng, kind) for kind, share in SHARE.items() if rng.random() < share]


def _draw(rng: np.random.Generator, kind: str) -> Confounder:
    side, turn = rng.choice((-1, 1)), rng.uniform(0.15, 0.85) * np.pi
    height = rng.uniform(28, 80)
    out = {"infarct": 0.8, "scar": 0.95, "craniotomy": 1.08}.get(kind, 0.6)
    wide = np.sqrt(1 - ((height - 40) / 78) ** 2) * out
    centre = (float(side * 66 * np.sin(turn) * wide), float(84 * np.cos(turn) * wide), height)
    size = {"infarct": (14, 32), "scar": (9, 20), "tumour": (8, 18), "calcified": (2, 5)}
    radius = rng.uniform(*size.get(kind, (22, 36)))
    radii = tuple(float(r) for r in radius * np.exp(rng.normal(0, 0.2, 3)))
    hu = {"infarct": rng.uniform(18, 26), "scar": rng.uniform(8, 14), "tumour": rng.uniform(31, 42)}
    texture = smooth(rng, max(0.35 * radius, 3.0))
    return Confounder(kind, centre, radii, float(hu.get(kind, 170.0)), texture)  # type: ignore[arg-type]


def paint_inside(canvas: Canvas, found: list[Confounder], at: Where, csf: Array) -> None:
    """Paint what lies in the brain; csf: (H, W) proportion of the pixel that is not brain."""
    for it in found:
        if it.kind in ("craniotomy", "drain", "clip"):
            continue
        inside = np.minimum(it.inside(at.x, at.y, at.z), at.depth - 1.5)
        if inside.max() < -12:
            continue
        brain = 1 - csf
        if it.kind == "tumour":
            halo = canvas.solid(inside + 8, 5.0) * brain
            canvas.paint(halo * 0.9, Tissue.OEDEMA)
        tissue = {"scar": Tissue.CSF, "tumour": Tissue.GREY, "calcified": Tissue.CALCIFICATION}
        kind = tissue.get(it.kind, Tissue.OEDEMA)
        soft = 3.0 if it.kind == "infarct" else 1.5
        canvas.paint(canvas.solid(inside, soft) * brain, kind, it.hu - HU[kind])


def paint_devices(canvas: Canvas, found: list[Confounder], x: Array, y: Array, z: Array) -> None:
    """Paint the drain from a burr hole to a frontal horn, and the clip of an aneurysm."""
    for it in found:
        side = float(np.sign(it.centre[0]))
        if it.kind == "drain":
            course = ((40 * side, 48, 96), (8 * side, 18, 43))
            device = tube(x, y, z, course, (1.4, 1.4))
            canvas.fill(device, Tissue.CALCIFICATION, 130.0, share=0.8)
        elif it.kind == "clip":
            device = ball(x - 14 * side, y - 10, z - 14, (3.5, 1.6, 3.5))
            canvas.fill(device, Tissue.TABLE, METAL_HU - HU[Tissue.TABLE])


def gap(found: list[Confounder], x: Array, y: Array, z: Array) -> Array:
    """mm into the saw's cut around an old bone flap (h, w); negative where bone is whole."""
    cut = np.full_like(x, -9.0)
    for it in found:
        if it.kind == "craniotomy":
            cut = np.maximum(cut, 0.9 - np.abs(it.inside(x, y, z)) * 0.8)
    return cut
