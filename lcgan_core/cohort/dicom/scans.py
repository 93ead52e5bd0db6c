"""What is one scan: the slices under one series UID, told apart by all that lies in the files.

No single tag decides. Slices that differ in one are two scans only where they could not both belong
to one: where two or more slices of each lie in the same part of the head. An acquisition number for
each slice, a thick upper half, another kernel below the tentorium are all one scan.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence

import numpy as np

from lcgan_core.cohort.dicom.geometry import SAME_ORIENTATION, normal
from lcgan_core.cohort.dicom.header import TELLING, Slice

SAME_PLACE_MM = 0.1
SHORTEST = 3
"""Slices of a pass that is known by nothing but the order of its slices."""
ALWAYS = 2
"""How many of TELLING, the first, tell scans apart wherever these lie."""
Order = Callable[[Slice], object]


def height(item: Slice) -> float:
    """Where a slice lies along its normal, mm."""
    return float(normal(item.orientation) @ item.position)


def scans(slices: Sequence[Slice]) -> list[list[Slice]]:
    """The slices of each scan, larger ones first; none is left out."""
    groups = _told(list(slices), _geometries(slices))
    for k in range(len(TELLING)):
        groups = [
            part
            for group in groups
            for part in _told(group, [item.telling[k] for item in group], always=k < ALWAYS)
        ]
    for order in (_acquired, _made, _acquisition, _number):
        groups = [part for group in groups for part in _passes(group, order)]
    return sorted(groups, key=len, reverse=True)


def alike(a: Slice, b: Slice) -> bool:
    """Whether two slices have one matrix, orientation and pixel spacing."""
    return (
        a.size == b.size
        and _close(a.orientation, b.orientation, 0, SAME_ORIENTATION)
        and _close(a.spacing, b.spacing, 1e-4, 0)
    )


def _close(a: tuple[float, ...], b: tuple[float, ...], relative: float, absolute: float) -> bool:
    return a == b or np.allclose(
        a, b, relative, absolute
    )  # mostly they are equal, which is fast to see


def _geometries(slices: Sequence[Slice]) -> list[int]:
    """The number of each slice's geometry."""
    firsts: list[Slice] = []
    numbers = []
    for item in slices:
        k = next((k for k, first in enumerate(firsts) if alike(item, first)), len(firsts))
        if k == len(firsts):
            firsts.append(item)
        numbers.append(k)
    return numbers


def _told(
    slices: list[Slice], values: Iterable[Hashable], always: bool = False
) -> list[list[Slice]]:
    """Slices parted by a value of theirs, those that may be one scan together again."""
    parts: dict[Hashable, list[Slice]] = defaultdict(list)
    for item, value in zip(slices, values, strict=True):
        parts[value].append(item)
    if len(parts) == 1:
        return [slices]
    if always and max(map(len, parts.values())) > 1:
        return list(parts.values())
    together: list[list[Slice]] = []
    for part in parts.values():
        fitting = (group for group in together if not _in_each_others_way(group, part))
        group = next(fitting, None)
        if group is None:
            together.append(list(part))
        else:
            group += part
    return together


def _in_each_others_way(a: list[Slice], b: list[Slice]) -> bool:
    """Whether one has slices at two places or more within the other: one repeated is no scan."""
    one, two = (np.sort([height(item) for item in part]) for part in (a, b))
    return any(_within(*pair) >= 2 for pair in ((one, two), (two, one)) if np.ptp(pair[0]))


def _within(places: np.ndarray, around: np.ndarray) -> int:
    """How many different places lie between the outermost of others."""
    apart = places[np.diff(places, prepend=-np.inf) > SAME_PLACE_MM]
    low, high = around[0] - SAME_PLACE_MM, around[-1] + SAME_PLACE_MM
    return int(((apart > low) & (apart < high)).sum())


def _passes(slices: list[Slice], order: Order) -> list[list[Slice]]:
    """Slices parted where, in the order of a time or number, the table goes back."""
    keys = [order(item) for item in slices]
    if len(slices) < 2 * SHORTEST or None in keys:
        return [slices]
    upward = sorted(zip(keys, map(height, slices), slices, strict=True), key=lambda each: each[:2])
    for ordered in (upward, sorted(upward, key=lambda each: (each[0], -each[1]))):  # type: ignore[arg-type]
        runs, way = [[ordered[0]]], 0.0
        for before, each in zip(ordered, ordered[1:], strict=False):
            step = each[1] - before[1]
            if abs(step) < SAME_PLACE_MM or step * way < 0:
                runs.append([each])
                way = 0.0
            else:
                runs[-1].append(each)
                way = step
        if len(runs) > 1 and min(map(len, runs)) >= SHORTEST:
            numbers = {id(each[2]): k for k, run in enumerate(runs) for each in run}
            return _told(slices, [numbers[id(item)] for item in slices])
    return [slices]


def _acquired(item: Slice) -> str | None:
    return item.acquired or None


def _made(item: Slice) -> str | None:
    return item.made or None


def _acquisition(item: Slice) -> int | None:
    return item.acquisition


def _number(item: Slice) -> int | None:
    return item.number
