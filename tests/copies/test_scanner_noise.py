"""A scanner's noise: estimated on pictures whose noise is known, and added where it is missing."""

import numpy as np
import pytest
import torch

from lcgan_core.copies.scanner_noise import add_missing, deviation


def heads(noise, count=4, size=128, seed=0):
    """Slices of a brain with gentle shading, a lesion and a skull in air, and noise in grey levels:
    windowed, as a scanner's would be."""
    random = np.random.default_rng(seed)
    at = np.arange(size) - size / 2 + 0.5
    away = np.hypot(at[:, None], at[None])
    brain = 90 + 8 * np.sin(at[:, None] / 20) + 6 * np.cos(at[None] / 15)
    brain = np.where(np.hypot(at[:, None] - 10, at[None] + 12) < 9, 160, brain)
    smooth = np.where(away < 0.4 * size, brain, np.where(away < 0.44 * size, 2500, -2500))
    noisy = smooth + random.normal(0, noise, (count, size, size))
    return torch.from_numpy(noisy.round().clip(0, 255).astype(np.uint8))


@pytest.mark.parametrize("noise", [3.0, 6.0, 12.0])
def test_known_noise_is_found(noise):
    # rounding to whole grey levels adds a variance of 1 / 12
    assert deviation(heads(noise)) == pytest.approx((noise**2 + 1 / 12) ** 0.5, rel=0.05)


def test_a_smooth_picture_has_hardly_any():
    assert deviation(heads(0)) < 0.6


def test_what_is_missing_is_added_in_the_brain_and_nowhere_else():
    real, smooth = heads(8.0), heads(3.0, seed=1)
    made = add_missing(smooth, real, torch.Generator().manual_seed(0))
    assert deviation(made) == pytest.approx(deviation(real), rel=0.05)
    added = made.float() - smooth.float()
    brain = (smooth > 40) & (smooth < 215)
    assert added[brain].std() == pytest.approx(55**0.5, rel=0.05)  # 8^2 = 3^2 + 55
    assert abs(added[brain].mean()) < 0.2
    saturated = (smooth == 0) | (smooth == 255)
    assert saturated.float().mean() > 0.3
    assert torch.equal(made[saturated], smooth[saturated])


def test_a_noisier_picture_than_the_real_ones_gets_none():
    noisy = heads(8.0)
    assert torch.equal(add_missing(noisy, heads(3.0), torch.Generator()), noisy)


def test_slices_without_brain_get_none():
    air = torch.zeros(2, 64, 64, dtype=torch.uint8)
    assert np.isnan(deviation(air))
    assert torch.equal(add_missing(air, air, torch.Generator()), air)


def test_the_generator_decides():
    smooth, real = heads(1.0), heads(6.0)
    first, again, other = (
        add_missing(smooth, real, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)
    )
    assert torch.equal(first, again) and not torch.equal(first, other)
