"""Head CT and masks as NIfTI: found by patterns, turned by the affine, checked for HU."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from nibabel.orientations import io_orientation

from lcgan_core.cohort.hounsfield import AIR, settle
from lcgan_core.cohort.label_map import LabelMap
from lcgan_core.cohort.mask_values import EXCLUDED, MaskDecoder, majority
from lcgan_core.cohort.nifti_file import Header, read_nifti
from lcgan_core.cohort.orientation import normal_of, tilt_of, to_display
from lcgan_core.cohort.patterns import matched
from lcgan_core.cohort.placing import BY_ORDER, Grid, place
from lcgan_core.cohort.series import SIDES_MM, Case, Found, Refused, Series
from lcgan_core.cohort.source import files_below
from lcgan_core.errors import UserError

EXAMPLE = "{patient}/{scan}_ct.nii.gz"


@dataclass(frozen=True)
class NiftiCase:
    """One image with the masks of one or more raters; `decode` turns their values into labels."""

    patient: str
    series: str
    path: Path
    masks: tuple[Path, ...]
    decode: MaskDecoder
    notes: tuple[str, ...] = ()
    by_index: ClassVar[bool] = False
    """Whether the set pairs image and mask voxel by voxel, see placing.place."""

    def load(self) -> Series:
        """Read, check and turn image and masks; raises Refused."""
        voxels, header = read_nifti(self.path)
        if voxels.shape[2] < 2:
            raise Refused(self.path, "has a single slice; give whole series.")
        hu, notes = to_hu(voxels, self.path)
        notes += _orientation(header, self.path)
        grid = Grid(header.shape, header.affine, header.states)
        raters = []
        for path in self.masks:
            mask, noted = place(*read_nifti(path), grid, path, self.by_index)
            labels, told = self.decode(mask, path)
            raters.append(labels)
            notes += noted + told
        labels = majority(raters) if len(raters) > 1 else raters[0]
        hu, affine = to_display(hu, header.affine)
        labels, _ = to_display(labels, header.affine)
        spacing = pixel_spacing(self.path, affine)
        normal = normal_of(affine)
        positions = normal @ affine[:3, 3] + normal @ affine[:3, 2] * np.arange(len(hu))
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
            gantry_tilt=tilt_of(affine),
            notes=self.notes + tuple(dict.fromkeys(notes)),
            by_order=BY_ORDER in notes,
        )


def to_hu(voxels: np.ndarray, path: Path) -> tuple[np.ndarray, tuple[str, ...]]:
    """int16 HU in -1024..3071, and notes on repairs; raises Refused, see hounsfield.settle."""
    return settle(np.nan_to_num(voxels.astype(np.float32), nan=AIR), path)


def _orientation(header: Header, path: Path) -> tuple[str, ...]:
    """Notes on what a header says of the orientation; Refused where it says two things."""
    if not header.states:
        return ("The header states no orientation; that of Analyze files was assumed.",)
    if header.other is None:
        return ()
    if (
        np.isnan(header.other).any()
        or (io_orientation(header.affine) != io_orientation(header.other)).any()
    ):
        raise Refused(
            path,
            "states two orientations: its sform and its qform turn or mirror each other; save it "
            "anew with the right one.",
        )
    return ("The header states two places (sform and qform); the sform was taken.",)


def pixel_spacing(path: Path, affine: np.ndarray) -> tuple[float, float]:
    """(row, column) mm of a display affine; Refused where slices are not axial or are sheared."""
    column, row = (float(np.linalg.norm(affine[:3, k])) for k in (0, 1))
    if abs(affine[:3, 0] @ affine[:3, 1]) > 0.01 * column * row:
        raise Refused(path, "has rows and columns that are not at right angles; export it again.")
    if min(column, row) < SIDES_MM[0] or max(column, row) > SIDES_MM[1]:
        said = f"has pixels of {row:g} x {column:g} mm, no CT's; write it with their true size."
        raise Refused(path, said)
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
    found = matched(source, files, images, masks, ("patient",), EXAMPLE)
    cases: list[Case] = []
    refused = []
    for key, path in found.images.items():
        if key in found.masks:
            cases.append(NiftiCase(key[0], "/".join(key), path, (found.masks[key],), labels))
        else:
            refused.append(
                Refused(path, "has no mask; add one, all zero where there is no lesion.")
            )
    refused += [
        Refused(path, "is a mask without an image; add the image.")
        for key, path in found.masks.items()
        if key not in found.images
    ]
    return Found(cases, refused, left_out, labels.classes)
