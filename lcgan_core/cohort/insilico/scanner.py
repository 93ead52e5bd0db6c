"""What a scanner makes of a slice: blur, coloured noise, beam hardening, rounding.

A coarse projection of each slice gives what only projections can: the errors that a polychromatic
beam leaves behind bone, and where the noise is strong. Texture and sharpness are laid on at the
matrix that is wanted, with a noise power spectrum and an edge response fitted to a real head.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from scipy import sparse

from lcgan_core.cohort.insilico.tissues import Array

HU_RANGE = (-1024, 3071)
NOISE_SD = 3.8
"""HU in the middle of a 5 mm slice at 120 kV (datasets guide 5.2)."""
BLUR_MM = 0.52
"""SD of the point spread, beyond what a painted pixel already blurs."""
NPS_PEAK, NPS_RISE = 0.305, 0.75
"""Noise power at f (1/mm) goes as f^RISE exp(-(f / PEAK)^2): fitted to data/real_head_nps.csv."""

GRID, ANGLES = 80, 60
"""Points along a row, and views, of the coarse projection."""
SPECTRUM = np.array([0.18, 0.26, 0.24, 0.19, 0.13])
WATER = np.array([0.268, 0.220, 0.195, 0.180, 0.169])
BONE = np.array([0.640, 0.395, 0.285, 0.230, 0.198])
"""Share of the detected beam at 40, 55, 70, 85 and 105 keV (120 kV behind a bow tie); attenuation
(1/cm) of water, and of bone per g/cm3 (NIST tables)."""
WATER_70 = 0.195


@dataclass(frozen=True)
class Projections:
    """Parallel-beam line integrals: `matrix` (ANGLES * bins, GRID^2), a view's bins together."""

    matrix: sparse.csr_matrix
    bins: int
    filtered: Array

    def forward(self, image: Array) -> Array:
        """(ANGLES, bins) sums over a (GRID, GRID) image, in pixels."""
        return np.asarray(self.matrix @ image.ravel()).reshape(ANGLES, self.bins)

    def back(self, views: Array) -> Array:
        """(GRID, GRID) mean over the views that cross each point."""
        return np.asarray(self.matrix.T @ views.ravel()).reshape(GRID, GRID) / ANGLES

    def reconstruct(self, views: Array) -> Array:
        """(GRID, GRID) filtered back projection, per pixel, with a Hann window."""
        transformed = np.fft.rfft(views, n=2 * self.bins, axis=1) * self.filtered
        return self.back(np.fft.irfft(transformed, axis=1)[:, : self.bins] * np.pi)


@cache
def projections() -> Projections:
    """The coarse projector; a pixel's value is shared between the two bins nearest its centre."""
    bins = GRID + 2
    axis = np.arange(GRID) - (GRID - 1) / 2
    x, y = np.meshgrid(axis, axis)
    pixel = np.flatnonzero(np.hypot(x, y) < GRID / 2)
    rows, columns, weights = [], [], []
    for k, angle in enumerate(np.arange(ANGLES) * np.pi / ANGLES):
        t = (x * np.cos(angle) + y * np.sin(angle)).ravel()[pixel] + (bins - 1) / 2
        low = np.floor(t).astype(int)
        for bin_, share in ((low, 1 - (t - low)), (low + 1, t - low)):
            rows.append(k * bins + bin_)
            columns.append(pixel)
            weights.append(share)
    shape = (ANGLES * bins, GRID * GRID)
    entries = np.concatenate(weights).astype(np.float32)
    matrix = sparse.csr_matrix((entries, (np.concatenate(rows), np.concatenate(columns))), shape)
    f = np.fft.rfftfreq(2 * bins)
    return Projections(matrix, bins, (f * (0.5 + 0.5 * np.cos(2 * np.pi * f))).astype(np.float32))


def hardening(water: Array, bone: Array) -> tuple[Array, Array]:
    """What a polychromatic beam gets wrong after the scanner's water correction, and its path.

    water, bone: line integrals in g/cm2. Returns, in 1/cm x cm at 70 keV: the error, 0 where there
    is no bone and negative behind much of it, and the attenuation as the detector meets it.
    """

    def seen(w: Array, b: Array | float) -> Array:
        weak = [s * np.exp(-u * w - v * b) for s, u, v in zip(SPECTRUM, WATER, BONE, strict=True)]
        return -np.log(np.sum(weak, axis=0))

    depths = np.linspace(0.0, 70.0, 141)
    met = seen(water, bone)
    corrected = np.interp(met, seen(depths, 0.0), depths * WATER_70)
    # to first order bone only reads as more water: scanners are calibrated for thin bone
    thin = np.interp(seen(water, 0.0) + 0.0, seen(depths, 0.0), depths * WATER_70)
    step = 0.5
    slope = (
        np.interp(seen(np.full(1, 18.0), step), seen(depths, 0.0), depths * WATER_70)
        - 18.0 * WATER_70
    ) / step
    return corrected - thin - slope * bone, met


@dataclass(frozen=True)
class Scanner:
    """One scan's settings: matrix, px (mm), noise (HU in the middle of the head), how much of the
    beam hardening its software leaves, and the sharpness of its kernel (1 is the usual one)."""

    matrix: int
    px: float
    noise_sd: float
    left: float
    sharp: float

    def image(self, rng: np.random.Generator, true: Array) -> Array:
        """(matrix, matrix) int16 HU of a slice whose true HU (H, W) fill the field of view."""
        errors, uneven = self._from_projections(rng, true)
        size = (self.matrix, self.matrix)
        fine = self.px * self.matrix / len(true)
        blurred = cv2.GaussianBlur(true, (0, 0), BLUR_MM / self.sharp / fine)
        shrink = self.matrix < len(true)
        seen = cv2.resize(
            blurred, size, interpolation=cv2.INTER_AREA if shrink else cv2.INTER_CUBIC
        )
        streaks: Array = cv2.resize(errors, size, interpolation=cv2.INTER_CUBIC)
        grain = self._grain(rng) * cv2.resize(uneven, size)
        return np.asarray(np.rint(seen + streaks + grain).clip(*HU_RANGE), dtype=np.int16)

    def _from_projections(self, rng: np.random.Generator, true: Array) -> tuple[Array, Array]:
        """Beam hardening and starved rays (HU), and the SD of the noise (HU), both (GRID, GRID)."""
        project = projections()
        cm = self.px * self.matrix / GRID / 10
        hu = cv2.resize(true, (GRID, GRID), interpolation=cv2.INTER_AREA)
        dense = np.clip(
            (cv2.resize(np.maximum(true - 150, 0), (GRID, GRID), interpolation=cv2.INTER_AREA))
            / 1000,
            0,
            2.5,
        )
        soft = np.clip(hu / 1000 + 1, 0, 1.1)
        water, bone = project.forward(soft) * cm, project.forward(dense) * cm
        wrong, met = hardening(water, bone)
        # quanta: the noisier a ray, the fewer come through; the far tail makes streaks
        variance = np.exp(met)
        starved = np.sqrt(np.maximum(variance - np.exp(5.6), 0)) * rng.standard_normal(met.shape)
        scale = self.noise_sd / 120.0
        views = self.left * wrong + 0.0012 * scale * starved
        errors = project.reconstruct(views.astype(np.float32)) / (cm * WATER_70) * 1000
        brain = (hu > 0) & (hu < 70)
        errors -= np.median(errors[brain]) if brain.any() else 0  # water reads 0 on average
        spread = np.sqrt(project.back(variance.astype(np.float32)))
        middle = np.exp(0.5 * 3.9)
        return errors.astype(np.float32), (self.noise_sd * spread / middle).astype(np.float32)

    def _grain(self, rng: np.random.Generator) -> Array:
        white = rng.standard_normal((self.matrix, self.matrix), dtype=np.float32)
        coloured = np.fft.irfft2(np.fft.rfft2(white) * _response(self.matrix, self.px, self.sharp))
        return np.asarray(coloured, dtype=np.float32)


@cache
def _response(matrix: int, px: float, sharp: float) -> Array:
    """Amplitude over frequency that turns white noise of SD 1 into the kernel's noise of SD 1."""
    f = np.hypot(*np.meshgrid(np.fft.rfftfreq(matrix, px), np.fft.fftfreq(matrix, px)))
    power = f**NPS_RISE * np.exp(-((f / (NPS_PEAK * sharp)) ** 2))
    mean = (2 * power.sum() - power[:, 0].sum() - power[:, -1].sum()) / matrix**2
    return np.asarray(np.sqrt(power / mean), dtype=np.float32)
