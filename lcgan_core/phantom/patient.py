"""Patient k of seed s: a head, its haemorrhages, its CT slices and their labels."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from threadpoolctl import ThreadpoolController

from lcgan_core.phantom.base import STEEP, floor, paint_base
from lcgan_core.phantom.blood import Lesion, paint_blood, swelling
from lcgan_core.phantom.brain import Brain, Where, brain, paint_brain
from lcgan_core.phantom.confounders import Confounder, confounders, gap, paint_inside
from lcgan_core.phantom.fields import Field, smooth
from lcgan_core.phantom.lesions import draw, types
from lcgan_core.phantom.scanner import NOISE_SD, Scanner
from lcgan_core.phantom.skull import Shells, paint_frontal_sinus, paint_shells, shells
from lcgan_core.phantom.tissues import FINER, Array, Canvas, Tissue, edge

LOWEST_MM, SPAN_MM, THICK_MM = -24.0, 150.0, 5.0
"""mm: height of the lowest slice's lower face, from there past the vertex, the thickest slice."""
POINTS = 128
"""Points along a row of the geometry's grid; slices are painted FINER times as finely."""
BONE_HU = 100
"""HU brighter than any blood in the window in which an annotator draws."""
PLANES = 2
"""Thin planes that are averaged to a slice."""
BATCH = 8
"""Slices imaged together: memory does not grow with the series."""


@dataclass(frozen=True)
class Scan:
    """hu: (S, H, W) int16; labels and tissue: (S, H, W) uint8; slices from the feet up.

    pixel_spacing, slice_spacing, thickness and lowest (the height of the first slice's middle): mm.
    Rows run to the back, columns to the patient's left.
    """

    hu: Array
    labels: Array
    tissue: Array
    pixel_spacing: float
    slice_spacing: float
    thickness: float
    lowest: float

    def height(self, k: int) -> float:
        """Height (mm) of the middle of slice k."""
        return round(self.lowest + k * self.slice_spacing, 4)


@dataclass(frozen=True)
class Patient:
    """Anatomy, haemorrhages, and how the head lies: size, turn (radians), shift (mm), headrest."""

    shells: Shells
    brain: Brain
    lesions: list[Lesion]
    confounders: list[Confounder]
    grain: Field
    sinus: float
    scale: tuple[float, float, float]
    turn: tuple[float, float, float]
    shift: tuple[float, float]
    rest: tuple[float, float]
    field_mm: float
    lowest: float
    noise_sd: float
    left: float
    sharp: float


def draw_patient(rng: np.random.Generator, turn: float) -> Patient:
    """Sample a patient; `turn` 0..1 is the place among the cohort's mixtures of haemorrhages."""
    size = rng.normal(1.0, 0.025)
    x, y, z = (float(size * rng.normal(1.0, 0.02)) for _ in range(3))
    kinds = types(turn)
    inside = brain(rng, "IVH" in kinds)
    return Patient(
        shells=shells(rng),
        brain=inside,
        lesions=[it for kind in kinds for it in draw(rng, kind, inside)],
        confounders=confounders(rng),
        grain=smooth(rng, 3.0),
        sinus=float(np.clip(rng.normal(0.8, 0.35), 0, 1.4)),
        scale=(x, y, z),
        turn=(rng.normal(0, 0.06), rng.normal(-0.03, 0.10), rng.normal(0, 0.035)),
        shift=(rng.normal(0, 3.0), rng.normal(-4, 3.0)),
        rest=(rng.uniform(110, 150), rng.uniform(3, 8)),
        field_mm=float(np.clip(rng.normal(236, 14), 216, 280)),
        lowest=LOWEST_MM + float(rng.normal(0, 4)),
        noise_sd=NOISE_SD * float(np.exp(rng.normal(0, 0.10))),
        left=float(rng.uniform(0.3, 0.9)),
        sharp=float(np.clip(rng.normal(1.0, 0.06), 0.85, 1.15)),
    )


def scan_patient(
    seed: int, number: int, matrix: int, slices: int, annotator_mm: float = 0.0
) -> Scan:
    """Generate patient `number` of the cohort `seed`; no other patient changes it.

    annotator_mm: SD of the annotator's hand around the true border.
    """
    rng = np.random.default_rng([seed, number])
    # so that any few dozen patients show every mixture in its proportion
    start = np.random.default_rng(seed).random()
    return scan(
        draw_patient(rng, (start + number * 0.6180339887) % 1.0), rng, matrix, slices, annotator_mm
    )


def scan(
    patient: Patient, rng: np.random.Generator, matrix: int, slices: int, annotator_mm: float = 0.0
) -> Scan:
    """Image a patient in `slices` slices of matrix x matrix pixels from skull base to vertex."""
    px = round(patient.field_mm / matrix, 4)
    spacing = round(SPAN_MM * patient.scale[2] / slices, 2)
    thick = min(spacing, THICK_MM)
    noise = patient.noise_sd * float(np.sqrt(THICK_MM / thick))
    scanner = Scanner(matrix, px, noise, patient.left, patient.sharp)
    hand = smooth(rng, 6.0)
    hu = np.empty((slices, matrix, matrix), np.int16)
    labels, tissue = np.empty(hu.shape, np.uint8), np.empty(hu.shape, np.uint8)
    lowest = patient.lowest + thick / 2
    for first in range(0, slices, BATCH):
        batch = range(first, min(first + BATCH, slices))
        painted = [_slice(patient, lowest + k * spacing, thick, px * matrix) for k in batch]
        true = np.stack([plane for plane, _, _ in painted])
        # the number of threads that share a sum decides its last digit, and so sometimes an HU
        with _threads().limit(limits=1, user_api="blas"):
            hu[first : first + BATCH] = scanner.images(true, *scanner.draw(rng, len(batch)))
        for k, (_, blood, seen) in zip(batch, painted, strict=True):
            labels[k] = _draw_labels(hu[k], blood, px, hand, annotator_mm, k * spacing)
            tissue[k] = cv2.resize(seen, (matrix, matrix), interpolation=cv2.INTER_NEAREST)
    return Scan(hu, labels, tissue, px, spacing, thick, round(lowest, 4))


@cache
def _threads() -> ThreadpoolController:
    return ThreadpoolController()


def _draw_labels(hu: Array, blood: Array, px: float, hand: Field, sd_mm: float, z: float) -> Array:
    """(H, W) uint8: the type of blood that fills most of a pixel of `hu`, drawn smoothly.

    Blood that the glare of bone hides is not drawn.
    """
    matrix = len(hu)
    found = np.zeros((matrix, matrix), np.uint8)
    if not blood.any():
        return found
    shares = [cv2.resize(b, (matrix, matrix), interpolation=cv2.INTER_LINEAR) for b in blood]
    if sd_mm:
        axis = np.arange(matrix, dtype=np.float32) * px
        x, y = np.meshgrid(axis, axis)
        off = [hand(x, y, np.full_like(x, z + far)) * sd_mm / px for far in (0.0, 90.0)]
        grid = [(a / px + d).astype(np.float32) for a, d in zip((x, y), off, strict=True)]
        shares = [cv2.remap(s, grid[0], grid[1], cv2.INTER_LINEAR) for s in shares]
    smooth_shares = np.stack([cv2.GaussianBlur(s, (0, 0), 0.7 / px) for s in shares])
    glare = cv2.GaussianBlur(hu.astype(np.float32), (0, 0), 0.7 / px) > BONE_HU
    drawn = (smooth_shares.sum(axis=0) > 0.5) & ~glare
    found[drawn] = smooth_shares.argmax(axis=0)[drawn] + 1
    return found


def _slice(it: Patient, middle: float, thick: float, field_mm: float) -> tuple[Array, Array, Array]:
    """True HU, blood (5, H, W) and tissue of one slice, averaged over its thickness."""
    heights = [middle + ((k + 0.5) / PLANES - 0.5) * thick for k in range(PLANES)]
    planes = [_plane(it, height, field_mm, thick / PLANES) for height in heights]
    hu = np.sum([plane.hu for plane in planes], axis=0) / PLANES
    blood = np.sum([plane.blood for plane in planes], axis=0) / PLANES
    return hu, blood, planes[-1].tissue


def _plane(it: Patient, height: float, field_mm: float, slab: float) -> Canvas:
    """Paint a thin plane of the head."""
    x, y, z = _coordinates(it, height, field_mm)
    whole = Canvas((FINER * POINTS, FINER * POINTS), field_mm / POINTS / FINER)
    whole.paint(whole.wall(_headrest(it, y, x), 1.2), Tissue.REST)
    depths = it.shells.depths(x, y, z)
    if depths[2].max() < -1:
        return whole
    head = _box(depths[2] > -4)
    canvas = whole.part(*head)
    x, y, z = x[head], y[head], z[head]
    inner, outer, skin, muscle, slope = (d[head] for d in depths)
    bumps = it.grain(0.5 * x, 0.5 * y, 0.5 * z)
    above = np.full_like(x, 99.0)
    if low := bool((z < 25).any()):
        ground = floor(x, y, bumps)
        above = (z - ground) * STEEP
    paint_shells(canvas, (inner, outer, skin, muscle, slope), above, it.grain(x, y, z), slab)
    if low:
        paint_base(canvas, x, y, z, ground, outer, skin, bumps)
        paint_frontal_sinus(canvas, it.sinus, x, y, z, inner)
    cut = gap(it.confounders, x, y, z)
    if cut.max() > -1:
        canvas.paint(canvas.solid(np.minimum(cut, outer + 1)), Tissue.MUSCLE)
    depth = np.minimum(inner, above)
    if depth.max() > -1:
        case = _box(depth > -4)
        at = Where(x[case], y[case], z[case], depth[case])
        _paint_inside(canvas.part(*case), it, at, slope[case], slab)
    return whole


def _paint_inside(canvas: Canvas, it: Patient, at: Where, slope: Array, slab: float) -> None:
    outside = np.zeros_like(at.x)
    before = at
    lifting = [(lesion, lesion.thickness(at)) for lesion in it.lesions if lesion.lifts]
    for _, thick in lifting:
        outside = np.maximum(outside, thick)
    for lesion in it.lesions:
        before = lesion.push(before)
    blur = canvas.px + slab * np.sqrt(np.clip(1 - canvas.up(slope) ** 2, 0, 1))
    top = edge(canvas.up(at.depth), blur)
    spaces = paint_brain(canvas, it.brain, before, outside, swelling(it.lesions, at), top)
    csf = np.maximum(np.maximum(spaces.subarachnoid, spaces.ventricle), 1 - top)
    paint_inside(canvas, it.confounders, before, csf)
    paint_blood(canvas, it.lesions, lifting, at, spaces, top)


def _headrest(it: Patient, y: Array, x: Array) -> Array:
    """Signed mm to the shell of the headrest, a trough behind the head (h, w)."""
    radius, away = it.rest
    trough = np.hypot(x, y - (radius - 103 - away)) - radius
    return np.where(y < 10, trough, 50.0)


def _box(some: Array) -> tuple[slice, slice]:
    """Rows and columns that contain all of `some` (h, w), and one more on every side."""
    found = (np.flatnonzero(some.any(axis=axis)) for axis in (1, 0))
    rows, columns = (slice(max(int(n[0]) - 1, 0), int(n[-1]) + 2) for n in found)
    return rows, columns


def _coordinates(it: Patient, height: float, field_mm: float) -> tuple[Array, Array, Array]:
    """Head coordinates (h, w) of a plane's points: the head is turned a little on the table."""
    axis = ((np.arange(POINTS) - (POINTS - 1) / 2) * field_mm / POINTS).astype(np.float32)
    left, back = np.meshgrid(axis - it.shift[0], axis - it.shift[1])
    yaw, pitch, roll = it.turn
    x = np.cos(yaw) * left - np.sin(yaw) * back
    y = -np.sin(yaw) * left - np.cos(yaw) * back
    z = height + np.tan(pitch) * y + np.tan(roll) * x
    x, y, z = ((a / s).astype(np.float32) for a, s in zip((x, y, z), it.scale, strict=True))
    return x, y, z
