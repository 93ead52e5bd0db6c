"""Start FCN-8s from a VGG-16 trained on ImageNet, as paper 4.1 does ("pretrained VGG-16 model").

features.k.weight    (c_out, c_in, 3, 3)    the trunk, thirteen convolutions
classifier.0.weight  (64w, 8w * 7 * 7)      becomes fc6 (64w, 8w, 7, 7)
classifier.3.weight  (64w, 64w)             becomes fc7 (64w, 64w, 1, 1)
"""

from collections.abc import Mapping
from pathlib import Path

import safetensors.torch
import torch
from torch import Tensor, nn

from lcgan_core.errors import UserError
from lcgan_core.models.fcn8s import FCN8s

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
"""Mean and standard deviation of ImageNet's RGB in [0, 1], as torchvision's weights expect it."""


def load_vgg16(model: FCN8s, weights: str | Path) -> str:
    """Initialise trunk, fc6 and fc7 of `model` in place; return a sentence that names the source.

    `weights` is "none" (the model stays as it is), "imagenet" (torchvision's VGG16_Weights, fetched
    over the network) or a local file with the state dict of torchvision's vgg16, safetensors or
    .pth. The input normalisation belongs to the weights and is set with them.

    Raises UserError if the weights are unavailable or do not fit the model.
    """
    if str(weights) == "none":
        return "The FCN was trained from random weights, without the paper's VGG-16 pretraining."
    state = _imagenet() if str(weights) == "imagenet" else _local(Path(weights))
    _copy(state, model, "ImageNet's VGG-16" if str(weights) == "imagenet" else str(weights))
    # The network's images are in [-1, 1], the weights' statistics in [0, 1].
    model.mean.copy_(2 * torch.tensor(MEAN) - 1)
    model.std.copy_(2 * torch.tensor(STD))
    if str(weights) == "imagenet":
        return "The FCN's trunk, fc6 and fc7 started from torchvision's VGG-16 (ImageNet-1k, V1)."
    return f"The FCN's trunk, fc6 and fc7 started from the VGG-16 weights in {Path(weights).name}."


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


def _copy(state: Mapping[str, Tensor], model: FCN8s, name: str) -> None:
    """Copy name by name: torchvision numbers its features in sequence, ReLUs and pools included."""
    targets: dict[str, nn.Conv2d] = {}
    position = 0
    for stage in model.trunk:
        for layer in stage.children():
            if isinstance(layer, nn.BatchNorm2d):
                raise UserError("VGG-16 weights fit an FCN without batch norm; set it to false.")
            if isinstance(layer, nn.Conv2d):
                targets[f"features.{position}"] = layer
            position += 1
    for key, sequence in (("classifier.0", model.fc6), ("classifier.3", model.fc7)):
        convolution = sequence[0]
        assert isinstance(convolution, nn.Conv2d)
        targets[key] = convolution

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
                    "give the full state dict of torchvision's vgg16 and an FCN of width 64."
                )
            pairs.append((parameter, value.reshape(parameter.shape)))
    with torch.no_grad():
        for parameter, value in pairs:
            parameter.copy_(value)
