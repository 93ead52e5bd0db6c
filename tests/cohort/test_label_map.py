"""One label map, as text or JSON, says which classes a store has and what each label means."""

import json

import numpy as np
import pytest

from lcgan_core.cohort.label_map import LabelMap, classes_named
from lcgan_core.cohort.series import Refused
from lcgan_core.errors import UserError
from lcgan_core.lesions import FIVE, MOST

PHE = "PHE:perihaematomal oedema"


@pytest.mark.parametrize(
    ("text", "names", "values"),
    [
        ("1=EDH,2=IPH", FIVE.names, {"1": 4, "2": 1}),
        (" 1 = edh , 2 = Iph ,3=", FIVE.names, {"1": 4, "2": 1, "3": 0}),
        ("1=background", FIVE.names, {"1": 0}),
        ("Left  Bleed=SDH", FIVE.names, {"left bleed": 5}),
        (f"1={PHE},2=IPH", ("PHE", "IPH"), {"1": 1, "2": 2}),
        (f"1=IPH,2={PHE},3=IPH,4=PHE,5=", ("IPH", "PHE"), {"1": 1, "2": 2, "3": 1, "4": 2, "5": 0}),
        (f"7=phe,2={PHE}", ("phe",), {"7": 1, "2": 1}),
        ("1=IPH:intraparenchymal,2=other:a=b", ("IPH", "other"), {"1": 1, "2": 2}),
    ],
)
def test_a_map_in_text_and_in_json(tmp_path, text, names, values):
    """The classes are the five, unless one is named in full: then those named, in their order."""
    read = LabelMap.parse(text)
    assert read.classes.names == names and dict(read.values) == values
    parts = [part.partition("=") for part in text.split(",")]
    content = json.dumps({key.strip(): value for key, _, value in parts})
    (tmp_path / "map.json").write_text(content, encoding="utf-8-sig")
    assert LabelMap.parse(str(tmp_path / "map.json")) == read


def test_a_map_may_lie_below_the_home_and_an_odd_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    path = tmp_path / "it's my, map=1" / "ü.json"
    path.parent.mkdir()
    path.write_text('{"1": "SDH"}')
    for text in (str(path), "~/it's my, map=1/ü.json"):
        assert LabelMap.parse(text).values == (("1", 5),)


def test_the_five_keep_their_titles_beside_a_new_class():
    titles = LabelMap.parse(f"1={PHE},2=ivh").classes.title_of
    assert titles == {"PHE": "perihaematomal oedema", "IVH": "intraventricular"}


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("1=PHE", ['--labels names the class "PHE"', "none of IPH, IVH, SAH, EDH, SDH", PHE]),
        ("1=PHE:", ['"PHE"', PHE]),
        ("1=:oedema", ['""', "not a class name"]),
        ("1=P H E:oedema", ['"P H E"', "letters, digits and _"]),
        ("1=3rd:third", ['"3rd"', "starting with a letter"]),
        ("1=all:all of it", ['"all"']),
        (f"1={PHE},2=phe:oedema", ['calls PHE "oedema"', '"perihaematomal oedema"']),
        ("1=IPH:intracerebral", ['calls IPH "intracerebral"', '"intraparenchymal"']),
        ("1=IPH,1=EDH", ['maps "1" to two classes']),
        ("0=IPH", ["label 0, the background"]),
        ("1:IPH", ["write it as 1=EDH,2=IPH"]),
        (",", ["write it as 1=EDH,2=IPH"]),
        ("IPH", ["write it as 1=EDH,2=IPH"]),
    ],
)
def test_a_map_that_cannot_be_used_is_one_sentence(text, parts):
    with pytest.raises(UserError) as told:
        LabelMap.parse(text)
    said = str(told.value)
    assert all(part in said for part in ("--labels", *parts)) and "\n" not in said, said


@pytest.mark.parametrize(
    ("content", "part"),
    [
        ("{", "Expecting"),
        ('["EDH"]', '{"1": "EDH"'),
        ("{}", '{"1": "EDH"'),
        ('{"1": 4}', '{"1": "EDH"'),
        ('{"1": {"name": "EDH"}}', '{"1": "EDH"'),
        ('{"1": "EDH", "1": "IPH"}', "two classes"),
        ('{"1": "PHE"}', PHE),
        (None, "is no file"),
    ],
)
def test_a_file_that_is_no_map_is_named(tmp_path, content, part):
    if content is not None:
        (tmp_path / "mine.json").write_text(content)
    with pytest.raises(UserError) as told:
        LabelMap.parse(str(tmp_path / "mine.json"))
    assert "mine.json" in str(told.value) and part in str(told.value)


def test_fifteen_classes_are_taken_and_sixteen_refused():
    words = [f"c{k}:class {k}" for k in range(MOST + 1)]
    classes, label_of_word = classes_named(words[:MOST], "--labels")
    assert list(label_of_word.values()) == list(range(1, 16)) == list(classes.labels.values())
    with pytest.raises(UserError, match="--labels cannot be used: 16 classes.*1 to 15"):
        classes_named(words, "--labels")


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("kind", [np.uint8, np.int16, np.float64])
def test_a_mask_of_integers_is_looked_up_voxel_by_voxel(tmp_path, order, kind):
    mask = np.random.default_rng(0).choice([0, 1, 2, 7], (5, 6, 4)).astype(kind, order=order)
    mask[..., 2] = 0
    labels, notes = LabelMap.parse(f"1={PHE},2=IPH,7=")(mask, tmp_path)
    expected = [[{0: 0, 1: 1, 2: 2, 7: 0}[int(v)] for v in row] for row in mask.reshape(-1, 4)]
    assert labels.dtype == np.uint8 and notes == ()
    assert np.array_equal(labels, np.array(expected).reshape(5, 6, 4))


@pytest.mark.parametrize("value", [3, -1, 0.5, np.nan, np.inf, 300])
def test_a_value_beside_the_map_is_refused(tmp_path, value):
    mask = np.zeros((3, 3, 3))
    mask[1, 1, 1] = value
    with pytest.raises(Refused, match=f"the value {value:g}.*1=PHE, 2=IPH, 4="):
        LabelMap.parse(f"1={PHE},2=IPH,4=")(mask, tmp_path)
