"""Slices of one series in order: one per position, none missing, all of one geometry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lcgan_core.cohort.dicom.geometry import SAME_ORIENTATION, normal, to_affine
from lcgan_core.cohort.dicom.header import Slice
from lcgan_core.cohort.series import LeftOut, Refused

SAME_PLACE_MM = 0.1
WIDE = 1.5


@dataclass(frozen=True)
class Stack:
    """Slices of one geometry, sorted along their normal from the feet up."""

    slices: tuple[Slice, ...]
    notes: tuple[str, ...] = ()

    @property
    def shape(self) -> tuple[int, int, int]:
        return (len(self.slices), *self.slices[0].size)

    @property
    def affine(self) -> np.ndarray:
        """(4, 4) from (column, row, slice) index to RAS mm."""
        first, last = self.slices[0], self.slices[-1]
        return to_affine(
            first.orientation, first.spacing, first.position, last.position, len(self.slices)
        )

    @property
    def heights(self) -> np.ndarray:
        """(S,) mm along the slice normal, rising."""
        return np.array([height(item) for item in self.slices])


def height(item: Slice) -> float:
    """Where a slice lies along its normal, mm."""
    return float(normal(item.orientation) @ item.position)


def stack(slices: Sequence[Slice]) -> tuple[Stack, list[LeftOut]]:
    """Order the slices of one series; raises Refused."""
    slices, others = _one_geometry(slices)
    slices, notes = _one_a_position(slices)
    if len(slices) < 2:
        raise Refused(slices[0].path, "is the only slice of its series; export the whole series.")
    result = Stack(tuple(slices))
    notes += _check_gaps(result)
    return Stack(result.slices, tuple(notes)), others


def _one_geometry(slices: Sequence[Slice]) -> tuple[list[Slice], list[LeftOut]]:
    """The most frequent orientation, matrix and pixel spacing; the rest is left out."""
    groups: list[list[Slice]] = []
    for item in slices:
        same = (group for group in groups if _alike(item, group[0]))
        group = next(same, None)
        if group is None:
            groups.append([item])
        else:
            group.append(item)
    groups.sort(key=len, reverse=True)
    if len(groups) > 1 and len(groups[1]) * 2 >= len(groups[0]):
        raise Refused(
            groups[1][0].path,
            f"and its series hold {len(groups)} axial geometries; "
            "export each as a series of its own.",
        )
    reason = "has another geometry than the rest of its series."
    return groups[0], [LeftOut(group[0].path, reason, len(group)) for group in groups[1:]]


def _alike(a: Slice, b: Slice) -> bool:
    return (
        a.size == b.size
        and _close(a.orientation, b.orientation, 0, SAME_ORIENTATION)
        and _close(a.spacing, b.spacing, 1e-4, 0)
    )


def _close(a: tuple[float, ...], b: tuple[float, ...], relative: float, absolute: float) -> bool:
    return a == b or np.allclose(
        a, b, relative, absolute
    )  # mostly they are equal, which is fast to see


def _one_a_position(slices: list[Slice]) -> tuple[list[Slice], list[str]]:
    """Sorted; of several at one position the last acquired, then the last numbered."""
    places: list[list[Slice]] = []
    for item in sorted(slices, key=height):
        if places and height(item) - height(places[-1][0]) < SAME_PLACE_MM:
            places[-1].append(item)
        else:
            places.append([item])
    kept: list[Slice] = []
    copies = repeats = 0
    for place in places:
        one_each = {item.instance or str(item.path): item for item in place}
        copies += len(place) - len(one_each)
        repeats += len(one_each) - 1
        kept.append(max(one_each.values(), key=_recency))
    notes = []
    if copies:
        notes.append(f"{copies} files were there twice; one of each was taken.")
    if repeats:
        notes.append(
            f"{repeats} slices shared the position of another one; the later acquisition was taken."
        )
    return kept, notes


def _recency(item: Slice) -> tuple[int, int]:
    return (
        -1 if item.acquisition is None else item.acquisition,
        -1 if item.number is None else item.number,
    )


def _check_gaps(of: Stack) -> list[str]:
    """Refuse a series that lacks slices; note real uneven spacing.

    Scanners do space slices unevenly and restart their numbering, so a hole is a gap that is as
    many slices wide as the numbers jump. Without numbers it is a gap wider than the usual one and
    than both its neighbours.
    """
    gaps = np.diff(of.heights)
    usual = float(np.median(gaps))
    jumps = _jumps(of)
    for k, (gap, jump) in enumerate(zip(gaps, jumps, strict=True)):
        others = [usual, *gaps[max(k - 1, 0) : k], *gaps[k + 1 : k + 2]]
        if np.isnan(jump):
            hole = gap > WIDE * max(others)
        else:
            fits = [other / WIDE < gap / jump < other * WIDE for other in others]
            hole = jump > WIDE and gap > WIDE * min(others) and any(fits)
        if hole:
            raise Refused(
                of.slices[k].path,
                f"and the next slice lie {gap:.1f} mm apart, elsewhere "
                f"{usual:.1f} mm: the series lacks slices; export the whole series again.",
                f"next slice: {of.slices[k + 1].path.name}",
            )
    if np.ptp(gaps) > max(SAME_PLACE_MM, 0.02 * usual):
        return [f"The slices lie {gaps.min():.2f} to {gaps.max():.2f} mm apart; kept as they are."]
    return []


def _jumps(of: Stack) -> np.ndarray:
    """(S - 1,) by how many slices the numbers of two neighbours differ; NaN where unknown."""
    numbers = np.array([np.nan if item.number is None else item.number for item in of.slices])
    jumps = np.abs(np.diff(numbers))
    known = jumps[jumps > 0]
    return np.where(jumps > 0, jumps / np.median(known) if known.size else np.nan, np.nan)
