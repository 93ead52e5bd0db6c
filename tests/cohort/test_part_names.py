"""A part is a haemorrhage only where its whole name says so; anything else asks for a label map."""

import pydicom
import pytest

from lcgan_core.cohort.dicom.part_names import SNOMED, label_of, said_by
from lcgan_core.cohort.label_map import LabelMap
from lcgan_core.lesions import LABELS

SAID = {
    "IPH": [
        "IPH", "Intraparenchymal hemorrhage", "intra-parenchymal bleed", "intracerebral haematoma",
        "Intrazerebrale Blutung", "intraparenchymatöse Blutung", "Hématome intraparenchymateux",
        "hémorragie intracérébrale", "hemorragia intraparenquimatosa", "frontal IPH 2",
    ],
    "IVH": [
        "ivh", "IVH.", "intraventricular haemorrhage", "intraventrikuläre Blutung",
        "hémorragie intraventriculaire", "Hemorragia intraventricular", "blood, intraventricular",
    ],
    "SAH": [
        "SAH_1", "traumatic SAH", "sub-arachnoid hæmorrhage", "Subarachnoidalblutung",
        "hémorragie sous-arachnoïdienne", "hemorragia subaracnoidea", "SubarachnoidHemorrhage",
    ],
    "EDH": [
        "EDH", "Extradural haematoma", "extra dural hematoma", "Epiduralblutung",
        "Epidurales Hämatom rechts", "hématome extradural droit", "hematoma epidural",
    ],
    "SDH": [
        "sdh", "left SDH", "SDHLeft", "SDH2", "ＳＤＨ", "acute SUBDURAL_hemorrhage (left)",
        "Subdural bleeding - mask", "Subduralhämatom", "Subdurales Ha\u0308matom",
        "SubduralHematoma",
        "hématome sous-dural aigu gauche", "Hématomes sous-duraux", "hematoma subdural crónico",
    ],
}  # fmt: skip
NOT_SAID = {
    "denied": [
        "no SDH", "without SDH", "not_SDH", "non-SDH", "SDH absent", "SDH: none", "SDH -",
        "SDH (-)",
        "-SDH", "!SDH", "~SDH", "SDH=0", "0 SDH", "SDH: 0", "hemorrhage-free subdural", "kein SDH",
        "pas d'hématome sous-dural", "sans hématome sous-dural", "sin hematoma subdural",
        "keine Subduralblutung", "nonhemorrhagic subdural", "resolved SDH", "evacuated SDH",
    ],
    "doubted": [
        "SDH?", "possible SAH", "rule out SDH", "r/o SDH", "suspected SDH", "SDH vs hygroma",
        "history of SDH", "SAH-like", "pseudo-SAH", "SDH mimic", "SDH 50%", "Verdacht auf SDH",
    ],
    "a space": [
        "subarachnoid_space", "subdural", "Epidural", "intraventricular", "intracerebral",
        "Subduralraum", "subarachnoid cistern", "subdural membrane", "left epidural region",
    ],
    "something else": [
        "IPH_edema", "IPHedema", "IPH-oedema", "perihaematomal oedema", "Ödem um IPH", "tumour",
        "Subdural hygroma", "Subdurales Hygrom", "epidural abscess", "subdural empyema", "infarct",
        "hydrocephalus", "IPH tumour", "calcification in IPH", "craniectomy SDH", "post-op SDH",
        "SDH cavity", "intraventricular tumor hemorrhage", "SDHX", "硬膜下血肿", "СДГ",
    ],
    "a device": [
        "epidural catheter", "subdural electrode", "IVH drain", "SAH clip", "EVD", "IVH shunt",
    ],
    "of no or two classes": [
        "", " ", "Segment 1", "haemorrhage", "Blutung", "Hirnblutung", "ICH", "cerebral hemorrhage",
        "SDH/SAH", "SDH and SAH", "SAH SDH", "subdural and epidural haematoma", "SAB", "HSA", "HSD",
    ],
}  # fmt: skip
# an invisible letter, which a name copied from a web page may hold
NOT_SAID["something else"].append("SDH\u200b")


@pytest.mark.parametrize("name", SAID)
def test_a_name_that_says_one_haemorrhage_and_nothing_else_is_taken(name):
    for text in SAID[name]:
        assert label_of([text], LabelMap()) == LABELS[name], text


@pytest.mark.parametrize("why", NOT_SAID)
def test_any_other_name_asks_for_a_label_map(why):
    for text in NOT_SAID[why]:
        assert label_of([text], LabelMap()) is None, text


@pytest.mark.parametrize("why", NOT_SAID)
def test_a_label_map_decides_on_any_name(why):
    """Also on one that would be understood: the map is the user's word."""
    for text in [each for each in NOT_SAID[why] if each.strip()] + ["SDH", "Subduralhämatom"]:
        assert label_of([text.upper(), "Hemorrhage"], LabelMap.of([(text.upper(), "EDH")])) == 4
        assert label_of([text], LabelMap.of([(text, "")])) == 0


def test_classes_of_one_s_own_are_known_by_name_and_title():
    labels = LabelMap.parse("bleed=IPH,brain=,1=PHE:perihaematomal oedema,2=hyg:subdural hygroma")
    for text, value in {
        "Bleed": 1, "BRAIN": 0, "phe_2": 2, "Perihaematomal oedema, left": 2, "hyg": 3,
        "perihematomal EDEMA": 2, "Subdural Hygroma": 3, "intracerebral haemorrhage": 1,
        "SDH": None, "subdural haematoma": None, "IPH and PHE": None, "IPH PHE": None,
        "oedema": None, "PHEX": None, "no PHE": None, "hygroma": None,
        "infected subdural hygroma": None,
    }.items():  # fmt: skip
        assert label_of([text], labels) == value, text


@pytest.mark.parametrize(
    ("texts", "value"),
    [
        (["Segment 1", "Subdural hemorrhage"], 5),
        (["Subdural", "Hemorrhage"], 5),
        (["SDH", "Tissue"], 5),
        (["SDH", ""], 5),
        (["Subdural", "Tissue"], None),
        (["subarachnoid", "Structure"], None),
        (["Segment 1", "Hemorrhage"], None),
        (["IPH_edema", "Hemorrhage"], None),
        (["SDH", "Subarachnoid hemorrhage"], None),
        (["SDH", "Edema"], None),
        (["", "Subdural hygroma"], None),
    ],
)
def test_descriptions_add_to_a_name_and_must_not_differ(texts, value):
    assert label_of(texts, LabelMap()) == value


def test_a_map_of_a_description_does_not_overrule_the_name():
    labels = LabelMap.parse("hemorrhage=IPH")
    assert label_of(["Segment 1", "Hemorrhage"], labels) == 1
    assert label_of(["SDH", "Hemorrhage"], labels) is None
    assert label_of(["IPH_edema", "Hemorrhage"], labels) is None


def code(value, meaning, scheme="SCT"):
    item = pydicom.Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item


@pytest.mark.parametrize(
    ("name", "value", "meaning", "label"),
    [
        ("Segment 1", "35486000", "Subdural intracranial hemorrhage", 5),
        ("Segment 1", "35486000", "", 5),
        ("Segment 1", "35486000", "硬膜下血肿", 5),
        ("Segment 1", "21454007", "Subarachnoid intracranial hemorrhage", 3),
        ("Segment 1", "82999001", "Epidural intracranial hemorrhage", 4),
        ("Segment 1", "274100004", "Cerebral haemorrhage", 1),
        ("IPH", "274100004", "Cerebral hemorrhage", 1),
        # this code is also written for any bleeding in the head
        ("Segment 1", "274100004", "Intracranial hemorrhage", None),
        ("Segment 1", "35486000", "Subdural hygroma", None),
        ("SAH", "35486000", "Subdural hemorrhage", None),
        ("no SDH", "35486000", "Subdural hemorrhage", None),
        ("Segment 1", "35951006", "Subarachnoid space", None),
        ("Segment 1", "79654002", "Edema", None),
        ("Segment 1", "50960005", "Hemorrhage", None),
    ],
)
def test_codes_of_snomed_ct_are_read(name, value, meaning, label):
    assert label_of([name, *said_by([code(value, meaning)])], LabelMap()) == label
    if not meaning.isascii():
        assert label_of([name, *said_by([code(value, meaning, "99MINE")])], LabelMap()) is None


def test_pydicom_gives_none_of_our_codes_another_meaning():
    from pydicom.sr.codedict import codes

    listed = {value for each in codes.SCT.concepts.values() for value in each}
    assert not listed & set(SNOMED)
    assert said_by(None) == said_by([]) == []
