"""Figures of slices, drawn from the artefacts of a run; the others are drawn from its CSVs."""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from lcgan_core.book.figures import figures, forest
from lcgan_core.criteria.cases import cases
from lcgan_core.errors import UserError
from lcgan_core.lesions import HEMORRHAGES
from lcgan_core.protocol.profiles import Config
from lcgan_core.run import artefacts
from lcgan_core.run.plan import Job

FORMATS = ("png", "svg")


def write(config: Config, out: Path) -> None:
    """Figures 3, 5 and 6 after the paper's, and the synthetic slices nearest to training slices.

    The paper shows its Figs. 3 and 5 for 10 %, the second of its three subsets.
    """
    _, middle, largest, _ = config.fractions
    save(snapshot_examples(config, middle), out / "fig3")
    save(traditional_examples(config, middle), out / "fig5")
    save(synthetic_examples(config, largest), out / "fig6")
    save(closest_pairs(config, largest), out / "closest")


def save(figure: Figure, path: Path) -> None:
    """Write `path`.png and `path`.svg, the same bytes for the same figure."""
    with plt.rc_context({"svg.hashsalt": path.name}):
        for form in FORMATS:
            figure.savefig(
                path.with_suffix(f".{form}"), dpi=150, bbox_inches="tight",
                metadata={"Date": None} if form == "svg" else {"Software": None},
            )  # fmt: skip
    plt.close(figure)


def snapshot_examples(config: Config, fraction: float, draw: int = 1) -> Figure:
    """Fig. 3: the best-scored slice of one type from each snapshot."""
    folder = artefacts.folder(config, Job("selection", fraction, draw=draw))
    by_type = {
        name: {
            epoch: dict(np.load(path))
            for epoch in config.lcgan.snapshots
            if (path := folder / f"examples-{epoch}-{name}.npz").exists()
        }
        for name in HEMORRHAGES
    }
    shown = [name for name in by_type if by_type[name]]
    if not shown:
        raise UserError(f"{folder} holds no example images; delete it and run stage 3 anew.")
    # the type that the judge finds best, so that the looks differ and the scores do not
    best = max(shown, key=lambda name: sum(kept["fcn_score"][0] for kept in by_type[name].values()))
    return figures.figure3(by_type[best])


def traditional_examples(config: Config, fraction: float, draw: int = 1, count: int = 6) -> Figure:
    """Fig. 5: slices of a subset and their traditional copies."""
    from lcgan_core.stages import augmentation, cohort

    subset = cohort.training_slices(config, fraction, draw)
    images, labels = augmentation.run(config, fraction, draw).pairs("traditional")
    few = spread(len(images), count)
    both = np.stack([subset.labels.numpy()[few], labels[few]])
    return figures.figure5(subset.images.numpy()[few], images[few], both)


def synthetic_examples(config: Config, fraction: float, draw: int = 1) -> Figure:
    """Fig. 6: for each type a slice of a subset with much of it: mask, real, synthetic."""
    from lcgan_core.cohort.store import AREAS
    from lcgan_core.stages import augmentation, cohort

    subset = cohort.training_slices(config, fraction, draw)
    images, labels = augmentation.run(config, fraction, draw).pairs("gan")
    chosen = cases(subset.table[AREAS].to_numpy(), subset.table.patient.to_numpy(), 1)[0]
    best = chosen[chosen >= 0]
    return figures.figure6(np.array(labels)[best], subset.images.numpy()[best], images[best])


def closest_pairs(config: Config, fraction: float, draw: int = 1) -> Figure:
    """The chosen snapshot's slices that come nearest to a training slice, above that slice."""
    folder = artefacts.folder(config, Job("selection", fraction, draw=draw))
    return forest.closest_pairs(dict(np.load(folder / "closest.npz")))


def spread(total: int, count: int) -> np.ndarray:
    """Up to `count` indices spread evenly over `total`.

    >>> spread(10, 3).tolist()
    [0, 4, 9]
    """
    return np.unique(np.linspace(0, total - 1, min(count, total)).astype(int))
