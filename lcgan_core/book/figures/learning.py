"""The learning curve of a segmenter: its loss, and its Dice in training and validation."""

from __future__ import annotations

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from lcgan_core.segmenters.training import TRAIN, VALIDATION


def curve(history: pd.DataFrame) -> Figure:
    """Two panels over the optimiser steps; the dashed line marks the check whose network was kept.

    `history` as `segmenters.training.history` reads it.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(7, 2.6), layout="constrained")
    loss = history.columns[1]
    left.plot(history.step, history[loss], color="#555555")
    left.set(xlabel="optimiser step", ylabel=loss, yscale="log")
    for name, color in ((TRAIN, "#555555"), (VALIDATION, "#00798c")):
        right.plot(history.step, history[name], color=color, label=name.removesuffix(" Dice"))
    kept = history.step[history[VALIDATION].fillna(0).argmax()]
    right.axvline(kept, color="#00798c", linestyle="--", linewidth=1)
    right.set(xlabel="optimiser step", ylabel="mean DSC per image", ylim=(0, 1))
    right.legend(frameon=False)
    return figure
