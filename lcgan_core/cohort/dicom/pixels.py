"""From the stored values of a series to HU."""

from __future__ import annotations

import cv2
import numpy as np
from pydicom.filereader import read_file_meta_info
from pydicom.pixels.utils import pixel_array

from lcgan_core.cohort.dicom.header import Slice
from lcgan_core.cohort.dicom.quiet import quiet
from lcgan_core.cohort.hounsfield import settle
from lcgan_core.cohort.series import Refused

TISSUE = -900
"""HU from which on padding may be taken for tissue, and tissue for padding."""
PADDING = np.iinfo(np.int16).min
"""Marks the padding outside the scan circle until the whole series has been looked at."""


def read_hu(slices: tuple[Slice, ...]) -> tuple[np.ndarray, tuple[str, ...]]:
    """(S, H, W) int16 HU in -1024..3071 as stored, unturned, and notes; raises Refused.

    HU come from each slice's own rescale and are checked, or inferred without one, by the air and
    the brain of the series; see hounsfield.settle.
    """
    known = [item.rescale is not None for item in slices]
    if len(set(known)) > 1:
        raise Refused(
            slices[known.index(False)].path,
            "lacks the rescale that the other slices of its "
            "series have; export the original series again.",
        )
    values = np.empty((len(slices), *slices[0].size), np.int16)
    inner = sum(_read(item, hu) for hu, item in zip(values, slices, strict=True))
    padded = values == PADDING if any(item.padding for item in slices) else None
    hu, notes = settle(values, slices[0].path, padded)
    if inner:
        notes += (f"{inner} pixels within the field hold the padding value and were kept.",)
    if not known[0]:
        notes += ("The rescale was missing; HU were inferred from air and brain.",)
    return hu, notes


def _read(of: Slice, hu: np.ndarray) -> int:
    """Fill (H, W) int16 with HU, padding marked; how many pixels only look like padding."""
    stored = _stored(of, hu)
    if stored.shape != of.size:
        raise Refused(of.path, "has pixels that its header contradicts; export it again.")
    padded, inner = None, 0
    slope, intercept = of.rescale or (1.0, 0.0)
    if of.padding:
        # the value is often written with the wrong sign: 63536 for -2000
        first, last = np.sort(np.array(of.padding).astype(stored.dtype))[[0, -1]]
        padded = (stored >= first) & (stored <= last)
        if float(last) * slope + intercept > TISSUE:
            outer = _at_the_border(padded)
            inner = int(padded.sum() - outer.sum())
            padded = outer
    ends = sorted(float(end) * slope + intercept for end in (stored.min(), stored.max()))
    if slope == 1 and intercept.is_integer() and PADDING < ends[0] <= ends[1] <= -PADDING - 1:
        # the sum fits 16 bits, so its terms may overflow
        hu[:] = stored.astype(np.int16, copy=False)
        hu += np.array(int(intercept)).astype(np.int16)
    else:
        hu[:] = np.rint(stored * slope + intercept).clip(PADDING + 1, -PADDING - 1)
    if padded is not None:
        hu[padded] = PADDING
    return inner


def _at_the_border(padded: np.ndarray) -> np.ndarray:
    """(H, W) what of `padded` touches the border of the field: water may have the same value."""
    parts = cv2.connectedComponents(padded.astype(np.uint8), connectivity=4)[1]
    edges = np.concatenate([parts[0], parts[-1], parts[:, 0], parts[:, -1]])
    return np.isin(parts, np.unique(edges[edges > 0]))


def _stored(of: Slice, room: np.ndarray) -> np.ndarray:
    """(H, W) stored values, in `room` where the file holds them as they are."""
    try:
        if of.plain is None:
            with quiet():
                return pixel_array(of.path)
        with of.path.open("rb") as file:
            file.seek(of.plain.offset)
            if file.readinto(room) != room.nbytes:
                raise EOFError("The file became shorter.")
    except Exception as error:  # every decoder has its own family of errors
        raise Refused(
            of.path,
            f"cannot be decoded{_compression(of)}; copy it again or export it uncompressed.",
            error,
        ) from None
    stored = room.view(of.plain.dtype)
    if unused := 16 - of.plain.bits:  # they may hold anything
        stored <<= unused
        stored >>= unused
    return stored


def _compression(of: Slice) -> str:
    try:
        kind = read_file_meta_info(of.path).TransferSyntaxUID
        return f" from {kind.name}" if kind.is_compressed else ""
    except Exception:  # the file may have disappeared
        return ""
