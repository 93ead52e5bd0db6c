"""PHE-SICH-CT-IDS, part C: windowed PNG of 119 people, experts' oedema, boxes around haematomas.

Ma et al., Comput. Biol. Med. 2024. PHE is as the experts drew it. IPH has no mask in the set: it is
outlined by its HU in the expert's box (haematoma.outline), and where both would lie the experts'
PHE stays. The pictures carry no spacing: that of the set's first case is assumed for all. Licences
differ from place to place; read strictly, numbers may be published and pictures may not.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

import numpy as np

from lcgan_core.cohort.grey_levels import Scale, Window, could_show, scale_of
from lcgan_core.cohort.haematoma import Box, extent, outline
from lcgan_core.cohort.pictures import read_grey, read_mask, refuse_soft, stack
from lcgan_core.cohort.series import NUMBERS, Case, Found, LeftOut, Refused, Series
from lcgan_core.cohort.source import files_below, files_in, folders_below
from lcgan_core.errors import UserError
from lcgan_core.lesions import Classes

CLASSES = Classes(("IPH", "PHE"), ("intraparenchymal, semi-automatic", "perihaematomal oedema"))
IPH, PHE = CLASSES.labels.values()
PARTS = {"set": "image", "label": "label", "annotation": "annotation"}
"""Folder of pictures, masks and boxes, and what a patient's folder in it is called."""
FLAT = re.compile(r"\d{4}_\d\d\.(png|jpg)")
SIDE = 512
SPACING, STEP = 0.5078125, 5.0
"""mm from pixel to pixel and from slice to slice."""
WINDOWS = (Window(40, 120), Window(40, 80))
ASSUMED = f"spacing {SPACING} mm and slices {STEP:g} mm apart assumed, areas are approximate"
TURNED = "rows and columns exchanged, so that the front is up"
BY_HU = "IPH semi-automatic: by HU inside the expert's box; where it meets PHE, PHE stays"
TERMS = {
    "publish": NUMBERS,
    "citation": "PHE-SICH-CT-IDS, Ma et al. 2024, doi 10.1016/j.compbiomed.2024.108342",
}
AGAIN = "download the set again."


class Slice(NamedTuple):
    """A slice's number in the scan, its picture, and its mask and box where there are any."""

    number: int
    image: Path
    mask: Path | None
    box: Path | None


@dataclass(frozen=True)
class PheSichCase:
    """The one scan of a patient; see series.Case."""

    patient: str
    slices: tuple[Slice, ...]

    @property
    def series(self) -> str:
        return self.patient

    @property
    def path(self) -> Path:
        return self.slices[0].image.parent

    def load(self) -> Series:
        """Read pictures and masks, and outline the haematoma; raises Refused."""
        grey = stack([each.image for each in self.slices], read_grey)
        if grey.shape[1:] != (SIDE, SIDE):
            size = " x ".join(map(str, grey.shape[:0:-1]))
            raise Refused(
                self.path, f"has pictures of {size} pixels instead of {SIDE} x {SIDE}; {AGAIN}"
            )
        oedema = np.stack([_oedema(each) for each in self.slices])
        boxes = [_box(each.box) if each.box else None for each in self.slices]
        scale = _scale(grey, self.slices)
        hu = scale.hu[grey]
        labels = np.where(oedema, np.uint8(PHE), np.uint8(0))
        doubts = []
        for k, box in enumerate(boxes):
            why: tuple[str, ...] = ()
            if box is None and oedema[k].any():
                box, why = extent(oedema[k]), ("no box: the extent of the oedema was taken",)
            if box is not None:
                mask, more = outline(hu[k], box, oedema[k], scale.exact[1])
                labels[k][mask] = IPH
                doubts += [(self.slices[k].number, each) for each in why + more]
        return Series(
            patient=self.patient,
            uid=self.series,
            hu=_front_up(hu),
            labels=_front_up(labels),
            positions=STEP * np.array([each.number for each in self.slices], float),
            pixel_spacing=(SPACING, SPACING),
            gantry_tilt=0.0,
            notes=(scale.note, ASSUMED, TURNED, BY_HU),
            hu_exact=scale.exact,
            by_order=True,
            by_hu=(IPH,),
            doubts=tuple(doubts),
        )


def is_here(source: Path) -> bool:
    return bool(_root(source) or _flat(source))


def find(source: Path) -> Found:
    """Pair set/image1/0001_00.png with the same name in label/label1 and annotation/annotation1.

    The names of files count, since some boxes name another picture inside. A slice without a mask
    or box shows no lesion. Raises UserError where the set's folders are not there.
    """
    root = _root(source)
    if root is None:
        flat = _flat(source)
        if flat:
            raise UserError(
                f"{flat} is from the flat copy of PHE-SICH-CT-IDS, which lacks the boxes around "
                "the haematomas; download the set itself from doi 10.6084/m9.figshare.23957937."
            )
        raise UserError(
            f"{source} holds no folders set, label and annotation of PHE-SICH-CT-IDS; give the "
            "folder that part C of the set (SubdatasetC_PNG) unpacks to."
        )
    files, left_out = files_below(root)
    images, masks, boxes, others = _sorted(root, files)
    if others:
        left_out.append(LeftOut(others[0], "is not named as a file of the set.", len(others)))
    refused = [*_bare(masks, images, "mask"), *_bare(boxes, images, "box")]
    scans: dict[int, list[Slice]] = defaultdict(list)
    for (patient, number), image in sorted(images.items()):
        key = patient, number
        scans[patient].append(Slice(number, image, masks.get(key), boxes.get(key)))
    cases: list[Case] = []
    for patient, slices in scans.items():
        case = PheSichCase(f"PHE-SICH-{patient}", tuple(slices))
        if any(each.mask for each in slices):
            cases.append(case)
        else:
            refused.append(
                Refused(case.path, f"has not a single mask in {root / 'label'}; {AGAIN}")
            )
    return Found(cases, refused, left_out, CLASSES, TERMS)


Key = tuple[int, int]
"""Patient and number of a slice."""


def _sorted(
    root: Path, files: Iterable[Path]
) -> tuple[dict[Key, Path], dict[Key, Path], dict[Key, Path], list[Path]]:
    """Pictures, masks and boxes by patient and slice, and all other files."""
    found: dict[str, dict[Key, Path]] = {part: {} for part in PARTS}
    others = []
    for path in files:
        part, *rest = path.relative_to(root).parts
        folder = PARTS.get(part, "")
        suffix = "xml" if part == "annotation" else "png"
        match = re.fullmatch(
            rf"{folder}(\d+)/0*(\d+)_(\d+)\.{suffix}", "/".join(rest), re.IGNORECASE
        )
        if folder and match and int(match[1]) == int(match[2]):
            found[part][int(match[1]), int(match[3])] = path
        else:
            others.append(path)
    return found["set"], found["label"], found["annotation"], others


def _bare(found: dict[Key, Path], images: dict[Key, Path], what: str) -> list[Refused]:
    """For each patient, a refusal of the masks or boxes whose pictures are not there."""
    bare: dict[int, list[Path]] = defaultdict(list)
    for (patient, number), path in sorted(found.items()):
        if (patient, number) not in images:
            bare[patient].append(path)
    reason = f"is a {what} without a picture; add the picture or remove the {what}."
    return [
        Refused(paths[0], reason, f"{len(paths)} of this patient" if paths[1:] else "")
        for paths in bare.values()
    ]


def _front_up(slices: np.ndarray) -> np.ndarray:
    """(S, H, W) without the quarter turn that the set's pictures have, the front on the left.

    They look like arrays of NIfTI files whose first axis runs to the patient's left: then right is
    on the left after this, as in radiology. The set does not state it.
    """
    return np.ascontiguousarray(slices.transpose(0, 2, 1))


def _oedema(one: Slice) -> np.ndarray:
    """(SIDE, SIDE) bool; raises Refused."""
    if one.mask is None:
        return np.zeros((SIDE, SIDE), bool)
    mask = read_mask(one.mask)
    if mask.shape != (SIDE, SIDE):
        raise Refused(one.mask, f"has another size than its picture; {AGAIN}")
    refuse_soft(mask, one.mask)
    return mask > 0


def _box(path: Path) -> Box | None:
    """What a file in the form of Pascal VOC encloses, if anything; raises Refused."""
    try:
        top = ElementTree.parse(path).getroot()
        size = [int(str(top.findtext(f"size/{side}"))) for side in ("width", "height")]
        corners = [
            [float(str(each.findtext(end))) for end in ("xmin", "ymin", "xmax", "ymax")]
            for each in top.iterfind("object/bndbox")
        ]
    except (ElementTree.ParseError, ValueError) as error:
        raise Refused(
            path, f"is damaged, or no box in the form of Pascal VOC; {AGAIN}", error
        ) from None
    if size != [SIDE, SIDE]:
        raise Refused(path, f"is a box on a picture of {size[0]} x {size[1]} pixels; {AGAIN}")
    if not corners:
        return None
    x0, y0, x1, y1 = np.array(corners).T
    left, right = round(x0.min()), round(x1.max())
    upper, lower = round(y0.min()), round(y1.max())
    if not (0 <= left < right <= SIDE and 0 <= upper < lower <= SIDE):
        raise Refused(
            path,
            f"has a box that does not lie in its picture (from {left}, {upper} to {right}, "
            f"{lower}); {AGAIN}",
        )
    return max(left - 1, 0), max(upper - 1, 0), right, lower  # Pascal VOC counts from 1


def _scale(grey: np.ndarray, slices: tuple[Slice, ...]) -> Scale:
    """The HU of a patient's grey levels; Refused where they show no window of the set."""
    counts = np.stack([np.bincount(each.ravel(), minlength=256) for each in grey])
    try:
        scale = scale_of(counts.sum(axis=0), None)
        if scale.exact in [(w.level - w.width / 2, w.level + w.width / 2) for w in WINDOWS]:
            return scale
    except ValueError:
        pass
    odd = min(
        ([k for k, each in enumerate(counts) if not could_show(each, w)] for w in WINDOWS), key=len
    )
    windows = " or ".join(map(str, WINDOWS))
    raise Refused(
        slices[odd[0]].image if odd else slices[0].image.parent,
        f"does not have the grey levels of the set's window, {windows}; leave the patient out, or "
        "this picture and its mask if it is no slice.",
        f"{len(odd)} of {len(slices)} pictures of this patient" if odd else "",
    )


def _root(source: Path) -> Path | None:
    return next(
        (f for f in folders_below(source) if all((f / part).is_dir() for part in PARTS)), None
    )


def _flat(source: Path) -> Path | None:
    """A folder such as masks/train with the set's pictures of all patients."""
    for folder in folders_below(source):
        shown = folder.parent.name == "masks" and folder.parent.with_name("images") / folder.name
        if shown and shown.is_dir() and any(FLAT.fullmatch(p.name) for p in files_in(folder)):
            return folder
    return None
