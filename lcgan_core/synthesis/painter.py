"""A trained generator: masks in, HU out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lcgan_core.cohort.windows import to_hu
from lcgan_core.errors import UserError
from lcgan_core.generators.base import generator
from lcgan_core.metrics.arrays import Array, as_tensor, like
from lcgan_core.synthesis import description
from lcgan_core.synthesis.description import CARD, Description


class Painter:
    """Paints a CT slice around the lesions of each mask.

    folder: a model, as `lcgan model` writes it; description: what it says of itself.
    """

    def __init__(self, folder: Path, described: Description) -> None:
        if described.role != "generator":
            raise UserError(f"{folder} is a segmenter and cannot paint; give a generator's model.")
        self.folder, self.description = folder, described
        self.method = generator(
            described.method, described.config, described.size, len(described.lesions)
        )

    @classmethod
    def from_pretrained(cls, folder: str | Path) -> Painter:
        """The painter of a model's folder; UserError as `description.read` says."""
        folder = Path(folder).expanduser()
        return cls(folder, description.read(folder))

    def paint(self, labels: Array, seed: int = 1) -> Any:
        """Paint a slice for each mask: labels (N, H, W) integer 0..K -> (N, H, W) int16 HU.

        K and H = W are those of the model; array in, array out, tensor in, tensor on the CPU out.
        HU are cut off at the window's ends. The noise follows only from `seed` and the order of the
        masks. Raises UserError for masks of another shape, size or with unknown labels.
        """
        given = self.checked(labels)
        assert self.description.candidate is not None
        window = self.description.config.window
        images = self.method.paint(self.folder, self.description.candidate, given, seed)
        return like(to_hu(images, window.level, window.width), labels)

    def checked(self, labels: Array) -> Tensor:
        """Masks as uint8 on the CPU; raises UserError."""
        size, classes = self.description.size, self.description.lesions
        shape = tuple(getattr(labels, "shape", ()))
        if len(shape) != 3:
            raise UserError(
                f"Masks of shape {shape or type(labels).__name__} are refused; give an array (N, "
                "H, W) of label maps, and one mask as mask[None]."
            )
        if shape[1:] != (size, size):
            raise UserError(
                f"Masks of {shape[1]} x {shape[2]} pixels are refused; this model paints {size} x "
                f"{size}: resample them by nearest pixel."
            )
        given = as_tensor(labels).cpu()
        whole = not (given.is_floating_point() or given.is_complex())
        if not whole or (given.numel() and not 0 <= given.min() <= given.max() <= len(classes)):
            known = ", ".join(f"{value} {name}" for name, value in classes.labels.items())
            raise UserError(f"The masks hold other labels than 0 and {known}; map them first.")
        return given.to(torch.uint8)

    def save_pretrained(self, folder: str | Path) -> None:
        """Write the model to another folder, as `from_pretrained` reads it."""
        folder = Path(folder).expanduser()
        others = {
            path.name: path.read_bytes()
            for path in self.folder.iterdir()
            if path.name == CARD or path.suffix in (".png", ".onnx")
        }
        description.write(folder, self.description, self.folder, others)
