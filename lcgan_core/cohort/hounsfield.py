"""Hounsfield units that can be trusted, by one rule for every route: kept, repaired or refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lcgan_core.cohort.series import Refused

AIR = -1024
HU_RANGE = (AIR, 3071)
WRAP = 4096
LOWEST, HIGHEST = -1100, 1250
"""From below air in HU to above soft tissue in values stored with 1024 added."""
STATED = (-1060, -800)
"""Air in values that are HU already; between the walls of a head rest it is -800."""
BRAIN = (-10, 75)
"""HU at which the soft tissue of a head is commonest: brain, or muscle where there is none."""
TISSUE = (-60, 200)
"""HU among which that is looked for: above fat, below bone."""
SMOOTH = 21
"""HU over which a histogram is averaged: the noise of a sharp kernel."""
ENOUGH = 100_000
"""Voxels that a histogram needs; of a larger volume every n-th pixel is looked at."""


def settle(values: np.ndarray, path: Path, padded: np.ndarray | None = None) -> tuple:
    """Stored or rescaled values as int16 HU in -1024..3071, and notes; raises Refused.

    values: (S, H, W), or any order of the axes, float or integer, which may be overwritten; padded:
    where they are padding, which becomes air. Air and brain must be where they belong, whatever a
    header says: a rescale of 1 and 0 may be made up as well as missing. A 12-bit wrap-around and an
    offset of 1000 or 1024 that is missing, or of 1024 taken off twice, are repaired; all else is
    refused.
    """
    seen = _sample(values, padded)
    if not seen[0].size:
        raise Refused(path, "and its series hold only padding; export it again.")
    notes: tuple[str, ...] = ()
    if is_wrapped(seen[0]):
        values, seen = unwrap(values), (unwrap(seen[0]), seen[1])
        notes = ("12-bit wrap-around of the HU was corrected.",)
    offset = offset_of(*seen)
    if offset is None:
        raise Refused(
            path,
            f"is not in HU (values {seen[0].min():g} to {seen[0].max():g}, no air near -1000 "
            "around soft tissue); give the scan as it left the scanner, not windowed or cut out.",
        )
    if offset:
        notes += (f"{offset} was added to the values, so that air is at -1000 HU.",)
        values = values + (offset if values.dtype.kind == "f" else np.int32(offset))
    hu = clip(values)
    if padded is not None:
        hu[padded] = AIR
    return hu, notes


def clip(hu: np.ndarray) -> np.ndarray:
    """HU rounded to int16 in -1024..3071, in place where they are int16.

    Padding of scanners lies below, metal above.

    >>> clip(np.array([-32054.0, -3024, 39.6, 31701])).tolist()
    [-1024, -1024, 40, 3071]
    """
    if hu.dtype == np.int16:
        return hu.clip(*HU_RANGE, out=hu)
    if np.issubdtype(hu.dtype, np.integer):
        return hu.clip(*HU_RANGE).astype(np.int16)
    return np.nan_to_num(np.rint(hu), nan=AIR).clip(*HU_RANGE).astype(np.int16)


def is_wrapped(hu: np.ndarray) -> bool:
    """Whether negative HU wrapped around at 12 bits: no air, and much at -1000 + 4096 = 3096.

    No head has a tenth of its voxels above 3000 HU.

    >>> is_wrapped(np.array([3096] * 5 + [40] * 5)), is_wrapped(np.array([-1000] * 5 + [40] * 5))
    (True, False)
    """
    return bool(hu.min() > -200 and np.mean((hu > 3000) & (hu < WRAP)) > 0.1)


def unwrap(hu: np.ndarray) -> np.ndarray:
    """Correct 12-bit wrap-around: HU in -1024..3071.

    Noise takes air below -1000, so values above 3071 are air and not metal.

    >>> unwrap(np.array([3096, 40, 0, 4095])).tolist()
    [-1000, 40, 0, -1]
    """
    return (hu - AIR) % WRAP + AIR


def offset_of(stored: np.ndarray, outward: np.ndarray) -> int | None:
    """What to add to values to get HU, judged by air and brain; None if unclear.

    stored: (N,) values; outward: (N,) how far each lies from the middle of its slice. 0 where air
    is near -1000; -1024 where it is near 24; -1000 where it is at 0; 1024 where it is near -2024,
    an intercept that was taken off twice. Brain has to be some 1000 higher and air to lie farther
    out: a windowed image and a brain cut out of its skull show no such pair.

    >>> out = np.repeat([2.0, 1.0], 8)
    >>> [offset_of(np.repeat([air, air + 1040], 8), out) for air in (-1000, 24, 0, -2024, 300)]
    [0, -1024, -1000, 1024, None]
    """
    for twice in (0, 1024):
        offset = _offset_of(stored + twice, outward)
        if offset is not None and not (twice and offset):
            return offset + twice
    return None


def _offset_of(stored: np.ndarray, outward: np.ndarray) -> int | None:
    seen = stored[(stored > LOWEST) & (stored < HIGHEST)]  # below that is padding, not air
    counts = np.bincount(np.rint(seen).astype(int) - LOWEST, minlength=HIGHEST - LOWEST + 1)

    def count(low: int, high: int) -> int:
        return int(counts[low - LOWEST : high + 1 - LOWEST].sum())

    if count(5, 60) > count(0, 0) / 50:  # zeros are the padding outside a scan circle
        counts[-LOWEST] = 0
        outward, stored = outward[stored != 0], stored[stored != 0]
    # a wide field has more air than brain, a narrow one less: where -1000 is common, that is air
    low, high = STATED
    highest_air = high if count(low, high) > stored.size / 100 else 499
    air = int(counts[: highest_air + 1 - LOWEST].argmax()) + LOWEST
    if min(count(LOWEST, 499), 2 * count(air + 880, air + 1140)) < max(stored.size / 100, 1):
        return None
    if low <= air <= high:
        offset = 0
    elif 5 <= air <= 60:
        offset = -1024
    elif air in range(-4, 5):
        offset = -1000
    else:
        return None
    return offset if _is_a_head(stored + offset, outward, air + offset) else None


def _is_a_head(hu: np.ndarray, outward: np.ndarray, air: int) -> bool:
    """Whether soft tissue is commonest at the HU of brain, and lies farther in than air."""
    low, high = TISSUE
    tissue = (hu >= low) & (hu <= high)
    counts = np.bincount(np.rint(hu[tissue]).astype(int) - low, minlength=high - low + 1)
    commonest = int(np.convolve(counts, np.ones(SMOOTH), "same").argmax()) + low
    around = np.abs(hu - air) <= 60
    inner, outer = np.median(outward[tissue]), np.median(outward[around])
    return BRAIN[0] <= commonest <= BRAIN[1] and bool(inner < outer)


def _sample(values: np.ndarray, padded: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """(N,) values that are no padding, and how far each lies from the middle of its slice.

    The short axis of a volume is that of its slices; which of the others comes first is all one.
    """
    along = int(np.argmin(values.shape))
    planes = np.moveaxis(values, along, 0)
    step = max(1, int(np.sqrt(values.size / ENOUGH)))
    chosen = np.s_[:, ::step, ::step]
    part = planes[chosen]
    down, across = (np.abs(np.linspace(-1, 1, n)[::step]) for n in planes.shape[1:])
    outward = np.broadcast_to(np.hypot(down[:, None], across), part.shape)
    if padded is None:
        return part.ravel(), outward.ravel()
    kept = ~np.moveaxis(padded, along, 0)[chosen]
    return part[kept], outward[kept]
