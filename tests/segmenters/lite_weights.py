"""The package of EfficientNet-lite0's weights, made up: its file with random numbers in it."""

import torch

from lcgan_core.models.lite import FILE, PACKAGE, Encoder


def made_up(folder, monkeypatch):
    """Make the package in `folder` the one that is found; the encoder that its file describes."""
    path = folder / PACKAGE / FILE
    path.parent.mkdir(parents=True)
    (folder / PACKAGE / "__init__.py").touch()
    encoder = Encoder()
    torch.save({theirs(key): value for key, value in encoder.state_dict().items()}, path)
    monkeypatch.syspath_prepend(folder)
    return encoder


def theirs(key):
    """The package's name of a parameter.

    >>> theirs("blocks.0.bn1.weight")
    '_blocks.0._bn1.weight'
    """
    *modules, name = key.split(".")
    return ".".join([part if part.isdigit() else f"_{part}" for part in modules] + [name])
