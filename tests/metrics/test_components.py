"""Single lesions: worked by hand, and beside SciPy's components on random blobs."""

import numpy as np
import pytest
from scipy import ndimage

from lcgan_core.metrics.components import detected_components
from lcgan_core.metrics.subgroups import COMPONENTS, with_components


def picture():
    prediction, truth = np.zeros((2, 1, 40, 40), np.uint8)
    truth[0, 0:4, 0:10] = 1  # found whole
    prediction[0, 0:4, 0:10] = 1
    truth[0, 10:20, 0:10] = 1  # touched by 4 pixels of 100: missed, and the touch is not invented
    prediction[0, 10:12, 0:2] = 1
    prediction[0, 20:40, 20:40] = 1  # invented, 400 pixels
    prediction[0, 30:35, 0:10] = 1  # invented, 50 pixels
    truth[0, 0:5, 30:35] = 4  # missed
    prediction[0, 9, 39] = truth[0, 8, 38] = 5  # neighbours over a corner overlap in nothing
    return prediction, truth


def test_by_hand():
    found, invented, missed = detected_components(*picture())
    assert found[0].tolist() == [1, 0, 0, 0, 0]
    assert invented[0].tolist() == [1, 0, 0, 0, 0]
    assert missed[0].tolist() == [1, 0, 0, 1, 1]
    assert detected_components(*picture(), min_area=50)[1][0].tolist() == [2, 0, 0, 0, 0]
    assert detected_components(*picture(), min_dice=0.05)[0][0].tolist() == [2, 0, 0, 0, 0]


@pytest.mark.parametrize("classes", [1, 2, 5, 7, 15])
def test_true_components_are_scipy_s(classes):
    rng = np.random.default_rng(0)
    blobs = ndimage.gaussian_filter(rng.normal(size=(6, 48, 48)), (0, 2, 2)) > 0.1
    truth = (blobs * rng.integers(1, classes + 1, (6, 1, 1))).astype(np.uint8)
    prediction = np.roll(truth, 1, axis=2)
    found, _, missed = detected_components(prediction, truth, classes)
    assert found.shape == (6, classes)
    theirs = [ndimage.label(image > 0, np.ones((3, 3)))[1] for image in truth]
    assert (found + missed).sum(1).tolist() == theirs
    assert found.sum() > 0
    assert missed.sum() > 0


def test_no_lesion_anywhere():
    for part in detected_components(*np.zeros((2, 2, 8, 8), np.uint8)):
        assert part.shape == (2, 5)
        assert part.sum() == 0


def test_as_a_row_of_the_sensitivity_table():
    names = ("IPH", "IVH", "SAH", "EDH", "SDH")
    rule, table = with_components(*picture(), names, image_size=256)
    assert rule == COMPONENTS
    values = dict(zip(table.names, table.values()[0], strict=True))
    assert values["precision", "all"] == 1 / 2
    assert values["recall", "all"] == 1 / 4
    assert values["recall", "IPH"] == 1 / 2
    assert np.isnan(values["precision", "SAH"])
