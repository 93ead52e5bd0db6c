"""Forest plot of differences, and pictures of how near synthetic slices come to training slices."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from lcgan_core.book.figures.figures import class_legend, show_slice
from lcgan_core.book.words import times
from lcgan_core.lesions import Classes
from lcgan_core.metrics.claims import QUESTIONS
from lcgan_core.protocol.arms import ARMS
from lcgan_core.protocol.paper import percent

GROUPS = {
    "synthetic": ("synthetic slice to its nearest training slice", "#d1495b"),
    "real": ("original slice to the nearest slice of another patient", "#555555"),
}


def comparisons(differences: pd.DataFrame) -> list[tuple[str, str]]:
    """(arm, baseline): every arm against original, the paper's other pairs, then the questions."""
    there = set(differences.arm) | set(differences.baseline)
    asked = [(arm, "original") for arm in ARMS if arm != "original"]
    asked += [("traditional", "gan"), ("both", "traditional"), *QUESTIONS]
    return [pair for pair in dict.fromkeys(asked) if set(pair) <= there]


def name_of(arm: str, baseline: str) -> str:
    """A comparison as the plot calls it.

    >>> name_of("both_equal_epochs", "original")
    'both equal epochs − original'
    """
    return f"{arm} − {baseline}".replace("_", " ")


def difference(differences: pd.DataFrame, arm: str, baseline: str) -> pd.DataFrame:
    """The rows of arm minus baseline, whichever of the two was stored first."""
    there = differences[(differences.arm == arm) & (differences.baseline == baseline)]
    if len(there):
        return there
    turned = differences[(differences.arm == baseline) & (differences.baseline == arm)]
    ends = {"ci_low": -turned.ci_high, "ci_high": -turned.ci_low}
    return turned.assign(arm=arm, baseline=baseline, value=-turned.value, **ends)


def forest(differences: pd.DataFrame, metric: str = "dice_image") -> Figure:
    """Differences between arms with 95 % intervals, one panel per fraction."""
    pairs = comparisons(differences)
    shares = sorted(differences.fraction.unique())
    figure, axes = plt.subplots(
        1, len(shares), figsize=(2.6 + 2.1 * len(shares), 1.3 + 0.3 * len(pairs)),
        sharex=True, sharey=True, squeeze=False,
    )  # fmt: skip
    chosen = differences[(differences.metric == metric) & (differences.lesion == "all")]
    for place, share in zip(axes[0], shares, strict=True):
        place.axvline(0, color="#999999", linewidth=0.8)
        for y, (arm, baseline) in enumerate(pairs):
            found = difference(chosen[chosen.fraction == share], arm, baseline)
            if found.empty:
                continue
            row = found.iloc[0]
            color = "#00798c" if baseline == "original" else "#d1495b"
            place.plot([row.ci_low, row.ci_high], [y, y], color=color)
            place.plot(row.value, y, "o", color=color, markersize=4)
        draws = int(chosen.draws[chosen.fraction == share].max())
        place.set_title(f"{percent(share)} of the patients{times(draws)}", fontsize=9)
        place.set_xlabel("difference in DSC", fontsize=9)
        place.tick_params(axis="x", labelsize=8)
        place.locator_params(axis="x", nbins=4)
    names = [name_of(*pair) for pair in pairs]
    axes[0, 0].set_yticks(range(len(pairs)), names, fontsize=8)
    axes[0, 0].invert_yaxis()
    figure.tight_layout()
    return figure


def neighbours(table: pd.DataFrame) -> Figure:
    """Distances of synthetic and of real slices to their nearest slice, in both spaces."""
    spaces = {"pixels": "grey levels outside the lesions", "features": "features of the judge"}
    figure, axes = plt.subplots(1, len(spaces), figsize=(9, 3.2))
    for place, (space, title) in zip(axes, spaces.items(), strict=True):
        columns = [table[f"{space}_{group}"].dropna() for group in GROUPS]
        edges = np.histogram_bin_edges(pd.concat(columns), bins=25)
        for values, (name, color) in zip(columns, GROUPS.values(), strict=True):
            place.hist(values, edges, alpha=0.6, color=color, label=name)
        place.set_title(title, fontsize=9)
        place.set_xlabel("distance")
    axes[0].set_ylabel("slices")
    handles, names = axes[0].get_legend_handles_labels()
    figure.tight_layout(rect=(0, 0.1, 1, 1))
    figure.legend(handles, names, loc="lower center", ncols=2, frameon=False, fontsize=9)
    return figure


def closest_pairs(kept: dict[str, np.ndarray], classes: Classes) -> Figure:
    """The synthetic slices nearest to a training slice, above that slice, masks outlined."""
    count = len(kept["rmse"])
    figure, axes = plt.subplots(2, count, figsize=(1.3 * count, 3.4), squeeze=False)
    for k in range(count):
        show_slice(axes[0, k], kept["synthetic"][k], classes, kept["labels"][k])
        show_slice(axes[1, k], kept["training"][k], classes, kept["training_labels"][k])
        axes[0, k].set_title(f"{kept['rmse'][k]:.1f}", fontsize=8)
    axes[0, 0].set_ylabel("synthetic")
    axes[1, 0].set_ylabel("nearest training")
    figure.tight_layout(rect=(0, 0.08, 1, 1))
    class_legend(figure, classes)
    return figure
