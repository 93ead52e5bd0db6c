"""Head CT and masks as NIfTI: found by patterns, turned by the affine, checked for HU."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from nibabel.orientations import apply_orientation, io_orientation, ornt_transform

from lcgan_core.cohort.hounsfield import clip, is_wrapped, offset_of, unwrap
from lcgan_core.cohort.label_map import LabelMap
from lcgan_core.cohort.mask_values import EXCLUDED, MaskDecoder, majority
from lcgan_core.cohort.nifti_file import read_nifti, states_orientation
from lcgan_core.cohort.orientation import apart, near, normal_of, tilt_of, to_display
from lcgan_core.cohort.series import Case, Found, Refused, Series
from lcgan_core.cohort.source import files_below
from lcgan_core.errors import UserError

PLACEHOLDER = re.compile(r"\{(\w*)\}")


@dataclass(frozen=True)
class NiftiCase:
    """One image with the masks of one or more raters; `decode` turns their values into labels."""

    patient: str
    series: str
    path: Path
    masks: tuple[Path, ...]
    decode: MaskDecoder
    notes: tuple[str, ...] = ()

    def load(self) -> Series:
        """Read, check and turn image and masks; raises Refused."""
        voxels, affine = read_nifti(self.path)
        if voxels.shape[2] < 2:
            raise Refused(self.path, "has a single slice; give whole series.")
        hu, notes = to_hu(voxels, self.path)
        if not states_orientation(self.path):
            notes += ("the header states no orientation; that of Analyze files was assumed",)
        raters = []
        for path in self.masks:
            mask, noted = _on_grid(path, voxels.shape, affine)
            labels, told = self.decode(mask, path)
            raters.append(labels)
            notes += noted + told
        labels = majority(raters) if len(raters) > 1 else raters[0]
        hu, grid = to_display(hu, affine)
        labels, _ = to_display(labels, affine)
        spacing = _pixel_spacing(self.path, grid)
        normal = normal_of(grid)
        positions = normal @ grid[:3, 3] + normal @ grid[:3, 2] * np.arange(len(hu))
        kept = ~(labels == EXCLUDED).any(axis=(1, 2))
        if not kept.any():
            raise Refused(self.path, "has no slice whose classes are certain; leave it out.")
        return Series(
            patient=self.patient,
            uid=self.series,
            hu=np.ascontiguousarray(hu[kept]),
            labels=np.ascontiguousarray(labels[kept]),
            positions=positions[kept],
            pixel_spacing=spacing,
            gantry_tilt=tilt_of(grid),
            notes=self.notes + tuple(dict.fromkeys(notes)),
        )


def to_hu(voxels: np.ndarray, path: Path) -> tuple[np.ndarray, tuple[str, ...]]:
    """int16 HU in -1024..3071, and notes on repairs; raises Refused where no air is found."""
    values = np.nan_to_num(voxels.astype(np.float32), nan=-1024)
    notes: tuple[str, ...] = ()
    if is_wrapped(values):
        values, notes = unwrap(values), ("12-bit wrap-around corrected",)
    offset = offset_of(values)
    if offset is None:
        raise Refused(
            path,
            f"is not in HU (values {values.min():g} to {values.max():g}, no air near -1000 "
            "below soft tissue); give the scan as it left the scanner, not windowed or cut out.",
        )
    if offset:
        notes += (f"values shifted by {offset} so that air is at -1000 HU",)
    return clip(values + offset), notes


def _on_grid(
    path: Path, shape: tuple[int, ...], affine: np.ndarray
) -> tuple[np.ndarray, tuple[str, ...]]:
    """A mask in the image's voxel order: by its affine where that agrees, else voxel by voxel."""
    mask, own = read_nifti(path)
    turn = ornt_transform(io_orientation(own), io_orientation(affine))
    turned = apply_orientation(mask, turn)
    nothing = np.broadcast_to(False, shape)
    (a, grid), (b, expected) = to_display(mask, own), to_display(nothing, affine)
    if a.shape == b.shape and apart(grid, expected, a.shape[::-1]) <= near(expected):
        return turned, ()
    if mask.shape != shape:
        raise Refused(
            path,
            f"has the shape {mask.shape}, the image {shape}; give the mask that was drawn "
            "on this image.",
        )
    return mask, ("mask and image have different headers; matched voxel by voxel",)


def _pixel_spacing(path: Path, grid: np.ndarray) -> tuple[float, float]:
    """(row, column) mm of a display affine; Refused where slices are not axial or are sheared."""
    column, row = (float(np.linalg.norm(grid[:3, k])) for k in (0, 1))
    if abs(grid[:3, 0] @ grid[:3, 1]) > 0.01 * column * row:
        raise Refused(path, "has rows and columns that are not at right angles; export it again.")
    if max(column, row) > 1.5 * min(column, row):
        raise Refused(path, "is not axial: its pixels are far from square; give the axial series.")
    return row, column


def find(source: Path, images: str, masks: str, labels: LabelMap) -> Found:
    """Pair images and masks by patterns such as "{patient}/{scan}_ct.nii.gz"; {scan} is optional.

    labels: what the masks' integers mean. Raises UserError for a map of other labels, and for
    patterns that cannot pair or match nothing.
    """
    for label, _ in labels.values:
        if not label.isdecimal():
            raise UserError(
                f'The label map names "{label}", but NIfTI masks hold whole numbers; write it as '
                "1=EDH,2=IPH."
            )
    files, left_out = files_below(source)
    if images == masks or {*PLACEHOLDER.findall(images)} != {*PLACEHOLDER.findall(masks)}:
        raise UserError(
            f'"{images}" and "{masks}" cannot tell an image from its mask; give two patterns with '
            "the same placeholders."
        )
    drawn = _matching(source, files, masks)
    masks_only = set(drawn.values())
    taken = _matching(source, [path for path in files if path not in masks_only], images)
    for pattern, found in ((images, taken), (masks, drawn)):
        if not found:
            raise UserError(
                f'No file in {source} matches "{pattern}"; write the pattern from that folder on, '
                'as in "{patient}/{scan}_ct.nii.gz".'
            )
    cases: list[Case] = []
    refused = []
    for key, path in taken.items():
        if key in drawn:
            patient = key[0]
            cases.append(NiftiCase(patient, "/".join(key), path, (drawn[key],), labels))
        else:
            refused.append(
                Refused(path, "has no mask; add one, all zero where there is no lesion.")
            )
    refused += [
        Refused(path, "is a mask without an image; add the image.")
        for key, path in drawn.items()
        if key not in taken
    ]
    return Found(cases, refused, left_out, labels.classes)


def _matching(source: Path, files: list[Path], pattern: str) -> dict[tuple[str, ...], Path]:
    """(patient, scan) or (patient,) -> file, of the files that match."""
    names = PLACEHOLDER.findall(pattern)
    if "patient" not in names or not {"patient", "scan"}.issuperset(names):
        raise UserError(
            f'The pattern "{pattern}" needs {{patient}} and may have {{scan}}, and nothing else in '
            'braces; write it as in "{patient}/{scan}_ct.nii.gz".'
        )
    expression, seen = "", set[str]()
    for k, part in enumerate(PLACEHOLDER.split(pattern)):
        if k % 2 == 0:
            expression += re.escape(part)
        else:
            expression += f"(?P={part})" if part in seen else f"(?P<{part}>[^/]+?)"
            seen.add(part)
    found = {}
    for path in files:
        match = re.fullmatch(expression, path.relative_to(source).as_posix())
        if match:
            found[tuple(match[name] for name in ("patient", "scan") if name in seen)] = path
    return found
