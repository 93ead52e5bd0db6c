"""The tissues of a head, their attenuation, and the slice that they are painted on."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lcgan_core.labels import HEMORRHAGES

Array = NDArray[Any]


class Tissue(IntEnum):
    """What most of a voxel is made of, before the scanner's blur and noise."""

    AIR = 0
    SKIN = 1
    FAT = 2
    MUSCLE = 3
    TABLE = 4
    DIPLOE = 5
    CSF = 6
    GREY = 7
    WHITE = 8
    VENTRICLE = 9
    DURA = 10
    CEREBELLUM = 11
    BRAINSTEM = 12
    CALCIFICATION = 13
    OEDEMA = 14
    BLOOD = 15


HU = {
    Tissue.AIR: -1000.0,
    Tissue.SKIN: 50.0,
    Tissue.FAT: -100.0,
    Tissue.MUSCLE: 50.0,
    Tissue.TABLE: 1150.0,
    Tissue.DIPLOE: 650.0,
    Tissue.CSF: 9.0,
    Tissue.GREY: 38.5,
    Tissue.WHITE: 29.0,
    Tissue.VENTRICLE: 8.0,
    Tissue.DURA: 54.0,
    Tissue.CEREBELLUM: 36.0,
    Tissue.BRAINSTEM: 32.0,
    Tissue.CALCIFICATION: 170.0,
    Tissue.OEDEMA: 21.0,
}
"""HU of undiluted tissue: MIDA tables and clinical ranges; blood differs from lesion to lesion."""


class Canvas:
    """n voxels, painted from the outside in; a part-covered voxel keeps a share of what was there.

    hu: (n,) float32; tissue: (n,) uint8; blood: (5, n) float32, share of each haemorrhage type.
    """

    def __init__(self, n: int) -> None:
        self.hu = np.full(n, HU[Tissue.AIR], np.float32)
        self.tissue = np.full(n, Tissue.AIR, np.uint8)
        self.blood = np.zeros((len(HEMORRHAGES), n), np.float32)

    def paint(self, cover: Array, tissue: Tissue, texture: Array | float = 0.0) -> None:
        """Cover voxels by `cover` (n,) in 0..1 with a tissue; `texture` (HU) is added to it."""
        self._lay(cover, HU[tissue] + texture, tissue)

    def bleed(self, cover: Array, label: int, hu: Array) -> None:
        """Cover voxels with blood of a haemorrhage type (label 1..5) and attenuation `hu` (n,)."""
        self._lay(cover, hu, Tissue.BLOOD)
        self.blood[label - 1] += cover

    def _lay(self, cover: Array, hu: Array | float, tissue: Tissue) -> None:
        self.hu += cover * (hu - self.hu)
        self.tissue[cover > 0.5] = tissue
        self.blood *= 1.0 - cover
