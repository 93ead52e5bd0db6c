"""Hounsfield units that can be trusted: clipped, unwrapped, or refused."""

from __future__ import annotations

import numpy as np

AIR = -1024
HU_RANGE = (AIR, 3071)
WRAP = 4096
LOWEST, HIGHEST = -1100, 1250
"""From below air in HU to above soft tissue in values stored with 1024 added."""


def clip(hu: np.ndarray) -> np.ndarray:
    """HU rounded to int16 in -1024..3071: padding of scanners lies below, metal above.

    >>> clip(np.array([-32054.0, -3024, 39.6, 31701])).tolist()
    [-1024, -1024, 40, 3071]
    """
    if np.issubdtype(hu.dtype, np.integer):
        return hu.clip(*HU_RANGE).astype(np.int16, copy=False)
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


def offset_of(stored: np.ndarray) -> int | None:
    """What to add to stored values without a rescale to get HU, judged by air; None if unclear.

    0 where air is near -1000; -1024 where it is near 24; -1000 where it is at 0. Soft tissue has
    to be 1000 higher: a windowed image and a brain cut out of its skull show no such pair.

    >>> [offset_of(np.array([air] * 8 + [air + 1040] * 8)) for air in (-1000, 24, 0, 300)]
    [0, -1024, -1000, None]
    """
    seen = stored[(stored > LOWEST) & (stored < HIGHEST)]  # below that is padding, not air
    counts = np.bincount(np.rint(seen).astype(int) - LOWEST, minlength=HIGHEST - LOWEST + 1)

    def count(low: int, high: int) -> int:
        return int(counts[low - LOWEST : high + 1 - LOWEST].sum())

    if count(5, 60) > count(0, 0) / 50:
        counts[-LOWEST] = 0  # zeros are the padding outside a scan circle
    # a wide field has more air than brain, a narrow one less: where -1000 is common, that is air
    highest_air = -940 if count(-1060, -940) > stored.size / 100 else 499
    air = int(counts[: highest_air + 1 - LOWEST].argmax()) + LOWEST
    if min(count(LOWEST, 499), 2 * count(air + 880, air + 1140)) < max(stored.size / 100, 1):
        return None
    if -1060 <= air <= -940:
        return 0
    if 5 <= air <= 60:
        return -1024
    return -1000 if air in range(-4, 5) else None
