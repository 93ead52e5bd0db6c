"""A scanner's noise: how much of it slices show in the brain, and copies that show as much.

    images   (N, H, W)   uint8 0..255, windowed

The deviation is estimated as by Immerkaer (1996), but with the median, so that lesions and edges do
not count: the difference of two Laplacians leaves noise and cancels whatever is smooth. Of noise
that neighbouring pixels share, as after resampling, it sees the part that differs from pixel to
pixel, which is the part that sharpness measures.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

KERNEL = torch.tensor([[1.0, -2.0, 1.0], [-2.0, 4.0, -2.0], [1.0, -2.0, 1.0]])
LARGEST = 8 * 255
"""The largest answer of the kernel."""
NORMAL_MEDIAN = 0.6745
"""Median distance from 0 of a standard normal number."""
BRAIN = (26, 178)
"""Grey levels between air and fluid below, and bone above: 10 to 70 HU in the default window."""
SATURATED = 2
"""Grey levels next to 0 and to 255 that count as air and bone: a network hardly reaches the end."""
BLOCK = 256
"""Slices looked at together."""


def deviation(images: Tensor) -> float:
    """Standard deviation of the noise in the brains of all slices together, in grey levels.

    Only pixels whose eight neighbours, too, have grey levels of brain count. NaN if there is none.
    """
    counts = torch.zeros(LARGEST + 1, dtype=torch.int64)
    for part in images.cpu().split(BLOCK):
        grey = part[:, None].float()
        other = ((grey < BRAIN[0]) | (grey > BRAIN[1])).float()
        answers = F.conv2d(grey, KERNEL[None, None]).abs()[F.max_pool2d(other, 3, 1) == 0]
        counts += torch.bincount(answers.round().long(), minlength=LARGEST + 1)
    if not counts.any():
        return float("nan")
    median = int((counts.cumsum(0) < counts.sum() / 2).sum())
    return median / (NORMAL_MEDIAN * float(KERNEL.norm()))


def add_missing(images: Tensor, real: Tensor, generator: torch.Generator) -> Tensor:
    """`images` with as much white noise as they lack beside `real`; unchanged if they lack none.

    Air and bone stay what they are: their HU lie far outside the window, where no noise shows.
    """
    has, wanted = deviation(images), deviation(real)
    missing = (wanted**2 - has**2) ** 0.5 if wanted > has else 0.0
    noise = missing * torch.randn(images.shape, generator=generator)
    noisy = (images + noise).round().clip(0, 255).to(torch.uint8)
    saturated = (images <= SATURATED) | (images >= 255 - SATURATED)
    return torch.where(saturated, images, noisy)
