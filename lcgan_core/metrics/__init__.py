"""The numbers of the paper: Dice, detections, sharpness; NumPy arrays or tensors, CPU or GPU.

Label maps (N, H, W) are 0 for background and 1..K for the K = `classes` lesion classes.
"""

from typing import Any

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
    """(N,) Dice per image over (pixel, class) sets, Eq. 2: see `Overlap.dice_image`."""
    return overlap(prediction, truth, classes).dice_image()


def dice_instance(prediction: Array, truth: Array, classes: int = 5) -> Any:
    """(N, K) Dice per image and class, NaN where the truth lacks it: `Overlap.dice_instance`."""
    return overlap(prediction, truth, classes).dice_instance()


def dice_class_detected(prediction: Array, truth: Array, classes: int = 5) -> Any:
    """(K,) mean Dice of each class where it was found: see `Overlap.dice_class_detected`."""
    return overlap(prediction, truth, classes).dice_class_detected()


def dice_class_pooled(prediction: Array, truth: Array, classes: int = 5) -> Any:
    """(K,) Dice of each class with all pixels pooled: see `Overlap.dice_class_pooled`."""
    return overlap(prediction, truth, classes).dice_class_pooled()


def detection(
    prediction: Array,
    truth: Array,
    min_area: int = MIN_AREA,
    min_dice: float = MIN_DICE,
    classes: int = 5,
) -> Detection:
    """Precision, recall and their counts over the whole set: see `Overlap.detection`."""
    return overlap(prediction, truth, classes).detection(min_area, min_dice)
