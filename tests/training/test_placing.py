"""Images are found again wherever they live; outputs are float32 whatever a network computes in."""

import platform
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import nn

from lcgan_core.training import placing
from lcgan_core.training.curves import draw_samples


def test_images_that_fill_the_memory_are_mapped_from_a_file_and_come_back(tmp_path, monkeypatch):
    monkeypatch.setenv("LCGAN_RUNS", str(tmp_path))
    monkeypatch.setattr(placing, "SHARE", 0.0)
    mapped = placing.room((5, 4, 3))
    values = torch.randint(256, (5, 4, 3), dtype=torch.uint8)
    mapped[:] = values
    maps = Path("/proc/self/maps").read_text()
    assert str(tmp_path) in maps, "it is a file's memory"
    assert not list(tmp_path.iterdir()), "whose name is gone"
    batch = torch.tensor([4, 0])
    assert torch.equal(placing.take(placing.resident(mapped), batch).cpu(), values[batch])


def test_small_images_stay_in_memory(tmp_path, monkeypatch):
    monkeypatch.setenv("LCGAN_RUNS", str(tmp_path / "none"))
    assert placing.room((2, 3)).shape == (2, 3)


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
    assert np.array_equal(grid[:, 6:12], images[1]) and grid.shape == (8, 18)


TAKEN_AND_FREED = """
import resource, statistics, torch
from lcgan_core.training.placing import KEPT, limit_malloc
if {keep}:
    limit_malloc(KEPT)
def turn():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    torch.ones(10_000_000)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
# the heap settles in the first few, and where something small took the place it grows once more
print(statistics.median_low(turn() for _ in range(31)))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries are left alone")
def test_memory_that_is_freed_is_kept_for_the_next_step():
    pages = [
        int(subprocess.check_output([sys.executable, "-c", TAKEN_AND_FREED.format(keep=keep)]))
        for keep in (False, True)
    ]
    assert pages[0] > 5_000  # of 4 KiB, and 40 MB taken: what the library does by itself
    assert pages[1] < 100
