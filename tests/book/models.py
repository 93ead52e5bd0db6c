"""Small generators of random weights, as models that a bundle carries."""

from pathlib import Path

import torch

from lcgan_core.generators.lcgan import generator
from lcgan_core.lesions import FIVE, Classes
from lcgan_core.models import Generator
from lcgan_core.protocol import profiles
from lcgan_core.protocol.config import IN_SILICO, Config
from lcgan_core.synthesis import description
from lcgan_core.synthesis.description import Trained
from lcgan_core.training import checkpoint

EPOCH = 40


def model(
    place: Path, fraction: float, patients: int, size: int = 128, classes: Classes = FIVE,
    half: bool = True, **lcgan,
) -> Path:  # fmt: skip
    """Write a generator that was trained on so many patients, in half precision."""
    settings = {"lcgan_width": 1, **{f"lcgan_{name}": value for name, value in lcgan.items()}}
    config = profiles.load("quick", image_size=size, **settings)
    trained = Trained(
        cohort=IN_SILICO, people=False, fraction=fraction, draw=1, patients=patients, slices=10,
        pixel_mm=(1.8, 1.9), fingerprint="0",
    )  # fmt: skip
    told = description.described(config, "generator", "lcgan", classes, trained, EPOCH)
    source = place.parent / f".{place.name}.source"
    source.mkdir(parents=True)
    path = source / f"generator-{EPOCH}.safetensors"
    checkpoint.save(path, {"generator": network(config, len(classes))}, {}, {})
    description.write(place, told, source, {description.CARD: b"# A model"}, half)
    path.unlink()
    source.rmdir()
    return place


def network(config: Config, classes: int = 5) -> Generator:
    """One whose random weights let mask and noise reach the picture, without saturating it."""
    torch.manual_seed(config.lcgan.width)
    made = generator(config.lcgan, config.image_size, classes)
    for name, weight in made.named_parameters():
        gain = weight.dim() == 1 and name.endswith("weight")
        torch.nn.init.normal_(weight, mean=float(gain), std=0.1)
    return made
