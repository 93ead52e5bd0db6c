"""What stands in for torch's convolutions on the CPU gives the same values and gradients."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from lcgan_core.training import cpu_convolutions, placing

SHAPES = {
    "an encoder's layer": ((2, 3, 6, 4), (4, 4), 2, 1),
    "fc6": ((1, 3, 9, 8), (7, 7), 1, 0),
    "fc7": ((2, 3, 2, 5), (1, 1), 1, 0),
    "a layer of VGG": ((1, 3, 5, 6), (3, 3), 1, 1),
    "a single pixel": ((1, 3, 1, 1), (4, 4), 2, 1),
}


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize(
    ("shape", "transposed"),
    [(name, False) for name in SHAPES if name != "a single pixel"]
    + [(name, True) for name in SHAPES],
)
def test_values_and_gradients_are_those_of_torch(shape, transposed, layout):
    shape, kernel, stride, padding = SHAPES[shape]
    torch.manual_seed(0)
    inputs, channels = shape[1], 5
    size = (inputs, channels) if transposed else (channels, inputs)
    x, weight = torch.randn(shape).double(), torch.randn(*size, *kernel).double()
    x, weight = (each.contiguous(memory_format=layout).requires_grad_() for each in (x, weight))
    bias = torch.randn(channels).double().requires_grad_()
    if transposed:
        given: tuple = (x, weight)
        exact = F.conv_transpose2d(x, weight, None, stride, padding)
        product = cpu_convolutions.convolve_transposed(x, weight, stride, padding)
    else:
        given = (x, weight, bias)
        exact = F.conv2d(*given, stride, padding)
        product = cpu_convolutions.convolve(*given, stride, padding)
    found = [(y, *torch.autograd.grad(y.sin().sum(), given)) for y in (exact, product)]
    for expected, value in zip(*found, strict=True):
        assert value.shape == expected.shape
        assert torch.allclose(value, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.skipif(
    placing.device().type != "cpu" or not placing.has_bf16(),
    reason="this device needs none: only CPUs with bfloat16 instructions do",
)
@pytest.mark.parametrize("kind", [nn.Conv2d, nn.ConvTranspose2d])
@pytest.mark.parametrize(("channels", "pixels", "is_product"), [
    (256, 8, True), (256, 64, False), (64, 8, False),
])  # fmt: skip
def test_placed_layers_multiply_small_maps_of_many_weights(kind, channels, pixels, is_product):
    layer = placing.place(kind(channels, channels, 4, 2, 1), "auto")
    x = torch.randn(2, channels, pixels, pixels, requires_grad=True)
    with FlopCounterMode(display=False) as counter:
        y = layer(x)
    names = {str(name).removeprefix("aten.") for name in counter.get_flop_counts()["Global"]}
    assert names <= {"mm", "addmm"} if is_product else names == {"convolution"}
    assert y.is_contiguous(memory_format=torch.channels_last)
    found = []
    for each in (kind.forward(layer, x), y):
        gradients = torch.autograd.grad(each.square().sum(), (x, layer.weight, layer.bias))
        found.append((each, *gradients))
    for expected, value in zip(*found, strict=True):
        assert (value - expected).norm() < 0.01 * expected.norm(), "it rounds to bfloat16"
