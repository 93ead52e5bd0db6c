"""Slices to train on and label maps to score, made quickly; their look does not matter."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def draw(n: int, size: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Images (n, size, size) uint8 and labels of the same shape: blobs of 1..5 on a tenth."""
    noise = torch.Generator().manual_seed(seed)
    coarse = torch.rand((3, n, 1, 8, 8), generator=noise)
    grey, where, what = (
        F.interpolate(part, (size, size), mode="bilinear", align_corners=False)[:, 0]
        for part in coarse
    )
    kind = 1 + (5 * what).clip(0, 4.99).to(torch.uint8)
    labels = torch.where(where > 0.75, kind, 0)
    return (255 * grey).to(torch.uint8), labels.to(torch.uint8)
