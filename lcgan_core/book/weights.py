"""The weights of a published generator: one file per fraction, which says what it is.

`weights/FRACTION.safetensors` of a bundle is a checkpoint of the network "generator" in half
precision; its notes are `About`.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import BaseModel, Field
from torch import Tensor

from lcgan_core.generators.lcgan import IMAGE_CHANNELS
from lcgan_core.models import Generator
from lcgan_core.training import checkpoint
from lcgan_core.training.encoding import mask_channels

FOLDER = "weights"
"""In a bundle."""


class About(BaseModel):
    """What must be known of a generator to paint with it, and on what it was trained."""

    fraction: float = Field(gt=0, le=1)
    patients: int = Field(ge=1)
    classes: tuple[str, ...] = Field(min_length=1)
    width: int = Field(ge=1, le=64)
    image_size: int = Field(ge=64, le=512)
    mask_encoding: Literal["rgb", "onehot"]
    bottleneck_norm: bool
    synthesis_scale: Literal["matched", "port"]

    def network(self) -> Generator:
        """A new network of this kind, in half precision."""
        return Generator(
            mask_channels(self.mask_encoding, len(self.classes)),
            IMAGE_CHANNELS[self.mask_encoding],
            width=self.width,
            size=self.image_size,
            bottleneck_norm=self.bottleneck_norm,
        ).half()


def save(path: Path, network: Generator, about: About) -> None:
    """Write a generator's weights in half precision, and what they are."""
    half = about.network()
    half.load_state_dict(network.state_dict())
    checkpoint.save(path, {"generator": half}, {}, about.model_dump())


def about(path: Path) -> About:
    """What the weights are; ValueError if their notes do not say it."""
    return About.model_validate(checkpoint.notes_of(path) or {})


def read(path: Path) -> dict[str, Tensor]:
    """Name -> float16 tensor, all of them of the network that the notes describe.

    Raises ValueError for notes that describe none, UserError for a file that is damaged or has
    other tensors.
    """
    network = about(path).network()
    checkpoint.load(path, {"generator": network})
    return network.state_dict()


def script(path: Path) -> str:
    """The weights as JavaScript: a page that was opened from a folder may load nothing else."""
    tensors = read(path)
    names = [[name, list(tensor.shape)] for name, tensor in tensors.items()]
    halves = np.concatenate([tensor.numpy().ravel() for tensor in tensors.values()])
    text = base64.b64encode(halves.astype("<f2").tobytes()).decode()
    name = path.stem
    return (
        f"playgroundWeights[{json.dumps(name)}] = {json.dumps({'names': names, 'half': text})};\n"
    )
