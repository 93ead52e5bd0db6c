"""Overlap of predicted and true lesions: every Dice variant and the detections, from three counts.

    prediction, truth                  (N, H, W)   labels 0..K, any integer dtype
    intersection, predicted, truth     (N, K)      pixels per image and lesion class, int64

Background is never scored. What is undefined is NaN: no lesion in truth and prediction, a class
that the truth lacks, no detection to divide by. Means over images leave NaN out.
Source: paper 4.1 and Eq. 2, read as `detection` and each `dice_` method say.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor

from lcgan_core.errors import UserError
from lcgan_core.lesions import MOST
from lcgan_core.metrics.arrays import Array, as_tensor, like, ratio, shape_of

CHUNK = 64
"""Images counted at once, so that memory does not grow with their number."""
GRID, MIN_AREA, MIN_DICE = 256, 200, 0.25
"""The paper's detection rule: the smallest area of an invented lesion, in pixels of an image of
GRID x GRID pixels, and the smallest Dice of a lesion that was found."""


def scaled_area(image_size: int, pixels: int = MIN_AREA) -> int:
    """What `pixels` of the paper's grid cover, in pixels of an image of this size; rounded down.

    >>> [scaled_area(size) for size in (64, 128, 256, 512)]
    [12, 50, 200, 800]
    """
    return pixels * image_size**2 // GRID**2


@dataclass(frozen=True)
class Detection:
    """Counts of (image, class) pairs over the whole set, and what follows from them.

    >>> Detection(3, 1, 2).precision, Detection(3, 1, 2).recall
    (0.75, 0.6)
    """

    true_positives: int
    false_positives: int
    false_negatives: int

    @property
    def precision(self) -> float:
        """TP / (TP + FP) in 0..1; NaN if nothing was detected."""
        return _quotient(self.true_positives, self.false_positives)

    @property
    def recall(self) -> float:
        """TP / (TP + FN) in 0..1; NaN if the truth has no lesion."""
        return _quotient(self.true_positives, self.false_negatives)


def _quotient(part: int, rest: int) -> float:
    return part / (part + rest) if part + rest else float("nan")


@dataclass(frozen=True)
class Overlap:
    """Pixel counts (N, K) per image and class, int64, all arrays or all tensors of one device.

    Indexing acts on all three: `overlap[images]` resamples images, `overlap[:, [4]]` keeps the
    fifth class.

    >>> counts = Overlap(np.array([[3, 0]]), np.array([[4, 0]]), np.array([[6, 0]]))
    >>> counts.dice_instance().tolist()
    [[0.6, nan]]
    """

    intersection: Any
    predicted: Any
    truth: Any

    def __getitem__(self, index: Any) -> "Overlap":
        return Overlap(*(part[index] for part in self._parts()))

    @staticmethod
    def concatenate(overlaps: "Sequence[Overlap]") -> "Overlap":
        """The images of all overlaps, one after another."""
        columns = zip(*(overlap._parts() for overlap in overlaps), strict=True)
        return Overlap(
            *(
                torch.cat(parts) if isinstance(parts[0], Tensor) else np.concatenate(parts)
                for parts in columns
            )
        )

    def _parts(self) -> Iterator[Any]:
        return (getattr(self, field.name) for field in fields(self))

    def _dice(self) -> Any:
        """(N, K), with 0 instead of NaN where neither has the class."""
        return ratio(2 * self.intersection, (self.predicted + self.truth).clip(1))

    def dice_image(self) -> Any:
        """(N,) in 0..1, Eq. 2 with S and G as sets of (pixel, class): the paper's Table 1.

        >>> Overlap(np.array([[2, 0]]), np.array([[3, 1]]), np.array([[4, 0]])).dice_image()
        array([0.5])
        """
        area = self.predicted + self.truth
        return ratio(2 * self.intersection.sum(1), area.sum(1))

    def dice_instance(self) -> Any:
        """(N, K) per image and class; 0 for a missed lesion, NaN for a class not in the truth."""
        present = self.truth > 0
        return ratio(2 * self.intersection, (self.predicted + self.truth) * present)

    def dice_instance_strict(self) -> Any:
        """(N, K) as dice_instance, but 0 instead of NaN for a class that is only predicted.

        >>> Overlap(np.array([[0]]), np.array([[3]]), np.array([[0]])).dice_instance_strict()
        array([[0.]])
        """
        return ratio(2 * self.intersection, self.predicted + self.truth)

    def dice_class_detected(self) -> Any:
        """(K,) mean over the images in which some of the class was found: the paper's Table 3.

        >>> counts = Overlap(np.array([[2], [0]]), np.array([[2], [3]]), np.array([[2], [3]]))
        >>> counts.dice_class_detected()
        array([1.])
        """
        return ratio(self._dice().sum(0), (self.intersection > 0).sum(0))

    def dice_class_pooled(self) -> Any:
        """(K,) Dice of each class with the pixels of all images pooled.

        >>> counts = Overlap(np.array([[2], [0]]), np.array([[2], [3]]), np.array([[2], [3]]))
        >>> counts.dice_class_pooled()
        array([0.4])
        """
        area = self.predicted + self.truth
        return ratio(2 * self.intersection.sum(0), area.sum(0))

    def detected(
        self, min_area: int = MIN_AREA, min_dice: float = MIN_DICE
    ) -> tuple[Any, Any, Any]:
        """(N, K) bool each: which pairs of image and class were found, invented, missed.

        Found: in the truth, with Dice >= min_dice. Missed: in the truth otherwise. Invented: not in
        the truth, but predicted in at least min_area pixels, and never in none.

        >>> counts = Overlap(np.array([[1, 0]]), np.array([[1, 9]]), np.array([[1, 0]]))
        >>> [part.tolist() for part in counts.detected(min_area=5)]
        [[[True, False]], [[False, True]], [[False, False]]]
        """
        present = self.truth > 0
        found = present & (self._dice() >= min_dice)
        return found, ~present & (self.predicted >= max(min_area, 1)), present & ~found

    def detection(self, min_area: int = MIN_AREA, min_dice: float = MIN_DICE) -> Detection:
        """Count (image, class) pairs over the set: the paper's Table 2.

        A found pair is a true positive, an invented one a false positive, a missed one a false
        negative: see `detected`.

        >>> counts = Overlap(np.array([[1, 0]]), np.array([[1, 9]]), np.array([[1, 0]]))
        >>> counts.detection(min_area=5).precision
        0.5
        """
        return Detection(*(int(part.sum()) for part in self.detected(min_area, min_dice)))


def overlap(prediction: Array, truth: Array, classes: int = 5) -> Overlap:
    """Count the pixels (N, K), int64, of label maps (N, H, W) with K classes, all in one pass.

    Raises UserError if the shapes differ, a label is not an integer in 0..K or K is not in 1..15.

    >>> overlap(np.array([[[1, 1, 2]]]), np.array([[[1, 0, 0]]]), classes=2).dice_image().tolist()
    [0.5]
    """
    confusion = _confusion(prediction, truth, classes)
    counts = (confusion.diagonal(dim1=1, dim2=2), confusion.sum(2), confusion.sum(1))
    return Overlap(*(like(count[:, 1:].contiguous(), prediction) for count in counts))


def dice_foreground(prediction: Array, truth: Array, classes: int = 5) -> Any:
    """(N,) float64 Dice per image in 0..1 of lesion against background, whatever the class.

    NaN for an image without a lesion in both; raises UserError as `overlap` does. The paper has no
    such number.

    >>> dice_foreground(np.array([[[1, 1, 2]]]), np.array([[[1, 2, 0]]])).tolist()
    [0.8]
    """
    confusion = _confusion(prediction, truth, classes)
    areas = confusion[:, 1:].sum((1, 2)) + confusion[:, :, 1:].sum((1, 2))
    return like(ratio(2 * confusion[:, 1:, 1:].sum((1, 2)), areas), prediction)


def _confusion(prediction: Array, truth: Array, classes: int) -> Tensor:
    """(N, K + 1, K + 1) pixels per image, predicted label and true label."""
    if not 1 <= classes <= MOST:
        raise UserError(f"classes = {classes} is refused; label maps have 1 to {MOST} classes.")
    shapes = [shape_of(prediction, "prediction"), shape_of(truth, "truth")]
    if len(shapes[0]) != 3 or shapes[0] != shapes[1]:
        raise UserError(
            f"The prediction has shape {shapes[0]} and the truth {shapes[1]}; give both as label "
            "maps of one shape (images, rows, columns): of one-hot maps the argmax over the "
            "classes, of a single map its [None]."
        )
    where = prediction.device if isinstance(prediction, Tensor) else "cpu"
    labels = classes + 1
    counts = torch.zeros(len(prediction), labels**2, dtype=torch.int64, device=where)
    for start in range(0, max(len(prediction), 1), CHUNK):
        chunk = slice(start, start + CHUNK)
        predicted = _labels("prediction", prediction[chunk], classes)
        # of 16 labels, the most there are, the codes just fit one byte: 0..255
        _count(labels * predicted + _labels("truth", truth[chunk], classes), counts[chunk])
    return counts.view(-1, labels, labels)


def _count(codes: Tensor, counts: Tensor) -> None:
    """Write how often each of C codes occurs in each image (n, H, W) uint8 to counts (n, C)."""
    different = counts.shape[1]
    if codes.is_cuda:
        image = torch.arange(len(codes), device=codes.device)[:, None, None]
        flat = (image * different + codes).flatten()
        counts.copy_(torch.bincount(flat, minlength=counts.numel()).view_as(counts))
        return
    for k, code in enumerate(codes.numpy()):
        # many times as fast as bincount, which needs eight bytes per pixel
        histogram = cv2.calcHist([code], [0], None, [different], [0, different])
        counts[k] = torch.from_numpy(histogram.ravel())


def _labels(name: str, values: Array, classes: int) -> Tensor:
    """Labels as uint8, if all of them are whole numbers in 0..K."""
    labels = as_tensor(values)
    whole = not (labels.is_floating_point() or labels.is_complex())
    labels = labels if labels.dtype == torch.uint8 else labels.long()
    if not whole or (labels.numel() and not 0 <= labels.min() <= labels.max() <= classes):
        raise UserError(
            f"The {name} contains labels other than the integers 0..{classes}; map them first."
        )
    return labels.to(torch.uint8)
