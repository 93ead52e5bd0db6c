"""Masks that no patient had: lesions shifted, scaled and bent within what their class allows.

    labels   (H, W)   uint8 0..K
    hu       (H, W)   int16, the slice that a mask was drawn on, where it is known

A label map does not show the head, so that the lesions of other masks say where a class may lie:
a moved lesion stays around where lesions of its class lie in the given masks. The whole mask moves
by one geometry, so that lesions do not slide over each other. Where the slice is known, IVH stays
in the ventricles that it shows.
"""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np

from lcgan_core.lesions import Classes

SHIFT, SCALE, TURN, BEND = 0.06, (0.8, 1.25), 12.0, 0.02
"""Of the side of a slice; factors; degrees; of the side of a slice."""
OF_BONE = 0.35
"""How much of that a lesion moves that clings to skull or ventricles: SDH, EDH, SAH, IVH."""
CLINGING = ("IVH", "SAH", "EDH", "SDH")
WITHIN = 0.9
"""Of each class, how much has to stay where its lesions may lie, and of its area to remain."""
TRIES = 20
REACH = 0.04
"""Of a slice's side: how far around the given lesions of its class a lesion may lie."""
IVH = "IVH"
CSF = -5.0, 16.0
"""HU of a smoothed pixel of CSF; the rim of a sulcus or of a ventricle has more."""
TOUCHING = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))
"""Between blood and CSF lie pixels that hold both, up to two."""


class Allowed:
    """Where the lesions of each class may lie: around those of the given masks."""

    def __init__(self, masks: Iterable[np.ndarray], classes: Classes) -> None:
        self.classes = classes
        seen: np.ndarray | None = None
        for labels in masks:
            if seen is None:
                seen = np.zeros((len(classes) + 1, *labels.shape), bool)
            for value in np.unique(labels[labels > 0]):
                seen[value] |= labels == value
        assert seen is not None
        side = seen.shape[-1]
        kernel = np.ones((2 * max(round(REACH * side), 1) + 1,) * 2, np.uint8)
        self.where = np.stack([cv2.dilate(each.astype(np.uint8), kernel) for each in seen]) > 0

    def keeps(self, before: np.ndarray, after: np.ndarray) -> bool:
        """Whether the lesions of a moved mask lie where they may, with about the area expected."""
        for value in np.unique(before[before > 0]):
            moved = after == value
            least = WITHIN * SCALE[0] ** 2 * (before == value).sum()
            if moved.sum() < least or self.where[value][moved].mean() < WITHIN:
                return False
        return True

    def moved(self, labels: np.ndarray, seed: int, hu: np.ndarray | None = None) -> np.ndarray:
        """A moved mask; the mask itself where no try keeps within what is allowed."""
        ivh = self.classes.labels.get(IVH, 0)
        inside = None
        if hu is not None and ivh and (labels == ivh).any():
            inside = ventricles(hu, labels == ivh)
        noise = np.random.default_rng(seed)
        names = {self.classes.names[v - 1] for v in np.unique(labels[labels > 0])}
        much = OF_BONE if names & set(CLINGING) else 1.0
        for attempt in range(TRIES):
            after = _bent(labels, noise, much * (1 - attempt / TRIES))
            if inside is not None:
                after[(after == ivh) & ~inside] = 0
            if self.keeps(labels, after):
                return after
        return labels


def ventricles(hu: np.ndarray, ivh: np.ndarray) -> np.ndarray:
    """(H, W) bool: the blood `ivh` (H, W) and the CSF of its slice that it touches.

    A ventricle that the blood does not reach is not part of it.
    """
    smooth = cv2.GaussianBlur(hu.clip(-50, 100).astype(np.float32), (0, 0), 1.0)
    csf = (smooth >= CSF[0]) & (smooth <= CSF[1]) & ~ivh
    parts = cv2.connectedComponents(csf.astype(np.uint8), connectivity=4)[1]
    near = cv2.dilate(ivh.astype(np.uint8), TOUCHING) > 0
    touched = (csf & np.isin(parts, parts[near & csf])) | ivh
    return cv2.morphologyEx(touched.astype(np.uint8), cv2.MORPH_CLOSE, TOUCHING) > 0


def _bent(labels: np.ndarray, noise: np.random.Generator, much: float) -> np.ndarray:
    """One random geometry: shift, scale, rotation about the lesions' middle, and a smooth bend."""
    side = labels.shape[-1]
    rows, columns = np.mgrid[:side, :side].astype(np.float32)
    at = np.argwhere(labels > 0)
    middle = at.mean(0)
    low, high = np.log(SCALE)
    scale = np.exp(noise.uniform(low, high) * much)
    angle = np.radians(noise.uniform(-TURN, TURN) * much)
    shift = noise.uniform(-SHIFT, SHIFT, 2) * side * much
    coarse = noise.normal(0, 1, (2, 5, 5)).astype(np.float32) * BEND * side * much
    bend = [cv2.resize(each, (side, side), interpolation=cv2.INTER_CUBIC) for each in coarse]
    y, x = rows - middle[0] - shift[0] + bend[0], columns - middle[1] - shift[1] + bend[1]
    cos, sin = np.cos(angle) / scale, np.sin(angle) / scale
    source_x = (cos * x + sin * y + middle[1]).astype(np.float32)
    source_y = (-sin * x + cos * y + middle[0]).astype(np.float32)
    return cv2.remap(labels, source_x, source_y, cv2.INTER_NEAREST, borderValue=0)
