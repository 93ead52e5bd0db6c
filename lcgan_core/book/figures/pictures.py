"""Figures of slices, drawn from the arrays that stages 3 and 4 keep; the others come from CSVs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from lcgan_core.book.figures import figures, forest
from lcgan_core.errors import UserError
from lcgan_core.lesions import Classes

FORMATS = ("png", "svg")


def save(figure: Figure, path: Path) -> None:
    """Write `path`.png and `path`.svg, the same bytes for the same figure."""
    with plt.rc_context({"svg.hashsalt": path.name}):
        for form in FORMATS:
            figure.savefig(
                path.with_suffix(f".{form}"), dpi=150, bbox_inches="tight",
                metadata={"Date": None} if form == "svg" else {"Software": None},
            )  # fmt: skip
    plt.close(figure)


def snapshot_examples(folder: Path, classes: Classes) -> Figure:
    """Fig. 3 from an artefact of stage 3: the best-scored slice of one class in each snapshot."""
    by_class: dict[str, dict[int, dict[str, np.ndarray]]] = {}
    for path in folder.glob("examples-*-*.npz"):
        epoch, _, name = path.stem.removeprefix("examples-").rpartition("-")
        with np.load(path) as kept:
            by_class.setdefault(name, {})[int(epoch)] = dict(kept)
    shown = [by_class[name] for name in classes.names if name in by_class]
    if not shown:
        raise UserError(f"{folder} contains no example images; delete it and run stage 3 again.")
    # the class that the judge finds best, so that the looks differ and the scores do not
    best = max(shown, key=lambda examples: sum(one["fcn_score"][0] for one in examples.values()))
    return figures.figure3(best, classes)


def traditional_examples(folder: Path, classes: Classes) -> Figure:
    """Fig. 5 from an artefact of stage 4: slices of a subset and their traditional copies."""
    with np.load(folder / "fig5.npz") as kept:
        return figures.figure5(kept["originals"], kept["copies"], kept["labels"], classes)


def synthetic_examples(folder: Path, classes: Classes) -> Figure:
    """Fig. 6 from an artefact of stage 4: mask, real and synthetic slice, one column per class."""
    with np.load(folder / "fig6.npz") as kept:
        return figures.figure6(kept["labels"], kept["targets"], kept["outputs"], classes)


def of_generators(folders: Mapping[str, Path], classes: Classes) -> Figure:
    """Mask, real slice and that of each generator (name -> its artefact of stage 4)."""
    outputs = {}
    for name, folder in folders.items():
        with np.load(folder / "fig6.npz") as kept:
            labels, targets, outputs[name] = kept["labels"], kept["targets"], kept["outputs"]
    return figures.slices_of(labels, targets, outputs, classes)


def closest_pairs(folder: Path, classes: Classes) -> Figure:
    """From an artefact of stage 3: the synthetic slices nearest to a training slice, above it."""
    with np.load(folder / "closest.npz") as kept:
        return forest.closest_pairs(dict(kept), classes)
