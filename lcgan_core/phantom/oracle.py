"""The oracle: a new in-silico patient around every mask, the best that a generator could paint.

Of the mask the phantom keeps the outline of every haemorrhage on the slice; what a label map does
not say is drawn as for any patient of the cohort: attenuation, lumps, fluid levels and the rim of
oedema. Parenchymal blood displaces the brain as a ball of the same section would, extra-axial blood
as a layer of the same thickness, both as if the slice went through their middle; other blood
displaces nothing. A mask does not say how blood goes on above and below: its border is as soft as
those of the phantom are on average.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor

from lcgan_core.cohort.resampling import resample
from lcgan_core.cohort.windows import to_window
from lcgan_core.copies.base import Originals
from lcgan_core.errors import UserError
from lcgan_core.lesions import LABELS
from lcgan_core.phantom.blood import Lesion
from lcgan_core.phantom.fitting import LEANS_MM, Mask, depth, fitted, mask_of
from lcgan_core.phantom.lesions import of_volume, types
from lcgan_core.phantom.outlines import Outline, distance
from lcgan_core.phantom.patient import jolt, paint_slice, together
from lcgan_core.phantom.sampling import Patient, draw_patient
from lcgan_core.phantom.tissues import Array
from lcgan_core.protocol.config import IN_SILICO, Config
from lcgan_core.run.progress import progress

TRIES, ENOUGH = 4, 2.5
"""Heads that are tried for a mask, and what one may lack: mm by which its skull had to be bulged,
and per cent of the mask that lie outside it nevertheless."""


def copies(
    originals: Originals, generator: torch.Generator, config: Config
) -> tuple[Tensor, Tensor]:
    """A new patient's slice (N, H, W) uint8 around each mask of an in-silico subset, and the masks.

    Raises UserError for a cohort of one's own.
    """
    if config.cohort.source != IN_SILICO:
        raise UserError(
            "The arm oracle needs the in-silico cohort, because a real scan has no simulator; "
            "leave it out."
        )
    table, labels = originals.table, originals.labels.cpu()
    seed = int(torch.randint(2**62, (1,), generator=generator))
    hu = paint(
        labels.numpy(), table.pixel_spacing_mm.to_numpy(), table.position_mm.to_numpy(),
        config.cohort.matrix, config.cohort.slices, seed,
    )  # fmt: skip
    window = config.window
    return to_window(torch.from_numpy(hu), window.level, window.width), labels


def paint(
    labels: Array, pixel_mm: Array, height_mm: Array, matrix: int, slices: int, seed: int
) -> Array:
    """(N, H, W) int16 HU: a slice of a new patient around each mask of labels (N, H, W) 0..5.

    pixel_mm, height_mm: (N,) size of a pixel, and height of the slice above the orbitomeatal plane;
    matrix, slices: of the series that the slices are from. Slice k depends on no other.
    """
    hu = np.empty(labels.shape, np.int16)
    each = zip(labels, pixel_mm.tolist(), height_mm.tolist(), strict=True)
    for k, (mask, px, height) in enumerate(progress(each, "oracle", "slice", len(labels))):
        rng = np.random.default_rng([seed, k])
        patient, height = _patient_around(rng, mask, px, height)
        hu[k] = _scan(rng, patient, height, px, len(mask), matrix, slices)
    return hu


def _patient_around(
    rng: np.random.Generator, labels: Array, px: float, height: float
) -> tuple[Patient, float]:
    """A patient with the haemorrhages of labels (H, W), px mm a pixel, and the slice's height."""
    if not labels.any():
        return replace(draw_patient(rng, rng.random()), lesions=[]), height
    mask = mask_of(labels, px, height)
    best: tuple[float, Patient, float] | None = None
    for _ in range(TRIES):
        # blood in the ventricles widens them, and so the phantom is told of it
        turn = next(
            t for t in iter(rng.random, None) if ("IVH" in types(t)) == (LABELS["IVH"] in labels)
        )
        patient, at, lacks = fitted(replace(draw_patient(rng, turn), lesions=[]), mask)
        lacks += 100 * float((depth(patient, replace(mask, height=at)) < 0).mean())
        if best is None or lacks < best[0]:
            best = lacks, patient, at
        if lacks <= ENOUGH:
            break
    assert best is not None
    _, patient, at = best
    return replace(patient, outlines=_outlines(rng, patient, labels, px, at)), at


def _outlines(
    rng: np.random.Generator, it: Patient, labels: Array, px: float, height: float
) -> tuple[Outline, ...]:
    """Each connected part of a mask; the parts of a type are of one blood, as in any patient."""
    found = []
    for name, label in LABELS.items():
        parts, n = ndimage.label(labels == label, np.ones((3, 3)))
        if not n:
            continue
        square = float((parts > 0).sum()) * px**2
        like = of_volume(rng, name, it.brain, square**1.5 / 1000)[0]
        for part in (parts == k for k in range(1, n + 1)):
            points = mask_of(np.where(part, labels, 0), px, height)
            placed = _placed(like, it, points, float(part.sum()) * px**2)
            found.append(Outline(placed, distance(part, px), px))
    return tuple(found)


def _placed(like: Lesion, it: Patient, part: Mask, square: float) -> Lesion:
    """`like` where a part of a mask of `square` mm2 lies, to push aside what is there."""
    x, y, z = (a.mean().item() for a in it.in_head(part.left, part.back, part.height))
    if like.name == "IPH":
        return replace(like, centre=(x, y, z), radii=(float(np.sqrt(square / np.pi)),) * 3)
    if like.name not in ("EDH", "SDH"):
        return like
    deep = depth(it, part)
    if deep.min() > LEANS_MM / 2:
        return replace(like, on="falx")
    centre = (float(np.arctan2(x, y)), (z - 42) / 70, 0.0)
    return replace(like, on="skull", centre=centre, thick=float(deep.max()))


def _scan(
    rng: np.random.Generator, it: Patient, height: float, px: float, size: int, matrix: int,
    slices: int,
) -> Array:  # fmt: skip
    """(size, size) int16 HU: the slice at a height, scanned as a series and read as a store."""
    fine = round(px * size / matrix, 4)
    _, thick = it.thickness(slices)
    true, _, _ = paint_slice(it, height, thick, fine * matrix)
    moved = together([jolt(it, height, thick, fine * matrix)])
    hu = it.scanner(matrix, fine, thick).take(true[None], rng, moved)[0]
    return resample(hu, np.zeros_like(hu, np.uint8), (fine, fine), size)[0]
