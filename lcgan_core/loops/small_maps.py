"""Convolutions of small maps as matrix products, which on the CPU in bfloat16 are faster.

The CPU's convolutions bring a layer's weights into another order at every step. A deep layer has
millions of weights and maps of a few pixels, so that takes longer than the multiplying.

    x       (N, C, H, W)                        -> (N, O, height, width), both float
    weight  (O, C, h, w), transposed (C, O, h, w)
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Layer = nn.Conv2d | nn.ConvTranspose2d
PIXELS, WEIGHTS = 128, 1 << 20
"""At most so many pixels in the batch's smaller map, at least so many weights: measured."""


def multiply(network: nn.Module) -> None:
    """Let the layers of many weights work as matrix products wherever a map is small."""
    for layer in network.modules():
        if isinstance(layer, Layer) and layer.weight.numel() >= WEIGHTS:
            by_matrices = partial(_forward, layer, layer.forward)
            layer.forward = by_matrices  # type: ignore[method-assign]


def _forward(layer: Layer, itself: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    padding, stride = int(layer.padding[0]), layer.stride[0]
    if isinstance(layer, nn.ConvTranspose2d):
        small, product = x.shape[0] * x.shape[2] * x.shape[3] <= PIXELS, convolve_transposed
    else:
        height, width = _pixels(x, layer.weight, stride, padding)
        small, product = x.shape[0] * height * width <= PIXELS, convolve
    if small:
        return product(x, layer.weight, layer.bias, stride, padding)
    return itself(x)


def convolve(x: Tensor, weight: Tensor, bias: Tensor | None, stride: int, padding: int) -> Tensor:
    """What `F.conv2d` returns.

    >>> x, weight, bias = torch.ones(1, 1, 4, 4), torch.ones(1, 1, 4, 4), torch.ones(1)
    >>> convolve(x, weight, bias, stride=2, padding=1).flatten().tolist()
    [10.0, 10.0, 10.0, 10.0]
    """
    patches = F.unfold(x, weight.shape[2:], padding=padding, stride=stride)
    patches = patches.unflatten(1, (x.shape[1], -1)).permute(0, 3, 2, 1).flatten(2)
    y = F.linear(patches, weight.permute(0, 2, 3, 1).flatten(1), bias)
    return y.unflatten(1, _pixels(x, weight, stride, padding)).permute(0, 3, 1, 2)


def convolve_transposed(
    x: Tensor, weight: Tensor, bias: Tensor | None, stride: int, padding: int
) -> Tensor:
    """What `F.conv_transpose2d` returns.

    >>> x, weight, bias = torch.ones(1, 1, 1, 1), torch.ones(1, 1, 4, 4), torch.ones(1)
    >>> convolve_transposed(x, weight, bias, stride=2, padding=1).flatten().tolist()
    [2.0, 2.0, 2.0, 2.0]
    """
    channels, kernel = weight.shape[1], weight.shape[2:]
    sizes = zip(x.shape[2:], kernel, strict=True)
    size = tuple((pixels - 1) * stride - 2 * padding + k for pixels, k in sizes)
    taps = x.permute(0, 2, 3, 1).flatten(1, 2) @ weight.permute(0, 2, 3, 1).flatten(1)
    taps = taps.unflatten(2, (-1, channels)).permute(0, 3, 2, 1).flatten(1, 2)
    y = F.fold(taps, size, kernel, padding=padding, stride=stride)
    if bias is not None:
        y = y + bias[:, None, None].to(y.dtype)
    return y.contiguous(memory_format=torch.channels_last)


def _pixels(x: Tensor, weight: Tensor, stride: int, padding: int) -> tuple[int, ...]:
    """Height and width of a convolution's output."""
    sizes = zip(x.shape[2:], weight.shape[2:], strict=True)
    return tuple((pixels + 2 * padding - k) // stride + 1 for pixels, k in sizes)
