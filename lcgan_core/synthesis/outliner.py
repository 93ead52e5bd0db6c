"""A trained segmenter: HU in, label maps out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from lcgan_core.cohort.windows import to_window
from lcgan_core.errors import UserError
from lcgan_core.metrics.arrays import Array, as_tensor, like
from lcgan_core.segmenters.base import trained
from lcgan_core.synthesis import description
from lcgan_core.synthesis.description import Description

AT_ONCE = 64
"""Slices segmented in one call."""


class Outliner:
    """Outlines the lesions of CT slices; not for diagnosis.

    folder: where its network lies; description: what is known of it.
    """

    def __init__(self, folder: Path, described: Description) -> None:
        if described.role != "segmenter":
            raise UserError(
                f"{folder} is a generator and cannot outline; give a segmenter's model."
            )
        self.folder, self.description = folder, described
        self.method = trained(described.method, described.config, len(described.lesions), folder)

    @classmethod
    def from_pretrained(cls, folder: str | Path) -> Outliner:
        """The outliner of a model's folder; UserError as `description.read` says."""
        folder = Path(folder).expanduser()
        return cls(folder, description.read(folder))

    def outline(self, hu: Array) -> Any:
        """Label maps (N, H, W) uint8 0..K of slices in HU (N, H, W), at the model's size.

        Raises UserError for slices of another shape or size.
        """
        size, window = self.description.size, self.description.config.window
        shape = tuple(getattr(hu, "shape", ()))
        if len(shape) != 3 or shape[1:] != (size, size):
            raise UserError(
                f"Slices of shape {shape or type(hu).__name__} are refused; this model outlines "
                f"(N, {size}, {size}) HU."
            )
        parts = [
            self.method.segment(to_window(part, window.level, window.width))
            for part in as_tensor(hu).split(AT_ONCE)
        ]
        return like(torch.cat(parts) if parts else torch.empty(shape, dtype=torch.uint8), hu)
