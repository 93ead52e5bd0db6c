"""From what a segmentation calls its parts (segments, ROIs) to the classes of the store.

A part is taken only where every word of its name is known: what stands for the class, what says
that it bleeds, and words that change neither. So nothing has to be known of all that a name may say
beside it ("no", "space", "oedema", "catheter", "?"): whatever it is, it asks for a label map.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import NamedTuple

import pydicom

from lcgan_core.cohort.label_map import LabelMap, plain

PLACES = {
    "IPH": r"intra(parenchym(al|atos|ates|ateux|ateus)|parenquimatos|[cz]erebral)",
    "IVH": r"intraventri[ck]ul(ar|er|air)",
    "SAH": r"(sub|sous)arach?noid(al|e|ienn?)?",
    "EDH": r"(epi|extra)dur(al|aux)",
    "SDH": r"(sub|sous)dur(al|aux)",
}
"""Where the five bleed, as English, German, French and Spanish have it, without endings."""
ENDING = "(e|en|em|er|es|a|as|o|os|s)?"
BLOOD = (
    "(hemorrhages?|hemorrhagien?|hemorragias?|hemorragies?|hematom(e|en|s|a|as|ata|es)?|bleeds?"
    "|bleedings?|blutung(en)?|blood|saignements?|sangrados?)"
)
NEUTRAL = re.compile(
    "left|right|bilateral|both|l|r|links|rechts|(link|recht|akut|subakut|chronisch)(e|er|es)"
    "|beidseits|gauche|droite?|izquierd[oa]|derech[oa]|acute|hyperacute|subacute|chronic"
    "|akut|subakut|chronisch|aigue?s?|chronique|agud[oa]|cronic[oa]|traumatic|nontraumatic"
    "|spontaneous|frontal|parietal|temporal|occipital|intracranial|masks?|maske|masque|mascara|seg"
    "|segment|segmentation|segmentierung|label|roi|region|lesion|contour|structure|tissue|class"
    "|annotation|manual|automatic|consensus|final"
)
"""Words that leave it open what a part shows."""
PREFIXES = ("sub", "sous", "epi", "extra", "intra")

SNOMED = {"274100004": "IPH", "21454007": "SAH", "82999001": "EDH", "35486000": "SDH"}
"""Codes of SNOMED CT for a haemorrhage of one type. None could be confirmed for IVH."""
CEREBRAL = {"IPH": ["cerebral", "hemorrhage"]}
"""What SNOMED CT calls 274100004, and what names alone may use for any bleeding in the head."""


class Said(NamedTuple):
    """What a text says: label values of the classes in it, and whether it says that it bleeds."""

    classes: set[int]
    bleeds: bool


def label_of(texts: list[str], labels: LabelMap) -> int | None:
    """Label value of a part, 0 to ignore it: as mapped, else as its words say; None if unclear.

    texts: the part's name, then its descriptions, which may add to the name and must not differ.

    >>> two = LabelMap.parse("bleed=IPH,brain=,1=PHE:perihaematomal oedema")
    >>> label_of(["Bleed"], two), label_of(["Brain"], two), label_of(["Left PHE"], two)
    (1, 0, 2)
    >>> label_of(["Segment 1", "Subdural hemorrhage"], LabelMap()), label_of(["SDH"], two)
    (5, None)
    """
    mapped = dict(labels.values)
    if texts and plain(texts[0]) in mapped:
        return mapped[plain(texts[0])]
    found: set[int] = set()
    place: set[int] = set()
    bleeds = False
    for text in texts:
        if plain(text) in mapped:
            found.add(mapped[plain(text)])
            continue
        said = _said(text, labels)
        if said is None:
            return None
        bleeds |= said.bleeds
        (found if said.bleeds else place).update(said.classes)
    if bleeds:
        found |= place  # "Subdural", with the code of a haemorrhage
    elif place - found:
        return None
    return found.pop() if len(found) == 1 else None


def said_by(codes: Iterable[pydicom.Dataset] | None) -> list[str]:
    """The texts of a DICOM code sequence, for `label_of`: meanings, and classes known by code.

    >>> code = pydicom.Dataset()
    >>> code.CodeValue, code.CodingSchemeDesignator = "35486000", "SCT"
    >>> code.CodeMeaning = "Subduralblutung"
    >>> said_by([code])
    ['Subduralblutung', 'SDH']
    """
    texts = []
    for code in codes or []:
        meaning = str(code.get("CodeMeaning") or "")
        known = None
        if code.get("CodingSchemeDesignator") == "SCT":
            known = SNOMED.get(str(code.get("CodeValue") or ""))
        words = _words(meaning)
        if known and (words == CEREBRAL.get(known) or not re.search("[A-Za-z]", meaning)):
            texts.append(known)
            continue
        texts.append(meaning)
        # some write the code of one type for a haemorrhage of any
        if known and any(re.fullmatch(_place(known), word) for word in words or []):
            texts.append(known)
    return texts


def _said(text: str, labels: LabelMap) -> Said | None:
    """What a text says; None where it holds a word that is not known."""
    words = _words(text)
    if words is None:
        return None
    value_of, found, bleeds = labels.classes.labels, set(), False
    own = {
        tuple(_words(called) or ()): name
        for name, title in labels.classes.title_of.items()
        for called in ([name] if name in PLACES else [name, title])
    }
    for phrase in sorted(own, key=len, reverse=True):
        size = len(phrase)
        while phrase and (k := _index(words, phrase)) is not None:
            words[k : k + size] = []
            found.add(value_of[own[phrase]])
            bleeds = True  # or is what the class is, which needs no more saying
    for word in words:
        if NEUTRAL.fullmatch(word) or word.isdecimal():
            continue
        name = next((n for n in PLACES if n in value_of and re.fullmatch(_place(n), word)), None)
        if name:
            found.add(value_of[name])
        if re.search(f"{BLOOD}$", word) and (name or re.fullmatch(BLOOD, word)):
            bleeds = True
        elif not name:
            return None
    return Said(found, bleeds)


def _place(name: str) -> str:
    """The pattern of a word for where a class bleeds, also as the first part of a German one."""
    return f"({PLACES[name]})({ENDING}|{BLOOD})"


def _index(words: list[str], phrase: tuple[str, ...]) -> int | None:
    starts = range(len(words) - len(phrase) + 1)
    return next((k for k in starts if tuple(words[k : k + len(phrase)]) == phrase), None)


def _words(text: str) -> list[str] | None:
    """Lower-case words and numbers of a name in one spelling; None for signs that may mean "no".

    >>> _words("Subdurales Hämatom_1"), _words("sub-arachnoid haemorrhage"), _words("SDH?")
    (['subdurales', 'hematom', '1'], ['subarachnoid', 'hemorrhage'], None)
    """
    text = unicodedata.normalize("NFKC", text)
    text = re.sub(r"(?<=[^\W\d_A-Z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", text).lower()
    for letter, spelt in {"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "æ": "ae", "œ": "oe"}.items():
        text = text.replace(letter, spelt)
    text = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    text = re.sub(r"(?<=[^\W_])\s*[-\u2010\u2013]\s*(?=[^\W_])", " ", text)
    text = re.sub(r"(?<=[a-z])(?=\d)|(?<=\d)(?=[a-z])|[\s_.,;:/()\[\]#]+", " ", text)
    words: list[str] = []
    for word in text.split():
        if not re.fullmatch(r"[a-z]+|[0-9]*[1-9][0-9]*", word):
            return None  # also 0, which may say that there is none
        word = word.replace("ae", "e").replace("oe", "e")
        if words and words[-1] in PREFIXES:
            word = words.pop() + word
        words.append(word)
    return words
