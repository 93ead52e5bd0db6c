"""`lcgan predict`: the lesions of scans without masks, outlined on their own pixels."""

from __future__ import annotations

import importlib.metadata
import sys
from collections.abc import Callable, Iterator
from functools import partial
from io import BytesIO
from pathlib import Path

import numpy as np
from pydicom.uid import generate_uid
from tqdm import tqdm

from lcgan_core.cohort.salt import hashed, users_salt
from lcgan_core.cohort.series import Refused
from lcgan_core.errors import UserError, memory_is_full
from lcgan_core.export.case import Common, ExportedCase
from lcgan_core.export.dicom import NOT_FOR
from lcgan_core.export.labels import write_label_map
from lcgan_core.export.nifti import save
from lcgan_core.export.place import Place
from lcgan_core.export.seg import Drawn, dicom_seg
from lcgan_core.run import artefacts
from lcgan_core.run.listing import listing
from lcgan_core.run.progress import progress
from lcgan_core.synthesis.outliner import Outliner
from lcgan_core.takeaway import scans
from lcgan_core.takeaway.folder import Making, stamp_of
from lcgan_core.takeaway.scans import Scan

ENDINGS = {"nifti": ".nii.gz", "dicom": ".dcm"}
AS = tuple(ENDINGS)
TABLE = "predicted.csv"


class Outlined:
    """NAME.nii.gz in the order of the scan's voxels, or NAME.dcm, a SEG that names its images."""

    whole = True

    def __init__(self, folder: Path, common: Common) -> None:
        self.folder, self.common = folder, common
        self.ending = ".nii.gz"
        self.save: Callable[[Path], None] = lambda path: None

    def draw(self, scan: Scan, affine: np.ndarray, case: ExportedCase) -> None:
        """What `write` is to save of the next case; raises Refused."""
        voxels = scans.unturned(case.labels, affine).T
        if self.ending == ".nii.gz":
            self.save = lambda path: save(path, voxels, affine)
            return
        assert scan.stack is not None
        drawn = Drawn(
            f"Outlined by a neural network. {NOT_FOR}", True,
            generate_uid(entropy_srcs=["LcGAN", self.common.stamp, case.name]),
        )  # fmt: skip
        images = scans.images_of(scan.stack)
        try:
            seg = dicom_seg(images, np.ascontiguousarray(voxels), self.common.classes, drawn)
            content = BytesIO()
            seg.save_as(content, enforce_file_format=True)
        except Exception as error:  # highdicom's are of every kind
            if memory_is_full(error):
                raise
            reason = "has a header that no SEG can refer to; take --as nifti."
            raise Refused(scan.path, reason, error) from None
        self.save = partial(_write, content=content.getvalue())

    def write(self, number: int, case: ExportedCase) -> dict[str, str]:
        """Write the labels of the scan; see `Format.write`."""
        self.save(self.folder / (case.name + self.ending))
        return {"label": case.name + self.ending}

    def finish(self, rows: list[dict]) -> None:
        """Write labels.json."""
        write_label_map(self.folder, self.common.classes)


def predict(source: Path, trained: Callable[[], Outliner], out: Path, form: str) -> tuple[int, int]:
    """Outline every scan below `source`; returns how many were written and how many refused.

    `trained` is asked for the network when the scans are found: it may take hours to make. Scans
    that are refused are named on stderr. Raises UserError where nothing can be read.
    """
    if form not in AS:
        raise UserError(f"--as {form} is not known here; allowed: {', '.join(AS)}.")
    found, refused = scans.find(source)
    if form == "dicom" and any(scan.stack is None for scan in found):
        raise UserError("A SEG belongs to DICOM images, and these are NIfTI; take --as nifti.")
    outliner = trained()
    told = outliner.description
    stamp = stamp_of(listing(source), told.model_dump_json(), form)
    common = Common(told.lesions, told.hu, stamp)
    making = Making(out, Outlined, common)
    if making.finished:
        return 0, len(refused)
    assert isinstance(making.form, Outlined)
    outlined = making.form
    outlined.ending = ENDINGS[form]
    salt = users_salt()
    done = {row["name"] for row in making.rows}
    waiting = [scan for scan in found if _name(scan, salt) not in done]
    left: list[UserError] = []

    def cases() -> Iterator[ExportedCase]:
        for scan in progress(waiting, "outlining", "scan", len(waiting)):
            try:
                seen = scan.load()
                case = _case(outliner, scan, seen, salt)
                outlined.draw(scan, seen.affine, case)
            except Refused as error:
                left.append(error)
                continue
            yield case

    making.add(cases())
    for error in [*refused, *left]:
        tqdm.write(str(error), file=sys.stderr)
    if not making.done:
        raise UserError(f"Nothing in {source} could be outlined; see above.")
    about = {
        "lcgan_core": importlib.metadata.version("lcgan-core"),
        "model": {"method": told.method, **told.trained.model_dump()},
        "use": NOT_FOR,
    }
    making.finish(TABLE, about, {})
    return making.done, len(refused) + len(left)


def _write(path: Path, content: bytes) -> None:
    with artefacts.atomic(path) as temporary:
        temporary.write_bytes(content)


def _name(scan: Scan, salt: bytes) -> str:
    return hashed(salt, str(scan.path) + scan.name)


def _case(outliner: Outliner, scan: Scan, seen: scans.Seen, salt: bytes) -> ExportedCase:
    size = outliner.description.size
    labels = scans.unfitted(outliner.outline(scans.fitted(seen, size)), seen)
    step = float(np.linalg.norm(seen.affine[:3, 2]))
    volume = seen.pixel[0] * seen.pixel[1] * step / 1000
    names = outliner.description.lesions.names
    millilitres = {
        f"ml_{name}": round(float((labels == value).sum() * volume), 2)
        for value, name in enumerate(names, start=1)
    }
    place = Place.of_affine(seen.affine, len(labels))
    return ExportedCase(
        _name(scan, salt),
        hashed(salt, scan.patient),
        None,
        labels,
        place,
        facts={"slices": len(labels)} | millilitres,
    )
