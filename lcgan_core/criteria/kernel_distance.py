"""Kernel distance of two sets of feature vectors: how far apart they are as sets.

    x   (N, D)   float
    y   (M, D)   float

The unbiased estimate of the squared maximum mean discrepancy with the polynomial kernel
(x.y / D + 1)^3, as in KID: it may be negative, and its mean is 0 for two samples of the same
distribution. It is not a KID, since the features are the judge's and not those of an Inception
network. Source: Binkowski et al. 2018.
"""

from __future__ import annotations

import torch
from torch import Tensor


def kernel_distance(x: Tensor, y: Tensor) -> float:
    """Unbiased squared MMD; NaN where either set has fewer than two vectors.

    >>> x = torch.tensor([[0.0], [1.0]])
    >>> kernel_distance(x, x)  # (1 + 1 - (1 + 1 + 1 + 8) / 2)
    -3.5
    """
    if min(len(x), len(y)) < 2:
        return float("nan")
    x, y = x.double(), y.double()
    return float(
        _off_diagonal(_kernel(x, x)) + _off_diagonal(_kernel(y, y)) - 2 * _kernel(x, y).mean()
    )


def _kernel(x: Tensor, y: Tensor) -> Tensor:
    return (x @ y.T / x.shape[1] + 1) ** 3


def _off_diagonal(kernel: Tensor) -> Tensor:
    """Mean of a square matrix without its diagonal, where a vector meets itself."""
    count = len(kernel)
    return (kernel.sum() - kernel.diagonal().sum()) / (count * (count - 1))


def patient_halves(
    real: Tensor, synthetic: Tensor, groups: Tensor, splits: int, generator: torch.Generator
) -> Tensor:
    """(splits, 2) distance of half the patients' synthetic, then real, vectors to the others' real.

    `real` and `synthetic` (N, D); row by row both belong to the same patient of `groups` (N,). The
    second column is the floor: the distance between real slices of different patients.
    """
    patients = groups.unique()
    rows = []
    for _ in range(splits):
        shuffled = patients[torch.randperm(len(patients), generator=generator)]
        half = torch.isin(groups, shuffled[: len(shuffled) // 2])
        rows.append([kernel_distance(part[half], real[~half]) for part in (synthetic, real)])
    return torch.tensor(rows, dtype=torch.float64)
