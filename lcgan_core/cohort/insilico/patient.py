"""Patient k of seed s: a head, its haemorrhages, its CT slices and their labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lcgan_core.cohort.insilico.acquisition import NOISE_SD, scan_slice
from lcgan_core.cohort.insilico.brain import Brain, brain, paint_brain
from lcgan_core.cohort.insilico.fields import Field, smooth
from lcgan_core.cohort.insilico.hemorrhage import Lesion, Place, lesions, paint_blood, swelling
from lcgan_core.cohort.insilico.skull import Shells, paint_base, paint_shells, shells
from lcgan_core.cohort.insilico.tissues import Array, Canvas
from lcgan_core.labels import HEMORRHAGES

FIELD_MM = (222.0, 246.0)  # of view
LOWEST_MM, SPAN_MM = 5.0, 118.0
"""Height of the lowest slice's lower face, and from there to above the vertex."""
SUBSLICES = 2


@dataclass(frozen=True)
class Scan:
    """hu: (S, H, W) int16; labels and tissue: (S, H, W) uint8; slices from the feet up.

    pixel_spacing and slice_spacing: mm. Rows run to the back, columns to the patient's left.
    """

    hu: Array
    labels: Array
    tissue: Array
    pixel_spacing: float
    slice_spacing: float


@dataclass(frozen=True)
class Patient:
    """Anatomy, haemorrhages, and how the head lies: size, turn (radians) and shift (mm)."""

    shells: Shells
    brain: Brain
    lesions: list[Lesion]
    grain: Field
    scale: tuple[float, float, float]
    turn: tuple[float, float, float]
    shift: tuple[float, float]
    field_mm: float
    noise_sd: float


def draw_patient(rng: np.random.Generator) -> Patient:
    """Draw a patient."""
    size = rng.normal(1.0, 0.025)
    x, y, z = (float(size * rng.normal(1.0, 0.02)) for _ in range(3))
    return Patient(
        shells=shells(rng),
        brain=brain(rng),
        lesions=lesions(rng),
        grain=smooth(rng, 3.0),
        scale=(x, y, z),
        turn=(rng.normal(0, 0.06), rng.normal(0, 0.05), rng.normal(0, 0.025)),
        shift=(rng.normal(0, 3.0), rng.normal(-2, 3.0)),
        field_mm=float(rng.uniform(*FIELD_MM)),
        noise_sd=NOISE_SD * float(rng.normal(1.0, 0.08)),
    )


def scan(patient: Patient, rng: np.random.Generator, matrix: int, slices: int) -> Scan:
    """Image a patient in `slices` slices of matrix x matrix pixels from skull base to vertex."""
    px = round(patient.field_mm / matrix, 4)
    thick = round(SPAN_MM / slices, 2)
    hu = np.empty((slices, matrix, matrix), np.int16)
    labels = np.empty(hu.shape, np.uint8)
    tissue = np.empty(hu.shape, np.uint8)
    for k in range(slices):
        true, blood, tissue[k], depth = _slice(patient, LOWEST_MM + k * thick, thick, matrix, px)
        labels[k] = np.where(blood.sum(axis=0) > 0.5, blood.argmax(axis=0) + 1, 0)
        hu[k] = scan_slice(rng, true, depth, px, patient.noise_sd)
    return Scan(hu, labels, tissue, px, thick)


def scan_patient(seed: int, number: int, matrix: int, slices: int) -> Scan:
    """Generate patient `number` of the cohort `seed`; no other patient changes it."""
    rng = np.random.default_rng([seed, number])
    return scan(draw_patient(rng), rng, matrix, slices)


def _slice(it: Patient, low: float, thick: float, matrix: int, px: float) -> tuple[Array, ...]:
    """True HU, blood (5, H, W), tissue and depth of one slice, averaged over its thickness."""
    hu = np.zeros((matrix, matrix), np.float32)
    blood = np.zeros((len(HEMORRHAGES), matrix, matrix), np.float32)
    for k in range(SUBSLICES):
        height = low + (k + 0.5) / SUBSLICES * thick
        canvas, depth = _plane(it, height, matrix, px)
        hu += canvas.hu.reshape(matrix, matrix) / SUBSLICES
        blood += canvas.blood.reshape(blood.shape) / SUBSLICES
        if k == SUBSLICES // 2:
            tissue, middle = canvas.tissue.reshape(matrix, matrix), depth
    return hu, blood, tissue, middle


def _plane(it: Patient, height: float, matrix: int, px: float) -> tuple[Canvas, Array]:
    """Paint one infinitely thin plane; returns it and the depth below the inner table (H, W)."""
    x, y, z = _coordinates(it, height, matrix, px)
    depths = it.shells.depths(x, y, z)
    canvas = Canvas(matrix * matrix)
    flat = [a.ravel() for a in (x, y, z, *depths)]
    head = np.flatnonzero(flat[5] > -2 * px)
    if not len(head):
        return canvas, depths[0]
    hx, hy, hz, *hd = (a[head] for a in flat)
    part = Canvas(len(head))
    paint_shells(part, (hd[0], hd[1], hd[2], hd[3]), it.grain(hx, hy, hz), px)
    inner = np.flatnonzero(hd[0] > -px)
    if len(inner):
        at = Place(hx[inner], hy[inner], hz[inner], hd[0][inner], px)
        _paint_inside(part, inner, it, at)
    paint_base(part, hx, hy, hz, hd[0], it.grain(hz, 0.4 * hx, 0.4 * hy), px)
    canvas.hu[head], canvas.tissue[head], canvas.blood[:, head] = part.hu, part.tissue, part.blood
    return canvas, depths[0]


def _paint_inside(whole: Canvas, index: Array, it: Patient, at: Place) -> None:
    canvas = Canvas(len(index))
    canvas.hu, canvas.tissue = whole.hu[index], whole.tissue[index]
    outside = np.zeros_like(at.x)
    before = at
    for lesion in it.lesions:
        if lesion.name in ("EDH", "SDH"):
            outside = np.maximum(outside, lesion.thickness(at))
        x, y, z = lesion.push(before)
        before = Place(x, y, z, at.depth, at.px)
    spaces = paint_brain(
        canvas, it.brain, before.x, before.y, before.z, at.depth, outside,
        swelling(it.lesions, at), at.px,
    )  # fmt: skip
    paint_blood(canvas, it.lesions, at, spaces)
    whole.hu[index], whole.tissue[index], whole.blood[:, index] = (
        canvas.hu, canvas.tissue, canvas.blood,
    )  # fmt: skip


def _coordinates(it: Patient, height: float, matrix: int, px: float) -> tuple[Array, Array, Array]:
    """Head coordinates (H, W) of a plane's pixels: the head lies a little turned on the table."""
    axis = ((np.arange(matrix) - (matrix - 1) / 2) * px).astype(np.float32)
    left, back = np.meshgrid(axis - it.shift[0], axis - it.shift[1])
    yaw, pitch, roll = it.turn
    x = np.cos(yaw) * left - np.sin(yaw) * back
    y = -np.sin(yaw) * left - np.cos(yaw) * back
    z = height + np.tan(pitch) * y + np.tan(roll) * x
    return tuple((a / s).astype(np.float32) for a, s in zip((x, y, z), it.scale, strict=True))  # type: ignore[return-value]
