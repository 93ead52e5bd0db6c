"""One picture of a store that shows at a glance whether the masks sit where they belong."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from lcgan_core.cohort.store import SliceStore

TILE, COLUMNS, BAR, CAPTION = 192, 8, 22, 16
WINDOW = (0, 100)
"""HU: level 50, width 100."""


def write(store: SliceStore, path: Path) -> None:
    """A row of slices for each class, each slice of another patient as far as there are enough.

    Masks are outlined in the colour of their class; the last row shows slices without lesion. Below
    each slice stand the beginning of its hashed patient and its position.
    The picture carries no metadata.
    """
    classes = store.classes
    bands = [
        _band(store, rows, f"{name}, {title}", classes.shown[classes.labels[name]])
        for name, title in classes.title_of.items()
        if len(rows := _spread(store.slices[store.slices[f"area_{name}"] > 0], f"area_{name}"))
    ]
    empty = store.slices[store.slices[classes.areas].sum(axis=1) == 0]
    if len(empty):
        # of each patient the slice nearest the middle, where most of the brain is seen
        away = (empty.position_mm - empty.position_mm.median()).abs()
        middle = _spread(empty.assign(middle=-away), "middle")
        bands.append(_band(store, middle, "no lesion", (200,) * 3))
    path.write_bytes(cv2.imencode(".png", np.concatenate(bands)[..., ::-1])[1].tobytes())


def _spread(rows: pd.DataFrame, by: str) -> list[int]:
    """Up to COLUMNS rows: the largest of each patient first, then spread over all sizes."""
    ordered = rows.sort_values(by, ascending=False, kind="stable")
    firsts = ordered.drop_duplicates("patient")
    if len(firsts) < COLUMNS:
        firsts = pd.concat([firsts, ordered.drop(firsts.index)])
        return sorted(firsts.index[:COLUMNS].tolist())
    chosen = np.linspace(0, len(firsts) - 1, COLUMNS).round().astype(int)
    return firsts.index[chosen].tolist()


def _band(store: SliceStore, rows: list[int], title: str, color: tuple) -> np.ndarray:
    band = np.zeros((BAR + TILE + CAPTION, COLUMNS * TILE, 3), np.uint8)
    _write(band, title, (6, BAR - 6), 0.5, color)
    for column, row in enumerate(rows):
        left = column * TILE
        band[BAR : BAR + TILE, left : left + TILE] = _tile(
            store.hu[row], store.labels[row], store.classes.shown
        )
        _write(band, caption(store.slices.iloc[row]), (left + 4, len(band) - 4), 0.4, (160,) * 3)
    return band


def caption(row: pd.Series) -> str:
    """The beginning of the hashed patient and where the slice lies.

    >>> caption(pd.Series({"patient": "0123456789abcdef", "position_mm": -12.5}))
    '01234567  -12.5 mm'
    """
    return f"{row.patient[:8]}  {row.position_mm:.1f} mm"


def _write(band: np.ndarray, text: str, at: tuple[int, int], size: float, color: tuple) -> None:
    cv2.putText(band, text, at, cv2.FONT_HERSHEY_SIMPLEX, size, color, 1, cv2.LINE_AA)


def _tile(hu: np.ndarray, labels: np.ndarray, colors: tuple) -> np.ndarray:
    grey = np.interp(hu, WINDOW, (0, 255)).astype(np.uint8)
    tile = cv2.resize(grey, (TILE, TILE), interpolation=cv2.INTER_AREA)[..., None].repeat(3, 2)
    large = cv2.resize(labels, (TILE, TILE), interpolation=cv2.INTER_NEAREST_EXACT)
    for value in np.unique(large[large > 0]):
        mask = (large == value).astype(np.uint8)
        outline = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)[0]
        cv2.drawContours(tile, outline, -1, colors[value], 1)
    return tile
