"""Overlap of predicted and true lesions: every Dice variant and the detections, from three counts.

    prediction, truth                  (N, H, W)   labels 0..5, any integer dtype
    intersection, predicted, truth     (N, 5)      pixels per image and haemorrhage type, int64

Background is never scored. What is undefined is NaN: no lesion in truth and prediction, a type
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
from lcgan_core.lesions import HEMORRHAGES
from lcgan_core.metrics.arrays import Array, as_tensor, like, ratio

CLASSES = len(HEMORRHAGES) + 1
CHUNK = 64
"""Images counted at once, so that memory does not grow with their number."""


@dataclass(frozen=True)
class Detection:
    """Counts of (image, type) pairs over the whole set, and what follows from them."""

    true_positives: int
    false_positives: int
    false_negatives: int

    @property
    def precision(self) -> float:
        """TP / (TP + FP) in 0..1; NaN if nothing was detected."""
        return _share(self.true_positives, self.false_positives)

    @property
    def recall(self) -> float:
        """TP / (TP + FN) in 0..1; NaN if the truth has no lesion."""
        return _share(self.true_positives, self.false_negatives)


def _share(part: int, rest: int) -> float:
    return part / (part + rest) if part + rest else float("nan")


@dataclass(frozen=True)
class Overlap:
    """Pixel counts (N, 5) per image and type, int64, all arrays or all tensors of one device.

    Indexing acts on all three: `overlap[images]` resamples images, `overlap[:, [4]]` keeps SDH.

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
        """The images of all overlaps, in order: counts of one batch after another."""
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
        """(N, 5), with 0 instead of NaN where the type is in neither."""
        return ratio(2 * self.intersection, (self.predicted + self.truth).clip(1))

    def dice_image(self) -> Any:
        """(N,) Eq. 2 with S and G as sets of (pixel, type): the paper's Table 1."""
        area = self.predicted + self.truth
        return ratio(2 * self.intersection.sum(1), area.sum(1))

    def dice_instance(self) -> Any:
        """(N, 5) per image and type; 0 for a missed lesion, NaN where the truth lacks the type."""
        present = self.truth > 0
        return ratio(2 * self.intersection, (self.predicted + self.truth) * present)

    def dice_instance_strict(self) -> Any:
        """(N, 5) as dice_instance, but 0 instead of NaN for a type that is only predicted."""
        return ratio(2 * self.intersection, self.predicted + self.truth)

    def dice_class_detected(self) -> Any:
        """(5,) mean over the images where the type was at least partly found: Table 3."""
        return ratio(self._dice().sum(0), (self.intersection > 0).sum(0))

    def dice_class_pooled(self) -> Any:
        """(5,) Dice of each type with the pixels of all images pooled."""
        area = self.predicted + self.truth
        return ratio(2 * self.intersection.sum(0), area.sum(0))

    def detected(self, min_area: int = 200, min_dice: float = 0.25) -> tuple[Any, Any, Any]:
        """(N, 5) bool each: which pairs of image and type were found, invented, missed.

        Found: in the truth, Dice >= min_dice. Missed: in the truth otherwise. Invented: not in the
        truth, but min_area pixels or more predicted.
        """
        present = self.truth > 0
        found = present & (self._dice() >= min_dice)
        return found, ~present & (self.predicted >= max(min_area, 1)), present & ~found

    def detection(self, min_area: int = 200, min_dice: float = 0.25) -> Detection:
        """Count (image, type) pairs over the set: the paper's Table 2.

        A found pair is a true positive, an invented one a false positive, a missed one a false
        negative: see `detected`.
        """
        return Detection(*(int(part.sum()) for part in self.detected(min_area, min_dice)))


def overlap(prediction: Array, truth: Array) -> Overlap:
    """Count the pixels (N, 5) of label maps (N, H, W), one bincount for all types.

    Raises UserError if the shapes differ or a label is not an integer in 0..5.

    >>> overlap(np.array([[[1, 1, 2]]]), np.array([[[1, 0, 0]]])).dice_image().tolist()
    [0.5]
    """
    confusion = _confusion(prediction, truth)
    counts = (confusion.diagonal(dim1=1, dim2=2), confusion.sum(2), confusion.sum(1))
    return Overlap(*(like(count[:, 1:].contiguous(), prediction) for count in counts))


def dice_foreground(prediction: Array, truth: Array) -> Any:
    """(N,) Dice per image of lesion against background, whatever the type.

    >>> dice_foreground(np.array([[[1, 1, 2]]]), np.array([[[1, 2, 0]]])).tolist()
    [0.8]
    """
    confusion = _confusion(prediction, truth)
    areas = confusion[:, 1:].sum((1, 2)) + confusion[:, :, 1:].sum((1, 2))
    return like(ratio(2 * confusion[:, 1:, 1:].sum((1, 2)), areas), prediction)


def _confusion(prediction: Array, truth: Array) -> Tensor:
    """(N, 6, 6) pixels per image, predicted label and true label."""
    if prediction.ndim != 3 or prediction.shape != truth.shape:
        raise UserError(
            f"The prediction has shape {tuple(prediction.shape)} and the truth "
            f"{tuple(truth.shape)}; give both as label maps of one shape (images, rows, columns)."
        )
    where = prediction.device if isinstance(prediction, Tensor) else "cpu"
    counts = torch.zeros(len(prediction), CLASSES**2, dtype=torch.int64, device=where)
    for start in range(0, max(len(prediction), 1), CHUNK):
        chunk = slice(start, start + CHUNK)
        codes = CLASSES * _labels("prediction", prediction[chunk]) + _labels("truth", truth[chunk])
        _count(codes, counts[chunk])
    return counts.view(-1, CLASSES, CLASSES)


def _count(codes: Tensor, counts: Tensor) -> None:
    """Write how often each code occurs in each image (n, H, W) uint8 to counts (n, 36)."""
    if codes.is_cuda:
        image = torch.arange(len(codes), device=codes.device)[:, None, None]
        flat = (image * CLASSES**2 + codes).flatten()
        counts.copy_(torch.bincount(flat, minlength=counts.numel()).view_as(counts))
        return
    for k, code in enumerate(codes.numpy()):
        # many times as fast as bincount, which wants eight bytes a pixel
        histogram = cv2.calcHist([code], [0], None, [CLASSES**2], [0, CLASSES**2])
        counts[k] = torch.from_numpy(histogram.ravel())


def _labels(name: str, values: Array) -> Tensor:
    """Labels as uint8, where they are whole numbers in 0..5."""
    labels = as_tensor(values)
    whole = not (labels.is_floating_point() or labels.is_complex())
    labels = labels if labels.dtype == torch.uint8 else labels.long()
    if not whole or (labels.numel() and not 0 <= labels.min() <= labels.max() < CLASSES):
        raise UserError(f"The {name} holds other labels than the integers 0..5; map it first.")
    return labels.to(torch.uint8)
