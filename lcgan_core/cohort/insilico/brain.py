"""The brain in its CSF: folded cortex, white matter, deep nuclei, cerebellum, falx, tentorium."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lcgan_core.cohort.insilico.fields import Field, ball, edge, folds, ramp, sheet, smooth
from lcgan_core.cohort.insilico.tissues import Array, Canvas, Tissue
from lcgan_core.cohort.insilico.ventricles import cisterns, ventricles

DURA_MM = 1.0
RIBBON = 3.4
"""Thickness (mm) of the dura, and of the cortex as a 5 mm slice shows it."""


@dataclass(frozen=True)
class Brain:
    """One patient's brain; `atrophy` runs from 0 (young, tight) to 1 (old, wide CSF spaces)."""

    atrophy: float
    size: float
    uneven: float
    calcified: bool
    sulci: Field
    medial: Field
    folia: Field
    reach: Field
    bend: tuple[Field, Field, Field]
    mottle: Field


@dataclass(frozen=True)
class Spaces:
    """CSF that blood can enter, (n,) each: share of the voxel that is subarachnoid or ventricle."""

    subarachnoid: Array
    ventricle: Array


def brain(rng: np.random.Generator) -> Brain:
    """Draw a patient's brain."""
    atrophy = float(rng.beta(1.3, 1.5))
    return Brain(
        atrophy=atrophy,
        size=float(0.72 + 0.75 * atrophy + rng.normal(0, 0.08)),
        uneven=float(rng.normal(0, 0.07)),
        calcified=bool(rng.random() < 0.15 + 0.5 * atrophy),
        sulci=folds(rng, 23.0),
        medial=folds(rng, 25.0),
        folia=folds(rng, 9.5, step=1.5),
        reach=smooth(rng, 12.0),
        bend=(smooth(rng, 16.0), smooth(rng, 16.0), smooth(rng, 16.0)),
        mottle=smooth(rng, 5.0),
    )


def paint_brain(
    canvas: Canvas, it: Brain, x: Array, y: Array, z: Array, depth: Array, outside: Array,
    swollen: Array, px: float,
) -> Spaces:  # fmt: skip
    """Paint all that lies under the inner table.

    x, y, z, depth: (n,) mm, depth below the inner table; outside: (n,) mm of blood between bone and
    brain; swollen: (n,) mm that blood adds to half the width of a sulcus; px: a voxel's width, mm.
    """
    canvas.paint(edge(depth, px), Tissue.DURA)
    canvas.paint(edge(depth - DURA_MM, px), Tissue.CSF)
    depth = depth - DURA_MM - outside
    x, y, z = (a + 1.8 * f(x, y, z) for a, f in zip((x, y, z), it.bend, strict=True))
    side = np.abs(x)
    below, hind = _tentorium(side, y, z)
    surface, split = _surface(it, x, y, z, depth, below)
    sulcus, half, reach = _sulci(it, x, y, z, surface, split, swollen)
    fissure, wide = _sylvian(it, side, y, z)
    inner = _ventricle_depth(it, x, y, z, depth)
    basal = cisterns(x, y, z, it.atrophy)

    pia = np.minimum(surface, 30.0)
    canvas.paint(edge(pia, px), Tissue.GREY)
    past = np.maximum(surface - reach, 0)
    ribbon = np.minimum(pia, np.sqrt(sulcus**2 + past**2))
    ribbon = np.minimum(ribbon, np.minimum(fissure, -basal + 1.0))
    mottle = it.mottle(x, y, z)
    canvas.paint(edge(ribbon - RIBBON - 0.5 * mottle, 1.6), Tissue.WHITE, 0.8 * mottle)
    _paint_deep_grey(canvas, side, y, z)
    _paint_hindbrain(canvas, it, x, y, z, depth, hind, px)

    fold = sheet(sulcus, half * np.sqrt(np.clip(1 - surface / reach, 0, 1)), px)
    fold = fold * (1 - hind) * edge(surface, px)
    cleft = sheet(fissure, wide + np.where(wide > 0, swollen, 0), px)
    cleft = cleft * (1 - hind)
    cover = np.maximum(np.maximum(fold, cleft), edge(basal + 0.8 * swollen, px) * edge(depth, px))
    canvas.paint(cover, Tissue.CSF)
    bare = edge(depth, px) * (1 - edge(surface, px))
    spaces = Spaces(np.maximum(cover, bare), edge(inner, px))
    canvas.paint(spaces.ventricle, Tissue.VENTRICLE)
    _paint_dura(canvas, x, y, z, depth, below, px)
    if it.calcified:
        _paint_calcifications(canvas, side, y, z, px)
    return spaces


def _tentorium(side: Array, y: Array, z: Array) -> tuple[Array, Array]:
    """mm below the tentorium, and the share of cerebellum and brainstem."""
    crest = 37 - 0.62 * side - 0.30 * np.maximum(-38 - y, 0) + 0.25 * np.minimum(y + 38, 12)
    below = (crest - z) * 0.82
    behind = -6 - 0.36 * side - y
    return below, edge(np.minimum(below, 0.9 * behind), 1.5)


def _surface(
    it: Brain, x: Array, y: Array, z: Array, depth: Array, below: Array
) -> tuple[Array, Array]:
    """mm below the nearest free surface of the brain, and where that is the midline's."""
    # the hemispheres are joined by the callosum and all that lies under it
    joined = np.maximum(
        ball(0 * x, (y + 2) * 0.85, z - 34, (33, 33, 21)), np.minimum(26 - z, 24 - y) * 0.8
    )
    joined = np.maximum(joined, np.minimum(below + 2, 14.0))
    from_midline = np.maximum(np.abs(x) - 0.5 - 0.9 * it.atrophy, joined)
    from_dura = depth - (0.5 + 2.3 * it.atrophy) * (0.7 + 0.3 * np.clip(y / 60, -1, 1.5))
    return np.minimum(from_dura, from_midline), from_midline < from_dura


def _sulci(
    it: Brain, x: Array, y: Array, z: Array, surface: Array, split: Array, swollen: Array
) -> tuple[Array, Array, Array]:
    """mm to the middle of the nearest sulcus, half its width at the surface, and its depth."""
    # a pattern on the surface, carried inward along the radius, makes walls that run inward
    u, v, w = x / 66, y / 84, (z - 38) / 72
    shrink = (78 - 0.3 * surface) / np.maximum(np.sqrt(u * u + v * v + w * w), 0.15)
    distance = np.abs(it.sulci(u * shrink, v * shrink, w * shrink))
    inner = np.flatnonzero(split & (surface < 30))
    if len(inner):
        away = np.sign(x[inner]) * (30 + 0.25 * np.abs(x[inner]))
        distance[inner] = np.abs(it.medial(away, y[inner], z[inner]))
    variation = it.reach(x, y, z)
    reach = np.clip(16 + 5 * variation, 6, 27) * np.where(split, 0.75, 1.0)
    half = np.clip(0.42 + 0.85 * it.atrophy + 0.25 * it.reach(z, x, y), 0.15, None)
    half = np.where(split, 0.55 * half, half) + swollen
    return distance, half.astype(np.float32), reach.astype(np.float32)


def _sylvian(it: Brain, side: Array, y: Array, z: Array) -> tuple[Array, Array]:
    """mm to the Sylvian fissure and the insula's cistern, and half their width."""
    entry = 13 - 0.55 * (z - 28)
    t = np.clip((side - 42) / 26, 0, 1)
    mouth = np.hypot(np.minimum(side - 41, 0), y - entry + 3 * t)
    bow = 40.5 - 0.010 * (y - 4) ** 2
    along = np.maximum(np.abs(y - 4) - 17, 0)
    island = np.hypot(side - bow, along)
    here = ramp(z, 10, 18) * (1 - ramp(z, 44, 54))
    distance = np.minimum(mouth, island) + 40 * (1 - ramp(here, 0.0, 0.5))
    half = (0.55 + 1.5 * it.atrophy) * here * (0.75 + 0.25 * np.cos(side * 0.5 + y * 0.4))
    return distance.astype(np.float32), half.astype(np.float32)


def _ventricle_depth(it: Brain, x: Array, y: Array, z: Array, depth: Array) -> Array:
    return np.minimum(ventricles(x, y, z, it.size, it.uneven), depth - 6)


def _paint_deep_grey(canvas: Canvas, side: Array, y: Array, z: Array) -> None:
    caudate = ball(side - 15.5, y - 21, z - 38, (6.5, 11, 14))
    tilt = side - 26.5 + 0.30 * (y - 5)
    lentiform = ball(tilt, y - 5, z - 29, (7.5, 17, 13))
    # the internal capsule's knee dents the lentiform nucleus into a lens
    lentiform = np.minimum(lentiform, side - 15.5 - 0.22 * np.abs(y - 4))
    thalamus = ball(side - 10 + 0.25 * (y + 13), y + 13, z - 33, (8.5, 14.5, 12))
    nuclei = np.maximum(np.maximum(caudate, lentiform), thalamus)
    canvas.paint(edge(nuclei, 1.8), Tissue.GREY)


def _paint_hindbrain(
    canvas: Canvas, it: Brain, x: Array, y: Array, z: Array, depth: Array, hind: Array, px: float
) -> None:
    inside = hind * edge(depth - 1.0 - 1.5 * it.atrophy, px)
    canvas.paint(inside, Tissue.CEREBELLUM)
    folium = sheet(np.abs(it.folia(0.3 * x, y, z)), 0.15 + 0.35 * it.atrophy, px)
    core = ball(np.abs(x) - 22, y + 48, z - 6, (17, 17, 14))
    canvas.paint(inside * folium * edge(-core, 3.0), Tissue.CSF)
    canvas.paint(inside * edge(core + 4, 6.0) * 0.7, Tissue.WHITE)
    stem = np.minimum(ball(x, y + 19, 0 * z, (17, 15, 20)), 27 - z)
    canvas.paint(edge(stem, 1.2), Tissue.BRAINSTEM)


def _paint_dura(
    canvas: Canvas, x: Array, y: Array, z: Array, depth: Array, below: Array, px: float
) -> None:
    # the falx is deep behind and shallow in front; it ends where the callosum begins
    callosum = ball(0 * x, (y + 6) * 0.8, z - 30, (40, 40, 36))
    falx = np.where((callosum < 0) & (below < 0) & (z > 20), np.abs(x), 50.0)
    sinus = ball(x, np.minimum(depth, 8.0) - 2.0, 0 * z, (5, 4, 1e6))
    sinus = np.where((y < -20) & (below < 4), sinus, -5.0)
    canvas.paint(sheet(falx, 0.75, px) * edge(depth, px), Tissue.DURA)
    canvas.paint(edge(sinus, px) * edge(depth, px), Tissue.DURA)
    hem = np.where((y < -16) & (y > -78) & (z > 4), np.abs(below), 50.0)
    canvas.paint(sheet(hem, 0.6, px) * edge(depth, px) * 0.8, Tissue.DURA)


def _paint_calcifications(canvas: Canvas, side: Array, y: Array, z: Array, px: float) -> None:
    pineal = ball(side, y + 30, z - 31, (1.8, 2.2, 3.0))
    plexus = ball(side - 23, y + 38, z - 42, (1.3, 2.4, 3.0))
    canvas.paint(edge(np.maximum(pineal, plexus), px), Tissue.CALCIFICATION)
