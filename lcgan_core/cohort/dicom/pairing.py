"""Which series a mask belongs to: the one that it names, or else the one that it fits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from lcgan_core.cohort.dicom.masks import MaskFile, drawn_on
from lcgan_core.cohort.dicom.nifti_mask import fits
from lcgan_core.cohort.dicom.stack import Stack, only
from lcgan_core.cohort.label_map import LabelMap
from lcgan_core.cohort.series import Refused


class Key(NamedTuple):
    """One scan; `scan` numbers those under one series UID, the largest from 0."""

    patient: str
    series: str
    scan: int = 0


@dataclass
class Shelf:
    """All series of a source, in order or refused, and where they lie."""

    source: Path
    stacks: dict[Key, Stack | Refused] = field(default_factory=dict)
    folders: dict[Path, set[Key]] = field(default_factory=lambda: defaultdict(set))

    def put(self, key: Key, folder: Path) -> None:
        """Remember that a scan has files in a folder, and so below the folders around it."""
        while key not in self.folders[folder]:
            self.folders[folder].add(key)
            if folder != self.source:
                folder = folder.parent

    def near(self, mask: MaskFile) -> set[Key]:
        """The series that a mask names, or that a NIfTI lies beside; empty where there is none."""
        if mask.kind == "NIfTI":
            return self._beside(mask.path.parent)
        if mask.series:
            return {key for key in self.stacks if key.series in mask.series}
        return {
            key
            for key, stack in self.stacks.items()
            if isinstance(stack, Stack) and _names(mask.instances, stack)
        }

    def _beside(self, folder: Path) -> set[Key]:
        """Series in or below a folder, or else the nearest one above it that has any.

        The source itself counts only for a mask that lies directly in it: a mask whose own series
        is missing must not be laid on another patient's.
        """
        while not self.folders.get(folder) and self.source not in (folder, folder.parent):
            folder = folder.parent
        return self.folders.get(folder, set())


def choose(
    mask: MaskFile,
    near: set[Key],
    stacks: dict[Key, Stack | Refused],
    labels: LabelMap,
) -> Key | None:
    """The one series among `near`; None where those are refused themselves; raises Refused."""
    if not near:
        raise Refused(
            mask.path,
            "lies beside no CT series; put it into the folder of the series that it was drawn on."
            if mask.kind == "NIfTI"
            else "refers to a series that is not there or is no primary axial CT; add that series.",
        )
    if len({key.patient for key in near}) > 1:
        raise Refused(
            mask.path,
            "lies among or names the series of several patients; put it into the "
            "folder of the series that it was drawn on.",
        )
    good = {key: stack for key in sorted(near) if isinstance(stack := stacks[key], Stack)}
    if not good:
        return None
    if mask.kind == "NIfTI":
        if not labels.values:
            raise Refused(
                mask.path,
                "has numbers for labels, and nothing says what they mean; say so in "
                'labels.json in the source folder, such as {"1": "EDH", "2": "IPH"}.',
            )
        good = _fitting(mask.path, good)
    else:
        good = _named(mask, good)
    if len(good) > 1:
        raise Refused(
            mask.path,
            f"belongs to any of {len(good)} CT series; leave only the one that it was drawn on.",
        )
    (key,) = good
    if mask.kind != "NIfTI":
        chosen = only(good[key], set(mask.instances))
        if chosen is None:
            raise Refused(
                mask.path,
                "names every second slice or fewer of a part of its series; export the scan that "
                "it was drawn on as a series of its own.",
            )
        stacks[key] = chosen
    return key


def _named(mask: MaskFile, stacks: dict[Key, Stack]) -> dict[Key, Stack]:
    """Of several scans those whose images a mask names; raises Refused where it mixes them."""
    if len(stacks) == 1:
        return stacks
    named = _holding(mask.instances, stacks)
    if len(named) != 1:  # the whole series is listed, but something was drawn on some of it only
        named = _holding(drawn_on(mask.path), stacks) or named
    if len(named) > 1:
        raise Refused(
            mask.path,
            f"names images of {len(named)} scans under one series UID; export the scan that it "
            "was drawn on as a series of its own.",
        )
    return named or stacks


def _holding(uids: Iterable[str], stacks: dict[Key, Stack]) -> dict[Key, Stack]:
    return {key: stack for key, stack in stacks.items() if _names(uids, stack)}


def _names(uids: Iterable[str], stack: Stack) -> bool:
    return not {item.instance for item in stack.slices}.isdisjoint(uids)


def _fitting(path: Path, stacks: dict[Key, Stack]) -> dict[Key, Stack]:
    """Series on whose grid a NIfTI mask lies, or the only one; raises Refused if there is none."""
    if len(stacks) == 1:
        return stacks
    fitting = {key: stack for key, stack in stacks.items() if fits(path, stack)}
    if not fitting:
        raise Refused(
            path,
            f"fits none of the {len(stacks)} CT series beside it; give the mask that was "
            "drawn on one of them.",
        )
    return fitting
