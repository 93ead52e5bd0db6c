"""Pictures to look at while a training runs: its losses and its synthetic slices."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pandas as pd

# imported here, not in the functions: Ctrl-C during the import would become an ImportError
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from lcgan_core.run.artefacts import atomic


def draw_losses(history: pd.DataFrame, path: Path) -> None:
    """Write a PNG of every loss over the epochs or steps, each on its own axes, whole or not at
    all."""
    losses = history.set_index(history.columns[0])
    figure = Figure(figsize=(3.2 * losses.shape[1], 2.4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, losses.shape[1], squeeze=False)[0]
    for axis, name in zip(axes, losses, strict=True):
        axis.plot(losses.index, losses[name])
        axis.set(xlabel=losses.index.name, title=name)
    with atomic(path) as temporary:
        figure.savefig(temporary, metadata={"Software": None})


def draw_samples(images: np.ndarray, path: Path) -> None:
    """Write slices (k, H, W) uint8 side by side as a PNG, whole or not at all."""
    with atomic(path) as temporary:
        temporary.write_bytes(cv2.imencode(".png", np.hstack(list(images)))[1].tobytes())
