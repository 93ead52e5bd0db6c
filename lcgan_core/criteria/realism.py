"""Realism: does a classifier that never saw its patient take a slice for real? (paper 3.2.3)"""

from __future__ import annotations

import math
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lcgan_core.criteria.auc import auc
from lcgan_core.models.realism import RealismClassifier
from lcgan_core.protocol.config import Realism
from lcgan_core.seeds import seed_of
from lcgan_core.training.encoding import to_network
from lcgan_core.training.engine import Schedule, fit
from lcgan_core.training.placing import device, place, resident, take

CHANCE = 0.5
FOLD_COLUMNS = ["fold", "steps", "slices", "auc", "ci_low", "ci_high", "real_share"]
AUXILIARY_WEIGHT = 0.3  # of each auxiliary head's loss, as GoogLeNet's authors chose it


class RealismTask:
    """GoogLeNet with two classes; `images` (N, H, W) uint8, `real` (N,) bool."""

    smaller = "realism_batch or image_size"

    def __init__(self, settings: Realism, images: Tensor, real: Tensor, seed: int):
        self.settings = settings
        self.images, self.real = resident(images), real.to(device()).long()
        torch.manual_seed(seed_of(seed, "weights"))
        self.classifier = place(RealismClassifier(), settings.precision)
        self.modules = {"classifier": self.classifier}
        adam = torch.optim.Adam(self.classifier.parameters(), lr=settings.learning_rate, fused=True)
        self.optimizers = {"adam": adam}

    def step(self, batch: Tensor) -> dict[str, Tensor]:
        """Cross-entropy of the three heads."""
        heads = self.classifier(to_network(take(self.images, batch), 3))
        target = take(self.real, batch)
        loss = F.cross_entropy(heads.logits, target) + AUXILIARY_WEIGHT * (
            F.cross_entropy(heads.aux_logits1, target) + F.cross_entropy(heads.aux_logits2, target)
        )
        self.optimizers["adam"].zero_grad()
        loss.backward()
        self.optimizers["adam"].step()
        return {"cross-entropy": loss}


@torch.no_grad()
def settle(classifier: RealismClassifier, images: Tensor, batch: int) -> None:
    """Let batch norm know the final weights: its statistics become the mean over `images`.

    Its running statistics lag some ten steps behind. Without this, a classifier of a few dozen
    steps that tells its training slices apart gives all slices the same answer.
    """
    norms = [layer for layer in classifier.modules() if isinstance(layer, nn.BatchNorm2d)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the mean over all batches
    classifier.train()
    for part in images.split(batch):
        classifier(to_network(part.to(device()), 3))
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum


@torch.no_grad()
def probability_real(classifier: RealismClassifier, images: Tensor, batch: int = 32) -> Tensor:
    """P(real) in 0..1, (N,) float32 on the CPU, for `images` (N, H, W) uint8."""
    classifier.eval()
    parts = [
        classifier(to_network(part.to(device()), 3)).softmax(1)[:, 1].cpu()
        for part in images.split(batch)
    ]
    return torch.cat(parts)


def realism_folds(patients: np.ndarray, seed: int) -> np.ndarray:
    """(N,) bool: whether a slice's patient is in the first half; all False for a single patient."""
    unique = np.random.default_rng(seed).permutation(np.unique(patients))
    return np.isin(patients, unique[::2]) if len(unique) > 1 else np.zeros(len(patients), bool)


class CrossFitted(NamedTuple):
    """probability: candidate -> P(real) (N,); folds: one row per classifier, with its AUC."""

    probability: dict[int, Tensor]
    folds: pd.DataFrame


def cross_fitted(
    settings: Realism,
    painted: Mapping[int, Tensor],
    images: Tensor,
    patients: np.ndarray,
    root: int,
    fraction: float,
    work: Path,
) -> CrossFitted:
    """P(real) of every painted slice, from a classifier that never saw its patient.

    `painted`: candidate -> (N, H, W) uint8, of the same masks as the real `images` (N, H, W) of
    `patients` (N,). `root` is the seed of the draw; `work` keeps unfinished training runs. A
    classifier trains on one synthetic slice of every mask, of each candidate in turn; its AUC, and
    the share of real slices that pass, are of the patients that it has not seen. NaN and no rows if
    there is only one patient.
    """
    half = torch.from_numpy(realism_folds(patients, seed_of(root, "folds")))
    result = {candidate: torch.full((len(half),), float("nan")) for candidate in painted}
    if not half.any():
        return CrossFitted(result, pd.DataFrame(columns=FOLD_COLUMNS))
    pooled = _in_turn(painted)
    rows = []
    for fold, held_out in enumerate((half, ~half)):
        train = ~held_out
        both = torch.cat([images[train], pooled[train]])
        real = torch.arange(len(both)) < int(train.sum())
        seed = seed_of(root, "realism", fraction, fold)
        task = RealismTask(settings, both, real, seed)
        place = work / f"fold-{fold}"
        place.mkdir(exist_ok=True)
        schedule = Schedule(batch=settings.batch, steps=settings.steps)
        fit(task, len(both), schedule, seed, place, f"realism classifier, fold {fold + 1} of 2")
        mixed = torch.randperm(len(both), generator=torch.Generator().manual_seed(seed))
        settle(task.classifier, both[mixed], settings.batch)
        for candidate, slices in painted.items():
            result[candidate][held_out] = probability_real(task.classifier, slices[held_out])
        on_real = probability_real(task.classifier, images[held_out]).numpy()
        found = auc(
            on_real,
            _in_turn(result)[held_out].numpy(),
            np.unique(patients[held_out.numpy()], return_inverse=True)[1],
            seed_of(seed, "auc"),
        )
        passes = float((on_real >= settings.threshold).mean())
        rows.append((fold + 1, settings.steps, len(on_real), *found, passes))
    for fold in range(2):  # kept until now, so that no interruption trains the first fold again
        shutil.rmtree(work / f"fold-{fold}")
    return CrossFitted(result, pd.DataFrame(rows, columns=FOLD_COLUMNS))


def blind(folds: pd.DataFrame) -> str | None:
    """Why the classifiers' verdicts count for nothing, in a sentence; None if they count.

    They count if in each fold the whole 95 % interval of the AUC lies above one half.

    >>> row = {"fold": 1, "steps": 20, "slices": 9, "auc": 0.55, "ci_low": 0.4, "ci_high": 0.7}
    >>> blind(pd.DataFrame([row]))
    'the classifier of fold 1 does not tell real from synthetic slices: its AUC is 0.55
    (0.40 to 0.70).'
    >>> blind(pd.DataFrame([row | {"ci_low": 0.51}])) is None
    True
    """
    for row in folds[~(folds.ci_low > CHANCE)].to_dict("records"):
        ends = f"{row['ci_low']:.2f} to {row['ci_high']:.2f}"
        known = "one patient, so no interval" if math.isnan(row["ci_low"]) else ends
        return (
            f"the classifier of fold {row['fold']:.0f} does not tell real from synthetic slices: "
            f"its AUC is {row['auc']:.2f} ({known})."
        )
    return None


def _in_turn(of_candidates: Mapping[int, Tensor]) -> Tensor:
    """(N, ...): of each slice what belongs to one candidate, the candidates taking turns."""
    stacked = torch.stack(list(of_candidates.values()))
    count = torch.arange(stacked.shape[1])
    return stacked[count % len(stacked), count]
