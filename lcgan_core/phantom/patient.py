"""Patient k of seed s: a head, its haemorrhages, its CT slices and their labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from lcgan_core.phantom.annotator import draw_labels
from lcgan_core.phantom.base import STEEP, floor, paint_base
from lcgan_core.phantom.blood import paint_blood, swelling
from lcgan_core.phantom.brain import Where, paint_brain
from lcgan_core.phantom.confounders import (
    gap,
    paint_devices,
    paint_inside,
)
from lcgan_core.phantom.fields import smooth
from lcgan_core.phantom.outlines import paint_outlines
from lcgan_core.phantom.sampling import PLANES, Patient, draw_patient
from lcgan_core.phantom.skull import (
    paint_frontal_sinus,
    paint_seams,
    paint_shells,
)
from lcgan_core.phantom.tissues import FINER, Array, Canvas, Tissue, around, edge

POINTS = 128
"""Points along a row of the geometry's grid; slices are painted FINER times as finely."""
BATCH = 8
"""Slices imaged together: memory does not grow with the series."""


@dataclass(frozen=True)
class Scan:
    """hu: (S, H, W) int16; labels and tissue: (S, H, W) uint8; slices from the feet up.

    pixel_spacing, slice_spacing, thickness and lowest (the height of the first slice's middle): mm,
    along the slices' normal; tilt: degrees by which the front of a slice lies higher than its back.
    Rows run to the back, columns to the patient's left.
    """

    hu: Array
    labels: Array
    tissue: Array
    pixel_spacing: float
    slice_spacing: float
    thickness: float
    lowest: float
    tilt: float

    def height(self, k: int) -> float:
        """Height (mm) of the middle of slice k."""
        return round(self.lowest + k * self.slice_spacing, 4)


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
    spacing, thick = patient.thickness(slices)
    scanner = patient.scanner(matrix, px, thick)
    hand = smooth(rng, 6.0)
    hu = np.empty((slices, matrix, matrix), np.int16)
    labels, tissue = np.empty(hu.shape, np.uint8), np.empty(hu.shape, np.uint8)
    lowest = patient.lowest + thick / 2
    for first in range(0, slices, BATCH):
        batch = range(first, min(first + BATCH, slices))
        heights = [lowest + k * spacing for k in batch]
        painted = [paint_slice(patient, z, thick, px * matrix) for z in heights]
        moved = [jolt(patient, z, thick, px * matrix) for z in heights]
        true = np.stack([true for true, _, _ in painted])
        hu[first : first + BATCH] = scanner.take(true, rng, together(moved))
        for k, (_, blood, seen) in zip(batch, painted, strict=True):
            labels[k] = draw_labels(hu[k], blood, px, hand, annotator_mm, k * spacing)
            tissue[k] = cv2.resize(seen, (matrix, matrix), interpolation=cv2.INTER_NEAREST)
    return Scan(hu, labels, tissue, px, spacing, thick, round(lowest, 4), patient.tilt)


def paint_slice(
    it: Patient, middle: float, thick: float, field_mm: float
) -> tuple[Array, Array, Array]:
    """True HU, blood (5, H, W) and tissue of one slice, averaged over its thickness."""
    heights = [middle + ((k + 0.5) / PLANES - 0.5) * thick for k in range(PLANES)]
    planes = [
        _plane(it.while_moving(k, middle), height, field_mm, thick / PLANES)
        for k, height in enumerate(heights)
    ]
    hu, blood = planes[0].hu, planes[0].blood
    for plane in planes[1:]:
        hu += plane.hu
        if plane.blood.any():
            blood += plane.blood
    return hu / PLANES, blood / PLANES if blood.any() else blood, planes[-1].tissue


def jolt(it: Patient, middle: float, thick: float, field_mm: float) -> Array | None:
    """HU (H, W) by which a slice changes while it is scanned; None where the patient lies still."""
    first, last = (it.while_moving(k, middle) for k in (0, PLANES - 1))
    if first is it:
        return None
    before, after = (_plane(p, middle, field_mm, thick / PLANES).hu for p in (first, last))
    return np.asarray(after - before)


def together(moved: Sequence[Array | None]) -> Array | None:
    """(S, H, W): what `jolt` gave for each slice of a batch, or None if no slice has any."""
    some = next((a for a in moved if a is not None), None)
    return None if some is None else np.stack([0 * some if a is None else a for a in moved])


def _plane(it: Patient, height: float, field_mm: float, slab: float) -> Canvas:
    """Paint a thin plane of the head."""
    axis = ((np.arange(POINTS) - (POINTS - 1) / 2) * field_mm / POINTS).astype(np.float32)
    left, back = np.meshgrid(axis, axis)
    x, y, z = it.in_head(left, back, height)
    whole = Canvas((FINER * POINTS, FINER * POINTS), field_mm / POINTS / FINER)
    rest = _headrest(it, left, back)
    if box := around(np.abs(rest) < 6):
        part = whole.part(box)
        part.paint(part.wall(rest[box], it.rest[3]), Tissue.REST)
    depths = it.shells.depths(x, y, z)
    head = around(depths[2] > -4)
    if head is None or depths[2].max() < -1:
        return whole
    canvas = whole.part(head)
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
    paint_seams(canvas, x, y, z, np.minimum(outer, -inner), bumps, it.cracks)
    cut = gap(it.confounders, x, y, z)
    if cut.max() > -1:
        canvas.fill(np.minimum(cut, outer + 1), Tissue.MUSCLE)
    depth = np.minimum(inner, above)
    if depth.max() > -1 and (case := around(depth > -4)):
        at = Where(x[case], y[case], z[case], depth[case])
        place = left[head][case], back[head][case]
        _paint_inside(canvas.part(case), it, at, place, slope[case], slab)
    paint_devices(canvas, it.confounders, x, y, z)
    return whole


def _paint_inside(
    canvas: Canvas, it: Patient, at: Where, place: tuple[Array, Array], slope: Array, slab: float
) -> None:
    outside = np.zeros_like(at.x)
    before = at
    lifting = [(lesion, lesion.thickness(at)) for lesion in it.lesions if lesion.lifts]
    for _, thick in lifting:
        outside = np.maximum(outside, thick)
    drawn = [(outline, outline.inside(at, *place)) for outline in it.outlines]
    for outline, inside in drawn:
        outside = np.maximum(outside, outline.thickness(at, inside))
    for lesion in (*it.lesions, *(outline.like for outline in it.outlines)):
        before = lesion.push(before)
    blur = canvas.px + slab * np.sqrt(np.clip(1 - canvas.up(slope) ** 2, 0, 1))
    top = edge(canvas.up(at.depth), blur)
    spaces = paint_brain(canvas, it.brain, before, outside, swelling(it.lesions, at), top)
    csf = np.maximum(np.maximum(spaces.subarachnoid, spaces.ventricle), 1 - top)
    paint_inside(canvas, it.confounders, before, csf)
    paint_blood(canvas, it.lesions, lifting, at, spaces, top)
    paint_outlines(canvas, drawn, at, spaces, top)


def _headrest(it: Patient, left: Array, back: Array) -> Array:
    """Signed mm to the shell of the headrest, a trough behind the head and beside it (h, w)."""
    radius, away, reach, _ = it.rest
    left, back = left - it.shift[0], back - it.shift[1]
    behind = np.maximum(back - (103 * it.scale[1] + away - radius), 0)
    return np.where(back > -reach, np.hypot(left, behind) - radius, 50.0)
