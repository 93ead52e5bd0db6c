"""The numbers of the paper: Dice, detections, sharpness; NumPy arrays or tensors, CPU or GPU.

Label maps (N, H, W) are integers, 0 for background and 1..K for the K = `classes` lesion classes.
Dice is float64 in 0..1, NaN where it is undefined, and is what the input is: an array, or a tensor
on its device. Every function of label maps raises UserError for shapes that differ, labels other
than 0..K, and K outside 1..15.

>>> prediction, truth = np.array([[[1, 1, 2]]]), np.array([[[1, 0, 0]]])
>>> dice_image(prediction, truth, classes=2).tolist()
[0.5]
"""

from typing import Any

import numpy as np  # noqa: F401 - for the examples

from lcgan_core.metrics.arrays import Array
from lcgan_core.metrics.overlap import (
    MIN_AREA,
    MIN_DICE,
    Detection,
    Overlap,
    dice_foreground,
    overlap,
)
from lcgan_core.metrics.sharpness import sharpness_fourier, sharpness_laplacian

__all__ = [
    "Detection",
    "Overlap",
    "detection",
    "dice_class_detected",
    "dice_class_pooled",
    "dice_foreground",
    "dice_image",
    "dice_instance",
    "overlap",
    "sharpness_fourier",
    "sharpness_laplacian",
]


def dice_image(prediction: Array, truth: Array, classes: int = 5) -> Any:
    """(N,) Dice per image over (pixel, class) sets; NaN for an image without a lesion in both.

    Source: paper Eq. 2 and Table 1, read as `Overlap.dice_image` says.

    >>> dice_image(np.array([[[1, 2]]]), np.array([[[1, 1]]])).tolist()  # one of two pixels
    [0.5]
    """
    return overlap(prediction, truth, classes).dice_image()


def dice_instance(prediction: Array, truth: Array, classes: int = 5) -> Any:
    """(N, K) Dice per image and class: 0 for a missed lesion, NaN where the truth lacks the class.

    Source: paper 4.1; the mean over it is the reading of Table 3 that counts misses as 0.

    >>> dice_instance(np.array([[[1, 1, 2]]]), np.array([[[1, 0, 0]]]), classes=2).round(3).tolist()
    [[0.667, nan]]
    """
    return overlap(prediction, truth, classes).dice_instance()


def dice_class_detected(prediction: Array, truth: Array, classes: int = 5) -> Any:
    """(K,) mean Dice of each class over the images in which some of it was found; NaN if in none.

    Source: paper Table 3, read as `Overlap.dice_class_detected` says.

    >>> found, missed = [[[1, 1]], [[0, 2]]], [[[1, 0]], [[1, 0]]]
    >>> dice_class_detected(np.array(found), np.array(missed), classes=2).round(3).tolist()
    [0.667, nan]
    """
    return overlap(prediction, truth, classes).dice_class_detected()


def dice_class_pooled(prediction: Array, truth: Array, classes: int = 5) -> Any:
    """(K,) Dice of each class with the pixels of all images pooled; NaN for a class in no image.

    Source: a reading of paper Table 3 in which large lesions count more.

    >>> one, other = np.array([[[1, 1]], [[0, 2]]]), np.array([[[1, 0]], [[1, 0]]])
    >>> dice_class_pooled(one, other, classes=3).tolist()
    [0.5, 0.0, nan]
    """
    return overlap(prediction, truth, classes).dice_class_pooled()


def detection(
    prediction: Array,
    truth: Array,
    min_area: int = MIN_AREA,
    min_dice: float = MIN_DICE,
    classes: int = 5,
) -> Detection:
    """Precision, recall and their counts of (image, class) pairs over the whole set.

    min_area: pixels from which on a class that the truth lacks counts as invented; 200 are meant of
    256 x 256 pixels: `overlap.scaled_area` converts. min_dice: from which on a lesion counts as
    found, 0..1. Source: paper Table 2, read as `Overlap.detected` says.

    >>> prediction, truth = np.array([[[1, 1, 2]]]), np.array([[[1, 0, 0]]])
    >>> detection(prediction, truth, min_area=1, classes=2)
    Detection(true_positives=1, false_positives=1, false_negatives=0)
    """
    return overlap(prediction, truth, classes).detection(min_area, min_dice)
