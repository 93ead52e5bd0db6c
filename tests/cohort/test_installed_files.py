"""Test files that come with the installed libraries: a store or one sentence, whatever they are."""

import shutil
from collections import Counter
from pathlib import Path

import nibabel
import pydicom.data
import pytest
import skimage

from lcgan_core.cohort import dicom, nifti, pictures
from lcgan_core.cohort.series import Refused
from lcgan_core.errors import UserError

from .conftest import OURS
from .volumes import head, lesion, write

FOLDERS = (
    Path(nibabel.__file__).parent / "tests" / "data",
    Path(nibabel.__file__).parent / "nicom" / "tests" / "data",
    Path(pydicom.data.__file__).parent / "charset_files",
    Path(pydicom.data.__file__).parent / "palettes",
    Path(skimage.__file__).parent / "data",
)
FILES = [path for folder in FOLDERS for path in sorted(folder.glob("*")) if path.is_file()]
NIFTI = [path for path in FILES if path.name.endswith((".nii", ".nii.gz"))]
PICTURES = [path for path in FILES if path.suffix in (".png", ".jpg", ".jpeg")]


def outcome(find):
    """ "taken", or the sentence: every file ends as one or the other."""
    try:
        found = find()
        reasons = [each.reason for each in (*found.refused, *found.left_out)]
        for case in found.cases:
            series = case.load()
            assert series.hu.shape == series.labels.shape
            reasons.append("taken")
    except (Refused, UserError) as error:
        reasons = [getattr(error, "reason", str(error))]
    [reason] = reasons
    assert reason == "taken" or reason.endswith(".") and "\n" not in reason
    return reason


def test_the_libraries_ship_files_of_each_kind():
    assert (len(FILES), len(NIFTI), len(PICTURES)) > (100, 5, 10)


def test_every_file_among_dicom_gets_one_sentence(tmp_path):
    """One folder each: a file may be a mask, which lies beside no series, or no head CT."""
    said = Counter()
    for k, path in enumerate(FILES):
        (tmp_path / str(k)).mkdir()
        shutil.copy(path, tmp_path / str(k))
        said[outcome(lambda k=k: dicom.find(tmp_path / str(k), OURS))] += 1
    assert said.total() == len(FILES) and "taken" not in said and len(said) >= 4
    assert said["is neither DICOM nor a NIfTI mask; convert or remove it."] > 50


@pytest.mark.parametrize("role", ["image", "mask", "both"])
def test_every_nifti_file_is_a_scan_or_a_mask_or_refused(tmp_path, role):
    """None is a head CT; as masks, those of this world's size may lie beside the scan only."""
    said = Counter()
    for k, path in enumerate(NIFTI):
        folder, ending = tmp_path / str(k), path.name.partition(".")[2]
        folder.mkdir()
        images, masks = (f"{{patient}}_{name}.{ending}" for name in ("ct", "seg"))
        write(folder / images.format(patient="p"), head())
        write(folder / masks.format(patient="p"), lesion())
        for name in (images, masks):
            if role in ("both", {images: "image", masks: "mask"}[name]):
                shutil.copy(path, folder / name.format(patient="p"))
        said[outcome(lambda: nifti.find(folder, images, masks, OURS))] += 1  # noqa: B023
    assert said.total() == len(NIFTI) and "taken" not in said


def test_every_picture_is_a_slice_or_refused(tmp_path):
    said = Counter()
    for k, path in enumerate(PICTURES):
        for name in ("images", "masks"):
            (tmp_path / str(k) / name / "p").mkdir(parents=True)
            shutil.copy(path, tmp_path / str(k) / name / "p" / "1.png")
        patterns = [f"{name}/{{patient}}/{{slice}}.png" for name in ("images", "masks")]
        said[
            outcome(
                lambda k=k, p=patterns: pictures.find(
                    tmp_path / str(k), *p, "0.5/5", as_class="SDH", window="40/80"
                )
            )
        ] += 1
    assert said.total() == len(PICTURES) and "taken" not in said
