"""Stored values of a series' slices to HU."""

from __future__ import annotations

import numpy as np
import pydicom

from lcgan_core.cohort import hounsfield
from lcgan_core.cohort.dicom.header import Slice
from lcgan_core.cohort.dicom.quiet import quiet
from lcgan_core.cohort.series import Refused

PADDING = np.iinfo(np.int16).min
"""Marks what a scanner filled in round its scan circle until the whole series is looked at."""
WHOLE = 2**20
"""Whole numbers below it times any stored value fit 64 bits, and are faster than fractions."""


def read_hu(slices: tuple[Slice, ...]) -> tuple[np.ndarray, list[str]]:
    """(S, H, W) int16 HU in -1024..3071 as stored, unturned, and notes; raises Refused.

    HU from each slice's own rescale. Without one the offset is read off the air of the series;
    values that went round a 12-bit scale are put back.
    """
    values = np.empty((len(slices), *slices[0].size), np.int16)
    scaled = []
    for k, item in enumerate(slices):
        values[k], has_rescale = _read(item)
        scaled.append(has_rescale)
    notes = []
    if len(set(scaled)) > 1:
        raise Refused(
            slices[scaled.index(False)].path, "lacks the rescale that the other slices of its "
            "series have; export the original series again.",
        )  # fmt: skip
    padded = values == PADDING
    real = values[~padded] if padded.any() else values
    if not real.size:
        raise Refused(slices[0].path, "and its series hold only padding; export it again.")
    if hounsfield.is_wrapped(real):
        values = np.where(padded, PADDING, hounsfield.unwrap(values))
        notes.append("HU had gone round a 12-bit scale; put back.")
    elif not scaled[0]:
        offset = hounsfield.offset_of(real)
        if offset is None:
            raise Refused(
                slices[0].path, "has no RescaleSlope and RescaleIntercept, and its series no air "
                "to read HU off; export the original series again.",
            )  # fmt: skip
        values = np.where(padded, PADDING, values.astype(np.int32) + offset)
        notes.append(f"The rescale was missing; {offset} was added, read off the air.")
    return values.clip(*hounsfield.HU_RANGE).astype(np.int16, copy=False), notes


def _read(of: Slice) -> tuple[np.ndarray, bool]:
    """(H, W) int16, padding marked, and whether the file tells how to get HU."""
    syntax = ""
    try:
        with quiet():
            item = pydicom.dcmread(of.path)
            kind = item.file_meta.TransferSyntaxUID
            syntax = f" from {kind.name}" if kind.is_compressed else ""
            stored = item.pixel_array
            slope, intercept = item.get("RescaleSlope"), item.get("RescaleIntercept")
            known = None not in (slope, intercept)
            slope, intercept = (float(slope), float(intercept)) if known else (1.0, 0.0)
            padding = _padding(item, stored)
    except Exception as error:  # every decoder has its own family of errors
        raise Refused(
            of.path, f"cannot be decoded{syntax}; copy it again or export it uncompressed.", error
        ) from None
    if stored.shape != of.size or not np.isfinite([slope, intercept]).all() or slope == 0:
        raise Refused(of.path, "has pixels that its header contradicts; export it again.")
    if slope.is_integer() and intercept.is_integer() and abs(slope) < WHOLE > abs(intercept):
        hu = stored.astype(np.int64) * int(slope) + int(intercept)
    else:
        hu = np.rint(stored * slope + intercept)
    hu = hu.clip(PADDING + 1, -PADDING - 1).astype(np.int16)
    if padding is not None:
        hu[padding] = PADDING
    return hu, known


def _padding(item: pydicom.Dataset, stored: np.ndarray) -> np.ndarray | None:
    """(H, W) bool: pixels in the range that PixelPaddingValue and its limit span, if any."""
    ends = [item.get(name) for name in ("PixelPaddingValue", "PixelPaddingRangeLimit")]
    if ends[0] is None:
        return None
    # the value is often written with the wrong sign: 63536 for -2000
    ends = [np.array(int(end)).astype(stored.dtype) for end in ends if end is not None]
    return (stored >= min(ends)) & (stored <= max(ends))
