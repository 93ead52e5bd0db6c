"""Everything in a folder tree, sorted into cases, refusals and what is left out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from lcgan_core.cohort.dicom.case import DicomCase
from lcgan_core.cohort.dicom.header import Skipped, Slice, scan
from lcgan_core.cohort.dicom.masks import MaskFile
from lcgan_core.cohort.dicom.pairing import Key, Shelf, choose
from lcgan_core.cohort.dicom.scans import scans
from lcgan_core.cohort.dicom.stack import Stack, stack
from lcgan_core.cohort.label_map import LabelMap
from lcgan_core.cohort.series import Case, Found, LeftOut, Refused
from lcgan_core.cohort.source import files_below
from lcgan_core.errors import UserError

Parallel = Callable[[Callable, Iterable], Iterable]
FILE = "labels.json"
"""The label map that may lie in the source itself."""


def find(source: Path, labels: LabelMap | None = None, parallel: Parallel = map) -> Found:
    """Head CT series with their masks below `source`, however the files are named and laid out.

    labels: what integers, segments' labels and ROIs' names mean; without it source/labels.json,
    where there is one; else segments and ROIs are known by their names alone. parallel: an ordered
    map, such as a process pool's. Raises UserError where source is no folder with files, or
    labels.json is no label map.
    """
    source = Path(source)
    files, junk = files_below(source)
    if source / FILE in files:
        files.remove(source / FILE)
        labels = labels or LabelMap.read(source / FILE)
    labels = labels or LabelMap()
    left_out = _LeftOut()
    for each in junk:
        left_out.add(*each)
    if not files:
        raise UserError(
            f"{source} is not a cohort: it holds no file; give a folder with CT series (DICOM) "
            "and their masks."
        )
    shelf, masks, refused = _sort(source, parallel(scan, files), left_out)
    masked: dict[Key, tuple[MaskFile, ...]] = {}
    spoken: set[Key] = set()  # their mask is refused, and one refusal is enough
    for key, belonging in _by_series(masks, shelf, labels, refused, spoken, left_out).items():
        if len(belonging) == 1 or all(mask.kind != "NIfTI" for mask in belonging):
            masked[key] = tuple(belonging)
        else:
            spoken.add(key)
            reason = f"is one of {len(belonging)} masks of one series; keep one of them."
            refused.append(Refused(belonging[0].path, reason))

    cases: list[Case] = []
    patients = {key.patient for key in masked}
    for key, result in sorted(shelf.stacks.items(), key=lambda pair: pair[0]):
        if isinstance(result, Refused):
            refused.append(result)
        elif key in masked:
            name = f"{key.series}, scan {key.scan + 1}" if key.scan else key.series
            cases.append(DicomCase(key.patient, name, result, masked[key], labels))
        elif key in spoken or key.patient in patients:
            reason = "no mask refers to it."
            if key in spoken:
                reason = "has a mask that is refused."
            elif key._replace(scan=int(not key.scan)) in shelf.stacks:
                reason = "is another scan under one series UID, and no mask refers to it."
            left_out.add(result.slices[0].path, reason, result.shape[0], key)
        else:
            reason = (
                "has a CT series without a mask; add its DICOM SEG, RTSTRUCT or NIfTI mask, or "
                "remove the series."
            )
            refused.append(Refused(result.slices[0].path.parent, reason))
    refused.sort(key=lambda each: each.path)
    return Found(cases, refused, list(left_out.values()), labels.classes)


class _LeftOut(dict[tuple, LeftOut]):
    """What is left out, counted by reason and series."""

    def add(self, path: Path, reason: str, files: int = 1, series: tuple = ()) -> None:
        before = self.get((reason, series), LeftOut(path, reason, 0))
        self[reason, series] = before._replace(files=before.files + files)


def _sort(
    source: Path, scanned: Iterable, left_out: _LeftOut
) -> tuple[Shelf, list[MaskFile], list[Refused]]:
    """Files, sorted by their headers into series, masks and refusals."""
    shelf, masks, refused = Shelf(source), [], []
    slices: dict[Key, list[Slice]] = defaultdict(list)
    damaged: dict[Key, Skipped] = {}
    for item in scanned:
        if isinstance(item, MaskFile):
            masks.append(item)
            continue
        parts = item.path.relative_to(source).parts
        folder = parts[0] if len(parts) > 1 else source.resolve().name
        key = Key(item.patient or folder, item.series)
        if isinstance(item, Slice):
            slices[key].append(item)
        elif not item.refused:
            left_out.add(item.path, item.reason, 1, key if item.series else ())
        elif not item.series:
            refused.append(Refused(item.path, item.reason, item.detail))
        else:  # one sentence for a series, not one for each of its files
            damaged.setdefault(key, item)
            shelf.put(key, item.path.parent)
    for key, item in damaged.items():
        shelf.stacks[key] = Refused(item.path, item.reason, item.detail)
        for each in slices.get(key, ()):
            shelf.put(key, each.path.parent)
    named = frozenset(uid for mask in masks for uid in mask.instances)
    for key in slices.keys() - damaged.keys():
        for item in _stacks(key, scans(slices[key]), named, shelf):
            left_out.add(*item)
    return shelf, masks, refused


def _stacks(key: Key, parts: list[list[Slice]], named: frozenset[str], shelf: Shelf) -> Iterator:
    """Put each scan of a series on the shelf; gives what was left out of them."""
    for number, part in enumerate(parts):
        each = key._replace(scan=number)
        for item in part:
            shelf.put(each, item.path.parent)
        try:
            result, others = stack(part, named)
        except Refused as refusal:
            shelf.stacks[each] = refusal
            continue
        if len(parts) > 1:
            counts = " and ".join(str(len(scan)) for scan in parts)
            note = (
                f"The series holds {len(parts)} scans, of {counts} slices; that of {len(part)} "
                "which the mask belongs to was taken."
            )
            result = Stack(result.slices, (note, *result.notes))
        shelf.stacks[each] = result
        for path, reason, files in others:
            yield path, reason, files, each


def _by_series(
    masks: list[MaskFile],
    shelf: Shelf,
    labels: LabelMap,
    refused: list[Refused],
    spoken: set[Key],
    left_out: _LeftOut,
) -> dict[Key, list[MaskFile]]:
    """Masks of each series; the others are refused, and their series are `spoken` for."""
    found: dict[Key, list[MaskFile]] = defaultdict(list)
    for mask in masks:
        near = shelf.near(mask)
        try:
            key = choose(mask, near, shelf.stacks, labels)
        except Refused as refusal:
            refused.append(refusal)
            spoken |= near
            continue
        if key is None:
            left_out.add(mask.path, "belongs to a series that is refused.")
        else:
            found[key].append(mask)
    return found
