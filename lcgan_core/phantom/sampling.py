"""A patient, sampled: anatomy, haemorrhages, how the head lies, and how it is scanned."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from lcgan_core.phantom.blood import Lesion
from lcgan_core.phantom.brain import Brain, brain
from lcgan_core.phantom.confounders import Confounder, confounders
from lcgan_core.phantom.fields import Field, smooth
from lcgan_core.phantom.lesions import draw, types
from lcgan_core.phantom.outlines import Outline
from lcgan_core.phantom.scanner import NOISE_SD, Scanner
from lcgan_core.phantom.skull import Crack, Shells, shells, swollen
from lcgan_core.phantom.tissues import Array

LOWEST_MM, SPAN_MM, THICK_MM = -24.0, 150.0, 5.0
"""mm: height of the lowest slice's lower face, from there past the vertex, the thickest slice."""
PLANES = 2
"""Thin planes that are averaged to a slice."""
YAW_SD = 0.28
"""SD (radians) of the turn of a head on the table, measured on real heads (data/real_heads.csv)."""
BRUISED, CRACKED = {"EDH": 0.7, "SDH": 0.3}, {"EDH": 0.8, "SDH": 0.1}
"""Proportions of haemorrhages under a bruise of the scalp and, of these, under a fracture; chosen
by us."""
KERNELS = ((0.80, 1.0, 0.09), (0.12, 1.40, 0.10), (0.08, 0.78, 0.05))
"""Proportion of scans with a usual, a sharp and a smooth kernel; mean and SD of its sharpness."""
TILTED, TILT_DEGREES = 0.65, (12.0, 6.0)
"""Proportion of scans with a tilted gantry, and mean and SD of its angle: of 525 head CTs of a
public set 65 per cent are tilted by more than a degree, these by 12 in the median."""
MIDDLE_MM = 45.0
"""Height at which a head lies in the middle of its series of slices."""
CUT_OFF = 0.04
"""Proportion of scans whose field of view cuts the head off; both chosen by us."""


@dataclass(frozen=True)
class Patient:
    """Anatomy, haemorrhages, and how the head lies: size, turn (radians), shift (mm), headrest
    (radius, distance, reach and half thickness, mm), motion; cracks: fractures of the skull.

    tilt: degrees by which the gantry leans; turn[1] is the angle between its slices and the head.
    outlines: haemorrhages of a patient of whom one slice is wanted, with this mask.
    """

    shells: Shells
    brain: Brain
    lesions: list[Lesion]
    confounders: list[Confounder]
    grain: Field
    sinus: float
    scale: tuple[float, float, float]
    turn: tuple[float, float, float]
    tilt: float
    shift: tuple[float, float]
    rest: tuple[float, float, float, float]
    motion: tuple[float, float, float]
    field_mm: float
    lowest: float
    noise_sd: float
    left: float
    sharp: float
    cracks: tuple[Crack, ...] = ()
    outlines: tuple[Outline, ...] = ()

    def thickness(self, slices: int) -> tuple[float, float]:
        """Spacing and thickness (mm) of a series of `slices` slices."""
        spacing = round(SPAN_MM * self.scale[2] / slices, 2)
        return spacing, min(spacing, THICK_MM)

    def scanner(self, matrix: int, px: float, thick: float) -> Scanner:
        """What images slices `thick` mm thick with pixels of `px` mm: thin slices are noisier."""
        noise = self.noise_sd * float(np.sqrt(THICK_MM / thick)) * max(self.sharp, 1.0)
        return Scanner(matrix, px, noise, self.left, self.sharp)

    def while_moving(self, plane: int, height: float) -> Patient:
        """The patient during one of a slice's PLANES: who moves does so during some slices."""
        left, turn, phase = self.motion
        now = max(float(np.sin(height / 9 + phase)), 0.0) * (plane - (PLANES - 1) / 2)
        if not now * left:
            return self
        moved = self.shift[0] + now * left, self.shift[1] + 0.5 * now * left
        return replace(self, shift=moved, turn=(self.turn[0] + now * turn, *self.turn[1:]))

    def in_head(self, left: Array, back: Array, height: float) -> tuple[Array, Array, Array]:
        """Head coordinates (mm, float32) of points of a plane, `left` and `back` mm from its
        middle: the head is turned a little on the table, and the gantry leans over it."""
        yaw, pitch, roll = self.turn
        up = height - MIDDLE_MM
        # slices are stacked along the table, which is neither upright on them nor the head's axis
        left = left - self.shift[0]
        back = back - self.shift[1] - up * np.tan(np.radians(self.tilt))
        across = np.cos(yaw) * left - np.sin(yaw) * back
        along = -np.sin(yaw) * left - np.cos(yaw) * back
        x = np.cos(roll) * across - np.sin(roll) * up
        y = np.cos(pitch) * along - np.sin(pitch) * up
        z = MIDDLE_MM + up / (np.cos(pitch) * np.cos(roll)) + np.tan(pitch) * y + np.tan(roll) * x
        x, y, z = ((a / s).astype(np.float32) for a, s in zip((x, y, z), self.scale, strict=True))
        return x, y, z


def draw_patient(rng: np.random.Generator, turn: float) -> Patient:
    """Sample a patient; `turn` 0..1 is the place among the cohort's mixtures of haemorrhages."""
    size = rng.normal(1.0, 0.025)
    x, y, z = (float(size * rng.normal(mean, 0.025)) for mean in (1.06, 0.99, 1.0))
    kinds = types(turn)
    inside = brain(rng, "IVH" in kinds)
    lesions = [it for kind in kinds for it in draw(rng, kind, inside)]
    hurt, cracks = _hurt(rng, shells(rng), lesions)
    return Patient(
        shells=hurt,
        brain=inside,
        lesions=lesions,
        confounders=confounders(rng),
        grain=smooth(rng, 3.0),
        sinus=float(np.clip(rng.normal(0.8, 0.35), 0, 1.4)),
        scale=(x, y, z),
        turn=(rng.normal(0, YAW_SD), rng.normal(-0.03, 0.12), rng.normal(0, 0.07)),
        tilt=_tilt(rng),
        shift=(rng.normal(0, 6.0), rng.normal(-4, 7.0)),
        rest=(
            rng.uniform(105, 145),
            rng.uniform(3, 9),
            rng.uniform(-40, 60),
            rng.uniform(0.5, 2.2),
        ),
        motion=_motion(rng),
        field_mm=_field(rng),
        lowest=LOWEST_MM + float(rng.normal(0, 4)),
        noise_sd=NOISE_SD * float(np.exp(rng.normal(0, 0.18))),
        left=float(rng.uniform(0.1, 0.5)),
        sharp=_sharpness(rng),
        cracks=cracks,
    )


def _field(rng: np.random.Generator) -> float:
    """mm of the field of view, which rarely is smaller than the head."""
    usual, small = float(np.clip(rng.normal(242, 14), 216, 285)), float(rng.uniform(185, 205))
    return small if rng.random() < CUT_OFF else usual


def _tilt(rng: np.random.Generator) -> float:
    """Degrees by which the gantry leans, in steps of half a degree."""
    degrees = float(np.clip(rng.normal(*TILT_DEGREES), 1, 30))
    return round(2 * degrees) / 2 if rng.random() < TILTED else 0.0


def _sharpness(rng: np.random.Generator) -> float:
    """Of the kernel: 1 is that of the real head that the scanner was fitted to."""
    share, mean, sd = zip(*KERNELS, strict=True)
    k = rng.choice(len(KERNELS), p=share)
    return float(mean[k] + sd[k] * np.clip(rng.normal(), -2.5, 2.5))


def _motion(rng: np.random.Generator) -> tuple[float, float, float]:
    """Shift (mm), turn (radians) and phase of a patient who moves, or zeros; chosen by us."""
    moves = rng.random() < 0.06
    return rng.uniform(2, 5) * moves, rng.uniform(-0.04, 0.04) * moves, rng.uniform(0, 6.3)


def _hurt(
    rng: np.random.Generator, found: Shells, lesions: list[Lesion]
) -> tuple[Shells, tuple[Crack, ...]]:
    """The scalp swells, and the skull may break, where the head was hit: over most EDH and some
    SDH."""
    cracks = []
    for it in lesions:
        if it.lifts and rng.random() < BRUISED[it.name]:
            height = float(42 + 70 * it.centre[1] + rng.normal(0, 10))
            found = swollen(found, it.centre[0], height, float(rng.uniform(3, 11)))
            if rng.random() < CRACKED[it.name]:
                turn, slant = it.centre[0] + rng.normal(0, 0.1), rng.uniform(-0.8, 0.8)
                size = rng.uniform(20, 60), float(np.clip(np.exp(rng.normal(-0.7, 0.5)), 0.2, 1.6))
                cracks.append((float(turn), height, float(slant), *size))
    return found, tuple(cracks)
