"""What a scanner makes of slices: blur, coloured noise, beam hardening, rounding.

A coarse projection of each slice gives what only projections can: the errors that a polychromatic
beam leaves behind bone, and where the noise is strong. Texture and sharpness are added at the final
matrix, with a noise power spectrum and an edge response fitted to a real head.

The same code takes NumPy arrays and torch tensors on any device; random numbers are sampled first.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from scipy import sparse
from threadpoolctl import ThreadpoolController

from lcgan_core.phantom.arrays import Values, namespace
from lcgan_core.phantom.tissues import Array

HU_RANGE = (-1024, 3071)
NOISE_SD = 2.8
"""SD of the noise, HU, in the middle of a 5 mm slice at 120 kV."""
BLUR_MM = 0.52
"""SD of the point spread, beyond the blur of a painted pixel."""
NPS_PEAK, NPS_RISE = 0.305, 0.75
"""Noise power at f (1/mm) goes as f^RISE exp(-(f / PEAK)^2): fitted to data/real_head_noise.csv."""

GRID, ANGLES = 80, 60
"""Points along a row, and views, of the coarse projection."""
BINS = GRID + 2
"""Bins of a view's detector."""
SPECTRUM = (0.18, 0.26, 0.24, 0.19, 0.13)
WATER = (0.268, 0.220, 0.195, 0.180, 0.169)
BONE = (0.640, 0.395, 0.285, 0.230, 0.198)
"""Proportion of the detected beam at 40, 55, 70, 85 and 105 keV (120 kV behind a bow tie);
attenuation (1/cm) of water, and of bone per g/cm3 (NIST tables)."""
WATER_70 = 0.195


@dataclass(frozen=True)
class Scanner:
    """One scan's settings: matrix, px (mm), noise (HU in the middle of the head), how much of the
    beam hardening its software leaves, and the sharpness of its kernel (1 is the usual one)."""

    matrix: int
    px: float
    noise_sd: float
    left: float
    sharp: float

    def draw(self, rng: np.random.Generator, slices: int) -> tuple[Array, Array]:
        """Standard normal float32: (S, ANGLES, BINS) of the rays, (S, matrix, matrix) of the noise.

        A slice's numbers are sampled together, so that a longer series begins like a shorter one.
        """
        rays = np.empty((slices, ANGLES, BINS), np.float32)
        white = np.empty((slices, self.matrix, self.matrix), np.float32)
        for ray, pixel in zip(rays, white, strict=True):
            ray[:] = rng.standard_normal(ray.shape)
            rng.standard_normal(out=pixel, dtype=np.float32)
        return rays, white

    def take(self, true: Array, rng: np.random.Generator, moved: Array | None = None) -> Array:
        """(S, matrix, matrix) int16 HU: `images` with random numbers of `rng`."""
        # the number of threads that share a sum decides its last digit, and so sometimes an HU
        with _threads().limit(limits=1, user_api="blas"):
            return np.asarray(self.images(true, *self.draw(rng, len(true)), moved))

    def images(
        self, true: Values, rays: Values, white: Values, moved: Values | None = None
    ) -> Values:
        """(S, matrix, matrix) int16 HU of slices whose true HU (S, H, H) fill the field of view.

        rays, white: from `draw`; moved: HU (S, H, H) by which slices changed meanwhile; all NumPy
        arrays, or float32 tensors on one device.
        """
        xp, bring = namespace(true)
        side, size = true.shape[-1], self.matrix
        blur = BLUR_MM / self.sharp * side / (self.px * size)
        scale = cv2.INTER_AREA if size < side else cv2.INTER_CUBIC
        see = bring(_resampling(side, size, scale, blur))
        cubic = bring(_resampling(GRID, size, cv2.INTER_CUBIC))
        linear = bring(_resampling(GRID, size, cv2.INTER_LINEAR))
        errors, uneven = self._from_projections(true, rays, moved)
        grain = self._grain(white) * (linear @ uneven @ linear.T)
        hu = see @ true @ see.T + cubic @ errors @ cubic.T + grain
        return xp.asarray(xp.clip(xp.round(hu), *HU_RANGE), dtype=xp.int16)

    def _grain(self, white: Values) -> Values:
        """White noise (S, matrix, matrix) of SD 1 in the colours of the kernel, again of SD 1."""
        xp, bring = namespace(white)
        colour = bring(_response(self.matrix, self.px, self.sharp))
        # without a norm NumPy computes in double precision, which takes seven times as long
        return xp.fft.irfft2(xp.fft.rfft2(white, norm="ortho") * colour, norm="ortho")

    def _from_projections(
        self, true: Values, rays: Values, moved: Values | None = None
    ) -> tuple[Values, Values]:
        """Beam hardening, starved rays and motion, and the SD of the noise, HU, (S, GRID, GRID)."""
        xp, bring = namespace(true)
        cm = self.px * self.matrix / GRID / 10
        coarse = bring(_resampling(true.shape[-1], GRID, cv2.INTER_AREA))
        project = bring(projector())

        def forward(images: Values) -> Values:
            """(S, ANGLES, BINS) line integrals of images per cm."""
            sums = project @ images.reshape(-1, GRID * GRID).T
            return sums.T.reshape(-1, ANGLES, BINS) * cm

        def back(views: Values) -> Values:
            """(S, GRID, GRID) mean over the views that cross each point."""
            sums = project.T @ views.reshape(-1, ANGLES * BINS).T
            return sums.T.reshape(-1, GRID, GRID) / ANGLES

        hu = coarse @ true @ coarse.T
        dense = coarse @ xp.clip(true - 150, 0, None) @ coarse.T
        wrong, met = hardening(
            forward(xp.clip(hu / 1000 + 1, 0, 1.1)), forward(xp.clip(dense / 1000, 0, 2.5))
        )
        # photon noise: the fewer photons a ray has left, the noisier; the far tail makes streaks
        variance = xp.exp(met)
        starved = xp.sqrt(xp.clip(variance - float(np.exp(5.6)), 0, None)) * rays
        scale = self.noise_sd / 120.0
        views = self.left * wrong + 0.0012 * scale * starved
        if moved is not None:  # half of the views see the slice before it moved, half after it
            change = forward(coarse @ moved @ coarse.T) * (WATER_70 / 1000)
            when = np.sign(np.arange(ANGLES) - (ANGLES - 1) / 2).astype(np.float32) / 2
            views = views + change * bring(when[:, None])
        filtered = xp.fft.irfft(xp.fft.rfft(views, 2 * BINS) * bring(_ramp()))[..., :BINS] * np.pi
        errors = back(filtered) / (cm * WATER_70) * 1000
        errors = errors - _middle((hu > 0) & (hu < 70), errors)  # water reads 0 on average
        return errors, xp.sqrt(back(variance)) * (self.noise_sd / float(np.exp(0.5 * 3.9)))


@cache
def _threads() -> ThreadpoolController:
    return ThreadpoolController()


def _middle(where: Values, values: Values) -> Values:
    """(S, 1, 1) median of values (S, H, W) `where` (S, H, W) is true, 0 where it never is."""
    xp, _ = namespace(values)
    middles = 0 * values[:, :1, :1]
    for middle, here, image in zip(middles, where, values, strict=True):
        if here.any():
            middle[:] = xp.quantile(image[here], 0.5)
    return middles


def hardening(water: Values, bone: Values) -> tuple[Values, Values]:
    """What a polychromatic beam gets wrong after the scanner's water correction, and its path.

    water, bone: line integrals in g/cm2. Returns, in 1/cm x cm at 70 keV: the error, 0 where there
    is no bone and negative behind much of it, and the attenuation that the detector measures.
    """
    met = _met(water, bone)
    corrected = 0 * met
    for factor in _correction()[::-1]:
        corrected = corrected * met + factor
    # to first order bone only reads as more water: scanners are calibrated for thin bone
    return corrected - water * WATER_70 - _slope() * bone, met


def _met(water: Values, bone: Values) -> Values:
    """Attenuation that the detector measures behind line integrals of g/cm2."""
    xp, _ = namespace(water)
    beam = zip(SPECTRUM, WATER, BONE, strict=True)
    return -xp.log(sum(s * xp.exp(-u * water - v * bone) for s, u, v in beam))


@cache
def _correction() -> tuple[float, ...]:
    """Powers of the measured attenuation that give water * WATER_70 behind 0 to 70 cm of water."""
    depths = np.linspace(0.0, 70.0, 141)
    met = _met(depths, 0 * depths)
    fit = np.polynomial.Polynomial.fit(met, depths * WATER_70, 7)
    return tuple(fit.convert().coef.tolist())


@cache
def _slope() -> float:
    """What thin bone reads as, per g/cm2, behind 18 cm of water."""
    thin = np.array([0.5])
    met = _met(0 * thin + 18.0, thin)
    return float(((np.polyval(_correction()[::-1], met) - 18.0 * WATER_70) / thin)[0])


@cache
def projector() -> sparse.csr_matrix:
    """Parallel-beam line integrals in pixels, (ANGLES * BINS, GRID^2), a view's bins together.

    A pixel's value is shared between the two bins nearest its centre.
    """
    axis = np.arange(GRID) - (GRID - 1) / 2
    x, y = np.meshgrid(axis, axis)
    pixel = np.flatnonzero(np.hypot(x, y) < GRID / 2)
    rows, columns, weights = [], [], []
    for k, angle in enumerate(np.arange(ANGLES) * np.pi / ANGLES):
        t = (x * np.cos(angle) + y * np.sin(angle)).ravel()[pixel] + (BINS - 1) / 2
        low = np.floor(t).astype(int)
        for bin_, share in ((low, 1 - (t - low)), (low + 1, t - low)):
            rows.append(k * BINS + bin_)
            columns.append(pixel)
            weights.append(share)
    shape = (ANGLES * BINS, GRID * GRID)
    entries = np.concatenate(weights).astype(np.float32)
    return sparse.csr_matrix((entries, (np.concatenate(rows), np.concatenate(columns))), shape)


def _ramp() -> Array:
    """The ramp with a Hann window that filtered back projection multiplies a view's spectrum by."""
    f = np.fft.rfftfreq(2 * BINS)
    return np.asarray(f * (0.5 + 0.5 * np.cos(2 * np.pi * f)), dtype=np.float32)


def _resampling(many: int, few: int, how: int, blur: float = 0.0) -> Array:
    """(few, many) matrix that blurs `many` samples (SD in samples) and resamples them to `few`.

    how: a cv2.INTER_ constant. OpenCV works line by line: its response to impulses is its matrix.
    """
    impulses: Array = np.eye(many, dtype=np.float32)
    if blur:
        impulses = cv2.GaussianBlur(impulses, (1, 0), blur)
    return np.asarray(cv2.resize(impulses, (many, few), interpolation=how))


def _response(matrix: int, px: float, sharp: float) -> Array:
    """Amplitude over frequency that turns white noise of SD 1 into the kernel's noise of SD 1."""
    f = np.hypot(*np.meshgrid(np.fft.rfftfreq(matrix, px), np.fft.fftfreq(matrix, px)))
    power = f**NPS_RISE * np.exp(-((f / (NPS_PEAK * sharp)) ** 2))
    mean = (2 * power.sum() - power[:, 0].sum() - power[:, -1].sum()) / matrix**2
    return np.asarray(np.sqrt(power / mean), dtype=np.float32)
