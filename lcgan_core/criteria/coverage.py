"""Do synthetic slices repeat the training slices, and do they cover them?

Both are asked in two spaces: grey levels outside the lesions, and features such as the judge's.
The distance of each synthetic slice to its nearest training slice is compared with the distance of
its real counterpart to the nearest slice of another patient.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from lcgan_core.criteria.kernel_distance import patient_halves
from lcgan_core.criteria.nearest import nearest, pixel_rmse
from lcgan_core.metrics.bootstrap import interval, patient_weights
from lcgan_core.training.placing import device

SPACES = ("pixels", "features")
RESAMPLES, SPLITS, MOST = 1000, 50, 2000
"""Resamples of patients, splits into halves, and the most slices in the kernel distance."""


@dataclass(frozen=True)
class Coverage:
    """neighbours: one row per slice; memorisation: per space; kernel: per set of slices."""

    neighbours: pd.DataFrame
    memorisation: pd.DataFrame
    kernel: pd.DataFrame


def nearest_pixels(images: Tensor, labels: Tensor, training: Tensor) -> tuple[Tensor, Tensor]:
    """(N,) distance and index of the training slice nearest to each synthetic slice.

    `images` (N, H, W) were painted from `labels` (N, H, W), the masks of the slices `training`.
    """
    return _pixels(images, labels, training)


def _pixels(
    images: Tensor, labels: Tensor, training: Tensor, groups: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    others, other_labels = training.to(device()), labels.to(device())
    return nearest(
        lambda rows: pixel_rmse(
            images[rows].to(device()), other_labels[rows], others, other_labels
        ).cpu(),
        len(images),
        groups,
        groups,
    )


def coverage(
    synthetic: Tensor,
    real: Tensor,
    labels: Tensor,
    patients: np.ndarray,
    features: Callable[[Tensor], Tensor],
    seed: int,
) -> Coverage:
    """Compare N synthetic slices with the N training slices of the same masks, all (N, H, W).

    patients (N,); `features` maps images (N, H, W) to vectors (N, F) on the CPU.
    """
    groups = torch.from_numpy(np.unique(patients, return_inverse=True)[1])
    painted, taken = features(synthetic), features(real)
    found = {
        "pixels": (_pixels(synthetic, labels, real), _pixels(real, labels, real, groups)),
        "features": (
            nearest(lambda rows: torch.cdist(painted[rows], taken), len(painted)),
            nearest(lambda rows: torch.cdist(taken[rows], taken), len(taken), groups, groups),
        ),
    }
    columns = {}
    for space, (of_synthetic, of_real) in found.items():
        columns[f"{space}_synthetic"] = of_synthetic[0].numpy()
        columns[f"{space}_nearest"] = of_synthetic[1].numpy()
        columns[f"{space}_real"] = of_real[0].numpy()
    neighbours = pd.DataFrame(columns)
    memorisation = [
        {
            "space": space,
            **_closer(
                neighbours[f"{space}_synthetic"], neighbours[f"{space}_real"], patients, seed
            ),
            "own": float((neighbours[f"{space}_nearest"] == neighbours.index).mean()),
        }
        for space in SPACES
    ]
    kernel = _kernel(taken, painted, groups, seed)
    return Coverage(neighbours, pd.DataFrame(memorisation), kernel)


def _closer(synthetic: pd.Series, real: pd.Series, patients: np.ndarray, seed: int) -> dict:
    """How often a synthetic slice is closer to its nearest slice than its real counterpart is.

    With an interval from resampled patients.
    """
    known = (synthetic.notna() & real.notna()).to_numpy()
    if not known.any():
        return {"closer": np.nan, "ci_low": np.nan, "ci_high": np.nan, "n": 0}
    closer = pd.DataFrame({"closer": synthetic[known] < real[known], "cases": 1})
    sums = closer.groupby(patients[known]).sum().to_numpy(np.float64)
    low = high = np.nan
    if len(sums) > 1:
        resampled = patient_weights(len(sums), RESAMPLES, seed) @ sums
        low, high = interval((resampled[:, 0] / resampled[:, 1])[:, None])[:, 0]
    return {
        "closer": float(closer.closer.mean()),
        "ci_low": float(low),
        "ci_high": float(high),
        "n": int(known.sum()),
    }


def _kernel(real: Tensor, synthetic: Tensor, groups: Tensor, seed: int) -> pd.DataFrame:
    """Kernel distance of synthetic, and of real, slices to the real slices of other patients."""
    generator = torch.Generator().manual_seed(seed)
    few = torch.randperm(len(real), generator=generator)[:MOST].sort().values
    apart = patient_halves(real[few], synthetic[few], groups[few], SPLITS, generator).numpy()
    known = np.isfinite(apart).all(1)
    ends = interval(apart[known]) if known.any() else np.full((2, 2), np.nan)
    means = apart[known].mean(0) if known.any() else (np.nan, np.nan)
    return pd.DataFrame(
        {
            "set": ["synthetic", "real"],
            "distance": means,
            "low": ends[0],
            "high": ends[1],
            "n": len(few) if known.any() else 0,
        }
    )
