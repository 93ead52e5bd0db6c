"""What a generator is: a method that learns to paint a CT slice around the lesions of a mask.

A method is one file with one class, registered by one line in `protocol/methods.py`. The stages
build it, train it, choose among its candidates and paint with the chosen one; the class does no
more than this protocol says.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from torch import Tensor

from lcgan_core.cohort.slices import Slices
from lcgan_core.protocol import methods
from lcgan_core.protocol.config import Config


class Generator(Protocol):
    """A method under one profile, for slices of `size` pixels with `classes` lesion classes."""

    def __init__(self, config: Config, size: int, classes: int) -> None: ...

    def fit(self, slices: Slices, seed: int, work: Path, label: str) -> Sequence[int]:
        """Train on `slices` and write every candidate into the folder `work`.

        All randomness follows from `seed`. Called again with the same arguments after an
        interruption, it continues from what it left in `work`. `label` names the training in
        progress bars and errors. Weights are `.safetensors` files; one that only a single candidate
        needs ends with its number, as `x-12.safetensors`. Writes `history.csv`, the mean losses of
        each epoch, with a column `epoch`. Returns the candidates: after how many epochs each was
        kept, ascending.
        """
        ...

    def paint(self, folder: Path, candidate: int, labels: Tensor, seed: int) -> Tensor:
        """Paint one slice for each mask: `labels` (N, H, W) uint8 0..K -> (N, H, W) uint8.

        `folder` contains what `fit` wrote; the result is on the CPU and depends only on the
        arguments.
        """
        ...


def generator(name: str, config: Config, size: int, classes: int) -> Generator:
    """The generator registered as `name`; UserError if its class lacks a function."""
    made = methods.load(methods.GENERATORS[name], ("fit", "paint"))
    return made(config, size, classes)
