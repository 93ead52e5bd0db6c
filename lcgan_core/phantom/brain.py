"""The brain in its CSF: folded cortex, white matter, deep nuclei, cerebellum, falx, tentorium."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lcgan_core.phantom.fields import Field, ball, folds, ramp, smooth
from lcgan_core.phantom.tissues import Array, Canvas, Tissue, around, edge, finer, sheet
from lcgan_core.phantom.ventricles import cisterns, ventricles

DURA_MM = 1.0
RIBBON = 2.4
"""Thickness (mm) of the dura, and of the cortex as a 5 mm slice shows it."""
TWIG = 0.6
"""Depth and width of the branches of sulci, as a proportion of those of the sulci."""
SOFT_MM = 2.2
"""Width of the ventricles' border, whose walls slant through a slice."""


@dataclass(frozen=True)
class Brain:
    """One patient's brain; `atrophy` runs from 0 (young, tight) to 1 (old, wide CSF spaces).

    size: of the ventricles; uneven: how much wider the left one is; pale: darkening (HU) of the
    white matter around the ventricles in old age; calcified: pineal, plexus, basal ganglia.
    """

    atrophy: float
    size: float
    uneven: float
    pale: float
    calcified: tuple[bool, bool, bool]
    sulci: Field
    twigs: Field
    medial: Field
    folia: Field
    reach: Field
    bend: tuple[Field, Field, Field]
    mottle: Field


@dataclass(frozen=True)
class Spaces:
    """CSF that blood can enter, (H, W): proportion of a pixel that is subarachnoid or ventricle."""

    subarachnoid: Array
    ventricle: Array


@dataclass(frozen=True)
class Where:
    """Points (h, w) of a plane: x, y, z (mm) and mm below the inner table or the skull base."""

    x: Array
    y: Array
    z: Array
    depth: Array


def brain(rng: np.random.Generator, dammed: bool) -> Brain:
    """Sample a patient's brain; half of all head CTs are of people over sixty.

    dammed: whether blood may block the outflow of CSF, which widens the ventricles.
    """
    age = float(np.clip(rng.normal(60, 19), 18, 96))
    atrophy = float(np.clip((age - 30) / 65 + rng.normal(0, 0.1), 0, 1))
    old = atrophy**1.5
    wide = 0.70 + 0.80 * atrophy + rng.normal(0, 0.14) + rng.gamma(1.2, 0.25) * dammed
    return Brain(
        atrophy=atrophy,
        size=float(np.clip(wide, 0.55, 2.2)),
        uneven=float(rng.normal(0, 0.09)),
        pale=float(rng.gamma(1.2, 2.2) * old),
        calcified=(rng.random() < 0.65, rng.random() < 0.2 + 0.5 * old, rng.random() < 0.1 * old),
        sulci=folds(rng, 23.0),
        twigs=folds(rng, 17.0),
        medial=folds(rng, 25.0),
        folia=folds(rng, 9.5, step=1.5),
        reach=smooth(rng, 12.0),
        bend=(smooth(rng, 16.0), smooth(rng, 16.0), smooth(rng, 16.0)),
        mottle=smooth(rng, 5.0),
    )


def paint_brain(
    canvas: Canvas, it: Brain, at: Where, outside: Array, swollen: Array, top: Array
) -> Spaces:
    """Paint everything inside the cranial cavity.

    at: where the tissue at each point was before blood displaced it; outside: (h, w) mm of blood
    between bone and brain; swollen: (h, w) mm that blood adds to half the width of a sulcus;
    top: (H, W) proportion of the pixel that is inside the cranial cavity.
    """
    solid, px = canvas.solid, canvas.px
    canvas.paint(top, Tissue.DURA)
    canvas.paint(solid(at.depth - DURA_MM), Tissue.CSF)
    depth = at.depth - np.maximum(outside + 0.3, DURA_MM)  # blood carries the dura along
    sway = [f(at.x, at.y, at.z) for f in it.bend]
    swing = np.clip(0.1 * np.abs(at.x), 0.3, 1.8)  # the midline is nearly straight
    x, y, z = (a + swing * s for a, s in zip((at.x, at.y, at.z), sway, strict=True))
    side = np.abs(x)
    below, behind = tentorium(side, y, z)
    hind = solid(np.minimum(below, 0.9 * behind), 1.5)
    surface, split = _surface(it, x, y, z, depth, below, swollen)
    variation = it.reach(x, y, z)
    trunk, twig, half, reach = _sulci(it, (x, y, z), sway, surface, split, swollen, variation)
    fissure, wide = _sylvian(it, side, y, z, variation)
    inner = np.minimum(ventricles(x, y, z, it.size, it.uneven), depth - 6)
    basal = cisterns(x, y, z, it.atrophy)

    mottle = canvas.up(it.mottle(x, y, z))
    pia = np.minimum(canvas.up(surface), 30.0)
    canvas.paint(edge(pia, px), Tissue.GREY, 1.2 * mottle)
    deep, open_half = canvas.up(reach), canvas.up(half) * np.clip(2.1 - 0.35 * pia, 1, None)
    fold, ribbon = np.zeros_like(pia), pia
    for line, share in ((trunk, 1.0), (twig, TWIG)):
        far, past = np.abs(canvas.up(line)), pia - share * deep
        # the white matter of a gyrus reaches between the branches
        ribbon = np.minimum(ribbon, np.hypot(far + RIBBON * (1 - share), np.maximum(past, 0)))
        taper = np.sqrt(np.clip(-past / (share * deep), 0, 1))
        fold = np.maximum(fold, sheet(far, share * open_half * taper, px))
    ribbon = np.minimum(ribbon, canvas.up(np.minimum(np.abs(fissure), 1.0 - basal)))
    pale = it.pale * canvas.up(ramp(inner + 2.5 * variation, -10.0, -1.0))
    canvas.paint(edge(ribbon - RIBBON - 0.5 * mottle, 1.6), Tissue.WHITE, 0.9 * mottle - pale)
    if box := around((side < 42) & (np.abs(y - 5) < 40) & (np.abs(z - 33) < 20)):
        _paint_deep_grey(canvas.part(box), *(a[box] for a in (side, y, z)))
    if box := around((y < 8) & ((below > -3) | (z < 30))):
        there = x[box], y[box], z[box], depth[box]
        _paint_hindbrain(canvas.part(box), it, *there, hind[finer(box)])

    fold = fold * (1 - hind) * edge(pia, px)
    cleft = canvas.wall(fissure, wide + np.where(wide > 0, swollen, 0)) * (1 - hind)
    inside = solid(depth)
    # cisterns are wider than sulci: pressure takes more from them
    basal = basal + np.where(swollen < 0, 3.0, 0.8) * swollen
    cover = np.maximum(cleft, solid(basal, SOFT_MM)) * inside
    cover = np.maximum(fold, cover)
    canvas.paint(cover, Tissue.CSF)
    bare = inside * (1 - edge(pia, px))
    spaces = Spaces(np.maximum(cover, bare), solid(inner, SOFT_MM))
    canvas.paint(spaces.ventricle, Tissue.VENTRICLE)
    _paint_dura(canvas, x, y, z, depth, below)
    _paint_calcifications(canvas, it, side, y, z)
    return spaces


def tentorium(side: Array, y: Array, z: Array) -> tuple[Array, Array]:
    """mm below the tentorium, and mm behind its free edge and the petrous bones."""
    crest = 37 - 0.62 * side - 0.30 * np.maximum(-38 - y, 0) + 0.25 * np.minimum(y + 38, 12)
    return (crest - z) * 0.82, -6 - 0.36 * side - y + np.minimum(z, 0) * 0.2


def falx(x: Array, y: Array, z: Array, below: Array) -> Array:
    """Signed mm to the falx: deep behind and shallow in front, down to the corpus callosum."""
    callosum = ball(0 * x, (y + 6) * 0.8, z - 30, (40, 40, 36))
    here = (callosum < 0) & (below < 0) & (z > 20)
    return np.where(here, x, np.where(x < 0, -50.0, 50.0)).astype(np.float32)


def _surface(
    it: Brain, x: Array, y: Array, z: Array, depth: Array, below: Array, swollen: Array
) -> tuple[Array, Array]:
    """mm below the nearest free surface of the brain, and where that is the midline surface."""
    # the hemispheres are joined by the corpus callosum and everything below it
    joined = np.maximum(
        ball(0 * x, (y + 2) * 0.85, z - 34, (33, 33, 21)), np.minimum(26 - z, 24 - y) * 0.8
    )
    joined = np.maximum(joined, np.minimum(below + 2, 14.0))
    from_midline = np.maximum(np.abs(x) - 0.5 - 0.9 * it.atrophy, joined)
    gap = (0.2 + 2.6 * it.atrophy**1.5) * (0.7 + 0.3 * np.clip(y / 60, -1, 1.5))
    from_dura = depth - np.maximum(gap + 2.0 * np.minimum(swollen, 0), 0.1)
    return np.minimum(from_dura, from_midline), from_midline < from_dura


def _sulci(
    it: Brain, at: tuple[Array, ...], sway: list[Array], surface: Array, split: Array,
    swollen: Array, variation: Array,
) -> tuple[Array, Array, Array, Array]:  # fmt: skip
    """Signed mm to the nearest sulcus and to its nearest branch, half its width, its depth."""
    # a pattern on the surface, carried inward along the radius, makes walls that run inward;
    # what sways more the deeper it lies makes them bend
    x, y, z = at
    lean = np.clip(surface * 0.5, 0, 7)
    u, v, w = (
        (a + lean * s) / r for a, s, r in zip((x, y, z - 38), sway, (66, 84, 72), strict=True)
    )
    shrink = (78 - 0.3 * surface) / np.maximum(np.sqrt(u * u + v * v + w * w), 0.15)
    distance, twig = (f(u * shrink, v * shrink, w * shrink) for f in (it.sulci, it.twigs))
    inner = split & (surface < 30)
    if inner.any():
        away = np.sign(x[inner]) * (30 + 0.25 * np.abs(x[inner]))
        distance[inner] = it.medial(away, y[inner], z[inner])
    reach = np.clip(16 + 5 * variation, 6, 27) * np.where(split, 0.75, 1.0)
    half = np.clip(0.25 + 1.25 * it.atrophy + 0.35 * it.reach(z, x, y), 0.12, None)
    half = half * (1 + 0.5 * ramp(z, 65, 95))  # widest at the vertex
    # below the brain the walls would run along the slice
    high = 0.25 + 0.75 * ramp(z, 8, 36)
    reach, half = reach * high, half * high
    half = np.where(split, 0.55 * half, half) + swollen
    return distance, twig, half.astype(np.float32), reach.astype(np.float32)


def _sylvian(it: Brain, side: Array, y: Array, z: Array, variation: Array) -> tuple[Array, Array]:
    """mm to the Sylvian fissure and the insula's cistern, and half their width."""
    entry = 13 - 0.55 * (z - 28)
    t = np.clip((side - 42) / 26, 0, 1)
    bent = 2.0 * np.sin(0.30 * side + 2.0 * variation)  # no fissure is straight
    mouth = np.hypot(np.minimum(side - 41, 0), y - entry + 3 * t + bent)
    bow = 40.5 - 0.010 * (y - 4) ** 2
    along = np.maximum(np.abs(y - 4) - 17, 0)
    island = np.hypot(side - bow - 1.3 * variation - 0.9 * np.sin(0.7 * y + 2.5 * variation), along)
    here = ramp(z, 10, 18) * (1 - ramp(z, 44, 54))
    distance = np.minimum(mouth, island) + 40 * (1 - ramp(here, 0.0, 0.5))
    half = (0.5 + 2.0 * it.atrophy) * here * np.clip(0.8 + 0.5 * variation, 0.25, 1.6)
    half = half * (1 + 0.8 * ramp(side, 46, 62))
    return distance.astype(np.float32), half.astype(np.float32)


def _paint_deep_grey(canvas: Canvas, side: Array, y: Array, z: Array) -> None:
    caudate = ball(side - 14.5, y - 21, z - 38, (5.5, 11, 14))
    tilt = side - 26.5 + 0.30 * (y - 5)
    lentiform = ball(tilt, y - 5, z - 29, (7.5, 17, 13))
    # the internal capsule passes between them, and its knee dents the lentiform nucleus into a lens
    lentiform = np.minimum(lentiform, side - 19.5 - 0.24 * np.abs(y - 4))
    thalamus = ball(side - 9.5 + 0.25 * (y + 13), y + 13, z - 33, (8.0, 14.5, 12))
    nuclei = np.maximum(np.maximum(caudate, lentiform), thalamus)
    canvas.fill(nuclei, Tissue.GREY, 2.0, width=1.8)


def _paint_hindbrain(
    canvas: Canvas, it: Brain, x: Array, y: Array, z: Array, depth: Array, hind: Array
) -> None:
    inside = hind * canvas.solid(depth - 1.0 - 1.5 * it.atrophy)
    canvas.paint(inside, Tissue.CEREBELLUM)
    core = ball(np.abs(x) - 22, y + 48, z - 2, (17, 17, 18))
    folium = canvas.wall(it.folia(0.3 * x, y, z), 0.15 + 0.35 * it.atrophy)
    canvas.paint(inside * folium * canvas.solid(-core, 3.0), Tissue.CSF)
    canvas.paint(inside * canvas.solid(core + 4, 6.0) * 0.7, Tissue.WHITE)
    # CSF before and beside the stem, which tapers from the midbrain to the cord
    ahead = np.minimum(ball(x, y + 17, 0 * z, (28, 19, 30)), 12 - z)
    slim = np.clip((z + 26) / 22, 0, 1)
    stem = 7 + 9 * slim - np.hypot(x, 1.1 * (y + 30 - 11 * slim))
    stem = np.minimum(stem, 27 - z)
    pool = np.minimum(np.minimum(ahead, 3.5 + 2 * it.atrophy - stem), y + 22 - 0.3 * np.abs(x))
    low = np.minimum(-14 - z, 9 - np.hypot(x, 0.4 * (y + 62)))
    canvas.fill(np.minimum(np.maximum(pool, low), depth), Tissue.CSF)
    canvas.fill(np.minimum(stem, depth - 1), Tissue.BRAINSTEM, width=1.2)


def _paint_dura(canvas: Canvas, x: Array, y: Array, z: Array, depth: Array, below: Array) -> None:
    sinus = ball(x, np.minimum(depth, 8.0) - 2.0, 0 * z, (5, 4, 1e6))
    sinus = np.where((y < -20) & (below < 4) & (z > 0), sinus, -5.0)
    hem = np.where((y < -16) & (y > -78) & (z > 4), below, 50.0)
    for sheets, half, share in ((falx(x, y, z, below), 0.8, 1.0), (hem, 0.6, 0.4)):
        if box := around(np.abs(sheets) < 4):
            part = canvas.part(box)
            part.paint(share * part.wall(sheets[box], half) * part.solid(depth[box]), Tissue.DURA)
    canvas.fill(np.minimum(sinus, depth), Tissue.DURA)
    # vessels of the base read as dense dots
    middle = np.maximum(2.0 - np.hypot(x, y + 2), 1.6 - np.hypot(np.abs(x) - 11, y - 12))
    canvas.fill(np.minimum(middle, 16 - np.abs(z - 6)), Tissue.DURA, -8.0, share=0.7)


def _paint_calcifications(canvas: Canvas, it: Brain, side: Array, y: Array, z: Array) -> None:
    spots = (
        ball(side, y + 30, z - 31, (1.8, 2.2, 3.0)),
        ball(side - 22, y + 41, z - 43, (1.6, 2.8, 3.2)),
        ball(side - 20, y - 4, z - 31, (2.5, 5.0, 4.0)) - 1.2,
    )
    for there, spot in zip(it.calcified, spots, strict=True):
        if there:
            canvas.fill(spot, Tissue.CALCIFICATION, width=1.5)
