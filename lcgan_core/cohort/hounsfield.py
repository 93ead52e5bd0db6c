"""Hounsfield units that can be trusted: clipped, unwrapped, or refused."""

from __future__ import annotations

import numpy as np

AIR = -1024
HU_RANGE = (AIR, 3071)
WRAP = 4096


def clip(hu: np.ndarray) -> np.ndarray:
    """HU rounded to int16 in -1024..3071: what scanners pad with lies below, metal above.

    >>> clip(np.array([-32054.0, -3024, 39.6, 31701])).tolist()
    [-1024, -1024, 40, 3071]
    """
    return np.nan_to_num(np.rint(hu), nan=AIR).clip(*HU_RANGE).astype(np.int16)


def is_wrapped(hu: np.ndarray) -> bool:
    """Whether negative HU went round a 12-bit scale: no air, and much at air + 4096 = 3096.

    A head has no tenth of its voxels above 3000 HU.

    >>> is_wrapped(np.array([3096] * 5 + [40] * 5)), is_wrapped(np.array([-1000] * 5 + [40] * 5))
    (True, False)
    """
    return bool(hu.min() > -200 and np.mean((hu > 3000) & (hu < WRAP)) > 0.1)


def unwrap(hu: np.ndarray) -> np.ndarray:
    """Undo the 12-bit wrap-around: HU in -1024..3071.

    Noise takes air below -1000, so what lies above 3071 is air and not metal.

    >>> unwrap(np.array([3096, 40, 0, 4095])).tolist()
    [-1000, 40, 0, -1]
    """
    return (hu - AIR) % WRAP + AIR


def offset_of(stored: np.ndarray) -> int | None:
    """What to add to stored values without a rescale to get HU, read off the air; None if unclear.

    0 where air lies near -1000; -1024 where it lies near 24; -1000 where it lies at 0. Soft tissue
    must then lie at 0..100 HU: brain cut out of its head is not taken for air.

    >>> [offset_of(np.array([air] * 8 + [air + 1040] * 8)) for air in (-1000, 24, 0, 300)]
    [0, -1024, -1000, None]
    """
    offset = _air_offset(stored)
    if offset is None or np.mean((stored > -offset) & (stored < 100 - offset)) < 0.01:
        return None
    return offset


def _air_offset(stored: np.ndarray) -> int | None:
    if np.mean((stored >= -1060) & (stored <= -940)) > 0.01:
        return 0
    values, counts = np.unique(stored[(stored > -60) & (stored < 500)], return_counts=True)
    if (
        values.size
        and values[0] == 0
        and (counts[(values >= 5) & (values <= 60)].sum() > counts[0] / 50)
    ):
        values, counts = values[1:], counts[1:]  # zeros are the padding round a scan circle
    if not values.size or counts.sum() < stored.size / 100:
        return None
    peak = int(values[counts.argmax()])
    if 5 <= peak <= 60:
        return -1024
    return -1000 if peak in range(-4, 5) else None
