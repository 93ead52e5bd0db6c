"""Placing: outputs and gradients are float32, whatever precision a network computes in."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import nn

from lcgan_core.training import placing
from lcgan_core.training.curves import draw_samples


@pytest.mark.parametrize("precision", ["auto", "float32"])
def test_outputs_and_gradients_are_float32(precision):
    network = placing.place(nn.Conv2d(1, 2, 3), precision)
    image = torch.randn(1, 1, 8, 8, device=placing.device())
    output = network(image)
    output.square().mean().backward()
    assert output.dtype == network.weight.grad.dtype == torch.float32
    exact = nn.functional.conv2d(image, network.weight, network.bias)
    assert torch.allclose(output, exact, atol=0.05)
    if precision == "float32" or not placing.has_bf16():
        assert torch.equal(output, exact)
    else:
        assert not torch.equal(output, exact), "it was computed in bfloat16"


def test_the_sample_grid_shows_the_slices_side_by_side(tmp_path):
    images = np.random.default_rng(0).integers(256, size=(3, 8, 6), dtype=np.uint8)
    draw_samples(images, tmp_path / "grid.png")
    grid = cv2.imread(str(tmp_path / "grid.png"), cv2.IMREAD_GRAYSCALE)
    assert np.array_equal(grid, np.hstack(list(images)))


@pytest.mark.skipif(not Path("/proc/cpuinfo").is_file(), reason="the kernel lists no CPU flags")
@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU decides instead of the CPU")
def test_bf16_is_chosen_where_the_kernel_lists_its_instructions_and_nowhere_else():
    flags = Path("/proc/cpuinfo").read_text()
    assert placing.has_bf16() == any(flag in flags for flag in ("avx512_bf16", "amx_tile"))


@pytest.mark.parametrize("instructions", [False, True])
def test_without_bf16_instructions_no_layer_computes_in_bf16(monkeypatch, instructions):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: instructions)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False)
    seen = []
    layer = torch.nn.Conv2d(1, 1, 1)
    layer.register_forward_hook(lambda module, inputs, output: seen.append(output.dtype))
    placing.place(torch.nn.Sequential(layer), "auto")(torch.zeros(1, 1, 2, 2))
    assert seen == [torch.bfloat16 if instructions else torch.float32]
