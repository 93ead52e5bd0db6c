"""CT windows: hand-worked grey levels, and back."""

import numpy as np
import pytest
import torch

from lcgan_core.cohort.windows import to_hu, to_window

HU = np.arange(-1100, 3100, dtype=np.int16).reshape(4, -1)


def test_default_window_by_hand():
    hu = np.array([-1024, 0, 10, 50, 100, 101], np.int16)
    assert to_window(hu).tolist() == [0, 0, 26, 128, 255, 255]  # 25.5 and 127.5 round to even
    assert to_window(hu).dtype == np.uint8


def test_stroke_window_by_hand():
    assert to_window(np.array([20, 40, 60], np.int16), level=40, width=40).tolist() == [0, 128, 255]


@pytest.mark.parametrize(("level", "width"), [(50, 100), (40, 40), (60, 255), (0, 2000)])
def test_tensors_equal_arrays_and_shape_is_kept(level, width):
    grey = to_window(HU, level, width)
    assert torch.equal(to_window(torch.tensor(HU), level, width), torch.tensor(grey))
    hu = to_hu(grey, level, width)
    assert hu.dtype == np.int16 and hu.shape == HU.shape
    assert torch.equal(to_hu(torch.tensor(grey), level, width), torch.tensor(hu))


@pytest.mark.parametrize(("level", "width"), [(50, 100), (40, 40), (127.5, 255)])
def test_back_to_hu_is_exact_inside_and_clipped_outside(level, width):
    expected = HU.clip(level - width / 2, level + width / 2)
    np.testing.assert_array_equal(to_hu(to_window(HU, level, width), level, width), expected)


def test_grey_levels_survive_the_way_back_when_the_window_is_wide():
    grey = np.arange(256, dtype=np.uint8)
    np.testing.assert_array_equal(to_window(to_hu(grey, 40, 400), 40, 400), grey)
