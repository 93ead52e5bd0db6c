"""Results by lesion area and under other detection rules, worked by hand."""

import numpy as np
import pytest

from lcgan_core.metrics import Overlap, overlap
from lcgan_core.metrics.cells import cells
from lcgan_core.metrics.subgroups import POOR_DROPPED, POOR_HITS, RULES, by_size, sensitivity

NAMES = ("IPH", "IVH", "SAH", "EDH", "SDH")


def first_class(*values):
    """Counts (N, 5) of IPH alone."""
    return np.array([[value, 0, 0, 0, 0] for value in values])


#                   found            poor hit (Dice .2)   missed    invented, 60 pixels
COUNTS = Overlap(
    intersection=first_class(40, 10, 0, 0),
    predicted=first_class(50, 50, 0, 60),
    truth=first_class(50, 50, 100, 0),
)


def values(table):
    return dict(zip(table.names, table.values()[0], strict=True))


def test_by_size_by_hand():
    areas = first_class(99.9, 100, 499, 0)  # mm2
    groups = {
        name: (values(t), dict(zip(t.names, t.counts(), strict=True)))
        for name, t in by_size(COUNTS, NAMES, areas)
    }
    small, counts = groups["below 1 cm2"]
    assert small["dice_instance", "IPH"] == 80 / 100
    assert small["recall", "all"] == 1
    assert counts["recall", "all"] == 1
    middle, counts = groups["1 to 5 cm2"]
    assert middle["dice_instance", "all"] == pytest.approx((20 / 100 + 0) / 2)
    assert middle["recall", "IPH"] == 0
    assert counts["recall", "IPH"] == 2
    large, counts = groups["5 cm2 and more"]
    assert np.isnan(large["recall", "all"])
    assert counts["recall", "all"] == 0


@pytest.mark.parametrize("classes", [1, 2, 5, 7, 15])
def test_every_lesion_is_in_one_group(classes):
    rng = np.random.default_rng(0)
    truth = rng.integers(0, classes + 1, (30, 8, 8))
    counts = overlap(rng.integers(0, classes + 1, truth.shape), truth, classes)
    names = [f"kind{k}" for k in range(classes)]
    groups = dict(by_size(counts, names, counts.truth * 50.0))
    assert len(groups) == 3
    together = sum(table.counts() for table in groups.values())
    whole = cells(counts, names)
    expected = dict(zip(whole.names, whole.counts(), strict=True))
    assert together.tolist() == [expected[name] for name in groups["below 1 cm2"].names]


@pytest.mark.parametrize(
    ("rule", "precision", "recall"),
    [
        ("as in the paper: 200 pixels, Dice .25", 1 / 1, 1 / 3),
        ("50 pixels (200 of 512 x 512)", 1 / 2, 1 / 3),
        ("every invented pixel counts", 1 / 2, 1 / 3),
        ("800 pixels", 1 / 1, 1 / 3),
        ("Dice .10", 2 / 2, 2 / 3),
        ("Dice above 0", 2 / 2, 2 / 3),
        ("Dice .50", 1 / 1, 1 / 3),
        (POOR_HITS, 1 / 2, 1 / 3),
        (POOR_DROPPED, 1 / 1, 1 / 2),
    ],
)
def test_sensitivity_by_hand(rule, precision, recall):
    table = dict(sensitivity(COUNTS, NAMES, image_size=256))
    assert table.keys() == {*RULES, POOR_HITS, POOR_DROPPED}
    for name in ("all", "IPH"):
        assert values(table[rule])["precision", name] == precision
        assert values(table[rule])["recall", name] == recall


def test_areas_are_scaled_to_the_image():
    """60 pixels of 128 x 128 are 240 of 256 x 256."""
    table = dict(sensitivity(COUNTS, NAMES, image_size=128))
    assert values(table["as in the paper: 200 pixels, Dice .25"])["precision", "all"] == 1 / 2


def test_two_classes_by_hand():
    """One image: 300 pixels of the second class are found whole, 250 of the first are invented."""
    counts = Overlap(np.array([[0, 300]]), np.array([[250, 300]]), np.array([[0, 300]]))
    table = dict(sensitivity(counts, ("PHE", "IPH"), image_size=256))
    of_paper = values(table["as in the paper: 200 pixels, Dice .25"])
    assert of_paper["precision", "all"] == 1 / 2
    assert of_paper["precision", "PHE"] == 0
    assert of_paper["recall", "all"] == of_paper["recall", "IPH"] == 1
    assert np.isnan(of_paper["recall", "PHE"])
    assert values(table["800 pixels"])["precision", "all"] == 1
