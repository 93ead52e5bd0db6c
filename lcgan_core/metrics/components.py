"""Detection of single lesions: connected components instead of all pixels of a class on a slice.

    prediction, truth         (N, H, W)   labels 0..K
    found, invented, missed   (N, K)      components, int64

This reading is closest to clinical use; the paper does not say which one it follows.
"""

from __future__ import annotations

import cv2
import numpy as np

from lcgan_core.metrics.overlap import MIN_AREA, MIN_DICE


def detected_components(
    prediction: np.ndarray,
    truth: np.ndarray,
    classes: int = 5,
    min_area: int = MIN_AREA,
    min_dice: float = MIN_DICE,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """How many components of each of K classes were found, invented, missed in each image.

    Found: a true component that a single predicted one of its class meets with Dice >= min_dice.
    Missed: any other true one. Invented: a predicted one of at least min_area pixels that touches
    no true one of its class. Pixels that share only a corner are connected too.

    >>> guess, truth = np.array([[[1, 0, 1]]]), np.array([[[1, 0, 0]]])
    >>> [part.tolist() for part in detected_components(guess, truth, classes=1, min_area=1)]
    [[[1]], [[1]], [[0]]]
    """
    counts = np.zeros((3, len(truth), classes), np.int64)
    for k, (guess, image) in enumerate(zip(prediction, truth, strict=True)):
        for label in np.union1d(np.unique(guess), np.unique(image)):
            if label:
                counts[:, k, label - 1] = _of_class(
                    guess == label, image == label, min_area, min_dice
                )
    found, invented, missed = counts
    return found, invented, missed


def _of_class(
    guess: np.ndarray, truth: np.ndarray, min_area: int, min_dice: float
) -> tuple[int, int, int]:
    guesses, guess_map = cv2.connectedComponents(guess.astype(np.uint8), connectivity=8)
    lesions, lesion_map = cv2.connectedComponents(truth.astype(np.uint8), connectivity=8)
    pairs = np.bincount(
        (lesion_map.ravel() * guesses + guess_map.ravel()), minlength=lesions * guesses
    ).reshape(lesions, guesses)
    area, guess_area = pairs.sum(1), pairs.sum(0)
    meets = pairs[1:, 1:]
    dice = 2 * meets / (area[1:, None] + guess_area[None, 1:])
    found = int((dice >= min_dice).any(1).sum())
    invented = int(((meets == 0).all(0) & (guess_area[1:] >= min_area)).sum())
    return found, invented, lesions - 1 - found
