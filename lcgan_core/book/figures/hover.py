"""Charts whose points show their values, for plotly.js in book/_static/charts.js; only from CSVs.

A figure is what plotly.js takes: {"data": traces, "layout": ...}. A colour is the name of a CSS
variable, so that the chart follows the page's theme.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import log
from typing import Any

import pandas as pd

from lcgan_core.book import beside
from lcgan_core.book.figures.figures import CURVES, curve
from lcgan_core.book.figures.forest import comparisons, difference, name_of
from lcgan_core.book.words import number, times
from lcgan_core.protocol.arms import ARMS
from lcgan_core.protocol.paper import percent, signed

METRICS = {"dice_image": "Dice per image", "precision": "Precision", "recall": "Recall"}
SYMBOLS = {"o": "circle", "D": "diamond"}
"""matplotlib's name of a marker -> plotly's."""
AGAINST = "arm against original"
GROUPS = {AGAINST: "--against-original", "between two arms": "--between-arms"}
"""Group of differences -> its colour."""
SIZE = 13  # of the letters, CSS pixels
LINE = "<br>"
"""Between the lines that a point shows."""
TEXT, GRID, ZERO = "--pst-color-text-base", "--pst-color-border", "--pst-color-text-muted"


def curves(results: pd.DataFrame) -> dict[str, dict]:
    """Fig. 7, one chart per measure: ours with intervals, the paper's dotted."""
    return {title: _curves(results, metric) for metric, title in METRICS.items()}


def forests(differences: pd.DataFrame, metric: str = "dice_image") -> dict[str, dict]:
    """Differences between arms with 95 % intervals, one chart per fraction."""
    chosen = differences[(differences.metric == metric) & (differences.lesion == "all")]
    ends = chosen[["ci_low", "ci_high", "value"]]  # pandas skips those that are missing
    across = [min(0.0, *ends.min()) - 0.02, max(0.0, *ends.max()) + 0.02]
    drawn = {}
    for share in sorted(chosen.fraction.unique()):
        rows = chosen[chosen.fraction == share]
        title = f"{percent(share)} of the patients{times(int(rows.draws.max()))}"
        drawn[title] = _forest(rows, across)
    return drawn


def _curves(results: pd.DataFrame, metric: str) -> dict:
    paper = beside.numbers(results)
    tables = {"ours": results} | ({"paper": paper} if len(paper) else {})
    traces = []
    for arm, (_, marker) in CURVES.items():
        for whose, table in tables.items():
            rows = curve(table, arm, metric).dropna(subset="value")
            name = f"{whose}: {ARMS[arm].title}"
            trace: dict[str, Any] = {
                "name": name,
                "x": [100 * share for share in rows.fraction],
                "y": rows.value.tolist(),
                "text": [
                    _told(row, number, name, percent(row.fraction)) for _, row in rows.iterrows()
                ],
                "customdata": _places(rows),
                "hoverinfo": "text",
                "mode": "lines+markers",
                "marker": {"symbol": SYMBOLS[marker], "size": 9, "color": f"--arm-{arm}"},
                "line": {"color": f"--arm-{arm}"},
            }
            if whose == "ours":
                trace["error_y"] = _interval(rows, f"--arm-{arm}")
            else:
                trace["line"]["dash"] = "dot"
                trace["marker"]["symbol"] += "-open"
            traces.append(trace)
    layout = _layout()
    shares = _far(results.fraction.unique(), paper.fraction.unique())
    layout["xaxis"] |= {
        "type": "log",
        "title": {"text": "% of the training patients", "font": {"size": SIZE}},
        "tickvals": [100 * share for share in shares],
        "ticktext": [percent(share).rstrip("%") for share in shares],
    }
    layout["yaxis"] |= {"range": [-0.03, 1.03]}  # so that a marker at an end is seen whole
    return {"data": traces, "layout": {**layout, "height": 300}}


def _far(shares: Iterable[float], others: Iterable[float]) -> list[float]:
    """The fractions, and those of the others whose labels have room beside them on a log axis.

    >>> _far([0.125, 1.0], [0.025, 0.1, 1.0])
    [0.125, 1.0, 0.025]
    """
    named = list(shares)
    return named + [other for other in others if all(abs(log(other / s)) > 0.5 for s in named)]


def _forest(rows: pd.DataFrame, across: list[float]) -> dict:
    pairs = comparisons(rows)
    traces = []
    for group, color in GROUPS.items():
        of_group = [pair for pair in pairs if (pair[1] == "original") == (group == AGAINST)]
        found = pd.concat([difference(rows, *pair) for pair in of_group]).dropna(subset="value")
        traces.append(
            {
                "name": group,
                "x": found.value.tolist(),
                "y": [name_of(row.arm, row.baseline) for _, row in found.iterrows()],
                "text": [
                    _told(row, signed, name_of(row.arm, row.baseline))
                    for _, row in found.iterrows()
                ],
                "customdata": _places(found),
                "hoverinfo": "text",
                "mode": "markers",
                "marker": {"size": 9, "color": color},
                "error_x": _interval(found, color),
            }
        )
    layout = _layout()
    layout["xaxis"] |= {"range": across, "zeroline": True, "zerolinecolor": ZERO}
    layout["xaxis"] |= {"title": {"text": "difference in Dice per image", "font": {"size": SIZE}}}
    names = [name_of(*pair) for pair in pairs]
    order = {"categoryorder": "array", "categoryarray": names, "autorange": "reversed"}
    layout["yaxis"] |= {"type": "category", **order}
    return {"data": traces, "layout": {**layout, "height": 90 + 24 * len(pairs)}}


def _told(row: pd.Series, write: Callable[[float], str], *what: str) -> str:
    """A value in lines: what it is, the value with its interval, its count if it has one."""
    said = write(row.value)
    if pd.notna(row.get("ci_low")):
        said += f" ({write(row.ci_low)} to {write(row.ci_high)})"
    return LINE.join([*what, said, *([f"n = {row.n}"] if "n" in row else [])])


def _places(rows: pd.DataFrame) -> list[str]:
    """The place of each point's row (`origins.linked`); empty for the paper's."""
    return list(rows.href) if "href" in rows else [""] * len(rows)


def _interval(rows: pd.DataFrame, color: str) -> dict:
    return {
        "type": "data",
        "symmetric": False,
        "array": (rows.ci_high - rows.value).fillna(0).round(6).tolist(),
        "arrayminus": (rows.value - rows.ci_low).fillna(0).round(6).tolist(),
        "color": color,
        "thickness": 1.5,
    }


def _layout() -> dict:
    axis = {
        "gridcolor": GRID,
        "linecolor": GRID,
        "zeroline": False,
        "automargin": True,
        "fixedrange": True,
        "tickangle": 0,
    }
    return {
        "paper_bgcolor": "#0000",
        "plot_bgcolor": "#0000",
        "font": {"color": TEXT, "family": "--pst-font-family-base", "size": SIZE},
        "hoverlabel": {
            "bgcolor": "--pst-color-surface",
            "bordercolor": GRID,
            "font": {"color": TEXT},
            "align": "left",
        },
        "hovermode": "closest",
        "dragmode": False,
        "showlegend": False,
        "margin": {"l": 8, "r": 12, "t": 8, "b": 8},
        "xaxis": dict(axis),
        "yaxis": dict(axis),
    }
