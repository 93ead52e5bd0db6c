"""What a segmenter is: a method that outlines the lesions of a slice, class by class.

A method is one file with one class, registered by one line in `protocol/methods.py`. The stages
build it, train it through its task, and let it segment; as the judge it scores synthetic slices,
and its features measure how similar two sets of slices are.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from torch import Tensor

from lcgan_core.protocol import methods
from lcgan_core.protocol.config import Config
from lcgan_core.training import checkpoint
from lcgan_core.training.engine import Schedule, Task
from lcgan_core.training.pairs import Pairs

WEIGHTS = "weights.safetensors"


class Segmenter(Protocol):
    """A method under one profile, for `classes` lesion classes; one object holds one network."""

    initialisation: str
    """Which weights the training started from, in a sentence; empty until `task` is called."""

    def __init__(self, config: Config, classes: int) -> None: ...

    def schedule(self, fraction: float) -> Schedule:
        """How many optimiser steps the arm `original` takes on a fraction of the patients."""
        ...

    def task(self, pairs: Pairs, seed: int) -> Task:
        """The training of a new network on `pairs`; all randomness follows from `seed`.

        Its `modules` are what `save` keeps. While it runs, and after it, `segment` and `features`
        use its network.
        """
        ...

    def load(self, folder: Path) -> None:
        """Load the network that `save` wrote into `folder`."""
        ...

    def segment(self, images: Tensor) -> Tensor:
        """Label maps (N, H, W) uint8 0..K on the CPU for `images` (N, H, W) uint8."""
        ...

    def features(self, images: Tensor) -> Tensor:
        """(N, F) float32 on the CPU: what the network knows of each image before it labels."""
        ...


def segmenter(name: str, config: Config, classes: int) -> Segmenter:
    """The segmenter registered as `name`; UserError if its class lacks what the protocol asks."""
    functions = "schedule", "task", "load", "segment", "features"
    made = methods.load(methods.SEGMENTERS[name], functions, ("initialisation",))
    return made(config, classes)


def save(task: Task, folder: Path) -> None:
    """Write the networks of a task to `folder`, as `Segmenter.load` reads them."""
    checkpoint.save(folder / WEIGHTS, task.modules, {}, {})


def trained(name: str, config: Config, classes: int, folder: Path) -> Segmenter:
    """The segmenter registered as `name`, with the network of a finished training."""
    made = segmenter(name, config, classes)
    made.load(folder)
    return made
