"""From what a segmentation calls its parts (segments, ROIs) to the classes of the store."""

from __future__ import annotations

import re

from lcgan_core.cohort.label_map import LabelMap, plain

WORDS = {
    "IPH": "intraparenchymal|intracerebral",
    "IVH": "intraventricular",
    "SAH": "subarachnoid",
    "EDH": "epidural|extradural",
    "SDH": "subdural",
}
"""What the field calls the five besides their acronyms; any other class by its title."""


def label_of(texts: list[str], labels: LabelMap) -> int | None:
    """Label value of a part, 0 to ignore it: as mapped, else by its class's words; None if unclear.

    texts: the part's name, then its descriptions; the first that tells decides.

    >>> two = LabelMap.parse("bleed=IPH,brain=,1=PHE:perihaematomal oedema")
    >>> label_of(["Bleed"], two), label_of(["Brain"], two), label_of(["Left PHE"], two)
    (1, 0, 2)
    >>> label_of(["Segment 1", "Subdural hemorrhage"], LabelMap()), label_of(["SDH"], two)
    (5, None)
    """
    mapped = dict(labels.values)
    for text in texts:
        if plain(text) in mapped:
            return mapped[plain(text)]
    for text in texts:
        told = [
            labels.classes.labels[name]
            for name, title in labels.classes.title_of.items()
            if re.search(_spoken(name, title), text, re.IGNORECASE)
        ]
        if told:
            return told[0] if len(told) == 1 else None
    return None


def _spoken(name: str, title: str) -> str:
    """The pattern of what a class may be called."""
    words = WORDS.get(name, rf"\b{re.escape(title)}\b")
    return f"{words}|(?<![a-z]){name}(?![a-z])"
