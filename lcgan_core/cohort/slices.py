"""Slices as networks take them: windowed images and labels of chosen rows of a slice store."""

from __future__ import annotations

import math
import os
import tempfile
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from lcgan_core.cohort.store import SliceStore
from lcgan_core.cohort.windows import to_window
from lcgan_core.errors import UserError
from lcgan_core.lesions import Classes
from lcgan_core.run import artefacts

READ_AT_ONCE = 512
"""Slices: reading thousands of HU at once would take several times the memory of the images."""
SHARE = 0.5
"""Of the free memory that images may fill; the networks need the rest."""


@dataclass(frozen=True)
class Slices:
    """N slices of H x W pixels, one row of `table` each.

    images: (N, H, W) uint8, windowed; labels: (N, H, W) uint8, 0..K; table: their rows of
    slices.csv; classes: the names of labels 1..K.
    """

    images: Tensor
    labels: Tensor
    table: pd.DataFrame
    classes: Classes

    @property
    def size(self) -> int:
        """Rows and columns of a slice, in pixels."""
        return int(self.images.shape[-1])

    @property
    def areas(self) -> np.ndarray:
        """(N, K) area of each class on each slice, mm2."""
        return self.table[self.classes.areas].to_numpy()

    @property
    def patients(self) -> np.ndarray:
        """(N,) patient of each slice."""
        return self.table.patient.to_numpy()


def read(store: SliceStore, rows: np.ndarray, level: float, width: float) -> Slices:
    """The slices in `rows` of a store, in the window `level`, `width` (HU).

    Raises UserError where the store, made from windowed pictures, does not know all HU of it.
    """
    low, high = store.manifest.get("hu_exact", (-math.inf, math.inf))
    if level - width / 2 < low or level + width / 2 > high:
        raise UserError(
            f"{store.folder} was made from pictures that show {low:g} to {high:g} HU, and the "
            f"window {level:g}/{width:g} goes beyond them; set window_level={(low + high) / 2:g} "
            f"and window_width={high - low:g}, or a window within."
        )
    shape = (len(rows), *store.hu.shape[1:])
    images, labels = room(shape), room(shape)
    for part in torch.arange(len(rows)).split(READ_AT_ONCE):
        chosen = rows[part.numpy()]
        images[part] = to_window(torch.from_numpy(store.hu[chosen]), level, width)
        labels[part] = torch.from_numpy(store.labels[chosen])
    return Slices(images, labels, store.slices.iloc[rows].reset_index(drop=True), store.classes)


def room(shape: tuple[int, ...]) -> Tensor:
    """An uint8 tensor to fill: in memory, or mapped from a temporary file where that is too small.

    The file has no name and vanishes with the tensor; training then streams from it.
    """
    size = math.prod(shape)
    if size <= SHARE * os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"):
        return torch.empty(shape, dtype=torch.uint8)
    with tempfile.NamedTemporaryFile(dir=artefacts.root()) as file:
        return torch.from_file(file.name, shared=True, size=size, dtype=torch.uint8).view(shape)
