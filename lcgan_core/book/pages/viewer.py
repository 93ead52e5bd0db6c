"""Viewers as HTML: controls, pictures, and the rows they choose from (book/_static/viewer.js).

A viewer is a form that stays hidden until the script runs, so that print, and a browser without
scripts, show the still picture that follows it on the page. The script finds the row whose fields
have the values of the controls, and shows its other fields: pictures in <img>, words elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from html import escape

import pandas as pd

from lcgan_core.lesions import Classes

WIDE, NARROW = 384, 256
"""Sides of a picture in CSS pixels on a wide and on a narrow screen, at most: see `sides`."""


def sides(pixels: int, most: int = WIDE) -> str:
    """CSS of a picture's side: a whole multiple of its pixels, which else would differ in size.

    >>> sides(128)
    '--wide: 384px; --narrow: 256px'
    """
    wide, narrow = (max(1, side // pixels) * pixels for side in (most, NARROW))
    return f"--wide: {wide}px; --narrow: {min(narrow, NARROW)}px"


def named(classes: Classes) -> dict[str, str]:
    """Class -> its name with its colour: the options of a choice, and the legend of the masks."""
    return {
        name: f'<i class="swatch" style="background: rgb{color}"></i>'
        f'<abbr title="{escape(title)}">{name}</abbr>'
        for name, title, color in zip(classes.names, classes.titles, classes.shown[1:], strict=True)
    }


def legend(classes: Classes) -> str:
    """The colours of the masks, for a viewer in which no class is chosen."""
    items = "".join(f"<li>{text}</li>" for text in named(classes).values())
    return f'<ul class="legend" aria-label="colours of the masks">{items}</ul>'


def choice(field: str, title: str, options: Mapping[str, str], start: int = 0) -> str:
    """Radio buttons in a row: value -> what stands beside it (HTML); `start` is chosen first."""
    first = list(options)[start]
    buttons = "".join(
        f'<label><input type="radio" name="{field}" value="{escape(value)}"'
        f"{' checked' if value == first else ''}><span>{text}</span></label>"
        for value, text in options.items()
    )
    return f"<fieldset><legend>{title}</legend>{buttons}</fieldset>"


def slider(field: str, title: str, values: Sequence[str]) -> str:
    """A slider with a stop for each value; it starts at the last."""
    stops = "".join(f"<span>{escape(value)}</span>" for value in values)
    last = len(values) - 1
    return (
        f'<label class="stops">{title}<input type="range" name="{field}" min="0" max="{last}" '
        f'value="{last}" data-values="{escape(json.dumps(list(values)))}">'
        f'<span class="ticks" aria-hidden="true">{stops}</span></label>'
    )


def tint() -> str:
    """A box to tick: colour the lesions in the pictures."""
    return '<label class="tint-box"><input type="checkbox" name="tint">colour the lesions</label>'


def picture(field: str, caption: str, alt: str, mask: str = "") -> str:
    """One picture of the chosen row, with that row's mask as its tint if one is named."""
    return (
        f'<figure class="slice"><div class="layers">{_layer(field, alt, mask)}</div>'
        f"<figcaption>{caption}</figcaption></figure>"
    )


def wipe(left: tuple[str, str, str], right: tuple[str, str, str]) -> str:
    """Two pictures on top of each other, (field, name, mask) each, with a divider to move."""
    names = f"Divider: {left[1]} on the left, {right[1]} on the right"
    return (
        '<figure class="slice wipe"><div class="layers">'
        f'<div class="side right">{_layer(right[0], f"The {right[1]} slice", right[2])}</div>'
        f'<div class="side left">{_layer(left[0], f"The {left[1]} slice", left[2])}</div>'
        f'<input type="range" name="cut" min="0" max="100" value="50" aria-label="{names}">'
        f"</div><figcaption><span>◂ {left[1]}</span><span>{right[1]} ▸</span></figcaption></figure>"
    )


def words(**fields: str) -> str:
    """Fields of the chosen row as a list of name and value: field -> name."""
    items = "".join(
        f'<div><dt>{name}</dt><dd data-show="{field}"></dd></div>' for field, name in fields.items()
    )
    return f'<dl class="words" aria-live="polite">{items}</dl>'


def viewer(
    label: str,
    pixels: int,
    choose: Iterable[str],
    show: Iterable[str],
    rows: pd.DataFrame,
    hint: str,
    most: int = WIDE,
) -> str:
    """The form: controls, pictures of slices `pixels` wide, and the rows, whose fields are text.

    A picture is at most `most` CSS pixels wide.

    The controls are read in their order: a value that no row combines with the values chosen before
    it cannot be chosen.
    """
    # "</" would end the script element
    data = json.dumps(rows.astype(str).to_dict("records")).replace("</", "<\\/")
    return (
        f'<form class="viewer" hidden aria-label="{label}" style="{sides(pixels, most)}">'
        f'<div class="controls">{"".join(choose)}</div>\n'
        f'<div class="stage">{"".join(show)}</div>\n'
        f'<p class="hint">{hint} The patient’s right is on the left.</p>\n'
        f'<script type="application/json">{data}</script>\n</form>'
    )


def _layer(field: str, alt: str, mask: str) -> str:
    """A slice below its mask. The class tells the theme not to dim the picture on a dark page."""
    shown = {field: (alt, ""), mask: ("Its mask in colour", " tint")}
    return "".join(
        f'<img class="dark-light{over}" data-show="{name}" alt="{escape(text)}" loading="lazy">'
        for name, (text, over) in shown.items()
        if name
    )
