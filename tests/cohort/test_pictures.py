"""Windowed pictures: HU come back exactly inside the window, and nothing is guessed beyond it."""

import struct
import zlib

import numpy as np
import pytest
import torch
from PIL import Image

from lcgan_core.cohort import formats, pictures, slices
from lcgan_core.cohort.grey_levels import Window
from lcgan_core.cohort.join import join
from lcgan_core.cohort.label_map import LabelMap
from lcgan_core.cohort.pictures import find
from lcgan_core.cohort.resized import resized
from lcgan_core.cohort.series import Refused
from lcgan_core.errors import UserError

from .cases import Made, store_of

IMAGES, MASKS = "images/{patient}/{slice}.png", "masks/{patient}/{slice}.png"
PHE = "PHE:perihaematomal oedema"
SLICES = 11


def rounded(hu, level, width):
    """As most scripts write a window."""
    return np.rint(((hu - (level - width / 2)) / width).clip(0, 1) * 255).astype(np.uint8)


def cut(hu, level, width):
    """The same where the conversion to integers cuts the fraction off."""
    return (((hu - (level - width / 2)) / width).clip(0, 1) * 255 + 1e-9).astype(np.uint8)


def dicom(hu, level, width):
    """DICOM PS3.3 C.11.2.1.2.1: black and white are width - 1 apart."""
    inside = (hu - (level - 0.5)) / (width - 1) + 0.5
    return np.rint(inside.clip(0, 1) * 255).astype(np.uint8)


def head(seed=0, shape=(SLICES, 48, 40), brain=30):
    """Whole HU: air, bone, a brain with noise, and a ramp through everything, as at edges."""
    rng = np.random.default_rng(seed)
    hu = np.full(shape, -1000)
    hu[:, 4:44, 4:36] = 900
    hu[:, 6:42, 6:34] = rng.normal(brain, 4, (shape[0], 36, 28)).round()
    hu[:, 10:20, 6:34] = np.arange(-80, 200).reshape(10, 28)
    return hu


def drawn(value=1, shape=(SLICES, 48, 40)):
    """No symmetry of any kind; the first and last slices are empty."""
    mask = np.zeros(shape, np.uint8)
    for k in range(1, shape[0] - 1):
        mask[k, 8 : 12 + k, 9:15] = value
    return mask


def write(folder, grey, mask, first=0, images="images/p1/{}.png", masks="masks/p1/{}.png"):
    for k in range(len(grey)):
        for pattern, picture in ((images, grey[k]), (masks, mask[k])):
            path = folder / pattern.format(first + k)
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(picture).save(path, **({"quality": 95} if ".jpg" in pattern else {}))
    return folder


def load(folder, **options):
    """The one scan that is found there."""
    given = {"images": IMAGES, "masks": MASKS, "spacing": "0.45/5"} | options
    if "as_class" not in given:
        given.setdefault("labels", LabelMap.parse("1=SDH"))
    found = find(folder, **given)
    for refusal in found.refused:
        raise refusal
    [case] = found.cases
    return case.load()


def refusal(folder, **options):
    with pytest.raises(UserError) as told:
        load(folder, **options)
    assert "\n" not in str(told.value)
    return str(told.value)


@pytest.mark.parametrize("made", [rounded, cut, dicom])
@pytest.mark.parametrize("window", [(40, 80), (40, 120), (50, 100), (40, 40), (80, 200)])
def test_hu_inside_the_window_are_those_of_the_scan(tmp_path, made, window):
    """Told by the grey levels and stated: the same, to the last pixel."""
    hu, (level, width) = head(), window
    write(tmp_path, made(hu, level, width), drawn())
    low = level - width / 2
    expected = hu.clip(low, low + width - (made is dicom))
    for stated in ("", f"{level}/{width}"):
        series = load(tmp_path, window=stated)
        assert series.hu.dtype == np.int16 and np.array_equal(series.hu, expected)
        assert np.array_equal(series.labels, drawn(5))
        assert f"window {level}/{width}" in series.notes[0]
        assert ("as stated" if stated else "grey levels") in series.notes[0]
    assert series.pixel_spacing == (0.45, 0.45)
    assert np.allclose(np.diff(series.positions), 5)


def test_wider_windows_are_stated_and_known_to_half_a_grey_level(tmp_path):
    write(tmp_path, rounded(head(), 40, 400), drawn())
    assert "tells nothing of its window" in refusal(tmp_path)
    series = load(tmp_path, window="40/400")
    off = np.abs(series.hu - head().clip(-160, 240)).max()
    assert 0 < off <= np.ceil(400 / 255 / 2) and "not exactly" in series.notes[0]


def test_a_window_of_unusual_width_is_asked_for(tmp_path):
    write(tmp_path, rounded(head(), 42.5, 85), drawn())
    assert "a width of 85 HU, but not the level" in refusal(tmp_path)
    assert np.array_equal(load(tmp_path, window="42.5/85").hu, head().clip(0, 85))


def test_a_stated_window_that_the_levels_deny_is_refused(tmp_path):
    write(tmp_path, cut(head(), 40, 80), drawn())
    assert "80 HU wide, not 120 as stated" in refusal(tmp_path, window="40/120")


@pytest.mark.parametrize(
    "grey",
    [
        rounded(head(), 60, 80),  # a customary width with another level
        255 - rounded(head(), 40, 80),
        rounded(head(), 700, 40),
    ],
    ids=["level", "inverted", "bone"],
)
def test_a_brain_out_of_place_is_refused(tmp_path, grey):
    write(tmp_path, grey, drawn())
    said = refusal(tmp_path)
    assert "brain is not" in said or "tells nothing of its window" in said


def test_a_jpeg_needs_a_window_and_is_said_to_be_inexact(tmp_path):
    jpg = {"images": "images/{patient}/{slice}.jpg"}
    write(tmp_path, rounded(head(), 40, 80), drawn(), images="images/p1/{}.jpg")
    assert "tells nothing of its window" in refusal(tmp_path, **jpg)
    series = load(tmp_path, window="40/80", **jpg)
    assert "not exactly" in series.notes[0]
    smooth = np.s_[:, 24:40, 8:32]  # JPEG rings at edges
    assert np.abs(series.hu - head().clip(0, 80))[smooth].mean() < 2


def test_pictures_that_were_resized_tell_no_window(tmp_path):
    grey = rounded(head(), 40, 80)
    small = np.stack([np.array(Image.fromarray(each).resize((37, 43), 2)) for each in grey])
    write(tmp_path, small, drawn()[:, :43, :37])
    assert "tells nothing of its window" in refusal(tmp_path)


def test_slices_go_by_their_number_and_scans_by_theirs(tmp_path):
    """2 comes before 10, wherever the numbers start and whatever zeros they carry."""
    patterns = {"images": "{patient}/{scan}_{slice}.png", "masks": "{patient}/{scan}_{slice}_m.png"}
    for k, (scan, first) in enumerate([("a", 0), ("b", 7)]):
        names = {"images": f"x/{scan}_{{}}.png", "masks": f"x/{scan}_{{}}_m.png"}
        write(tmp_path, rounded(head(k), 40, 80), drawn(), first, **names)
    found = find(tmp_path, **patterns, spacing="0.5/2.5", labels=LabelMap.parse("1=SDH"))
    assert [(case.patient, case.series) for case in found.cases] == [("x", "x/a"), ("x", "x/b")]
    for k, case in enumerate(found.cases):
        series = case.load()
        assert np.array_equal(series.hu, head(k).clip(0, 80))
        assert series.positions[0] == (0, 17.5)[k]


def test_masks_show_one_class_or_a_map_of_them(tmp_path):
    mask = drawn(255)
    write(tmp_path, rounded(head(), 40, 80), mask)
    assert np.array_equal(load(tmp_path, as_class=PHE).labels, mask // 255)
    assert "the value 255" in refusal(tmp_path) and "0.png" not in refusal(tmp_path)
    two = np.where(drawn(1) & (np.arange(40) > 11), 2, drawn(1)).astype(np.uint8)
    write(tmp_path, rounded(head(), 40, 80), two)
    assert "the values 0, 1, 2" in refusal(tmp_path, as_class=PHE)
    labels = load(tmp_path, labels=LabelMap.parse(f"1=IPH,2={PHE}")).labels
    assert np.array_equal(labels, two)


def spoil(folder, what):
    """One file that cannot be trusted; returns what the sentence says."""
    image, mask = folder / "images/p1/3.png", folder / "masks/p1/3.png"
    grey = np.array(Image.open(image))
    if what == "no mask":
        mask.unlink()
    elif what == "no picture":
        image.unlink()
    elif what == "damaged":
        image.write_bytes(image.read_bytes()[:60])
    elif what == "another format":
        Image.fromarray(grey).save(image, format="BMP")
    elif what == "16 bits":
        Image.fromarray(grey.astype(np.uint16) * 200).save(image)
    elif what == "colour":
        Image.fromarray(np.stack([grey, grey // 2, grey], -1)).save(image)
    elif what == "transparent":
        Image.fromarray(np.stack([grey] * 3 + [grey], -1)).save(image)
    elif what == "turned":
        exif = Image.Exif()
        exif[274] = 3
        Image.fromarray(grey).save(image, format="JPEG", exif=exif)
    elif what == "mask as JPEG":
        Image.fromarray(drawn(255)[3]).save(mask, format="JPEG")
    elif what == "high mask":
        Image.fromarray(drawn(1)[3].astype(np.uint16) * 300).save(mask)
    elif what == "2 GB in a part":  # which a decoder would make room for
        png = image.read_bytes()
        image.write_bytes(png[:33] + b"\x7f" + png[34:])
    elif what.endswith("claimed"):
        image.write_bytes(claiming(image.read_bytes(), int(what.split()[0])))
    elif what == "size":
        Image.fromarray(grey[:-1]).save(image)
    elif what == "mask's size":
        for path in (folder / "masks/p1").iterdir():
            Image.fromarray(np.zeros((48, 39), np.uint8)).save(path)
    elif what == "twice":
        image.with_name("03.png").write_bytes(image.read_bytes())
        mask.with_name("03.png").write_bytes(mask.read_bytes())


def claiming(png, side):
    """A PNG whose header says that it has so many rows and columns."""
    head = png[12:16] + struct.pack(">II", side, side) + png[24:29]
    return png[:12] + head + struct.pack(">I", zlib.crc32(head)) + png[33:]


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("no mask", "3.png has no mask; add one, all zero where there is no lesion. (1 of 11"),
        ("no picture", "3.png is a mask without a picture"),
        ("damaged", "3.png is damaged"),
        ("another format", "3.png is neither PNG nor JPEG"),
        ("16 bits", "3.png has 16 bits"),
        ("colour", "3.png is in colour"),
        ("transparent", "3.png is in colour or transparent"),
        ("turned", "3.png is turned by its header"),
        ("mask as JPEG", "3.png is a mask as JPEG"),
        ("high mask", "3.png is a mask with values above 255"),
        ("2 GB in a part", "3.png is damaged"),
        ("5000 claimed", "3.png claims more than 4096 x 4096 pixels, no CT slice"),
        (
            "60000 claimed",
            "3.png claims more than 4096 x 4096 pixels, no CT slice",
        ),
        ("size", "3.png has another size"),
        ("mask's size", "p1 has masks of another size"),
        ("twice", "p1 has two pictures of one number"),
    ],
)
def test_what_cannot_be_trusted_is_refused_by_name(tmp_path, what, said):
    write(tmp_path, rounded(head(), 40, 80), drawn())
    spoil(tmp_path, what)
    assert said in refusal(tmp_path)
    with pytest.raises(Refused):
        load(tmp_path)


def test_no_decoder_sees_what_claims_too_much(tmp_path, monkeypatch):
    monkeypatch.setattr(pictures, "_decoded", lambda *_: pytest.fail("decoded"))
    for what in ("2 GB in a part", "5000 claimed"):
        folder = tmp_path / what
        write(folder, rounded(head(), 40, 80), drawn())
        spoil(folder, what)
        with pytest.raises(Refused):
            pictures.read_grey(folder / "images/p1/3.png")


def test_grey_pictures_in_any_way_of_storing_them(tmp_path):
    """RGB, RGBA and a palette of greys hold what a grey picture holds."""
    write(tmp_path, rounded(head(), 40, 80), drawn())
    for number, mode in enumerate(("RGB", "RGBA", "P", "LA")):
        for folder in ("images", "masks"):
            path = tmp_path / f"{folder}/p1/{number}.png"
            Image.open(path).convert(mode).save(path)
    last = tmp_path / f"masks/p1/{SLICES - 2}.png"
    Image.fromarray(np.array(Image.open(last)).astype(np.uint16)).save(last)
    series = load(tmp_path)
    assert np.array_equal(series.hu, head().clip(0, 80))
    assert np.array_equal(series.labels, drawn(5))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"window": "40"}, "--window 40 is no window; write its level and width in HU, as in"),
        ({"window": "40/0"}, "--window 40/0"),
        ({"window": "nan/80"}, "--window nan/80"),
        ({"spacing": "0.45"}, "--spacing 0.45 is not understood"),
        ({"spacing": "0/5"}, "--spacing 0/5"),
        ({"spacing": "a/b"}, "--spacing a/b"),
        ({"as_class": PHE, "labels": LabelMap.parse("1=SDH")}, "--labels"),
        ({"labels": None}, "--as"),
        ({"images": "a/{patient}.png", "masks": "b/{patient}.png"}, "{patient} and {slice}"),
        ({"images": "{patient}/{slice}.tif"}, "No file in"),
        ({"images": MASKS}, "cannot tell an image from its mask"),
    ],
)  # fmt: skip
def test_options_that_cannot_be_used_are_one_sentence(tmp_path, options, said):
    write(tmp_path, rounded(head(), 40, 80), drawn())
    assert said in refusal(tmp_path, **options)


def test_without_a_spacing_nothing_is_read(tmp_path):
    """Pictures carry none, and an area is compared with thresholds in cm2."""
    write(tmp_path, rounded(head(), 40, 80), drawn())
    with pytest.raises(UserError, match="Format 'png' needs --spacing"):
        formats.find("png", tmp_path, {"images": IMAGES, "masks": MASKS}, map)


def ingested(folder, name, window, size=64):
    """A store of one scan in a window."""
    write(folder / name, cut(head(len(name)), *window), drawn())
    given = {"images": IMAGES, "masks": MASKS, "spacing": "0.5/5", "as_class": PHE}
    found = formats.find("png", folder / name, given, map)
    return store_of(  # the mask shows nothing of this head
        found.cases, folder / f"{name}-store", size=size, classes=found.classes, as_given=True
    ).store


def test_a_window_beyond_the_known_hu_is_refused(tmp_path):
    """Of the store, of a copy at another size, and of it joined with another."""
    store = ingested(tmp_path, "a", (40, 80))
    wide = ingested(tmp_path, "abc", (40, 120))
    assert wide.manifest["hu_exact"] == [-20, 100]
    both = join([store.folder, wide.folder], tmp_path / "both").store
    rows = np.arange(4)
    for each in (store, resized(store, tmp_path / "small", 32), both):
        assert each.manifest["hu_exact"] == [0, 80]
        for level, width in ((40, 80), (50, 60), (40, 40)):
            assert slices.read(each, rows, level, width).images.dtype == torch.uint8
        for level, width in ((50, 100), (40, 120), (30, 80)):
            with pytest.raises(UserError, match="show 0 to 80 HU.*_level=40 and window_width=80"):
                slices.read(each, rows, level, width)
    assert slices.read(wide, rows, 50, 100).size == 64


@pytest.mark.parametrize("turn", [np.s_[:, :, ::-1], np.s_[:, ::-1], np.s_[::-1]])
def test_a_mask_that_lies_otherwise_than_its_picture_is_refused_or_taken_at_ones_word(
    tmp_path, turn
):
    """By construction: a lesion 15 HU brighter than brain, its mask mirrored or upside down."""
    hu, mask = head(), np.zeros((SLICES, 48, 40), np.uint8)
    mask[1:4, 24:34, 8:15] = 1
    hu[mask > 0] += 15
    given = {"images": IMAGES, "masks": MASKS, "spacing": "0.5/5", "as_class": "IPH"}
    for name, drawn_so in (("right", mask), ("wrong", mask[turn])):
        write(tmp_path / name, rounded(hu, 40, 80), np.ascontiguousarray(drawn_so))
        found = find(tmp_path / name, **given)
        made = tmp_path / f"{name}-store"
        if name == "wrong":
            with pytest.raises(UserError, match="--as-given"):
                store_of(found.cases, tmp_path / "none", size=64)
        store = store_of(found.cases, made, size=64, as_given=name == "wrong")
        better = store.report.fit[0] > store.report.fit_turned[0]
        assert better == (name == "right")


def test_a_store_of_scans_knows_all_hu(tmp_path):
    store = store_of([Made(1, tmp_path)], tmp_path / "store").store
    assert "hu_exact" not in store.manifest
    assert len(slices.read(store, np.arange(3), 700, 3200).table) == 3


def test_windows_are_written_as_on_the_command_line():
    assert str(Window.parse("37.5/85")) == "37.5/85"
