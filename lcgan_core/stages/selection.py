"""Stage 3: score every candidate's slices by three criteria and choose one (paper 3.2)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from torch import Tensor

from lcgan_core import metrics
from lcgan_core.cohort.slices import Slices
from lcgan_core.criteria.choice import choose
from lcgan_core.criteria.coverage import coverage, nearest_pixels
from lcgan_core.criteria.realism import blind, cross_fitted
from lcgan_core.generators.base import generator
from lcgan_core.protocol.config import Config
from lcgan_core.run.plan import Job
from lcgan_core.run.progress import progress
from lcgan_core.seeds import seed_of, seed_of_draw
from lcgan_core.segmenters.base import Segmenter, trained
from lcgan_core.stages import cohort, pictures, training

TABLES = ("neighbours", "memorisation", "kernel_distance")
"""Tables about the chosen candidate only."""


def select(config: Config, job: Job, inputs: Mapping[str, Path], work: Path) -> None:
    """Score and rank the candidates of a generator; keep tables, and pictures for the book."""
    fraction, root = job.fraction or 1.0, seed_of_draw(config.seed, job.draw)
    subset = cohort.training_slices(config, inputs["cohort"], fraction, job.draw)
    painted = paint_all(config, job, inputs["training"], subset)
    judges = {
        name: trained(config.judge_segmenter, config, len(subset.classes), inputs[role])
        for name, role in (("full", "judge"), ("subset", "subset_judge"))
    }
    realism = cross_fitted(
        config.realism, painted, subset.images, subset.patients, root, fraction, work
    )
    rows = [
        pd.DataFrame(
            {
                "epoch": candidate,
                "slice": subset.table["slice"].to_numpy(),
                **_scores(judges, images, subset),
                "probability_real": realism.probability[candidate].numpy(),
                "nearest_rmse": nearest_pixels(images, subset.labels, subset.images)[0].numpy(),
            }
        )
        for candidate, images in progress(painted.items(), "scoring", "candidate", len(painted))
    ]
    scores = pd.concat(rows, ignore_index=True)
    known = scores.probability_real.notna()
    scores["passes"] = (scores.probability_real >= config.realism.threshold).where(known)
    means = _means(scores).assign(realism_auc=realism.folds.auc.mean())
    table = choose(means, config.judge, blind(realism.folds))
    table.to_csv(work / "candidates.csv", index=False)
    realism.folds.to_csv(work / "realism.csv", index=False)
    scores.to_csv(work / "images.csv", index=False)
    on_real = {k: np.nanmean(v) for k, v in _scores(judges, subset.images, subset).items()}
    pd.Series(on_real, name="real slices").to_csv(work / "real_images.csv")
    chosen, score = int(table.loc[table.chosen, "epoch"].item()), f"fcn_score_{config.judge}"
    _keep_coverage(painted[chosen], subset, judges[config.judge], root, fraction, work)
    pictures.keep_examples(scores, score, painted, subset, work)
    if job.draw == 1:
        pictures.snapshots(scores, score, chosen, painted, subset, fraction, work)


def paint_all(config: Config, job: Job, folder: Path, subset: Slices) -> dict[int, Tensor]:
    """Every candidate's slices for the masks of the subset: candidate -> (N, H, W) uint8."""
    method = generator(job.what, config, subset.size, len(subset.classes))
    seed = painting_seed(config, job)
    kept = training.candidates(folder)
    return {candidate: method.paint(folder, candidate, subset.labels, seed) for candidate in kept}


def painting_seed(config: Config, job: Job) -> int:
    """The seed of the noise in all slices of a subset: stage 4 paints what stage 3 judged."""
    return seed_of(seed_of_draw(config.seed, job.draw), "synthetic", job.fraction)


def candidates(folder: Path) -> pd.DataFrame:
    """The quality table of a finished selection, one row per candidate."""
    return pd.read_csv(folder / "candidates.csv")


def candidate(folder: Path, which: str) -> int:
    """The candidate that was "chosen", or the "worst"."""
    table = candidates(folder)
    return int(table.loc[table[which], "epoch"].item())


def left_out(folder: Path) -> str:
    """Which criteria ranked nobody and why, in sentences."""
    said = candidates(folder).left_out.iloc[0]
    return "Every criterion ranks the candidates." if pd.isna(said) else said


def _scores(judges: Mapping[str, Segmenter], images: Tensor, subset: Slices) -> dict:
    """Each measure of slices (N, H, W) painted from the masks of the subset: (N,) each."""
    count = len(subset.classes)
    by_judge = {
        f"fcn_score_{name}": metrics.dice_image(
            judge.segment(images), subset.labels, classes=count
        ).numpy()
        for name, judge in judges.items()
    }
    return by_judge | {
        "sharpness_laplacian": metrics.sharpness_laplacian(images.numpy()),
        "sharpness_fourier": metrics.sharpness_fourier(images.numpy()),
    }


def _means(scores: pd.DataFrame) -> pd.DataFrame:
    columns = [name for name in scores.columns[2:] if name not in ("probability_real", "passes")]
    means = scores.groupby("epoch")[columns].mean()
    means["realism_share"] = scores.passes.astype(float).groupby(scores.epoch).mean()
    return means.reset_index()


def _keep_coverage(
    painted: Tensor, subset: Slices, judge: Segmenter, root: int, fraction: float, work: Path
) -> None:
    """Memorisation and coverage of the chosen candidate, and its closest pairs as pictures."""
    made = coverage(
        painted, subset.images, subset.labels, subset.patients, judge.features,
        seed_of(root, "coverage", fraction),
    )  # fmt: skip
    made.neighbours.to_csv(work / "neighbours.csv", index=False)
    made.memorisation.to_csv(work / "memorisation.csv", index=False)
    made.kernel.to_csv(work / "kernel_distance.csv", index=False)
    pictures.keep_closest(made.neighbours, painted, subset, work)
