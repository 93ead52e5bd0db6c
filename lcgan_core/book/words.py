"""Numbers, links and tables as the book writes them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import pandas as pd

from lcgan_core.protocol.paper import percent

ABSENT = "–"


def times(draws: int) -> str:
    """What follows the name of a fraction that has several draws of patients and seeds.

    >>> times(3), times(1)
    (', 3 draws', '')
    """
    return f", {draws} draws" if draws > 1 else ""


def several(draws: Mapping[float, int]) -> str:
    """The fractions with several draws (fraction -> draws), in words; empty if there is none.

    >>> several({0.025: 3, 0.1: 2, 1.0: 1}), several({1.0: 1})
    ('3 draws at 2.5% and 2 draws at 10%', '')
    """
    return " and ".join(f"{n} draws at {percent(k)}" for k, n in draws.items() if n > 1)


def listed(parts: Iterable[str]) -> str:
    """Parts of a sentence, the last one after an "and".

    >>> listed(["a", "b", "c"]), listed(["a"]), listed([])
    ('a, b and c', 'a', '')
    """
    *before, last = [*parts] or [""]
    return f"{', '.join(before)} and {last}" if before else last


def number(value: float) -> str:
    """A Dice, precision or recall as the paper prints it.

    >>> number(0.4778), number(1.0), number(float("nan"))
    ('.478', '1.000', '–')
    """
    return ABSENT if pd.isna(value) else f"{value:.3f}".removeprefix("0")


def linked(text: str, row: pd.Series) -> str:
    """`text` as a link to the row that it is taken from, if `origins.linked` gave rows a place.

    >>> linked(".5", pd.Series({"value": 0.5})), linked(".5", pd.Series({"href": "all.html#r"}))
    ('.5', '<a class="origin" href="all.html#r">.5</a>')
    """
    return f'<a class="origin" href="{row.href}">{text}</a>' if "href" in row else text


def markdown(table: pd.DataFrame) -> str:
    """A table of sentences for the book, whose lines may break; without its index.

    >>> print(markdown(pd.DataFrame({"a": [1], "b": ["x"]})))
    | a | b |
    |---|---|
    | 1 | x |
    """
    lines = [list(table.columns), *table.to_numpy().tolist()]
    head, *rows = ("| " + " | ".join(str(value) for value in line) + " |" for line in lines)
    return "\n".join([head, "|---" * len(table.columns) + "|", *rows])


def of_each(made: Mapping[str, str]) -> str:
    """What there is of each segmenter (name -> Markdown or HTML), named where there are several.

    >>> of_each({"fcn8s": "1"}), of_each({"fcn8s": "1", "unet": "2"}).split()[3]
    ('1', '`fcn8s`:')
    """
    if len(made) == 1:
        return next(iter(made.values()))
    return "\n\n".join(f"With the segmenter `{name}`:\n\n{text}" for name, text in made.items())


def html(table: pd.DataFrame, classes: str = "results", index: bool = True) -> str:
    """A table for the book, with each interval in small print below its value.

    >>> html(pd.DataFrame({"a": [".5 (.4 to .6)", "n (all)"]})).count("<small>")
    1
    """
    with pd.option_context("display.max_colwidth", None):  # a link is long and must not be cut
        text = table.to_html(classes=classes, border=0, escape=False, index=index)
    ends = r" (\([-+]?[.\d]\S* to [^\s<]+\))((?:</a>)?</td>)"
    return re.sub(ends, r"<br><small>\1</small>\2", text)
