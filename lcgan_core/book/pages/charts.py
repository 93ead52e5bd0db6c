"""The charts of `hover` as HTML: side by side, with a key and a table of the same values.

Like the viewers they stay hidden until a script runs (book/_static/charts.js): print, and a browser
without scripts, show the still picture that follows them on the page.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from html import escape

import pandas as pd

from lcgan_core.book.beside import numbers
from lcgan_core.book.figures import hover
from lcgan_core.book.figures.figures import CURVES
from lcgan_core.book.words import ABSENT, html, linked
from lcgan_core.protocol.arms import ARMS

VALUE = "value (95 % interval)"


def curves(results: pd.DataFrame) -> str:
    """Fig. 7 from results.csv."""
    kinds = {"ours": "whole"} | ({"paper": "dotted"} if len(numbers(results)) else {})
    key = [
        _line(f"--arm-{arm}", f"{whose}: {ARMS[arm].title}", kind)
        for arm in CURVES
        for whose, kind in kinds.items()
    ]
    headings = ("measure", "curve", "fraction", VALUE, "cases")
    label = "Dice, precision and recall against the fraction of the patients"
    return charts(label, hover.curves(results), key, headings, "13rem")


def forests(differences: pd.DataFrame) -> str:
    """The forest plots from differences.csv."""
    key = [_line(color, group) for group, color in hover.GROUPS.items()]
    headings = ("fraction", "difference", VALUE, "cases")
    return charts("Differences between arms", hover.forests(differences), key, headings, "24rem")


def charts(
    label: str,
    figures: Mapping[str, dict],
    key: Iterable[str],
    headings: tuple[str, ...],
    least: str,
) -> str:
    """Figures (title -> figure) side by side, the key's lines (HTML), and every point as a row.

    `headings` of the table: the title, then what a point shows, line by line. `least` is the least
    width of a chart, below which fewer stand side by side.
    """
    each = "".join(
        f'<figure class="chart"><figcaption>{escape(title)}</figcaption>\n'
        f'<div class="plot" style="height: {figure["layout"]["height"]}px" tabindex="0" '
        f'role="application" aria-label="{escape(title)}: chart, move with the arrow keys"></div>\n'
        f'<script type="application/json">{json.dumps(figure, allow_nan=False)}</script></figure>\n'
        for title, figure in figures.items()
    )
    rows = []
    for title, figure in figures.items():
        for trace in figure["data"]:
            for text, place in zip(trace["text"], trace["customdata"], strict=True):
                told = [title, *text.split(hover.LINE)]
                row = dict(zip(headings, told, strict=False))  # some have no count
                if place:
                    row[VALUE] = linked(row[VALUE], pd.Series({"href": place}))
                rows.append(row)
    values = html(pd.DataFrame(rows).fillna(ABSENT), "results sortable", index=False)
    return (
        f'<section class="viewer charts" hidden aria-label="{escape(label)}">\n'
        f'<div class="grid" style="--least: {least}">{each}</div>\n'
        f'<ul class="legend">{"".join(f"<li>{line}</li>" for line in key)}</ul>\n'
        '<output class="hovered">Point at a value, tap it, or move with the arrow keys.</output>\n'
        "<details><summary>The same values as a table</summary>\n"
        f'<div class="pst-scrollable-table-container">{values}</div>\n</details>\n</section>'
    )


def _line(color: str, says: str, kind: str = "whole") -> str:
    return f'<i class="line {kind}" style="--line: var({color})"></i>{escape(says)}'
