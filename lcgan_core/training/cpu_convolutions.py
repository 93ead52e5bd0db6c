"""Convolutions in bfloat16 on the CPU, done differently where torch's own way is slow.

Small maps: torch reorders a layer's weights at every step. A deep layer has millions of weights and
maps of a few pixels, so the reordering takes longer than the arithmetic; a matrix product does
without it. Transposed convolutions: the gradient of a bias takes up to 30 % of the backward pass,
so the bias is added separately, and its gradient is a sum.

    x       (N, C, H, W)                        -> (N, O, height, width), both float
    weight  (O, C, h, w), transposed (C, O, h, w)
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

PIXELS, WEIGHTS = 128, 1 << 20
"""The most pixels in the batch's smaller map, and the fewest weights; both were measured."""


def hasten(network: nn.Module) -> None:
    """Make a network use the faster convolutions."""
    for layer in network.modules():
        if isinstance(layer, nn.ConvTranspose2d):
            layer.forward = partial(_transposed, layer)  # type: ignore[method-assign]
        elif isinstance(layer, nn.Conv2d) and layer.weight.numel() >= WEIGHTS:
            layer.forward = partial(_deep, layer, layer.forward)  # type: ignore[method-assign]


def _deep(layer: nn.Conv2d, itself: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    stride, padding = layer.stride[0], int(layer.padding[0])
    height, width = _pixels(x, layer.weight, stride, padding)
    if x.shape[0] * height * width > PIXELS:
        return itself(x)
    return convolve(x, layer.weight, layer.bias, stride, padding)


def _transposed(layer: nn.ConvTranspose2d, x: Tensor) -> Tensor:
    small = x.shape[0] * x.shape[2] * x.shape[3] <= PIXELS and layer.weight.numel() >= WEIGHTS
    stride, padding = layer.stride[0], int(layer.padding[0])
    if small:
        y = convolve_transposed(x, layer.weight, stride, padding)
    else:
        y = F.conv_transpose2d(x, layer.weight, None, stride, padding)
    return y if layer.bias is None else y.add_(layer.bias[:, None, None].to(y.dtype))


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


def convolve_transposed(x: Tensor, weight: Tensor, stride: int, padding: int) -> Tensor:
    """What `F.conv_transpose2d` returns, without a bias.

    >>> x, weight = torch.ones(1, 1, 1, 1), torch.ones(1, 1, 4, 4)
    >>> convolve_transposed(x, weight, stride=2, padding=1).flatten().tolist()
    [1.0, 1.0, 1.0, 1.0]
    """
    channels, kernel = weight.shape[1], weight.shape[2:]
    sizes = zip(x.shape[2:], kernel, strict=True)
    size = tuple((pixels - 1) * stride - 2 * padding + k for pixels, k in sizes)
    taps = x.permute(0, 2, 3, 1).flatten(1, 2) @ weight.permute(0, 2, 3, 1).flatten(1)
    taps = taps.unflatten(2, (-1, channels)).permute(0, 3, 2, 1).flatten(1, 2)
    y = F.fold(taps, size, kernel, padding=padding, stride=stride)
    return y.contiguous(memory_format=torch.channels_last)


def _pixels(x: Tensor, weight: Tensor, stride: int, padding: int) -> tuple[int, ...]:
    """Height and width of a convolution's output."""
    sizes = zip(x.shape[2:], weight.shape[2:], strict=True)
    return tuple((pixels + 2 * padding - k) // stride + 1 for pixels, k in sizes)
