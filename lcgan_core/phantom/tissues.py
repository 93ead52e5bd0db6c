"""The tissues of a head, their attenuation, and the slice that they are painted on."""

from __future__ import annotations

from copy import copy
from enum import IntEnum
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lcgan_core.lesions import HEMORRHAGES

Array = NDArray[Any]
Box = tuple[slice, slice]
"""Rows and columns."""


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
    GLOBE = 16
    REST = 17


HU = {
    Tissue.AIR: -1000.0,
    Tissue.SKIN: 55.0,
    Tissue.FAT: -100.0,
    Tissue.MUSCLE: 52.0,
    Tissue.TABLE: 1150.0,
    Tissue.DIPLOE: 650.0,
    Tissue.CSF: 8.0,
    Tissue.GREY: 34.6,
    Tissue.WHITE: 27.9,
    Tissue.VENTRICLE: 7.0,
    Tissue.DURA: 54.0,
    Tissue.CEREBELLUM: 34.4,
    Tissue.BRAINSTEM: 30.4,
    Tissue.CALCIFICATION: 170.0,
    Tissue.OEDEMA: 23.0,
    Tissue.GLOBE: 12.0,
    Tissue.REST: 110.0,
}
"""HU of undiluted tissue: MIDA tables and clinical ranges; blood differs from lesion to lesion."""

FINER = 2
"""Pixels painted along a row for each point at which the geometry is computed."""


class Canvas:
    """A thin plane, painted from the outside in; a partly covered pixel keeps part of its value.

    hu: (H, W) float32; tissue: (H, W) uint8; blood: (5, H, W) float32, proportion of each type
    of blood; px: mm. Geometry comes on an (H / FINER, W / FINER) grid: distances are smooth enough
    to be interpolated, the edges painted from them are not.
    """

    def __init__(self, shape: tuple[int, int], px: float) -> None:
        self.px = px
        self.hu = np.full(shape, HU[Tissue.AIR], np.float32)
        self.tissue = np.full(shape, Tissue.AIR, np.uint8)
        self.blood = np.zeros((len(HEMORRHAGES), *shape), np.float32)

    def part(self, box: Box) -> Canvas:
        """The same pixels, of some rows and columns of the geometry's grid only."""
        return self._cut(finer(box))

    def _cut(self, fine: Box) -> Canvas:
        part = copy(self)
        part.hu, part.tissue, part.blood = self.hu[fine], self.tissue[fine], self.blood[:, *fine]
        return part

    def up(self, values: Array) -> Array:
        """(h, w) values of the geometry's grid on the canvas, (H, W) float32."""
        height, width = self.hu.shape
        return np.asarray(cv2.resize(values.astype(np.float32, copy=False), (width, height)))

    def solid(self, inside: Array, width: float | None = None) -> Array:
        """(H, W) proportion of a pixel inside a solid whose border is `inside` (h, w) mm away.

        `width` of the transition: a pixel, if not given.
        """
        width = width or self.px
        if inside.max() <= -0.5 * width:  # most shapes miss most planes
            return np.zeros_like(self.hu)
        return edge(self.up(inside), width)

    def wall(self, signed: Array, half: Array | float) -> Array:
        """(H, W) proportion covered by a sheet of half thickness `half` (h, w) `signed` mm away."""
        thick = self.up(half) if isinstance(half, np.ndarray) else half
        return sheet(np.abs(self.up(signed)), thick, self.px)

    def fill(
        self, inside: Array, tissue: Tissue, texture: Array | float = 0.0,
        width: float | None = None, share: float = 1.0,
    ) -> None:  # fmt: skip
        """Paint `share` of a solid whose border is `inside` (h, w) mm away, where it is.

        texture: HU that are added, (h, w); width of the transition: a pixel, if not given.
        """
        width = width or self.px
        if box := around(inside > -width):
            part = self.part(box)
            cover = edge(part.up(inside[box]), width)
            if share != 1:
                cover *= share
            part.paint(
                cover, tissue, part.up(texture[box]) if isinstance(texture, np.ndarray) else texture
            )

    def paint(self, cover: Array, tissue: Tissue, texture: Array | float = 0.0) -> None:
        """Cover pixels by `cover` (H, W) in 0..1 with a tissue; `texture` (HU) is added to it."""
        self._lay(cover, HU[tissue] + texture, tissue)

    def bleed(self, cover: Array, label: int, hu: Array) -> None:
        """Cover pixels with blood of a type (label 1..5) and attenuation `hu`."""
        if fine := around(cover > 0):
            part, cover = self._cut(fine), cover[fine]
            part._lay(cover, hu[fine], Tissue.BLOOD)
            part.blood *= 1.0 - cover
            part.blood[label - 1] += cover

    def _lay(self, cover: Array, hu: Array | float, tissue: Tissue) -> None:
        if cover.max() > 0:
            change = np.subtract(hu, self.hu)
            change *= cover
            self.hu += change
            np.copyto(self.tissue, np.uint8(tissue), where=cover > 0.5)


def around(some: Array) -> Box | None:
    """Rows and columns that contain all of `some` (h, w), and one more on every side.

    None where there is nothing.
    """
    rows = np.flatnonzero(some.any(axis=1))
    if not rows.size:
        return None
    columns = np.flatnonzero(some.any(axis=0))
    first, last = (slice(max(int(n[0]) - 1, 0), int(n[-1]) + 2) for n in (rows, columns))
    return first, last


def finer(box: Box) -> Box:
    """The rows and columns of a canvas, for those of the geometry's grid."""
    rows, columns = (slice(FINER * it.start, FINER * it.stop) for it in box)
    return rows, columns


def edge(inside: Array, width: Array | float) -> Array:
    """Proportion of a voxel `width` mm wide inside a shape whose border is `inside` mm away.

    >>> edge(np.array([-1.0, 0.0, 0.25, 2.0]), 1.0).tolist()
    [0.0, 0.5, 0.75, 1.0]
    """
    share = inside / width
    share += 0.5
    return np.clip(share, 0.0, 1.0, out=share)


def sheet(distance: Array, half: Array | float, width: float) -> Array:
    """Proportion of a voxel `width` mm wide covered by a sheet of half thickness `half`.

    >>> sheet(np.array([0.0, 1.0]), 0.25, 1.0).tolist()
    [0.5, 0.0]
    """
    return np.clip(np.minimum((half - distance) / width + 0.5, 2.0 * half / width), 0.0, 1.0)
