"""The network that tells heads apart, on pictures that differ in one known place."""

import cv2
import numpy as np
import pytest

from tools import tell_apart as page


def test_a_difference_is_found_and_mapped_where_it_is(monkeypatch):
    monkeypatch.setattr(page, "STEPS", 40)
    rng = np.random.default_rng(0)
    patient = np.repeat(np.arange(40), 2)
    real = (patient % 2).astype(float)
    images = rng.normal(30, 3, (80, page.SIZE, page.SIZE)).astype(np.float32)
    images[real == 1, 32:40, 88:96] += 30.0  # row 4, column 11 of the map
    place = np.zeros(images.shape, int)
    place[:, 24:48, 80:104] = 3
    auc, places, cells = page.tell_apart(images, place, real, patient)
    assert auc > 0.9
    assert max(places, key=places.get) == page.PLACES[3]
    row, column = np.unravel_index(cells.argmax(), cells.shape)
    assert abs(row - 4) <= 1 and abs(column - 11) <= 1


def test_pictures_that_do_not_differ_cannot_be_told_apart(monkeypatch):
    monkeypatch.setattr(page, "STEPS", 20)
    rng = np.random.default_rng(0)
    patient = np.repeat(np.arange(40), 2)
    images = rng.normal(30, 3, (80, page.SIZE, page.SIZE)).astype(np.float32)
    auc, _, _ = page.tell_apart(images, np.zeros(images.shape, int), patient % 2 * 1.0, patient)
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
