"""From what a segmentation calls its parts to the five haemorrhage types."""

from __future__ import annotations

import json
import re
from pathlib import Path

from lcgan_core.errors import UserError
from lcgan_core.lesions import BACKGROUND, HEMORRHAGES, LABELS

IGNORED = ("", "background")
WORDS = {
    "IPH": "intraparenchymal|intracerebral",
    "IVH": "intraventricular",
    "SAH": "subarachnoid",
    "EDH": "epidural|extradural",
    "SDH": "subdural",
}
FILE = "labels.json"


def read_map(source: Path, labels: dict[str, str] | None) -> dict[str, int] | None:
    """The stated map, or that of source/labels.json, as outside label -> label value; else None.

    Keys in lower case; 0 stands for what is to be ignored. Raises UserError.
    """
    where: object = "The label map"
    if labels is None:
        where = path = source / FILE
        if not path.is_file():
            return None
        try:
            labels = json.loads(path.read_text(encoding="utf-8-sig"))
        except (ValueError, OSError) as error:
            raise UserError(f"{path} is not valid JSON ({error}); mend or remove it.") from None
    example = '{"1": "EDH", "bleed": "IPH", "brain": ""}'
    if not isinstance(labels, dict) or not all(isinstance(v, str) for v in labels.values()):
        raise UserError(f"{where} is no map from labels to haemorrhages; write e.g. {example}.")
    known = {name.lower(): value for name, value in LABELS.items()}
    known |= dict.fromkeys(IGNORED, BACKGROUND)
    stated = {_key(k): known.get(v.strip().lower()) for k, v in labels.items()}
    wrong = [v for v in labels.values() if v.strip().lower() not in known]
    if wrong or stated.get("0", BACKGROUND) != BACKGROUND:
        raise UserError(
            f"{where} maps a label to {wrong[0]!r}; use {', '.join(HEMORRHAGES)} or "
            'an empty text to ignore it.' if wrong else
            f"{where} makes a haemorrhage of label 0, the background; number it from 1."
        )  # fmt: skip
    return {key: value for key, value in stated.items() if value is not None}


def class_of(texts: list[str], stated: dict[str, int] | None) -> int | None:
    """Label value of a part by its name: as stated, else by the field's words; None if unclear.

    texts: the name, then descriptions of it, the first that tells decides.

    >>> class_of(["Segment 1", "Subdural hemorrhage"], None), class_of(["SDH or EDH"], None)
    (5, None)
    >>> class_of(["Bleed"], {"bleed": 1}), class_of(["Brain"], {"brain": 0})
    (1, 0)
    """
    for text in texts:
        if stated and _key(text) in stated:
            return stated[_key(text)]
    for text in texts:
        told = {
            LABELS[name]
            for name, words in WORDS.items()
            if re.search(f"{words}|(?<![a-z]){name}(?![a-z])", text, re.IGNORECASE)
        }
        if told:
            return told.pop() if len(told) == 1 else None
    return None


def _key(text: object) -> str:
    return " ".join(str(text).split()).lower()
