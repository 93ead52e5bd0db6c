"""Stage 3: score every snapshot's images by three criteria and choose the generator (paper 3.2)."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from lcgan_core import metrics
from lcgan_core.criteria.coverage import coverage, nearest_pixels
from lcgan_core.generators.lcgan import load_generator, synthesise
from lcgan_core.lesions import HEMORRHAGES
from lcgan_core.models import FCN8s
from lcgan_core.protocol.profiles import Config
from lcgan_core.run import artefacts
from lcgan_core.run.plan import Job
from lcgan_core.run.progress import progress
from lcgan_core.seeds import seed_of, seed_of_draw
from lcgan_core.segmenters.fcn8s import load_network, segment
from lcgan_core.stages import cohort, training
from lcgan_core.training.engine import fit

CRITERIA = ("sharpness_laplacian", "realism_share")
"""Beside the FCN score, which each judge gives."""
JUDGES = ("full", "subset")
CLOSEST = 10  # pairs of synthetic and training slice kept as pictures
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

    def table(self, name: str) -> pd.DataFrame:
        """Another table of the chosen snapshot: neighbours, memorisation or kernel_distance."""
        return pd.read_csv(self.folder / f"{name}.csv")


def run(config: Config, fraction: float, draw: int = 1) -> Selection:
    """Score and rank the snapshots of the subset's LcGAN, unless that is done already."""
    folder = artefacts.ensure(
        config,
        Job("selection", fraction, draw=draw),
        lambda work: _select(config, fraction, draw, work),
    )
    return Selection(
        folder,
        pd.read_csv(folder / "candidates.csv"),
        pd.read_csv(folder / "images.csv"),
        pd.read_csv(folder / "real_images.csv", index_col=0)["real slices"],
    )


def choose(candidates: pd.DataFrame, judge: str = "full") -> pd.DataFrame:
    """Add ranks, mean rank and choice, by each judge that the table of candidates has.

    All three criteria count upwards: what the paper calls a low blurriness is a high variance of
    the Laplacian. A tie goes to the higher FCN score, "the most important" (decision 11). A
    criterion without a value ranks nobody. `chosen` is the choice of `judge`.
    """
    table = candidates.copy()
    for name in [name for name in JUDGES if f"fcn_score_{name}" in table]:
        score = f"fcn_score_{name}"
        ranks = table[[score, *CRITERIA]].rank(ascending=False)
        table[f"rank_{score}"] = ranks[score]
        table[[f"rank_{criterion}" for criterion in CRITERIA]] = ranks[list(CRITERIA)].to_numpy()
        table[f"mean_rank_{name}"] = ranks.mean(axis=1)
        order = table.sort_values([f"mean_rank_{name}", score], ascending=[True, False])
        table[f"chosen_by_{name}"] = table.index == order.index[0]
    table["chosen"] = table[f"chosen_by_{judge}"]
    return table


def judges(config: Config, fraction: float, draw: int = 1) -> dict[str, FCN8s]:
    """The networks that score synthetic slices: trained on all labels, and on the subset's alone.

    The judge of the subset is the arm `original` of stage 5: the same network, settings and slices
    as one trained for judging would have, and it has seen no test patient either.
    """
    # stage 5 trains on the copies that the generator chosen here paints
    from lcgan_core.stages import segmentation

    full = training.run(config, max(config.fractions), "judge").network
    subset = segmentation.run(config, fraction, "original", draw).network
    paths = {"full": full, "subset": subset}
    return {name: load_network(path, config.segmentation) for name, path in paths.items()}


def _select(config: Config, fraction: float, draw: int, work: Path) -> None:
    root = seed_of_draw(config.seed, draw)
    subset = cohort.training_slices(config, fraction, draw)
    lcgan = training.run(config, fraction, draw=draw)
    fakes = synthetic_candidates(config, fraction, lcgan, subset.labels, root)
    fcns = judges(config, fraction, draw)
    realism = _probability_real(config, fraction, fakes, subset, root, work)

    def scores_of(images: Tensor) -> dict[str, np.ndarray]:
        by_judge = {
            f"fcn_score_{name}": metrics.dice_image(segment(fcn, images), subset.labels).numpy()
            for name, fcn in fcns.items()
        }
        return by_judge | {
            "sharpness_laplacian": metrics.sharpness_laplacian(images.numpy()),
            "sharpness_fourier": metrics.sharpness_fourier(images.numpy()),
        }

    rows = [
        pd.DataFrame(
            {
                "epoch": epoch,
                "slice": subset.table["slice"].to_numpy(),
                **scores_of(images),
                "probability_real": realism[epoch].numpy(),
                "nearest_rmse": nearest_pixels(images, subset.labels, subset.images)[0].numpy(),
            }
        )
        for epoch, images in progress(fakes.items(), "scoring", "snapshot", len(fakes))
    ]
    scores = pd.concat(rows, ignore_index=True)
    known = scores.probability_real.notna()
    scores["passes"] = (scores.probability_real >= config.realism.threshold).where(known)
    columns = [name for name in scores.columns[2:] if name not in ("probability_real", "passes")]
    candidates = scores.groupby("epoch")[columns].mean()
    candidates["realism_share"] = scores.passes.astype(float).groupby(scores.epoch).mean()
    table = choose(candidates.reset_index(), config.judge)
    table.to_csv(work / "candidates.csv", index=False)
    scores.to_csv(work / "images.csv", index=False)
    _keep_examples(scores, f"fcn_score_{config.judge}", fakes, subset, work)
    on_real = {name: np.nanmean(values) for name, values in scores_of(subset.images).items()}
    pd.Series(on_real, name="real slices").to_csv(work / "real_images.csv")
    chosen = fakes[int(table.loc[table.chosen, "epoch"].item())]
    seed = seed_of(root, "coverage", fraction)
    _keep_coverage(chosen, subset, fcns[config.judge], seed, work)


def _keep_coverage(fakes: Tensor, subset: cohort.Slices, fcn: FCN8s, seed: int, work: Path) -> None:
    """Memorisation and coverage of the chosen snapshot, and its closest pairs as pictures."""
    patients = subset.table.patient.to_numpy()
    made = coverage(fakes, subset.images, subset.labels, patients, fcn, seed)
    made.neighbours.to_csv(work / "neighbours.csv", index=False)
    made.shares.to_csv(work / "memorisation.csv", index=False)
    made.kernel.to_csv(work / "kernel_distance.csv", index=False)
    known = made.neighbours.dropna(subset="pixels_synthetic")
    closest = known.sort_values("pixels_synthetic", kind="stable").head(CLOSEST)
    few, theirs = closest.index.to_list(), closest.pixels_nearest.to_list()
    np.savez_compressed(
        work / "closest.npz",
        synthetic=fakes[few].numpy(),
        labels=subset.labels[few].numpy(),
        training=subset.images[theirs].numpy(),
        training_labels=subset.labels[theirs].numpy(),
        rmse=closest.pixels_synthetic.to_numpy(),
    )


def synthetic_candidates(
    config: Config, fraction: float, lcgan: training.Training, labels: Tensor, root: int
) -> dict[int, Tensor]:
    """Each snapshot's synthetic slices for `labels` (N, H, W): epoch -> (N, H, W) uint8.

    `root` is the seed of the draw.
    """
    seed = seed_of(root, "synthetic", fraction)
    return {
        epoch: synthesise(
            load_generator(lcgan.snapshot(epoch), config.lcgan, config.image_size),
            config.lcgan,
            labels,
            seed,
        )
        for epoch in config.lcgan.snapshots
    }


def realism_folds(patients: np.ndarray, seed: int) -> np.ndarray:
    """(N,) bool: whether each slice's patient is in the first of two halves; all False for one."""
    unique = np.random.default_rng(seed).permutation(np.unique(patients))
    return np.isin(patients, unique[::2]) if len(unique) > 1 else np.zeros(len(patients), bool)


def _probability_real(
    config: Config,
    fraction: float,
    fakes: dict[int, Tensor],
    subset: cohort.Slices,
    root: int,
    work: Path,
) -> dict[int, Tensor]:
    """P(real) of every fake, from a classifier that never saw the fake's patient (decision 10)."""
    # its torchvision takes seconds to import, and the stages after this one do not need it
    from lcgan_core.criteria.realism import RealismTask, probability_real

    patients = subset.table.patient.to_numpy()
    half = torch.from_numpy(realism_folds(patients, seed_of(root, "folds")))
    result = {epoch: torch.full((len(half),), float("nan")) for epoch in fakes}
    if not half.any():
        return result
    stacked = torch.stack(list(fakes.values()))  # (candidates, N, H, W)
    count = len(half)
    pooled = stacked[torch.arange(count) % len(fakes), torch.arange(count)]
    for fold, held_out in enumerate((half, ~half)):
        train = ~held_out
        images = torch.cat([subset.images[train], pooled[train]])
        real = torch.arange(len(images)) < int(train.sum())
        seed = seed_of(root, "realism", fraction, fold)
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
    scores: pd.DataFrame, by: str, fakes: dict[int, Tensor], subset: cohort.Slices, work: Path
) -> None:
    """Images for Fig. 3: of each candidate the best-scored ones of one and the same type."""
    for name in HEMORRHAGES:
        area = subset.table[f"area_{name}"].to_numpy()
        own = np.flatnonzero(area >= 0.5 * subset.table.filter(like="area_").sum(axis=1))
        for epoch, images in fakes.items() if len(own) else ():
            score = scores.loc[scores.epoch == epoch, by].to_numpy()[own]
            best = own[np.argsort(-score, kind="stable")[:EXAMPLES]]
            np.savez_compressed(
                work / f"examples-{epoch}-{name}.npz",
                images=images[best].numpy(),
                targets=subset.images[best].numpy(),
                labels=subset.labels[best].numpy(),
                fcn_score=scores.loc[scores.epoch == epoch, by].to_numpy()[best],
            )
