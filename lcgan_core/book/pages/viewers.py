"""Figures 3, 5 and 6 as viewers, and the table of candidates, from the CSVs of their pictures."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

import pandas as pd
from PIL import Image

from lcgan_core.book import numbers_only
from lcgan_core.book.contents import SLICES, VIEWER_FOLDER, VIEWERS, Bundle
from lcgan_core.book.pages import charts
from lcgan_core.book.pages.origins import RUNS_PAGE, anchor, of_first_segmenter, selection
from lcgan_core.book.pages.viewer import (
    NARROW,
    choice,
    legend,
    named,
    picture,
    slider,
    tint,
    viewer,
    wipe,
    words,
)
from lcgan_core.book.words import ABSENT, html, linked, number
from lcgan_core.lesions import Classes
from lcgan_core.protocol.paper import percent

PLACE = f"../_static/{VIEWER_FOLDER}/"
"""Where a page of the book finds the pictures."""
LACKING = "Crossed-out options are unavailable at this fraction."
COLUMNS = {
    "fcn_score_full": ("judge of all labels", number),
    "fcn_score_subset": ("judge of the subset", number),
    "sharpness_laplacian": ("sharpness", "{:.0f}".format),
    "realism_share": ("taken for real", "{:.0%}".format),
    "realism_auc": ("AUC of real against synthetic", number),
    "nearest_rmse": ("distance to the nearest training slice", "{:.1f}".format),
    "mean_rank_full": ("mean rank", "{:.3g}".format),
}
"""Column of candidates.csv -> its heading, and how a value is written."""


def texts(bundle: Bundle, linked: Mapping[str, pd.DataFrame]) -> dict[str, str]:
    """Name -> HTML of each viewer, chart and table; `linked` has the tables (`origins.tables`)."""
    results, differences = (
        of_first_segmenter(linked[name], bundle) for name in ("results", "differences")
    )
    return {
        **(_viewers(bundle) if bundle.pictures else _instead(bundle)),
        "charts_fig7": charts.curves(results),
        "charts_forest": charts.forests(differences),
        "candidates": candidates(linked["candidates"], bundle.table("real_slices")),
    }


def _viewers(bundle: Bundle) -> dict[str, str]:
    folder = bundle.folder / VIEWER_FOLDER
    fig3, fig5, fig6 = (pd.read_csv(folder / f"{name}.csv") for name in VIEWERS)
    with Image.open(folder / fig5.original[0]) as first:
        pixels = first.width
    return {
        "viewer_fig3": snapshots(fig3, pixels, bundle.classes),
        "viewer_fig5": transformed(fig5, pixels, bundle.classes),
        "viewer_fig6": synthetic(fig6, pixels, bundle.classes),
    }


def _instead(bundle: Bundle) -> dict[str, str]:
    """What stands in the place of the pictures of slices, which were not published."""
    places = (*(f"viewer_{name}" for name in VIEWERS), *set(SLICES).difference(VIEWERS))
    return dict.fromkeys(places, numbers_only.said(bundle.facts))


def synthetic(rows: pd.DataFrame, pixels: int, classes: Classes) -> str:
    """Fig. 6: mask, synthetic slice and original, one row per fraction, class and case."""
    shown = _of_fraction(rows).assign(
        case=rows.case,
        said=[f"{row.area_cm2:.1f} cm² of {row.lesion}" for row in rows.itertuples()],
    )
    return viewer(
        "Mask, synthetic slice and original",
        pixels,
        [_fractions(rows, -2), _lesions(classes), _cases(rows), tint()],
        [
            picture("mask", 'mask<span data-show="said"></span>', "The coloured mask"),
            picture("synthetic", "synthetic", "The slice generated from the mask", "mask"),
            picture("real", "original", "The slice that the mask was drawn on", "mask"),
        ],
        shown,
        LACKING,
        NARROW,  # so that the three stand in a row
    )


def transformed(rows: pd.DataFrame, pixels: int, classes: Classes) -> str:
    """Fig. 5: original and traditional copy, and what was done, one row per case."""
    files = ["original", "original_mask", "copy", "copy_mask"]
    shown = (PLACE + rows[files]).assign(
        case=rows.case,
        angle=rows.angle.map("{:+.0f}°".format),
        scale=rows.scale.map("× {:.2f}".format),
        shear=rows.shear.map("{:+.0f} in 256".format),
        blur=rows.blur.map({True: "yes", False: "no"}),
        gain=["no" if gain == 1 else f"× {gain:.2f}" for gain in rows.gain],
    )
    facts = words(
        angle="rotated clockwise",
        scale="scaled",
        shear="sheared",
        blur="blurred",
        gain="contrast",
    )
    return viewer(
        "Original slice and traditional copy",
        pixels,
        [_cases(rows), tint(), legend(classes)],
        [wipe(("original", "original", "original_mask"), ("copy", "copy", "copy_mask")), facts],
        shown,
        "Move the divider to compare the original and its copy.",
    )


def snapshots(rows: pd.DataFrame, pixels: int, classes: Classes) -> str:
    """Fig. 3: the slice that each snapshot generates from a mask, for each fraction and class."""
    shown = _of_fraction(rows).assign(
        epoch=rows.epoch,
        judge=rows.judge.map(number),
        sharpness=rows.sharpness.map("{:.0f}".format),
        probability_real=[ABSENT if pd.isna(p) else f"{p:.0%}" for p in rows.probability_real],
        chosen=rows.chosen.map({True: "yes", False: "no"}),
    )
    facts = words(
        judge="judge’s Dice",
        sharpness="sharpness",
        probability_real="taken for real with probability",
        chosen="snapshot chosen",
    )
    epochs = [str(epoch) for epoch in sorted(rows.epoch.unique())]
    return viewer(
        "The slice generated from a mask by each snapshot",
        pixels,
        [
            _fractions(rows, 1),
            _lesions(classes),
            slider("epoch", "Epochs of training", epochs),
            tint(),
        ],
        [
            picture("synthetic", "synthetic slice", "The slice generated by this snapshot", "mask"),
            picture("real", "original", "The slice that the mask was drawn on", "mask"),
            facts,
        ],
        shown,
        f"What each snapshot generates from one mask, with the scores of that slice. {LACKING}",
    )


def candidates(snapshots: pd.DataFrame, real: pd.DataFrame) -> str:
    """Every snapshot of the generators with its scores, which link to its row (`origins.linked`),
    and below them those of real slices, which link to the job that measured them."""
    keys = ["generator", "fraction", "draw"]
    measured = [selection(*key) for key in real[keys].itertuples(index=False, name=None)]
    real = real.assign(href=[f"{RUNS_PAGE}#{anchor(job)}" for job in measured])
    order = ["fraction", "draw", "generator"]
    table = pd.concat([snapshots, real]).sort_values(order, kind="stable")
    columns: dict[str, Any] = {"fraction": table.fraction.map(percent)}
    if table.generator.nunique() > 1:
        columns["generator"] = table.generator
    if table.draw.max() > 1:
        columns["draw"] = table.draw
    columns["epoch"] = ["training slices" if pd.isna(e) else f"{e:.0f}" for e in table.epoch]
    for name, (heading, write) in COLUMNS.items():
        if name not in table:  # a run of before it was measured
            continue
        columns[heading] = [
            ABSENT if pd.isna(row[name]) else linked(write(row[name]), row)
            for _, row in table.iterrows()
        ]
    columns["chosen"] = ["yes" if chosen is True else "" for chosen in table.chosen]
    return html(pd.DataFrame(columns), "results sortable", index=False) + _left_out(snapshots)


def _left_out(snapshots: pd.DataFrame) -> str:
    """A list of the selections in which a criterion ranked nobody, and why."""
    if "left_out" not in snapshots:
        return ""
    said = snapshots.dropna(subset="left_out").drop_duplicates(["generator", "fraction", "draw"])
    items = [
        f"{row['generator']}, {percent(row['fraction'])}, draw {row['draw']}: "
        f"{escape(row['left_out'])}"
        for row in said.to_dict("records")
    ]
    return f"<p>Ranked nobody:</p><ul><li>{'</li><li>'.join(items)}</li></ul>" if items else ""


def _of_fraction(rows: pd.DataFrame) -> pd.DataFrame:
    """What the viewers by fraction and class have in common."""
    shown = PLACE + rows[["mask", "real", "synthetic"]]
    return shown.assign(share=rows.fraction.map(percent), lesion=rows.lesion)


def _fractions(rows: pd.DataFrame, start: int) -> str:
    names = [percent(fraction) for fraction in sorted(rows.fraction.unique())]
    at = min(max(start, -len(names)), len(names) - 1)
    return choice("share", "Fraction of the patients", dict(zip(names, names, strict=True)), at)


def _lesions(classes: Classes) -> str:
    return choice("lesion", "Lesion", named(classes))


def _cases(rows: pd.DataFrame) -> str:
    return choice("case", "Case", {str(k): str(k) for k in sorted(rows.case.unique())})
