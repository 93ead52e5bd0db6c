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

    def named(self, uids: list[str]) -> set[int] | None:
        """The slices that are named, where any name is given that must be one of the stack's."""
        return {self._index[uid] for uid in uids if uid in self._index} if any(uids) else None

    def lies_on(self, index: int, points: np.ndarray) -> bool:
        """Whether (N, 3) points lie in the plane of a slice, or nearer to it than half a gap."""
        away = np.abs(self._heights[index] - points @ self._normal)
        return bool(away.max() < self._half(index))

    def nearest(self, point: np.ndarray) -> int | None:
        """The slice whose plane is nearest to a point; None if that is half a gap or more away."""
        k = int(np.abs(self._heights - self._normal @ point).argmin())
        return k if self.lies_on(k, point[None]) else None

    def _half(self, index: int) -> float:
        return float(np.diff(self._heights)[max(index - 1, 0) : index + 1].min()) / 2

    def share_a_frame(self, frames: set[str]) -> bool:
        """Whether positions in these frames of reference (UIDs, "" if unknown) mean this stack."""
        own = self._stack.slices[0].frame
        return not own or not frames - {"", own}

    def apart(self, index: int, point: np.ndarray) -> float:
        """How far a point lies from the centre of a slice's first pixel, mm."""
        return float(np.linalg.norm(np.asarray(self._stack.slices[index].position) - point))
