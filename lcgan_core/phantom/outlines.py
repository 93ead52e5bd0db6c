"""Haemorrhages whose outline on a slice is given: what they displace, and how they are painted."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from scipy.ndimage import gaussian_filter1d

from lcgan_core.phantom.blood import Lesion
from lcgan_core.phantom.brain import Spaces, Where
from lcgan_core.phantom.tissues import Array, Canvas, Tissue

HIDDEN_MM = 3.0
"""Blood nearer to bone lies in its glare, where an annotator does not draw it."""
BORDER_MM = 3.2
"""Width of a border: the walls of the phantom's own blood slant in a thick slice. Of a pixel inside
the border of a mask three quarters are blood, of the next one nearly all."""
LENS_MM = 2.0
"""The same of blood on the skull, whose walls are steeper."""
RAYS = 180
"""Directions in which the thickness of blood on the skull is measured."""


@dataclass(frozen=True)
class Outline:
    """One connected part of a mask, as a haemorrhage.

    like: what it consists of and what it pushes aside, which a mask does not say; mm: (H, W)
    float32 distance into the part, negative outside; px: mm of a pixel of `mm`.
    """

    like: Lesion
    mm: Array
    px: float

    def inside(self, at: Where, left: Array, back: Array) -> Array:
        """mm into the blood (h, w) at points `left` and `back` mm from the middle of the slice.

        On the skull it reaches the bone, which its mask does not.
        """
        column, row = (
            (mm / self.px + (n - 1) / 2).astype(np.float32)
            for mm, n in zip((left, back), self.mm.shape[::-1], strict=True)
        )
        found = cv2.remap(self.mm, column, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        if self.like.lifts:
            found = np.maximum(found, np.minimum(found + HIDDEN_MM, HIDDEN_MM - at.depth))
        return np.asarray(found, np.float32)

    def thickness(self, at: Where, inside: Array) -> Array:
        """mm of blood between bone and brain (h, w), in every direction from the head's middle."""
        if not self.like.lifts:
            return np.zeros_like(at.x)
        turn = np.arctan2(at.x, at.y) / (2 * np.pi) * RAYS
        blood, deepest, nearest = inside > 0, np.zeros(RAYS), np.full(RAYS, np.inf)
        ray = np.floor(turn[blood]).astype(int) % RAYS
        np.maximum.at(deepest, ray, at.depth[blood])
        np.minimum.at(nearest, ray, at.depth[blood])
        deepest[nearest > 2 * HIDDEN_MM] = 0  # brain lies between this blood and the bone
        even = gaussian_filter1d(deepest, 1.0, mode="wrap")
        return np.interp(turn, np.arange(RAYS) + 0.5, even, period=RAYS).astype(np.float32)


def distance(mask: Array, px: float) -> Array:
    """mm into a mask (H, W) bool of pixels of `px` mm, float32, negative outside.

    >>> distance(np.array([[False, True, True, True, False, False]]), 2.0).tolist()
    [[-1.0, 1.0, 3.0, 1.0, -1.0, -3.0]]
    """
    within, without = (
        cv2.distanceTransform(side.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
        for side in (mask, ~mask)
    )
    # distances are between the middles of pixels, the border is half a pixel nearer
    return np.asarray((within - without - np.sign(within - without) / 2) * px, np.float32)


def paint_outlines(
    canvas: Canvas, found: list[tuple[Outline, Array]], at: Where, spaces: Spaces, top: Array
) -> None:
    """Paint outlines, each with its mm (h, w) of `Outline.inside`: first all oedema, then blood.

    top: (H, W) proportion of the pixel that is inside the cranial cavity.
    """
    dry = canvas.solid(at.depth - 1.0) * (1 - spaces.ventricle) * (1 - spaces.subarachnoid)
    for outline, inside in found:
        if outline.like.rim:
            oedema = canvas.solid(outline.like.oedema(at, inside), 3.0) * dry
            canvas.paint(oedema, Tissue.OEDEMA, outline.like.rim_hu - 23.0)
    for outline, inside in found:
        cover = canvas.solid(inside, LENS_MM if outline.like.lifts else BORDER_MM) * top
        canvas.bleed(cover, outline.like.label, canvas.up(outline.like.attenuation(at)))
