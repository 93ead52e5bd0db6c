"""Figures 3, 5, 6 and 7 after the paper's; every picture shows its mask in the types' colours."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from lcgan_core.lesions import COLORS, HEMORRHAGES, LABELS
from lcgan_core.protocol.paper import paper_results, percent

PALETTE = np.array(COLORS) / 255
ARM_STYLE = {
    "original": ("Original", "#555555", "o"),
    "gan": ("+ GAN generated", "#d1495b", "s"),
    "traditional": ("+ traditional aug.", "#00798c", "^"),
    "both": ("+ both", "#edae49", "D"),
}


def show_slice(axes: Axes, image: np.ndarray, labels: np.ndarray | None = None) -> None:
    """Draw a windowed slice (H, W) uint8 with the outlines of its labels (H, W)."""
    axes.imshow(image, cmap="gray", vmin=0, vmax=255, interpolation="bilinear")
    for value in np.unique(labels[labels > 0]) if labels is not None else ():
        axes.contour(labels == value, [0.5], colors=[PALETTE[value]], linewidths=1)
    axes.set_xticks([])
    axes.set_yticks([])
    for side in axes.spines.values():
        side.set_visible(False)


def show_mask(axes: Axes, labels: np.ndarray) -> None:
    """Draw labels (H, W) in the colours that the generator sees."""
    show_slice(axes, np.zeros_like(labels))
    axes.imshow(PALETTE[labels], interpolation="nearest")


def type_legend(figure: Figure) -> None:
    """A legend of the haemorrhage types' colours under the figure."""
    handles = [Patch(color=PALETTE[LABELS[name]], label=name) for name in HEMORRHAGES]
    figure.legend(handles=handles, loc="lower center", ncols=5, frameon=False)


def grid(
    images: np.ndarray,
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
        show_slice(place, images[k], None if labels is None else labels[k])
        if k < len(titles):
            place.set_title(titles[k], fontsize=8)
    figure.tight_layout(rect=(0, 0.25 / figure.get_figheight(), 1, 1))
    if labels is not None:
        type_legend(figure)
    return figure


def figure3(examples: dict[int, dict[str, np.ndarray]]) -> Figure:
    """High FCN scores, different looks: the best-scored slice of one type from each snapshot.

    `examples`: epoch -> arrays images, labels (k, H, W) and fcn_score (k,) of the same type.
    """
    figure, axes = plt.subplots(1, len(examples), figsize=(2.2 * len(examples), 2.9), squeeze=False)
    for place, (epoch, kept) in zip(axes[0], sorted(examples.items()), strict=True):
        show_slice(place, kept["images"][0], kept["labels"][0])
        place.set_title(f"epoch {epoch}\nFCN score {kept['fcn_score'][0]:.2f}", fontsize=9)
    figure.tight_layout(rect=(0, 0.08, 1, 1))
    type_legend(figure)
    return figure


def figure5(originals: np.ndarray, copies: np.ndarray, labels: np.ndarray) -> Figure:
    """Slices (k, H, W) above their traditional copies; `labels` (2, k, H, W) of both."""
    count = len(originals)
    figure, axes = plt.subplots(2, count, figsize=(1.75 * count, 4.1), squeeze=False)
    rows = (("original", originals), ("transformed", copies))
    for line, (name, images), masks in zip(axes, rows, labels, strict=True):
        for place, image, mask in zip(line, images, masks, strict=True):
            show_slice(place, image, mask)
        line[0].set_ylabel(name)
    figure.tight_layout(rect=(0, 0.06, 1, 1))
    type_legend(figure)
    return figure


def figure6(labels: np.ndarray, targets: np.ndarray, outputs: np.ndarray) -> Figure:
    """Mask, real slice and synthetic slice, a column each case: three arrays (k, H, W)."""
    count = len(labels)
    figure, axes = plt.subplots(3, count, figsize=(1.75 * count, 5.8), squeeze=False)
    for k in range(count):
        show_mask(axes[0, k], labels[k])
        show_slice(axes[1, k], targets[k])
        show_slice(axes[2, k], outputs[k])
    for place, name in zip(axes[:, 0], ("mask", "real", "synthetic"), strict=True):
        place.set_ylabel(name)
    figure.tight_layout(rect=(0, 0.05, 1, 1))
    type_legend(figure)
    return figure


def figure7(results: pd.DataFrame) -> Figure:
    """DSC, precision and recall over the share of the data, ours with intervals, beside theirs."""
    panels = {"dice_image": "DSC", "precision": "Precision", "recall": "Recall"}
    figure, axes = plt.subplots(1, 3, figsize=(10.5, 3.8), sharey=True)
    for place, (metric, title) in zip(axes, panels.items(), strict=True):
        for arm in ("original", "both"):
            name, color, marker = ARM_STYLE[arm]
            ours = curve(results, arm, metric)
            theirs = curve(paper_results(), arm, metric)
            spread = np.abs(ours[["ci_low", "ci_high"]].to_numpy().T - ours.value.to_numpy())
            place.errorbar(
                ours.fraction * 100,
                ours.value,
                spread,
                color=color,
                marker=marker,
                capsize=3,
                label=f"ours: {name}",
            )
            place.plot(
                theirs.fraction * 100,
                theirs.value,
                color=color,
                marker=marker,
                linestyle=":",
                fillstyle="none",
                alpha=0.8,
                label=f"paper: {name}",
            )
        place.set_xscale("log")
        shares = sorted({*results.fraction, *paper_results().fraction})
        place.set_xticks([100 * f for f in shares], [percent(f) for f in shares], minor=False)
        place.minorticks_off()
        place.set_xlabel("share of the training patients")
        place.set_title(title)
        place.set_ylim(0, 1)
    handles, names = axes[0].get_legend_handles_labels()
    figure.tight_layout(rect=(0, 0.1, 1, 1))
    figure.legend(handles, names, loc="lower center", ncols=4, frameon=False, fontsize=9)
    return figure


def curve(results: pd.DataFrame, arm: str, metric: str) -> pd.DataFrame:
    """The rows of an arm's curve over the share of the data, all types together."""
    chosen = results[
        (results.arm == arm) & (results.metric == metric) & (results.hemorrhage == "all")
    ]
    return chosen.sort_values("fraction")
