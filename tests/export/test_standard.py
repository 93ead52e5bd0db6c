"""DICOM that is written, held against the standard's own tables of modules, which highdicom ships.

They list the attributes of each kind of object, and which must be there (type 1: with a value).
"""

import json
from pathlib import Path

import highdicom as hd
import numpy as np
import pydicom
import pytest

from lcgan_core.cohort.store import SliceStore
from lcgan_core.takeaway import export
from lcgan_core.takeaway.paint import Asked, paint

from ..stages.heads import TWO
from ..takeaway.trained import generator_model

GROUPS = {"SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"}
"""Left out: a group may stand in either, and the table lists it in both."""
TABLES = Path(hd.__file__).parent / "_standard"


def table(name):
    return json.loads((TABLES / f"{name}.json").read_text())


@pytest.fixture(scope="module")
def standard():
    return table("sop_class_iod_map"), table("iod_module_map"), table("module_attribute_map")


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A resampled and a synthetic cohort as DICOM."""
    place = tmp_path_factory.mktemp("dicom")
    generator_model(place)
    export.whole(place / "store", "dicom", place / "resampled")
    paint(Asked(place / "store", place / "lcgan", place / "synthetic", "dicom"))
    return place


def items(dataset, path):
    """The items of a data set that the sequences of a path lead to."""
    found = [dataset]
    for name in path:
        found = [item for one in found for item in one.get(name) or []]
    return found


def complaints(dataset, standard):
    """What the tables of its kind of object find wrong with a data set."""
    kinds, modules, attributes = standard
    of_kind = modules[kinds[dataset.SOPClassUID]]
    for module in (one["key"] for one in of_kind if one["usage"] == "M"):
        for attribute in attributes[module]:
            if set(attribute["path"]) & GROUPS:
                continue
            name, kind = attribute["keyword"], attribute["type"]
            for item in items(dataset, attribute["path"]):
                where = "/".join([module, *attribute["path"], name])
                if kind in ("1", "2") and name not in item:
                    yield f"{where} is missing"
                elif kind == "1" and not item.data_element(name).VM:
                    yield f"{where} is empty"
    allowed = {a["keyword"] for one in of_kind for a in attributes[one["key"]] if not a["path"]}
    for element in dataset:
        if element.keyword not in allowed:
            yield f"{element.keyword} belongs to no module of this kind"


@pytest.mark.parametrize("cohort", ["resampled", "synthetic"])
def test_every_file_has_what_the_standard_requires_and_nothing_else(written, standard, cohort):
    files = sorted((written / cohort).rglob("*.dcm"))
    assert len(files) > 20 and {path.name for path in files} > {"seg.dcm", "0001.dcm"}
    for path in files:
        assert list(complaints(pydicom.dcmread(path), standard)) == []


def test_the_tables_see_what_is_wrong(written, standard):
    image = pydicom.dcmread(next((written / "resampled").rglob("0001.dcm")))
    del image.PatientID
    image.FrameOfReferenceUID = ""
    image.SegmentLabel = "IPH"
    assert list(complaints(image, standard)) == [
        "patient/PatientID is missing",
        "frame-of-reference/FrameOfReferenceUID is empty",
        "SegmentLabel belongs to no module of this kind",
    ]


def test_highdicom_reads_the_masks_again(written):
    store = SliceStore.open(written / "store")
    read = []
    for case in sorted((written / "resampled").glob("series_*")):
        images = [pydicom.dcmread(path).SOPInstanceUID for path in sorted((case / "ct").iterdir())]
        seg = hd.seg.segread(case / "seg.dcm")
        assert [seg.get_segment_description(k).SegmentLabel for k in (1, 2)] == list(TWO.names)
        read.append(
            seg.get_pixels_by_source_instance(
                images, combine_segments=True, ignore_spatial_locations=True,
                assert_missing_frames_are_empty=True,
            )
        )  # fmt: skip
    assert np.array_equal(np.concatenate(read), store.labels)
