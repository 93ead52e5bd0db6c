"""Stage 3: score every snapshot's images by three criteria and choose the generator (paper 3.2)."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from lcgan_core import metrics, runs
from lcgan_core.labels import HEMORRHAGES
from lcgan_core.loops.engine import fit, seed_of
from lcgan_core.loops.lcgan import load_generator, synthesise
from lcgan_core.loops.segmentation import load_network, segment
from lcgan_core.plan import Job
from lcgan_core.profiles import Config
from lcgan_core.progress import progress
from lcgan_core.stages import cohort, training

CRITERIA = ("fcn_score", "sharpness_laplacian", "realism_share")
EXAMPLES = 4  # best-scored images kept of each candidate and haemorrhage type, for Fig. 3


@dataclass(frozen=True)
class Selection:
    """The quality table, a row a candidate, each image's scores, and the real images' means."""

    folder: Path
    candidates: pd.DataFrame
    images: pd.DataFrame
    real_images: pd.Series

    @property
    def epoch(self) -> int:
        """Epoch of the chosen snapshot."""
        return int(self.candidates.loc[self.candidates.chosen, "epoch"].item())


def run(config: Config, fraction: float) -> Selection:
    """Score and rank the snapshots of the subset's LcGAN, unless that is done already."""
    folder = runs.ensure(
        config, Job("selection", fraction), lambda work: _select(config, fraction, work)
    )
    return Selection(
        folder,
        pd.read_csv(folder / "candidates.csv"),
        pd.read_csv(folder / "images.csv"),
        pd.read_csv(folder / "real_images.csv", index_col=0)["real slices"],
    )


def choose(candidates: pd.DataFrame) -> pd.DataFrame:
    """Add each criterion's rank, the mean rank and the choice to a table of candidates.

    All three criteria count upwards: what the paper calls a low blurriness is a high variance of
    the Laplacian. A tie goes to the higher FCN score, "the most important" (decision 11). A
    criterion without a value ranks nobody.
    """
    table = candidates.copy()
    ranks = [f"rank_{name}" for name in CRITERIA]
    table[ranks] = table[list(CRITERIA)].rank(ascending=False).to_numpy()
    table["mean_rank"] = table[ranks].mean(axis=1)
    order = table.sort_values(["mean_rank", "fcn_score"], ascending=[True, False])
    table["chosen"] = table.index == order.index[0]
    return table


def _select(config: Config, fraction: float, work: Path) -> None:
    subset = cohort.training_slices(config, fraction)
    lcgan = training.run(config, fraction)
    judge = training.run(config, max(config.fractions), "judge")
    fakes = synthetic_candidates(config, fraction, lcgan, subset.labels)
    fcn = load_network(judge.network, config.segmentation)
    realism = _probability_real(config, fraction, fakes, subset, work)

    rows = []
    for epoch, images in progress(fakes.items(), "scoring", "snapshot", len(fakes)):
        prediction = segment(fcn, images)
        rows.append(
            pd.DataFrame(
                {
                    "epoch": epoch,
                    "slice": subset.table["slice"].to_numpy(),
                    "fcn_score": metrics.dice_image(prediction, subset.labels).numpy(),
                    "sharpness_laplacian": metrics.sharpness_laplacian(images.numpy()),
                    "sharpness_fourier": metrics.sharpness_fourier(images.numpy()),
                    "probability_real": realism[epoch].numpy(),
                    "nearest_rmse": nearest_rmse(images, subset.images).numpy(),
                }
            )
        )
    scores = pd.concat(rows, ignore_index=True)
    known = scores.probability_real.notna()
    scores["passes"] = (scores.probability_real >= config.realism.threshold).where(known)
    columns = ["fcn_score", "sharpness_laplacian", "sharpness_fourier", "nearest_rmse"]
    candidates = scores.groupby("epoch")[columns].mean()
    candidates["realism_share"] = scores.passes.astype(float).groupby(scores.epoch).mean()
    choose(candidates.reset_index()).to_csv(work / "candidates.csv", index=False)
    scores.to_csv(work / "images.csv", index=False)
    _keep_examples(scores, fakes, subset, work)
    real = subset.images.numpy()
    on_real = metrics.dice_image(segment(fcn, subset.images), subset.labels)
    reference = {
        "fcn_score": float(on_real.nanmean()),
        "sharpness_laplacian": metrics.sharpness_laplacian(real).mean(),
        "sharpness_fourier": metrics.sharpness_fourier(real).mean(),
    }
    pd.Series(reference, name="real slices").to_csv(work / "real_images.csv")


def synthetic_candidates(
    config: Config, fraction: float, lcgan: training.Training, labels: Tensor
) -> dict[int, Tensor]:
    """Each snapshot's synthetic slices for `labels` (N, H, W): epoch -> (N, H, W) uint8."""
    seed = seed_of(config.seed, "synthetic", fraction)
    return {
        epoch: synthesise(
            load_generator(lcgan.snapshot(epoch), config.lcgan, config.image_size),
            config.lcgan,
            labels,
            seed,
        )
        for epoch in config.lcgan.snapshots
    }


def nearest_rmse(images: Tensor, training_images: Tensor) -> Tensor:
    """Distance of each image (N, H, W) uint8 to its nearest training image, (N,) in grey levels."""
    pixels = images[0].numel()
    flat = training_images.flatten(1).float()
    return torch.cat(
        [
            torch.cdist(part.flatten(1).float(), flat).min(1).values / pixels**0.5
            for part in images.split(64)
        ]
    )


def _probability_real(
    config: Config, fraction: float, fakes: dict[int, Tensor], subset: cohort.Slices, work: Path
) -> dict[int, Tensor]:
    """P(real) of every fake, from a classifier that never saw the fake's patient (decision 10)."""
    # its torchvision takes seconds to import, and the stages after this one do not need it
    from lcgan_core.loops.realism import RealismTask, probability_real

    patients = subset.table.patient.to_numpy()
    unique = np.random.default_rng(seed_of(config.seed, "folds")).permutation(np.unique(patients))
    half = torch.from_numpy(np.isin(patients, unique[::2]))
    result = {epoch: torch.full((len(half),), float("nan")) for epoch in fakes}
    if len(unique) < 2:
        return result
    stacked = torch.stack(list(fakes.values()))  # (candidates, N, H, W)
    count = len(half)
    pooled = stacked[torch.arange(count) % len(fakes), torch.arange(count)]
    for fold, held_out in enumerate((half, ~half)):
        train = ~held_out
        images = torch.cat([subset.images[train], pooled[train]])
        real = torch.arange(len(images)) < int(train.sum())
        seed = seed_of(config.seed, "realism", fraction, fold)
        task = RealismTask(config.realism, images, real, seed)
        place = work / f"fold-{fold}"
        place.mkdir(exist_ok=True)
        fit(
            task,
            len(images),
            epochs=config.realism.epochs,
            batch=config.realism.batch,
            seed=seed,
            work=place,
            label=f"realism classifier, fold {fold + 1} of 2",
        )
        for epoch, candidate in fakes.items():
            result[epoch][held_out] = probability_real(task.classifier, candidate[held_out])
    for fold in range(2):  # kept until here: an interruption must not train the first fold again
        shutil.rmtree(work / f"fold-{fold}")
    return result


def _keep_examples(
    scores: pd.DataFrame, fakes: dict[int, Tensor], subset: cohort.Slices, work: Path
) -> None:
    """Images for Fig. 3: of each candidate the best-scored ones of one and the same type."""
    for name in HEMORRHAGES:
        area = subset.table[f"area_{name}"].to_numpy()
        own = np.flatnonzero(area >= 0.5 * subset.table.filter(like="area_").sum(axis=1))
        for epoch, images in fakes.items() if len(own) else ():
            score = scores[scores.epoch == epoch].fcn_score.to_numpy()[own]
            best = own[np.argsort(-score, kind="stable")[:EXAMPLES]]
            np.savez_compressed(
                work / f"examples-{epoch}-{name}.npz",
                images=images[best].numpy(),
                targets=subset.images[best].numpy(),
                labels=subset.labels[best].numpy(),
                fcn_score=scores[scores.epoch == epoch].fcn_score.to_numpy()[best],
            )
