"""Slices of one series in order: one per position, none missing, all of one geometry."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass

import numpy as np

from lcgan_core.cohort.dicom.geometry import LPS_TO_RAS, to_affine
from lcgan_core.cohort.dicom.header import MOST_DEGREES, Slice
from lcgan_core.cohort.dicom.scans import SAME_PLACE_MM, SHORTEST, alike, height
from lcgan_core.cohort.placing import Grid
from lcgan_core.cohort.series import APART_MM, LeftOut, Refused

WIDE = 1.5
BESIDE_MM = 50
"""How far a slice may lie beside the line of its series: a patient moves less."""


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
    def grid(self) -> Grid:
        """The same, with the place of each slice: these may be spaced unevenly."""
        starts = np.array([item.position for item in self.slices]) @ LPS_TO_RAS[:3, :3]
        return Grid(self.shape[::-1], self.affine, True, starts)

    @property
    def heights(self) -> np.ndarray:
        """(S,) mm along the slice normal, rising."""
        return np.array([height(item) for item in self.slices])


def stack(slices: Sequence[Slice], named: Set[str] = frozenset()) -> tuple[Stack, list[LeftOut]]:
    """Order the slices of one scan; raises Refused.

    named: SOPInstanceUIDs that a mask names; of several slices at one place that one is taken.
    """
    slices, others = _one_geometry(slices)
    places = len({item.instance or str(item.path) for item in slices})
    slices, notes = _one_a_position(slices, named)
    if len(slices) < 2:
        raise Refused(
            slices[0].path,
            f"and the {places - 1} other slices of its series state one and the same position "
            "(ImagePositionPatient); export the original series again."
            if places > 2
            else "is the only slice of its series; export the whole series.",
        )
    result = Stack(tuple(slices))
    _check_places(result)
    notes += _check_gaps(result)
    return Stack(result.slices, tuple(notes)), others


def only(of: Stack, named: Set[str]) -> Stack | None:
    """The scan that a mask names within a stack of several that nothing else tells apart.

    Where it names every n-th slice from end to end, those are it; None where it names every n-th
    slice of a part, so that nobody can tell. Any other choice leaves the stack as it is: a mask
    may name only the slices that show something.
    """
    at = np.array([k for k, item in enumerate(of.slices) if item.instance in named])
    steps = set(np.diff(at).tolist())
    if len(at) < 3 or len(steps) > 1 or steps == {1}:
        return of
    (step,) = steps
    if at[0] >= step or at[-1] < len(of.slices) - step:
        return None
    nth = {2: "second", 3: "third"}.get(step, f"{step}th")
    note = f"Of {len(of.slices)} slices the mask names every {nth} from end to end; the others "
    kept = Stack(tuple(of.slices[k] for k in at))
    return Stack(kept.slices, (note + "were left out.", *_check_gaps(kept)))


def _one_geometry(slices: Sequence[Slice]) -> tuple[list[Slice], list[LeftOut]]:
    """The most frequent orientation, matrix and pixel spacing; the rest is left out."""
    groups: list[list[Slice]] = []
    for item in slices:
        same = (group for group in groups if alike(item, group[0]))
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


def _one_a_position(slices: list[Slice], named: Set[str]) -> tuple[list[Slice], list[str]]:
    """Sorted; of several at one position what a mask names, else the last acquired and numbered.

    Raises Refused where that would mix two scans: where nothing says which slice is the later one,
    or where more positions are shared than one repeats when a patient has moved.
    """
    places: list[list[Slice]] = []
    for item in sorted(slices, key=height):
        if places and height(item) - height(places[-1][0]) < SAME_PLACE_MM:
            places[-1].append(item)
        else:
            places.append([item])
    kept: list[Slice] = []
    undecided: list[list[Slice]] = []
    shared = copies = 0
    for place in places:
        one_each = {item.instance or str(item.path): item for item in place}
        copies += len(place) - len(one_each)
        shared += len(one_each) > 1
        ranked = sorted(one_each.values(), key=_rank)
        here = [item for item in ranked if item.instance in named]
        if len(ranked) > 1 and len(here) != 1:
            undecided.append(ranked)
        kept.append(here[0] if len(here) == 1 else ranked[-1])
    tied = any(_rank(a) == _rank(b) for *_, a, b in undecided)
    if len(places) > 1 and (tied or undecided and shared >= SHORTEST):
        raise Refused(
            undecided[0][0].path,
            f"and its series have two slices or more at {shared} positions, and nothing says which "
            "belong to one scan; export each scan as a series of its own.",
        )
    notes = []
    if copies:
        notes.append(f"{copies} files were there twice; one of each was taken.")
    if repeats := len(slices) - copies - len(kept):
        why = "the later acquisition" if undecided else "the one that the mask names"
        notes.append(f"{repeats} slices shared the position of another one; {why} was taken.")
    return kept, notes


def _rank(item: Slice) -> tuple[int, int]:
    acquisition, number = (-1 if n is None else n for n in (item.acquisition, item.number))
    return acquisition, number


def _check_places(of: Stack) -> None:
    """Refuse slices too far apart, beside the line from the first to the last, or along a line that
    no gantry tilts so far."""
    places, heights = np.array([item.position for item in of.slices]), of.heights
    gap = float(np.diff(heights).max())
    along = (heights - heights[0]) / (heights[-1] - heights[0])
    beside = np.linalg.norm(places - places[0] - along[:, None] * (places[-1] - places[0]), axis=1)
    if gap > APART_MM or beside.max() > BESIDE_MM:
        raise Refused(
            of.slices[int(beside.argmax())].path,
            f"is of a series whose slices lie up to {gap:.0f} mm apart and {beside.max():.0f} mm "
            "beside each other, no CT's; export the original series again.",
        )
    rise = (heights[-1] - heights[0]) / np.linalg.norm(places[-1] - places[0])
    degrees = np.degrees(np.arccos(np.clip(rise, 0, 1)))
    if degrees > MOST_DEGREES:
        raise Refused(
            of.slices[0].path,
            f"is of a series whose slices are stacked at {degrees:.0f} degrees to their normal, no "
            "CT's; export the original series again.",
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
