"""Do synthetic slices repeat the training slices, and do they cover them?

In two spaces: grey levels outside the lesions, and the judge's features. Beside each distance of a
synthetic slice to its nearest training slice stands the distance of its real counterpart to the
nearest slice of another patient.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from lcgan_core.criteria.kernel_distance import patient_halves
from lcgan_core.criteria.nearest import nearest, pixel_rmse
from lcgan_core.metrics.bootstrap import interval, patient_weights
from lcgan_core.models import FCN8s
from lcgan_core.segmenters.fcn8s import features
from lcgan_core.training.placing import device

SPACES = ("pixels", "features")
RESAMPLES, SPLITS, MOST = 1000, 50, 2000
"""Bootstrap draws of patients, splits into halves, and slices in the kernel distance at most."""


@dataclass(frozen=True)
class Coverage:
    """neighbours: a row a slice; shares: a row a space; kernel: synthetic and real, a row each."""

    neighbours: pd.DataFrame
    shares: pd.DataFrame
    kernel: pd.DataFrame


def nearest_pixels(images: Tensor, labels: Tensor, training: Tensor) -> tuple[Tensor, Tensor]:
    """(N,) distance and number of the training slice nearest to each synthetic slice.

    `images` (N, H, W) painted from `labels` (N, H, W), whose real slices are `training`.
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
    synthetic: Tensor, real: Tensor, labels: Tensor, patients: np.ndarray, fcn: FCN8s, seed: int
) -> Coverage:
    """Compare N synthetic slices with the N training slices of the same masks (all (N, H, W))."""
    groups = torch.from_numpy(np.unique(patients, return_inverse=True)[1])
    painted, taken = features(fcn, synthetic), features(fcn, real)
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
    shares = [
        {
            "space": space,
            **_closer(
                neighbours[f"{space}_synthetic"], neighbours[f"{space}_real"], patients, seed
            ),
            "own": float((neighbours[f"{space}_nearest"] == neighbours.index).mean()),
        }
        for space in SPACES
    ]
    return Coverage(neighbours, pd.DataFrame(shares), _kernel(taken, painted, groups, seed))


def _closer(synthetic: pd.Series, real: pd.Series, patients: np.ndarray, seed: int) -> dict:
    """Share of slices whose synthetic copy comes closer to a training slice than the real slice
    comes to another patient; resampled by patient."""
    known = (synthetic.notna() & real.notna()).to_numpy()
    if not known.any():
        return {"closer": np.nan, "ci_low": np.nan, "ci_high": np.nan, "n": 0}
    closer = pd.DataFrame({"closer": synthetic[known] < real[known], "cases": 1})
    sums = closer.groupby(patients[known]).sum().to_numpy(np.float64)
    draws = patient_weights(len(sums), RESAMPLES, seed) @ sums
    low, high = (
        interval((draws[:, 0] / draws[:, 1])[:, None])[:, 0] if len(sums) > 1 else (np.nan,) * 2
    )
    return {
        "closer": float(closer.closer.mean()),
        "ci_low": float(low),
        "ci_high": float(high),
        "n": int(known.sum()),
    }


def _kernel(real: Tensor, synthetic: Tensor, groups: Tensor, seed: int) -> pd.DataFrame:
    """Kernel distance of synthetic and of real slices to other patients' real slices."""
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
