"""What the labels of somebody's masks mean: a map, as text or JSON, to the classes of a store."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lcgan_core.cohort.series import Refused
from lcgan_core.errors import UserError
from lcgan_core.lesions import FIVE, Classes

BACKGROUND = 0
IGNORED = ("", "background")
"""What a label is mapped to when it marks no lesion."""
EXAMPLE = '{"1": "EDH", "bleed": "IPH", "brain": ""}'


@dataclass(frozen=True)
class LabelMap:
    """Outside labels (integers, names of segments or ROIs) to label values of `classes`.

    values: lower-case label -> 0, which ignores it, or 1..K, in the order of the map. Called with
    a mask of integers it decodes it (a MaskDecoder).

    >>> LabelMap.parse("1=PHE:perihaematomal oedema,2=IPH,3=")
    LabelMap(classes=Classes(names=('PHE', 'IPH'), titles=('perihaematomal oedema',
    'intraparenchymal')), values=(('1', 1), ('2', 2), ('3', 0)))
    """

    classes: Classes = FIVE
    values: tuple[tuple[str, int], ...] = ()

    @classmethod
    def of(cls, pairs: Iterable[tuple[str, str]], where: object = "The label map") -> LabelMap:
        """From (outside label, class); raises UserError, whose sentence opens with `where`."""
        meant: dict[str, str] = {}
        for label, word in pairs:
            if plain(meant.setdefault(plain(label), word)) != plain(word):
                raise UserError(f'{where} maps "{label}" to two classes; keep one of them.')
        named = [word for word in meant.values() if plain(word) not in IGNORED]
        classes, value_of = classes_named(named, where)
        values = {label: value_of.get(word, BACKGROUND) for label, word in meant.items()}
        if values.get("0", BACKGROUND) != BACKGROUND:
            raise UserError(
                f"{where} makes a lesion of label 0, the background; number the classes from 1."
            )
        return cls(classes, tuple(values.items()))

    @classmethod
    def parse(cls, text: str) -> LabelMap:
        """From the command line: "1=EDH,2=IPH", or the name of a JSON file."""
        if text.endswith(".json"):
            return cls.read(Path(text).expanduser())
        pairs = [part.partition("=") for part in text.split(",") if part.strip()]
        if not pairs or not all(equals for _, equals, _ in pairs):
            raise UserError(f"--labels {text} is not understood; write it as 1=EDH,2=IPH.")
        return cls.of(((label, word) for label, _, word in pairs), "--labels")

    @classmethod
    def read(cls, path: Path) -> LabelMap:
        """From a JSON file, an object such as {"1": "EDH", "2": "PHE:perihaematomal oedema"}."""
        if not os.path.isfile(path):  # reading a pipe would wait for ever
            raise UserError(f"{path} is no file; give one with a label map, such as {EXAMPLE}.")
        try:
            pairs = json.loads(path.read_text(encoding="utf-8-sig"), object_pairs_hook=tuple)
        except (OSError, ValueError, RecursionError) as error:
            raise UserError(f"{path} is no label map ({error}); write it as {EXAMPLE}.") from None
        if not (pairs and isinstance(pairs, tuple)) or not all(
            isinstance(word, str) for _, word in pairs
        ):
            raise UserError(f"{path} is no map from labels to classes; write it as {EXAMPLE}.")
        return cls.of(pairs, path)

    def __call__(self, mask: np.ndarray, path: Path) -> tuple[np.ndarray, tuple[str, ...]]:
        """Labels of an (I, J, K) mask of integers; Refused for a value that is not in the map.

        >>> LabelMap.parse("1=EDH")(np.array([[[0, 1, 1]]]), Path("a.nii"))[0].tolist()
        [[[0, 4, 4]]]
        """
        known = {int(label): value for label, value in self.values if label.isdecimal()}
        known[0] = BACKGROUND
        labels = np.zeros(mask.shape, np.uint8, order="F")  # as NIfTI files are
        for plane, labelled in zip(mask.T, labels.T, strict=True):
            if plane.max() == plane.min() == 0:
                continue  # most are empty, and looking closer takes longer than reading them
            marked = plane != 0
            values, places = np.unique(plane[marked], return_inverse=True)
            for value in values:
                # a scale factor of 1/255 makes 1 a little more or less
                near = float(np.rint(value))
                if near not in known or abs(value - near) > 1e-3:
                    reason = f"holds the value {value:g}, which is not in the label map ({self});"
                    raise Refused(path, f"{reason} complete the map.")
            labelled[marked] = np.array([known[int(n)] for n in np.rint(values)])[places]
        return labels, ()

    def __str__(self) -> str:
        names = ("", *self.classes.names)
        return ", ".join(f"{label}={names[value]}" for label, value in self.values)


def classes_named(words: Iterable[str], where: object) -> tuple[Classes, dict[str, int]]:
    """The classes that `words` name, and the label value of each word; raises UserError.

    The five are known by their names. Any other class is named with its title, as in
    "PHE:perihaematomal oedema", at least once; then the classes are those named, in that order.
    Otherwise they are the five.

    >>> classes_named(["SDH", "iph"], "--as")[1]
    {'SDH': 5, 'iph': 1}
    """
    five = {plain(name): (name, title) for name, title in FIVE.title_of.items()}
    found: dict[str, tuple[str, str]] = {}
    key_of: dict[str, str] = {}
    for word in words:
        name, title = (" ".join(part.split()) for part in word.partition(":")[::2])
        key_of[word] = key = plain(name)
        name, known = found.get(key) or five.get(key) or (name, title)
        if title and known and plain(title) != plain(known):
            raise UserError(
                f'{where} calls {name} "{title}" and not "{known}"; keep one title, or give the '
                "other class another name."
            )
        found[key] = name, known or title
    for name, title in found.values():
        if not title:
            raise UserError(
                f'{where} names the class "{name}", which is none of {", ".join(FIVE.names)}; '
                'write any other with its title, as in "PHE:perihaematomal oedema".'
            )
    if found.keys() <= five.keys():
        return FIVE, {word: FIVE.labels[five[key][0]] for word, key in key_of.items()}
    names, titles = zip(*found.values(), strict=True)
    try:
        classes = Classes(names, titles)
    except ValueError as error:
        raise UserError(f"{where} cannot be used: {error}.") from None
    return classes, {word: classes.labels[found[key][0]] for word, key in key_of.items()}


def plain(label: object) -> str:
    """A label as a map has it: in lower case, with single spaces."""
    return " ".join(str(label).split()).lower()
