"""The colours of pictures for people, as people with each kind of colour blindness see them."""

from itertools import combinations

import cv2
import numpy as np
import pytest

from lcgan_core.lesions import FIVE

# Machado, Oliveira and Fernandes 2009, table 1, severity 1, for linear RGB
SEEN = {
    "usual": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}


def lab(colors, seen):
    share = np.array(colors) / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    rgb = np.clip(linear @ np.array(seen).T, 0, 1)[None].astype(np.float32)
    return cv2.cvtColor(rgb, cv2.COLOR_LRGB2Lab)[0]


@pytest.mark.parametrize("vision", SEEN)
def test_any_two_classes_and_the_background_can_be_told_apart(vision):
    points = lab(FIVE.shown, SEEN[vision])
    assert min(np.linalg.norm(a - b) for a, b in combinations(points, 2)) > 50


def test_the_measure_finds_two_colours_that_some_confuse():
    points = lab(FIVE.colors, SEEN["protanopia"])
    assert np.linalg.norm(points[2] - points[5]) < 10  # IVH and SDH as a generator sees them
