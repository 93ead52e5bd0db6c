"""What a kind of copy is: a function that makes one copy of each slice without a network.

It is one function in a file of its own, registered by one line in `protocol/methods.py`. Its
randomness follows from the generator alone, so that two names of one function differ only in that.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import pandas as pd
import torch
from torch import Tensor

from lcgan_core.protocol.config import Config


@dataclass(frozen=True)
class Originals:
    """The N slices to copy, and what else is known of their patients."""

    images: Tensor
    """(N, H, W) uint8 0..255, windowed; on the device if they fit there."""
    labels: Tensor
    """(N, H, W) uint8 0..K, beside the images."""
    table: pd.DataFrame
    """N rows of slices.csv, among them the patient of each slice."""
    without_lesion: Callable[[], Tensor]
    """Reads the images of the same patients' slices without a lesion, (M, H, W) uint8; M may be 0.
    Networks do not see these slices unless the profile says so."""


class Copies(Protocol):
    """A kind of copy."""

    def __call__(
        self, originals: Originals, generator: torch.Generator, config: Config
    ) -> tuple[Tensor, Tensor]:
        """Images and labels, (N, H, W) uint8 each: the k-th is the copy of the k-th original.

        `config` may be asked only for what the kind's line in `methods.py` names as its settings.
        """
        ...
