"""The network that tells heads apart, on pictures that differ in one known place."""

import cv2
import numpy as np
import pytest
from torch import nn

from tools import tell_apart as page


def linear():
    """A weight for the mean of every cell, which learns in a second what the network learns in
    minutes."""
    return nn.Sequential(nn.AvgPool2d(page.SIZE // page.CELLS), nn.Flatten(), nn.Linear(256, 1))


def test_a_difference_is_found_and_mapped_where_it_is(monkeypatch):
    monkeypatch.setattr(page, "network", linear)
    rng = np.random.default_rng(0)
    patient = np.repeat(np.arange(40), 2)
    real = (patient % 4 > 1).astype(float)
    images = rng.normal(30, 3, (80, page.SIZE, page.SIZE)).astype(np.float32)
    images[real == 1, 32:48, 88:104] += 50.0  # rows 4 and 5, columns 11 and 12 of the map
    place = np.zeros(images.shape, int)
    place[:, 24:56, 80:112] = 3
    auc, places, cells = page.tell_apart(images, place, real, patient)
    assert auc > 0.9
    assert max(places, key=places.get) == page.PLACES[3]
    row, column = np.unravel_index(cells.argmax(), cells.shape)
    assert 3 <= row <= 6 and 10 <= column <= 13


def test_pictures_that_do_not_differ_cannot_be_told_apart(monkeypatch):
    monkeypatch.setattr(page, "STEPS", 20)
    monkeypatch.setattr(page, "FOLDS", 2)
    rng = np.random.default_rng(0)
    patient = np.repeat(np.arange(40), 2)
    images = rng.normal(30, 3, (80, page.SIZE, page.SIZE)).astype(np.float32)
    auc, _, _ = page.tell_apart(
        images, np.zeros(images.shape, int), (patient % 4 > 1) * 1.0, patient
    )
    assert auc == pytest.approx(0.5, abs=0.25)  # four standard errors of 80 slices


@pytest.mark.parametrize("levels", [81, 85])
def test_a_narrow_window_is_told_by_its_grey_levels(tmp_path, levels):
    grey = np.round(np.linspace(0, 255, levels)).astype(np.uint8)
    cv2.imwrite(str(tmp_path / "0_00.png"), np.tile(grey, (levels, 1)))
    hu = page.real_head(tmp_path)
    assert (hu.min(), hu.max()) == (0, 80)


def test_a_usual_window_has_121_grey_levels(tmp_path):
    grey = np.round(np.arange(121) * 255 / 120).astype(np.uint8)
    cv2.imwrite(str(tmp_path / "0_00.png"), np.tile(grey, (121, 1)))
    np.testing.assert_allclose(np.unique(page.real_head(tmp_path)), np.arange(-20, 101), atol=0.3)
