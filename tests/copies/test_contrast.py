"""The four readings of a change of contrast, each worked by hand on a head of few pixels."""

from typing import get_args

import pytest
import torch

from lcgan_core.cohort.windows import to_hu, to_window
from lcgan_core.copies import contrast, traditional
from lcgan_core.copies.traditional import Transformations
from lcgan_core.protocol.config import Traditional

READINGS = ("gain", "about_mean", "hu_offset", "per_pixel")


def change(images, reading, *gains):
    """Images changed by nothing but their gains."""
    none = torch.zeros(len(gains))
    chosen = Transformations(none, none + 1, none, none.bool(), torch.tensor(gains))
    changed, labels = traditional.apply(images, images, chosen, reading)
    assert torch.equal(labels, images), "labels never change"
    return changed


def head():
    """Eight by eight pixels in air, 40 on the left and 60 on the right, with a black one."""
    image = torch.zeros(1, 16, 16, dtype=torch.uint8)
    image[0, 4:12, 4:8], image[0, 4:12, 8:12] = 40, 60
    image[0, 7, 7] = 0
    return image


def test_a_profile_names_the_readings_that_there_are():
    field = Traditional.model_fields["contrast"]
    assert tuple(contrast.READINGS) == get_args(field.annotation) == READINGS


# mean of the head: (31 * 40 + 32 * 60 + 0) / 64 = 49.375
EXPECTED = {  # reading -> what 40, 60, the black pixel and air become
    "gain": (60, 90, 0, 0),
    "about_mean": (35, 65, 0, 0),  # 40 - 9.375 / 2, 60 + 10.625 / 2
    "hu_offset": (104, 124, 64, 0),  # + 127.5 / 2
}


@pytest.mark.parametrize("reading", EXPECTED)
def test_the_greatest_change_by_hand(reading):
    changed = change(head(), reading, 1.5)[0]
    left, right, black, air = EXPECTED[reading]
    expected = torch.full((16, 16), air, dtype=torch.uint8)
    expected[4:12, 4:8], expected[4:12, 8:12] = left, right
    expected[7, 7] = black
    assert torch.equal(changed, expected)


def test_the_greatest_offset_is_25_hu_of_the_default_window():
    hu = torch.zeros(1, 16, 16, dtype=torch.int16) - 1000
    hu[0, 4:12, 4:8], hu[0, 4:12, 8:12] = 34, 62
    hu[0, 4, 4:12] = 1500
    denser = to_hu(change(to_window(hu), "hu_offset", 1.5))[0]
    assert denser[5, 5] == 34 + 25 and denser[5, 10] == 62 + 25
    assert denser[4, 5] == 100 and denser[0, 0] == 0, "bone and air stay outside the window"
    half = to_hu(change(to_window(hu), "hu_offset", 1.2))[0]
    assert half[5, 5] == 34 + 10


def test_every_pixel_has_a_factor_of_its_own():
    flat = torch.full((3, 128, 128), 100, dtype=torch.uint8)
    flat[:, :8] = 0
    one, other, none = change(flat, "per_pixel", 1.1, 1.4, 1.0)
    assert torch.equal(none, flat[2])
    assert not torch.equal(one, other), "each image has its own draws"
    for image in (one, other):
        assert (image[:8] == 0).all()
        brain = image[8:].double()
        assert brain.min() == 100 and brain.max() == 150
        assert abs(brain.mean() - 125) < 0.5
        counts = torch.histc(brain, 5, 100, 150) / brain.numel()
        assert (counts - 0.2).abs().max() < 0.02, "uniform"
        apart = brain - brain.mean()
        beside = (apart[:, 1:] * apart[:, :-1]).mean() / apart.square().mean()
        assert abs(beside) < 0.03, "neighbours are independent"


@pytest.mark.parametrize("reading", READINGS)
def test_half_of_the_images_stay_as_they_are_and_each_is_changed_alone(reading):
    images = torch.randint(256, (4, 32, 32), dtype=torch.uint8)
    gains = (1.0, 1.3, 1.0, 1.5)
    together = change(images, reading, *gains)
    for k, gain in enumerate(gains):
        assert torch.equal(change(images[k : k + 1], reading, gain)[0], together[k])
        assert torch.equal(together[k], images[k]) == (gain == 1)


def test_an_empty_picture_stays_black():
    black = torch.zeros(1, 16, 16, dtype=torch.uint8)
    for reading in READINGS:
        assert torch.equal(change(black, reading, 1.5), black)
