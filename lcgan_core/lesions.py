"""Lesion classes: the names of labels 1..K, their titles and their colours.

The classes belong to a slice store, whose manifest lists them; the paper's five are the default.
"""

from __future__ import annotations

import colorsys
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

MOST = 15
"""The most classes: two labels of 0..15 fit into one byte, in which pixels are counted."""

PLAIN = re.compile(r"[\w .,:;/%()'’+=@°²–×&?!~-]*")
"""Characters of a text that a page shows as it is: no language of markup begins with them."""

_SEEN = ((0, 0, 0), (230, 60, 60), (70, 130, 255), (70, 200, 90), (255, 200, 40), (220, 90, 230))
_SHOWN = ((0, 0, 0), (224, 0, 20), (20, 60, 255), (120, 255, 180), (255, 250, 0), (220, 105, 200))
_GOLDEN = 0.618033988749895


@dataclass(frozen=True)
class Classes:
    """Names ("IPH") and titles ("intraparenchymal") of labels 1..K, in label order.

    Raises ValueError for no class, more than MOST, a repeated name, a name that is not an
    identifier, and a title that is empty or has other characters than PLAIN.

    >>> two = Classes(("PHE", "IPH"), ("perihaematomal oedema", "intraparenchymal"))
    >>> len(two), two.labels
    (2, {'PHE': 1, 'IPH': 2})
    """

    names: tuple[str, ...]
    titles: tuple[str, ...]

    def __post_init__(self) -> None:
        if not 1 <= len(self.names) <= MOST:
            raise ValueError(f"{len(self.names)} classes are named, but a store has 1 to {MOST}")
        if len(self.titles) != len(self.names) or not all(self.titles):
            raise ValueError("each class needs a title")
        if odd := [title for title in self.titles if not PLAIN.fullmatch(title)]:
            raise ValueError(
                f"{odd[0]!r} is not a title; use letters, digits, spaces and plain punctuation"
            )
        if len({name.lower() for name in self.names}) < len(self.names):
            raise ValueError("a class name occurs twice")
        if bad := [n for n in self.names if not n.isidentifier() or n.lower() == "all"]:
            raise ValueError(
                f'"{bad[0]}" is not a class name; use letters, digits and _, starting with a '
                'letter, but not "all"'
            )

    def __str__(self) -> str:
        """As a label map spells them.

        >>> str(Classes(("PHE",), ("perihaematomal oedema",)))
        'PHE:perihaematomal oedema'
        """
        return ", ".join(f"{name}:{title}" for name, title in self.title_of.items())

    def __len__(self) -> int:
        return len(self.names)

    @property
    def labels(self) -> dict[str, int]:
        """Label value of each class name."""
        return {name: value for value, name in enumerate(self.names, start=1)}

    @property
    def title_of(self) -> dict[str, str]:
        """Title of each class name."""
        return dict(zip(self.names, self.titles, strict=True))

    @property
    def areas(self) -> list[str]:
        """The columns of slices.csv with the area of each class, mm2.

        >>> FIVE.areas[0]
        'area_IPH'
        """
        return [f"area_{name}" for name in self.names]

    @property
    def colors(self) -> tuple[tuple[int, int, int], ...]:
        """RGB (0..255) of labels 0..K in the masks that a generator sees."""
        return colors(len(self))

    @property
    def shown(self) -> tuple[tuple[int, int, int], ...]:
        """RGB (0..255) of labels 0..K in pictures for people."""
        return shown(len(self))

    def to_json(self) -> list[dict[str, str]]:
        """As a store's manifest lists them.

        >>> Classes.from_json(FIVE.to_json()) == FIVE
        True
        """
        pairs = zip(self.names, self.titles, strict=True)
        return [{"name": name, "title": title} for name, title in pairs]

    @classmethod
    def from_json(cls, listed: Iterable[Mapping[str, str]]) -> Classes:
        """From a manifest's list; raises ValueError, KeyError or TypeError for anything else."""
        pairs = [(str(one["name"]), str(one["title"])) for one in listed]
        return cls(tuple(name for name, _ in pairs), tuple(title for _, title in pairs))


def colors(count: int) -> tuple[tuple[int, int, int], ...]:
    """RGB (0..255) of labels 0..count as a generator sees them: black, then one per class.

    >>> colors(2)
    ((0, 0, 0), (230, 60, 60), (70, 130, 255))
    """
    return _enough(_SEEN, count)


def shown(count: int) -> tuple[tuple[int, int, int], ...]:
    """RGB (0..255) of labels 0..count as people see them: red, blue, mint, yellow, pink and others.

    The first five can be told apart with every kind of colour blindness: CIELAB distances of at
    least 50 after the simulation of Machado et al. 2009 (DOI 10.1109/TVCG.2009.113). They are
    not what a generator sees, which trained networks depend on.

    >>> shown(1)
    ((0, 0, 0), (224, 0, 20))
    """
    return _enough(_SHOWN, count)


def _enough(
    first: tuple[tuple[int, int, int], ...], count: int
) -> tuple[tuple[int, int, int], ...]:
    return first[: count + 1] + tuple(_further(k) for k in range(count + 1 - len(first)))


def _further(k: int) -> tuple[int, int, int]:
    """Hues as far apart as possible, however many there are."""
    red, green, blue = colorsys.hls_to_rgb((0.53 + k * _GOLDEN) % 1, 0.55, 0.75)
    return round(255 * red), round(255 * green), round(255 * blue)


FIVE = Classes(
    ("IPH", "IVH", "SAH", "EDH", "SDH"),
    ("intraparenchymal", "intraventricular", "subarachnoid", "epidural", "subdural"),
)
"""The paper's haemorrhage types: IPH 1, IVH 2, SAH 3, EDH 4, SDH 5."""

# The five as constants, for code that is only about them (the phantom, public data sets).
BACKGROUND = 0
HEMORRHAGES = FIVE.names
LABELS = FIVE.labels
LONG_NAMES = FIVE.title_of
