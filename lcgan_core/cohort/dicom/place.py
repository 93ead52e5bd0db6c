"""Which slice of a stack a frame or a contour means."""

from __future__ import annotations

import numpy as np

from lcgan_core.cohort.dicom.geometry import normal
from lcgan_core.cohort.dicom.stack import Stack


class Places:
    """Slices of a stack looked up by SOPInstanceUID or by a point in LPS mm."""

    def __init__(self, stack: Stack):
        uids = [item.instance for item in stack.slices]
        self._index = {u: k for k, u in enumerate(uids) if u and uids.count(u) == 1}
        self._stack, self._heights = stack, stack.heights
        self._normal = normal(stack.slices[0].orientation)

    def named(self, uids: list[str]) -> int | None:
        """The slice that is named, where exactly one is."""
        found = {self._index[uid] for uid in uids if uid in self._index}
        return found.pop() if len(found) == 1 else None

    def nearest(self, point: np.ndarray) -> int | None:
        """The slice whose plane is nearest to a point; None if that is half a gap or more away."""
        away = np.abs(self._heights - self._normal @ point)
        k = int(away.argmin())
        beside = np.diff(self._heights)[max(k - 1, 0) : k + 1]
        return k if away[k] < beside.min() / 2 else None

    def apart(self, index: int, point: np.ndarray) -> float:
        """How far a point lies from the centre of a slice's first pixel, mm."""
        return float(np.linalg.norm(np.asarray(self._stack.slices[index].position) - point))
