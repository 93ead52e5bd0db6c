"""The page on which a reader draws a bleeding and the published generators paint around it.

It is made of simulated heads only, where the bundle has weights; elsewhere its texts are empty and
the build leaves it out. book/_static/playground/ has its scripts: an engine that repeats
`models/generator.py`, and what moves the page.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image
from scipy.ndimage import binary_fill_holes

from lcgan_core.book import weights
from lcgan_core.book.contents import VIEWER_FOLDER, Bundle
from lcgan_core.book.pages.viewer import choice, named, sides
from lcgan_core.errors import UserError
from lcgan_core.lesions import Classes
from lcgan_core.synthesis import description
from lcgan_core.synthesis.description import Description

PAGE = "playground"
STATIC = "../_static/playground/"
"""Where the page finds its scripts."""
LINK = "[Draw your own](playground.md)."
BRUSH = (2, 40, 10)
"""Least, most and first diameter of the brush, pixels."""


def texts(bundle: Bundle) -> dict[str, str]:
    """Name -> text of the page and of the link to it; both empty without weights."""
    folders = weights.folders(bundle)
    if not folders:
        return {PAGE: "", f"{PAGE}_link": ""}
    return {PAGE: section(bundle, folders), f"{PAGE}_link": LINK}


def section(bundle: Bundle, folders: Sequence[Path]) -> str:
    """The page's HTML: a button, and behind it the controls, both pictures and their facts.

    Raises UserError for models of another size or other classes than the run's.
    """
    size, classes = bundle.record["config"]["image_size"], bundle.classes
    known = [description.read(folder) for folder in folders]
    for folder, told in zip(folders, known, strict=True):
        if (told.size, told.lesions.names) != (size, classes.names):
            raise UserError(
                f"{folder} is of a generator for other slices than this run's; publish the run "
                "again."
            )
    examples, head = _examples(bundle, size)
    facts = {
        "size": size,
        "classes": classes.names,
        "colors": classes.shown,
        "generators": [_generator(*pair) for pair in zip(folders, known, strict=True)],
        "examples": [_runs(labels) for labels in examples.values()],
        "head": _runs(head),
    }
    data = json.dumps(facts, separators=(",", ":")).replace("</", "<\\/")
    first = f"{facts['generators'][0]['megabytes']} MB"
    return (
        f'<link rel="stylesheet" href="{STATIC}playground.css">\n'
        f'<section class="viewer playground" aria-label="Playground" style="{sides(size)}">\n'
        "<noscript><p>The playground needs JavaScript.</p></noscript>\n"
        f'<button type="button" class="start" hidden>Start (loads {first})</button>\n'
        f'<div class="panel" hidden>{_controls(classes, known)}{_pictures(size)}'
        f'<p data-said aria-live="polite"></p>{_actions(list(examples))}'
        f'<p class="hint">Shown in the window of {_window(bundle)}. The patient’s right is on the '
        "left.</p></div>\n"
        f'<script type="application/json">{data}</script>\n</section>\n'
        f'<script defer src="{STATIC}engine.js"></script>\n'
        f'<script defer src="{STATIC}playground.js"></script>'
    )


def _generator(folder: Path, told: Description) -> dict[str, Any]:
    size = sum(path.stat().st_size for path in folder.glob("*.safetensors"))
    return {
        "name": folder.name,
        "file": f"../_static/{weights.FOLDER}/{folder.name}.js",
        "patients": told.trained.patients,
        "megabytes": round(size * 4 / 3 / 1e6, 1),
        "matched": told.config.lcgan.synthesis_scale == "matched",
        "code": _code(told),
    }


def _code(told: Description) -> list[list[float]]:
    """The channels of each label, as `training.encoding.encode_mask` makes them."""
    if told.config.lcgan.mask_encoding == "onehot":
        return np.eye(len(told.lesions) + 1).tolist()
    return [[value / 127.5 - 1 for value in color] for color in told.colors]


def _examples(bundle: Bundle, size: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Class -> a mask of Fig. 6's viewer, and where most of its real slices show a head."""
    folder = bundle.folder / VIEWER_FOLDER
    rows = pd.read_csv(folder / "fig6.csv")
    rows = rows[rows.fraction == rows.fraction.max()]
    heads = [binary_fill_holes(_pixels(folder / name, size) > 0) for name in rows.real]
    masks = {
        row.lesion: _labels(_pixels(folder / row.mask, size, "RGB"), bundle.classes)
        for row in rows.drop_duplicates("lesion").itertuples()
    }
    return masks, (np.mean(heads, axis=0) > 0.5).astype(np.uint8)


def _pixels(path: Path, size: int, mode: str = "L") -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert(mode).resize((size, size), Image.Resampling.NEAREST))


def _labels(mask: np.ndarray, classes: Classes) -> np.ndarray:
    """A coloured mask (S, S, 3) -> its labels (S, S) uint8; other colours count as background."""
    labels = np.zeros(mask.shape[:2], np.uint8)
    for label, color in enumerate(classes.shown):
        labels[(mask == color).all(axis=-1)] = label
    return labels


def _runs(labels: np.ndarray) -> list[list[int]]:
    """Labels, row by row, as pairs of label and number of pixels.

    >>> _runs(np.array([[0, 0], [3, 0]]))
    [[0, 2], [3, 1], [0, 1]]
    """
    return [[int(label), len(list(run))] for label, run in groupby(labels.ravel().tolist())]


def _controls(classes: Classes, known: Sequence[Description]) -> str:
    trained = {f"{told.trained.fraction:g}": f"{told.trained.patients}" for told in known}
    brushes = {str(k): text for k, text in enumerate(named(classes).values(), start=1)}
    least, most, first = BRUSH
    return (
        '<div class="controls">'
        f"{choice('generator', 'Generator trained on … patients', trained)}"
        f"{choice('brush', 'Brush', brushes | {'0': 'eraser'})}"
        f'<label class="stops">Size of the brush<input type="range" name="brush-size" '
        f'min="{least}" max="{most}" value="{first}" aria-valuetext="{first} pixels"></label></div>'
    )


def _pictures(size: int) -> str:
    canvases = "".join(
        f'<canvas class="{name}" width="{size}" height="{size}" aria-hidden="true"></canvas>'
        for name in ("guide", "drawn")
    )
    told = (
        "Mask to draw on. Arrow keys move the brush, with Shift faster; Space or Enter stamps; "
        "plus and minus change its size."
    )
    return (
        f'<div class="stage"><figure class="slice"><div class="layers">{canvases}'
        f'<canvas class="marks" width="{4 * size}" height="{4 * size}" tabindex="0" '
        f'role="application" aria-label="{told}"></canvas></div>'
        "<figcaption>your mask</figcaption></figure>"
        f'<figure class="slice"><div class="layers"><canvas class="painted" width="{size}" '
        f'height="{size}" role="img" aria-label="Synthetic slice"></canvas></div>'
        "<figcaption>simulated, not for diagnosis</figcaption></figure></div>"
    )


def _window(bundle: Bundle) -> str:
    window = bundle.record["config"]["window"]
    low, high = (window["level"] + side * window["width"] / 2 for side in (-1, 1))
    return f"{low:g} to {high:g} HU"


def _actions(examples: Sequence[str]) -> str:
    presses = {"noise": "New noise", "undo": "Undo", "clear": "Clear", "save": "Save the picture"}
    buttons = "".join(
        f'<button type="button" name="{name}">{text}</button>' for name, text in presses.items()
    )
    offered = "".join(
        f'<button type="button" name="example" value="{k}" aria-label="Example: {escape(name)}">'
        f"{escape(name)}</button>"
        for k, name in enumerate(examples)
    )
    return (
        f'<div class="presses">{buttons}</div>'
        f'<div class="presses" role="group" aria-label="Example masks">Examples {offered}</div>'
    )
