"""A generator of the LcGAN family as ONNX: a label map in, HU out, without torch.

    labels   (1, H, W)   int64 0..K
    hu       (1, H, W)   int16

Colours, scale and the mean over channels are part of the graph, since they lie outside the network.
One slice at a time, because the norms take their statistics from the batch, and without noise: the
file paints the same slice for the same mask. It is kept only if onnxruntime paints what torch does.
"""

from __future__ import annotations

import copy
import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from lcgan_core.errors import UserError
from lcgan_core.generators import lcgan, scale
from lcgan_core.generators.lcgan import LcGan
from lcgan_core.models.layers import BatchNorm
from lcgan_core.run import artefacts
from lcgan_core.run.disk import disk_errors
from lcgan_core.synthesis.painter import Painter
from lcgan_core.training import checkpoint
from lcgan_core.training.encoding import encode_mask

NAME = "model.onnx"
NEEDS = ("onnx", "onnxscript", "onnxruntime")
CLOSE, OFTEN = 1, 0.001
"""HU by which a pixel may differ, where torch's last digit decides how it is rounded, and the share
of pixels that may."""


def export(folder: Path) -> Path:
    """Write model.onnx into a model's folder; returns its path.

    Raises UserError where the packages are missing, for a method that is not of the LcGAN family,
    and where onnxruntime paints other slices than torch.
    """
    if missing := [name for name in NEEDS if importlib.util.find_spec(name) is None]:
        raise UserError(
            f"ONNX needs {', '.join(missing)}; install them with `pip install lcgan-core[onnx]`."
        )
    painter = Painter.from_pretrained(folder)
    if not isinstance(painter.method, LcGan):
        raise UserError(f"{painter.description.method} is not one network that ONNX could hold.")
    whole = Whole(painter).eval()
    target = folder / NAME
    with disk_errors(target), artefacts.atomic(target) as temporary:
        _write(whole, painter.description.size, temporary)
        _compare(whole, temporary, painter)
    return target


class Whole(nn.Module):
    """Everything between a label map and HU, without noise, in float32."""

    def __init__(self, painter: Painter) -> None:
        super().__init__()
        told = painter.description
        assert isinstance(painter.method, LcGan)
        self.settings = painter.method.settings.model_copy(update={"precision": "float32"})
        self.classes, self.low = len(told.lesions), told.hu[0]
        self.width = told.hu[1] - told.hu[0]
        network = lcgan.generator(self.settings, told.size, self.classes)
        file = painter.folder / f"generator-{told.candidate}.safetensors"
        checkpoint.load(file, {"generator": network})
        network.noise = False
        self.network = _explicit(copy.deepcopy(network).cpu())

    def forward(self, labels: Tensor) -> Tensor:
        """Labels (1, H, W) int64 -> HU (1, H, W) int16."""
        matched = self.settings.synthesis_scale == "matched"
        given = scale.enlarge(labels) if matched else labels
        encoded = encode_mask(given, self.settings.mask_encoding, self.classes)
        painted = self.network(encoded)
        if matched:
            painted = scale.reduce(painted)
        grey = ((painted.mean(1) + 1) * 127.5).round().clip(0, 255)
        return (grey * (self.width / 255) + self.low).round().to(torch.int16)


class _Norm(nn.Module):
    """BatchNorm in plain arithmetic, which every runtime understands the same way."""

    def __init__(self, norm: BatchNorm) -> None:
        super().__init__()
        self.weight, self.bias = norm.weight, norm.bias

    def forward(self, x: Tensor) -> Tensor:
        centred = x - x.mean((0, 2, 3), keepdim=True)
        variance = (centred * centred).mean((0, 2, 3), keepdim=True)
        scaled = centred / (variance + 1e-5).sqrt()
        return scaled * self.weight[:, None, None] + self.bias[:, None, None]


def _explicit(module: nn.Module) -> nn.Module:
    for name, child in module.named_children():
        setattr(module, name, _Norm(child) if isinstance(child, BatchNorm) else _explicit(child))
    return module


def _write(whole: Whole, size: int, path: Path) -> None:
    torch.onnx.export(
        whole,
        (torch.zeros(1, size, size, dtype=torch.int64),),
        str(path),
        input_names=["labels"],
        output_names=["hu"],
        dynamo=True,
        external_data=False,
        verbose=False,
    )


def _compare(whole: Whole, path: Path, painter: Painter) -> None:
    """Raises UserError where onnxruntime and torch paint different slices for made-up masks."""
    import onnxruntime

    size, classes = painter.description.size, len(painter.description.lesions)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session: Any = onnxruntime.InferenceSession(str(path), options, ["CPUExecutionProvider"])
    rows, columns = np.mgrid[:size, :size] / size
    for k in range(classes):
        inside = np.hypot(rows - 0.4, columns - 0.3 - 0.08 * k) < 0.1 + 0.02 * k
        labels = np.where(inside, k + 1, 0).astype(np.int64)[None]
        (made,) = session.run(None, {"labels": labels})
        with torch.no_grad():
            expected = whole(torch.from_numpy(labels)).numpy()
        apart = np.abs(made.astype(int) - expected)
        if apart.max() > CLOSE * max(whole.width / 255, 1) or (apart > 0).mean() > OFTEN:
            raise UserError(
                f"onnxruntime paints other slices than torch (up to {apart.max()} HU apart), so "
                f"that {NAME} was not kept."
            )
