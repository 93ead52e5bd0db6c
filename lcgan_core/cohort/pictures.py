"""Windowed pictures (PNG, JPEG) with masks beside them as PNG: HU inside the window, no more."""

from __future__ import annotations

import math
import warnings
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image

from lcgan_core.cohort.grey_levels import Window, scale_of
from lcgan_core.cohort.label_map import LabelMap, classes_named
from lcgan_core.cohort.mask_values import MaskDecoder, OneClass
from lcgan_core.cohort.patterns import Key, matched
from lcgan_core.cohort.series import Case, Found, Refused, Series
from lcgan_core.cohort.source import files_below
from lcgan_core.errors import UserError

EXAMPLE = "images/{patient}/{slice}.png"
PNG, JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"
MOST_SIDE = 4096
TURNED = (b"Exif", b"eXIf")
"""Marks of a header that may say how a viewer shall turn the picture."""


class Picture(NamedTuple):
    """A slice: its number in the scan, its picture and its mask."""

    number: int
    image: Path
    mask: Path


@dataclass(frozen=True)
class PictureCase:
    """The pictures of one scan, in the order of their numbers; see series.Case.

    window: as stated, else None; spacing: mm from pixel to pixel and from slice to slice.
    """

    patient: str
    series: str
    slices: tuple[Picture, ...]
    decode: MaskDecoder
    window: Window | None
    spacing: tuple[float, float]

    @property
    def path(self) -> Path:
        return self.slices[0].image.parent

    def load(self) -> Series:
        """Read pictures and masks, and find their HU; raises Refused."""
        grey = stack([each.image for each in self.slices], read_grey)
        masks = stack([each.mask for each in self.slices], read_mask)
        if masks.shape != grey.shape:
            raise Refused(self.path, "has masks of another size than its pictures; export both.")
        if isinstance(self.decode, OneClass):
            refuse_soft(masks, self.slices[0].mask.parent)
        try:
            scale = scale_of(np.bincount(grey.ravel(), minlength=256), self.window)
        except ValueError as error:
            raise Refused(self.path, str(error)) from None
        labels = [
            self.decode(mask.T[:, :, None], each.mask)[0][:, :, 0].T
            for mask, each in zip(masks, self.slices, strict=True)
        ]
        pixel, step = self.spacing
        return Series(
            patient=self.patient,
            uid=self.series,
            hu=scale.hu[grey],
            labels=np.stack(labels),
            positions=step * np.array([each.number for each in self.slices], float),
            pixel_spacing=(pixel, pixel),
            gantry_tilt=0.0,
            notes=(scale.note,),
            hu_exact=scale.exact,
            by_order=True,
        )


def find(
    source: Path,
    images: str,
    masks: str,
    spacing: str,
    window: str = "",
    labels: LabelMap | None = None,
    as_class: str | None = None,
) -> Found:
    """Pair pictures and masks by patterns such as EXAMPLE; {scan} is optional.

    spacing: "PIXEL/STEP" in mm, which pictures do not carry; window: "LEVEL/WIDTH" in HU, told by
    the grey levels where it is left out; labels: what the masks' values mean; as_class: the class
    that they show, if one. Raises UserError for options that cannot be used and for patterns that
    match nothing.
    """
    if (labels is None) == (as_class is None):
        raise UserError(
            "Masks as pictures hold numbers: say what they mean with --labels, as in "
            "1=EDH,2=IPH, or which one class they show with --as."
        )
    shown = Window.parse(window) if window else None
    apart = _spacing(spacing)
    decode: MaskDecoder
    if labels is not None:
        classes, decode = labels.classes, labels
    else:
        classes, label_of = classes_named([str(as_class)], "--as")
        decode = OneClass(label_of[str(as_class)])
    files, left_out = files_below(source)
    found = matched(source, files, images, masks, ("patient", "slice"), EXAMPLE)
    cases: list[Case] = []
    refused = [
        Refused(path, "is a mask without a picture; add the picture.")
        for key, path in found.masks.items()
        if key not in found.images
    ]
    for scan, keys in _scans(found.images).items():
        paths = [found.images[key] for key in keys]
        bare = [found.images[key] for key in keys if key not in found.masks]
        numbers = [int(key[-1]) for key in keys]
        if bare:
            reason = "has no mask; add one, all zero where there is no lesion."
            refused.append(Refused(bare[0], reason, f"{len(bare)} of {len(keys)} in this scan"))
        elif len(set(numbers)) < len(numbers):
            refused.append(Refused(paths[0].parent, "has two pictures of one number; remove one."))
        else:
            slices = [Picture(int(key[-1]), found.images[key], found.masks[key]) for key in keys]
            cases.append(PictureCase(scan[0], "/".join(scan), tuple(slices), decode, shown, apart))
    return Found(cases, refused, left_out, classes)


def _scans(images: dict[Key, Path]) -> dict[Key, list[Key]]:
    """(patient, scan) or (patient,) -> the keys of its pictures, by number: 2 before 10."""
    scans: dict[Key, list[Key]] = defaultdict(list)
    for key in sorted(images, key=lambda key: (key[:-1], int(key[-1]))):
        scans[key[:-1]].append(key)
    return scans


def _spacing(text: str) -> tuple[float, float]:
    """Pixel and slice distance in mm.

    >>> _spacing("0.45/5")
    (0.45, 5.0)
    """
    try:
        pixel, step = map(float, text.split("/"))
    except ValueError:
        pixel = step = math.nan
    if not (0.05 <= pixel <= 5 and 0.1 <= step <= 50):
        raise UserError(
            f"--spacing {text} is not understood; write the mm from pixel to pixel and from slice "
            "to slice, as in 0.45/5: areas in cm2 rest on it."
        )
    return pixel, step


def stack(paths: Sequence[Path], read: Callable[[Path], np.ndarray]) -> np.ndarray:
    """(S, H, W) uint8 of a scan's pictures; raises Refused where their sizes differ."""
    pictures = [read(path) for path in paths]
    for path, each in zip(paths, pictures, strict=True):
        if each.shape != pictures[0].shape:
            raise Refused(path, "has another size than the first picture of its scan; export both.")
    return np.stack(pictures)


def refuse_soft(masks: np.ndarray, where: Path) -> None:
    """Refused where masks that show one class hold more values than 0 and another."""
    values = np.flatnonzero(np.bincount(masks.ravel()))
    if (values > 0).sum() > 1:
        raise Refused(
            where,
            f"holds masks with the values {', '.join(map(str, values[:4]))}, which cannot be one "
            "class; say what they mean with --labels, or save them without soft edges.",
        )


def read_mask(path: Path) -> np.ndarray:
    """(H, W) uint8 labels; Refused also for a JPEG, which changes labels at every edge."""
    raw = path.read_bytes()
    if raw.startswith(JPEG):
        raise Refused(path, "is a mask as JPEG, which does not keep labels; save it as PNG.")
    found = _plain(raw, path)
    if found.max() > 255:
        raise Refused(path, "is a mask with values above 255; save it with the labels' numbers.")
    return found.astype(np.uint8)


def read_grey(path: Path) -> np.ndarray:
    """(H, W) uint8 grey levels; Refused also for 16 bits."""
    found = _plain(path.read_bytes(), path)
    if found.dtype != np.uint8:
        raise Refused(
            path,
            "has 16 bits, of which nobody can tell whether they are HU; export it with 8 bits in a "
            "window, or the scan as DICOM or NIfTI.",
        )
    return found


def _plain(raw: bytes, path: Path) -> np.ndarray:
    """(H, W) values as they are stored in a file; raises Refused."""
    if not raw.startswith((PNG, JPEG)):
        raise Refused(path, "is neither PNG nor JPEG; export it again.")
    _check_claims(raw, path)
    found = _decoded(raw, cv2.IMREAD_UNCHANGED, path)
    if any(mark in raw[:4096] for mark in TURNED):
        grey = cv2.IMREAD_GRAYSCALE
        as_stored = _decoded(raw, grey | cv2.IMREAD_IGNORE_ORIENTATION, path)
        if not np.array_equal(_decoded(raw, grey, path), as_stored):
            raise Refused(path, "is turned by its header only; save it as it is shown.")
    if found.ndim == 3:
        colours = found[..., :3]
        opaque = found.shape[2] < 4 or (found[..., 3] == np.iinfo(found.dtype).max).all()
        if not opaque or (colours != colours[..., :1]).any():
            raise Refused(path, "is in colour or transparent; save it as plain grey levels.")
        found = colours[..., 0]
    return found


def _check_claims(raw: bytes, path: Path) -> None:
    """Refuse what its header claims before a decoder makes room for it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            picture = Image.open(BytesIO(raw), formats=("PNG", "JPEG"))
            picture.verify()  # of a PNG also the lengths of its parts
            width, height = picture.size
    except Image.DecompressionBombError:
        width = height = MOST_SIDE + 1
    except Exception:  # Pillow's are of every kind
        raise Refused(path, "is damaged; copy or export it again.") from None
    if max(width, height) > MOST_SIDE:
        raise Refused(
            path,
            f"claims more than {MOST_SIDE} x {MOST_SIDE} pixels, no CT slice; export it again.",
        )


def _decoded(raw: bytes, how: int, path: Path) -> np.ndarray:
    try:
        found = cv2.imdecode(np.frombuffer(raw, np.uint8), how)
    except cv2.error:
        found = None
    if found is None:
        raise Refused(path, "is damaged; copy or export it again.")
    return found
