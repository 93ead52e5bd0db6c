"""Figures 3, 5, 6 and 7 after the paper's; masks are shown in the colours of their classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke

from lcgan_core.book import beside
from lcgan_core.lesions import Classes
from lcgan_core.protocol.arms import ARMS
from lcgan_core.protocol.paper import percent

CURVES = {"original": ("#555555", "o"), "both": ("#edae49", "D")}
"""The arms of Fig. 7: colour and marker."""


def palette(classes: Classes) -> np.ndarray:
    """(K + 1, 3) RGB in 0..1 of labels 0..K."""
    return np.array(classes.shown) / 255


def show_slice(
    axes: Axes, image: np.ndarray, classes: Classes, labels: np.ndarray | None = None
) -> None:
    """Draw a windowed slice (H, W) uint8 with the outlines and names of its labels (H, W)."""
    axes.imshow(image, cmap="gray", vmin=0, vmax=255, interpolation="bilinear")
    if labels is not None:
        for value in np.unique(labels[labels > 0]):
            axes.contour(labels == value, [0.5], colors=[palette(classes)[value]], linewidths=1)
        _name(axes, labels, classes)
    axes.set_xticks([])
    axes.set_yticks([])
    for side in axes.spines.values():
        side.set_visible(False)


def show_mask(axes: Axes, labels: np.ndarray, classes: Classes) -> None:
    """Draw labels (H, W) in the colours of their classes."""
    show_slice(axes, np.zeros_like(labels), classes)
    axes.imshow(palette(classes)[labels], interpolation="nearest")
    _name(axes, labels, classes)


def _name(axes: Axes, labels: np.ndarray, classes: Classes) -> None:
    """The name of each class above its highest pixel: colours alone do not tell everybody."""
    for value in np.unique(labels[labels > 0]):
        rows, columns = np.nonzero(labels == value)
        axes.annotate(
            classes.names[value - 1],
            (columns[0], rows[0]),
            (0, 2),
            textcoords="offset points",
            ha="center",
            fontsize=6,
            color="white",
            path_effects=[withStroke(linewidth=1.5, foreground="black")],
        )


def class_legend(figure: Figure, classes: Classes) -> None:
    """A legend of the classes' colours under the figure."""
    colors = zip(palette(classes)[1:], classes.names, strict=True)
    handles = [Patch(color=color, label=name) for color, name in colors]
    figure.legend(handles=handles, loc="lower center", ncols=len(classes), frameon=False)


def grid(
    images: np.ndarray,
    classes: Classes,
    labels: np.ndarray | None = None,
    columns: int = 6,
    titles: Sequence[str] = (),
) -> Figure:
    """Slices (N, H, W) side by side, with mask outlines and titles where given."""
    rows = -(-len(images) // columns)
    figure, axes = plt.subplots(
        rows, columns, figsize=(1.75 * columns, 1.9 * rows + 0.3), squeeze=False
    )
    for k, place in enumerate(axes.flat):
        if k >= len(images):
            place.axis("off")
            continue
        show_slice(place, images[k], classes, None if labels is None else labels[k])
        if k < len(titles):
            place.set_title(titles[k], fontsize=8)
    figure.tight_layout(rect=(0, 0.25 / figure.get_figheight(), 1, 1))
    if labels is not None:
        class_legend(figure, classes)
    return figure


def figure3(examples: dict[int, dict[str, np.ndarray]], classes: Classes) -> Figure:
    """High FCN scores, different looks: the best-scored slice of one class from each snapshot.

    `examples`: epoch -> arrays images, labels (k, H, W) and fcn_score (k,) of the same class.
    """
    figure, axes = plt.subplots(1, len(examples), figsize=(2.2 * len(examples), 2.9), squeeze=False)
    for place, (epoch, kept) in zip(axes[0], sorted(examples.items()), strict=True):
        show_slice(place, kept["images"][0], classes, kept["labels"][0])
        place.set_title(f"epoch {epoch}\nFCN score {kept['fcn_score'][0]:.2f}", fontsize=9)
    figure.tight_layout(rect=(0, 0.08, 1, 1))
    class_legend(figure, classes)
    return figure


def figure5(
    originals: np.ndarray, copies: np.ndarray, labels: np.ndarray, classes: Classes
) -> Figure:
    """Slices (k, H, W) above their traditional copies; `labels` (2, k, H, W) of both."""
    count = len(originals)
    figure, axes = plt.subplots(2, count, figsize=(1.75 * count, 4.1), squeeze=False)
    rows = (("original", originals), ("transformed", copies))
    for line, (name, images), masks in zip(axes, rows, labels, strict=True):
        for place, image, mask in zip(line, images, masks, strict=True):
            show_slice(place, image, classes, mask)
        line[0].set_ylabel(name)
    figure.tight_layout(rect=(0, 0.06, 1, 1))
    class_legend(figure, classes)
    return figure


def figure6(
    labels: np.ndarray, targets: np.ndarray, outputs: np.ndarray, classes: Classes
) -> Figure:
    """Mask, original and synthetic slice, one column per case: three arrays (k, H, W)."""
    return slices_of(labels, targets, {"synthetic": outputs}, classes)


def slices_of(
    labels: np.ndarray, targets: np.ndarray, outputs: Mapping[str, np.ndarray], classes: Classes
) -> Figure:
    """Mask, original and several synthetic slices (name -> slices), one column per case: arrays
    (k, H, W)."""
    count, shown = len(labels), {"original": targets, **outputs}
    height = 0.1 + 1.9 * (1 + len(shown))
    figure, axes = plt.subplots(
        1 + len(shown), count, figsize=(1.75 * count, height), squeeze=False
    )
    for k in range(count):
        show_mask(axes[0, k], labels[k], classes)
        for place, images in zip(axes[1:, k], shown.values(), strict=True):
            show_slice(place, images[k], classes)
    for place, name in zip(axes[:, 0], ("mask", *shown), strict=True):
        place.set_ylabel(name)
    figure.tight_layout(rect=(0, 0.05, 1, 1))
    class_legend(figure, classes)
    return figure


def figure7(results: pd.DataFrame) -> Figure:
    """DSC, precision and recall against the fraction: ours with intervals, and the paper's."""
    panels = {"dice_image": "DSC", "precision": "Precision", "recall": "Recall"}
    paper = beside.numbers(results)
    figure, axes = plt.subplots(1, 3, figsize=(10.5, 3.8), sharey=True)
    for place, (metric, title) in zip(axes, panels.items(), strict=True):
        for arm, (color, marker) in CURVES.items():
            ours, theirs = (curve(table, arm, metric) for table in (results, paper))
            spread = np.abs(ours[["ci_low", "ci_high"]].to_numpy().T - ours.value.to_numpy())
            style = {"color": color, "marker": marker}
            name = ARMS[arm].title
            place.errorbar(
                ours.fraction * 100, ours.value, spread, capsize=3, label=f"ours: {name}", **style
            )
            if len(theirs):
                place.plot(
                    theirs.fraction * 100, theirs.value, linestyle=":", fillstyle="none",
                    alpha=0.8, label=f"paper: {name}", **style,
                )  # fmt: skip
        place.set_xscale("log")
        shares = sorted({*results.fraction, *paper.fraction})
        place.set_xticks([100 * f for f in shares], [percent(f) for f in shares], minor=False)
        place.minorticks_off()
        place.set_xlabel("fraction of the training patients")
        place.set_title(title)
        place.set_ylim(0, 1)
    handles, names = axes[0].get_legend_handles_labels()
    figure.tight_layout(rect=(0, 0.1, 1, 1))
    figure.legend(handles, names, loc="lower center", ncols=4, frameon=False, fontsize=9)
    return figure


def curve(results: pd.DataFrame, arm: str, metric: str) -> pd.DataFrame:
    """The rows of an arm's curve over the fraction, all classes together."""
    chosen = (results.arm == arm) & (results.metric == metric) & (results.lesion == "all")
    return results[chosen].sort_values("fraction")
