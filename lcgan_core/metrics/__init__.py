"""The numbers of the paper: Dice, detections, sharpness; NumPy arrays or tensors, CPU or GPU."""

from typing import Any

from lcgan_core.metrics.arrays import Array
from lcgan_core.metrics.overlap import Detection, Overlap, dice_foreground, overlap
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


def dice_image(prediction: Array, truth: Array) -> Any:
    """(N,) Dice per image over (pixel, type) sets, Eq. 2: see `Overlap.dice_image`."""
    return overlap(prediction, truth).dice_image()


def dice_instance(prediction: Array, truth: Array) -> Any:
    """(N, 5) Dice per image and type, NaN where the truth lacks it: `Overlap.dice_instance`."""
    return overlap(prediction, truth).dice_instance()


def dice_class_detected(prediction: Array, truth: Array) -> Any:
    """(5,) mean Dice of each type where it was found: see `Overlap.dice_class_detected`."""
    return overlap(prediction, truth).dice_class_detected()


def dice_class_pooled(prediction: Array, truth: Array) -> Any:
    """(5,) Dice of each type with all pixels pooled: see `Overlap.dice_class_pooled`."""
    return overlap(prediction, truth).dice_class_pooled()


def detection(
    prediction: Array, truth: Array, min_area: int = 200, min_dice: float = 0.25
) -> Detection:
    """Precision, recall and their counts over the whole set: see `Overlap.detection`."""
    return overlap(prediction, truth).detection(min_area, min_dice)
