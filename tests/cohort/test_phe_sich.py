"""PHE-SICH-CT-IDS: a tiny set in its layout, made by construction, and the set itself if there."""

import os
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from lcgan_core.cohort import formats, haematoma, plausible, report
from lcgan_core.cohort.ingest import ingest_folder
from lcgan_core.cohort.join import join
from lcgan_core.cohort.public import phe_sich
from lcgan_core.cohort.public.phe_sich import IPH, PHE, find
from lcgan_core.cohort.resized import resized
from lcgan_core.cohort.series import Refused
from lcgan_core.errors import UserError

from .cases import SALT

SET = os.environ.get("LCGAN_PHE_SICH", "")
"""The folder of the real set, which its licence keeps out of the repository."""
SIDE, MIDDLE = 512, (210, 190)
Y, X = np.mgrid[:SIDE, :SIDE]
FROM_LESION = np.hypot(Y - MIDDLE[0], X - MIDDLE[1])
BLOOD, RING = FROM_LESION < 16, (FROM_LESION >= 19) & (FROM_LESION < 27)
BOX = (155, 175, 225, 245)
"""Left, top, right, bottom as Pascal VOC counts, from 1."""
NOWHERE = np.zeros((SIDE, SIDE), bool)


def slice_hu(seed, lesion=True, blood=65):
    """Whole HU: air, skull, brain with noise, a lesion, and a rest with all HU of a window."""
    out = np.hypot((Y - 256) / 1.2, X - 256)
    hu = np.full((SIDE, SIDE), -1000.0)
    hu[out < 180], hu[out < 165] = 900, 30
    if lesion:
        hu[FROM_LESION < 27], hu[BLOOD] = 15, blood
    hu = cv2.GaussianBlur(hu, (0, 0), 1)
    hu[495:505, 180:320] = np.arange(-30, 110)
    return np.rint(hu + np.random.default_rng(seed).normal(0, 3, hu.shape)).astype(int)


def grey_of(hu, level=40, width=120):
    return np.rint(((hu - (level - width / 2)) / width).clip(0, 1) * 255).astype(np.uint8)


def voc(box, side=SIDE, filename="x.jpg"):
    ends = zip(("xmin", "ymin", "xmax", "ymax"), box, strict=True)
    inside = "".join(f"<{end}>{value}</{end}>" for end, value in ends)
    return (
        f"<annotation><filename>{filename}</filename><size><width>{side}</width>"
        f"<height>{side}</height><depth>3</depth></size>"
        f"<object><name>a</name><bndbox>{inside}</bndbox></object></annotation>"
    )


def paths(root, patient, number):
    name = f"{patient:04d}_{number:02d}"
    return (
        root / f"set/image{patient}/{name}.png",
        root / f"label/label{patient}/{name}.png",
        root / f"annotation/annotation{patient}/{name}.xml",
    )


def put(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, str):
        path.write_text(content)
    else:
        Image.fromarray(content).save(path)


def make(folder, patients=((1, (40, 120)), (160, (40, 80))), first=0, blood=65):
    """Four slices a person, a lesion on the lower two; only these have boxes."""
    for patient, window in patients:
        for k in range(4):
            image, mask, box = paths(folder / "SubdatasetC_PNG", patient, first + k)
            put(image, grey_of(slice_hu(10 * patient + k, k < 2, blood), *window))
            put(mask, (RING * (k < 2) * 255).astype(np.uint8))
            if k < 2:
                put(box, voc(BOX))
    return folder / "SubdatasetC_PNG"


def lying(slices):
    """As in the files, where the front is on the left."""
    return slices.transpose(0, 2, 1)


def load(root, number=0):
    """A case as it lies in the files."""
    found = find(root)
    for refusal in found.refused:
        raise refusal
    series = found.cases[number].load()
    return replace(series, hu=lying(series.hu), labels=lying(series.labels))


def refusal(root):
    with pytest.raises(UserError) as told:
        load(root)
    assert "\n" not in str(told.value)
    return str(told.value)


def dice(a, b):
    return 2 * (a & b).sum() / (a.sum() + b.sum())


@pytest.mark.parametrize(("number", "low", "high"), [(0, -20, 100), (1, 0, 80)])
def test_a_patient_is_read_in_the_window_that_the_grey_levels_show(tmp_path, number, low, high):
    root = make(tmp_path, first=45)
    patient = (1, 160)[number]
    series = load(tmp_path, number)
    expected = np.stack([slice_hu(10 * patient + k, k < 2) for k in range(4)])
    assert np.array_equal(series.hu, expected.clip(low, high))
    assert series.hu_exact == (low, high) and series.patient == f"PHE-SICH-{patient}"
    assert np.allclose(series.positions, [225, 230, 235, 240])
    assert series.pixel_spacing == (0.5078125, 0.5078125) and "assumed" in series.notes[1]
    assert not series.doubts and "semi-automatic" in series.notes[3]
    for k in range(4):
        assert np.array_equal(series.labels[k] == PHE, RING & (k < 2))
        assert dice(series.labels[k] == IPH, BLOOD) > 0.9 if k < 2 else not series.labels[k].any()
    assert formats.detect(tmp_path) == formats.detect(root) == "phe-sich"


def test_the_front_is_up_and_what_was_at_the_top_is_on_the_left(tmp_path):
    """In the files the nose points to the left, and the lesion lies above the middle."""
    root = make(tmp_path, [(1, (40, 120))])
    for k in range(4):
        hu = slice_hu(k, k < 2)
        hu[246:266, 20:90] = 60  # a nose
        put(paths(root, 1, k)[0], grey_of(hu))
    series = find(tmp_path).cases[0].load()
    assert (series.hu[:, 20:70, 246:266] == 60).all()
    y, x = (int(at.mean()) for at in np.nonzero(series.labels[0]))
    assert (y, x) == (MIDDLE[1], MIDDLE[0])
    assert "the front is up" in series.notes[2]


@pytest.mark.parametrize("blood", [44, 50, 75])
def test_blood_of_any_brightness_has_the_same_outline(blood):
    """A fixed limit of 46 HU would find next to nothing of the first."""
    box = (154, 174, 225, 245)
    found = haematoma.outline(slice_hu(0, blood=blood), box, RING, 100)
    assert dice(found.mask, BLOOD) > 0.9 and not found.doubts


def test_where_both_would_lie_the_experts_oedema_stays(tmp_path):
    root = make(tmp_path)
    half = RING | (BLOOD & (MIDDLE[1] < X))
    put(paths(root, 1, 0)[1], (half * 255).astype(np.uint8))
    labels = load(tmp_path).labels
    assert np.array_equal(labels[0] == PHE, half)
    left = BLOOD & ~half
    assert dice(labels[0] == IPH, left) > 0.9


def test_bone_in_the_box_is_no_blood_and_parts_at_its_edge_are_not_of_the_lesion():
    """The box reaches over the skull; beside it lies a bright band as beam hardening makes."""
    hu = slice_hu(0)
    hu[:, 120:132] = 70
    wide = (60, 150, 230, 260)
    assert (hu[150:260, 60:230] > 500).any()
    found = haematoma.outline(hu, wide, RING, 100)
    assert dice(found.mask, BLOOD) > 0.9
    assert [why for why in found.doubts if "edge" in why]


def test_what_is_in_doubt_is_said(tmp_path):
    root = make(tmp_path, [(1, (40, 120))])
    put(paths(root, 1, 3)[2], voc(BOX))  # brain only
    paths(root, 1, 1)[2].unlink()  # oedema, but no box
    put(paths(root, 1, 0)[0], grey_of(slice_hu(0, blood=46)))
    doubts = dict(load(tmp_path).doubts)
    assert "no box" in doubts[1] and "nothing in the box is brighter" in doubts[3]
    assert set(doubts) == {1, 3}


def test_tiny_and_faint_haematomas_are_in_doubt():
    small = np.where(FROM_LESION < 4, 70, 30)
    faint = np.where(BLOOD, 41, 30)
    box = (154, 174, 225, 245)
    for hu, said in ((small, "fewer than 100 pixels"), (faint, "less than 12 HU brighter")):
        found = haematoma.outline(hu, box, NOWHERE, 100)
        assert found.mask.any() and [said in why for why in found.doubts] == [True]


def test_slices_without_files_of_their_own_show_no_lesion_and_names_inside_boxes_do_not_count(
    tmp_path,
):
    root = make(tmp_path)
    for k in (2, 3):
        paths(root, 1, k)[1].unlink()
    put(paths(root, 1, 0)[2], voc(BOX, filename="8.png"))
    put(paths(root, 1, 3)[2], voc(BOX).replace("object>", "nothing>"))
    (root / "set/image1/Thumbs.db").write_text("")
    labels = load(tmp_path).labels
    assert list(labels.any(axis=(1, 2))) == [True, True, False, False]
    assert find(tmp_path).left_out[0].reason == "is not named as a file of the set."


def spoil(root, what):
    image, mask, box = paths(root, 1, 1)
    if what == "mask alone":
        image.unlink()
        box.unlink()
    elif what == "box alone":
        put(paths(root, 1, 9)[2], voc(BOX))
    elif what == "masks gone":
        for path in mask.parent.iterdir():
            path.unlink()
    elif what == "one size":
        put(image, grey_of(slice_hu(0))[:-1])
    elif what == "all sizes":
        for path in image.parent.iterdir():
            put(path, np.array(Image.open(path))[::2, ::2])
    elif what == "mask's size":
        put(mask, np.zeros((256, 256), np.uint8))
    elif what == "soft mask":
        put(mask, (RING * 255 + BLOOD * 90).astype(np.uint8))
    elif what == "window":
        for k in range(4):
            put(paths(root, 1, k)[0], grey_of(slice_hu(k), 42, 84))
    elif what == "other brain":
        for k in range(4):
            put(paths(root, 1, k)[0], grey_of(slice_hu(k) + 40))
    elif what == "no slice":
        put(paths(root, 1, 3)[0], np.full((SIDE, SIDE), 3, np.uint8))
    elif what == "no XML":
        box.write_text(voc(BOX)[:-20])
    elif what == "no number":
        box.write_text(voc(("a", 1, 2, 3)))
    elif what == "no end":
        box.write_text(voc(BOX).replace("ymax", "y"))
    elif what == "outside":
        box.write_text(voc((400, 400, 520, 430)))
    elif what == "inside out":
        box.write_text(voc((200, 175, 155, 245)))
    elif what == "box's size":
        box.write_text(voc(BOX, side=256))


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("mask alone", "0001_01.png is a mask without a picture; add the picture or remove"),
        ("box alone", "0001_09.xml is a box without a picture; add the picture or remove"),
        ("masks gone", "image1 has not a single mask in"),
        ("one size", "0001_01.png has another size than the first picture of its scan"),
        ("all sizes", "image1 has pictures of 256 x 256 pixels instead of 512 x 512"),
        ("mask's size", "0001_01.png has another size than its picture"),
        ("soft mask", "0001_01.png holds masks with the values 0, 90, 255"),
        ("window", "0001_00.png does not have the grey levels of the set's window, 40/120 or"),
        ("other brain", "image1 does not have the grey levels"),
        ("no slice", "0001_03.png does not have the grey levels"),
        ("no XML", "0001_01.xml is damaged, or no box"),
        ("no number", "0001_01.xml is damaged, or no box"),
        ("no end", "0001_01.xml is damaged, or no box"),
        ("outside", "0001_01.xml has a box that does not lie in its picture (from 400, 400 to"),
        ("inside out", "0001_01.xml has a box that does not lie in its picture"),
        ("box's size", "0001_01.xml is a box on a picture of 256 x 256 pixels"),
    ],
)
def test_what_cannot_be_trusted_is_refused_by_name(tmp_path, what, said):
    root = make(tmp_path)
    spoil(root, what)
    assert said in refusal(tmp_path)
    [other] = [case for case in find(tmp_path).cases if case.patient.endswith("-160")]
    assert other.load().labels.any()


def test_the_flat_copy_is_told_where_the_set_is(tmp_path):
    for part in ("images", "masks"):
        put(tmp_path / f"copy/{part}/val/0004_18.png", np.zeros((4, 4), np.uint8))
    assert formats.detect(tmp_path) == "phe-sich"
    assert "flat copy of PHE-SICH-CT-IDS" in refusal(tmp_path) and "figshare" in refusal(tmp_path)


def test_a_folder_of_something_else_is_said_to_lack_the_set(tmp_path):
    (tmp_path / "set").mkdir()
    assert not phe_sich.is_here(tmp_path) and "SubdatasetC_PNG" in refusal(tmp_path)


def test_only_what_was_drawn_tells_how_masks_lie(tmp_path):
    """A haematoma outlined by HU fits anywhere: mirrored oedema is refused all the same."""
    root = make(tmp_path)
    right = load(tmp_path)
    assert plausible.check(right, phe_sich.CLASSES, root)["fit"] > 0.3
    wrong = right.labels.copy()
    wrong[wrong == PHE] = 0
    wrong[right.labels[:, :, ::-1] == PHE] = PHE
    mirrored = replace(right, labels=wrong)
    with pytest.raises(Refused, match="mirrored left to right"):
        plausible.check(mirrored, phe_sich.CLASSES, root)
    plausible.check(mirrored, phe_sich.CLASSES, root, as_given=True)


def test_a_store_says_what_may_be_published_and_what_is_in_doubt(tmp_path):
    """So do its copy at another size and what it is joined with."""
    root = make(tmp_path / "a", [(1, (40, 120))])
    put(paths(root, 1, 3)[2], voc(BOX))
    make(tmp_path / "b", [(2, (40, 80))])
    done = [
        ingest_folder(tmp_path / name, "phe-sich", tmp_path / f"{name}-store", 128, {}, SALT)
        for name in "ab"
    ]
    store = done[0].store
    both = join([each.store.folder for each in done], tmp_path / "both").store
    for each in (store, both, resized(store, tmp_path / "small", 64)):
        assert each.manifest["publish"] == "numbers"
        assert each.manifest["citation"].startswith("PHE-SICH-CT-IDS, Ma et al. 2024")
        assert each.classes.title_of["IPH"] == "intraparenchymal, semi-automatic"
    assert store.manifest["hu_exact"] == [-20, 100] and both.manifest["hu_exact"] == [0, 80]
    read = pd.read_csv(store.folder / "report.csv")
    assert list(read.doubts) == ["3: nothing in the box is brighter than brain"]
    said = report.text(read, store.classes)
    assert "1 slices in doubt: nothing in the box is brighter than brain" in said
    assert "in doubt" not in report.text(done[1].report, store.classes)


@pytest.mark.slow
@pytest.mark.skipif(not SET, reason="LCGAN_PHE_SICH does not name the folder of PHE-SICH-CT-IDS")
def test_the_set_itself():
    """Counts of its README; how many patients are refused and why was found by opening them."""
    found = find(Path(SET))
    slices = [each for case in found.cases for each in case.slices]
    assert (len(found.cases), len(slices)) == (119, 3478)
    assert sum(bool(phe_sich._oedema(each).any()) for each in slices) == 676
    assert sum(each.box is not None for each in slices) == 717
    assert len(found.refused) == 1 and "annotation70" in str(found.refused[0])
    refused, blood, doubtful = {}, 0, 0
    for case in found.cases:
        try:
            series = case.load()
            plausible.check(series, found.classes, case.path)
        except Refused as refusal:
            refused[case.patient.rpartition("-")[2]] = refusal.reason
        else:
            blood += int((series.labels == IPH).any(axis=(1, 2)).sum())
            doubtful += len({number for number, _ in series.doubts})
    assert {name: reason[:15] for name, reason in refused.items()} == {
        "144": "has a mask that",
        "161": "does not have t",
        "163": "does not have t",
    }
    assert (blood, doubtful) == (692, 44)
