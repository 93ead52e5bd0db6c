"""Tables of what `make bench` measured, from the JSON files in results/bench alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

from lcgan_core.run.artefacts import REPOSITORY

FOLDER = REPOSITORY / "results" / "bench"
NONE = "–"


def results(folder: Path = FOLDER) -> list[dict[str, Any]]:
    """Every committed run of `make bench`, one per device."""
    return [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]


def tables(result: dict[str, Any]) -> dict[str, pd.DataFrame]:
    """Title -> table of texts; a list that the run left empty has none."""
    shown = {
        "Ours and the plain recipe": [_beside(row) for row in result["rows"]],
        "Ingest of growing cohorts": [_cohort(row) for row in result["cohorts"]],
    }
    return {title: pd.DataFrame(rows).fillna(NONE) for title, rows in shown.items() if rows}


def _beside(row: dict) -> dict[str, str]:
    if "skipped" in row:
        return {"task": row["task"], "plain recipe": f"skipped: {row['skipped']}"}
    known = {
        "task": row["task"],
        "unit": row["unit"],
        "ours": figures(row["ours"]),
    }
    if "plain" in row:
        known["plain"] = figures(row["plain"])
        known["ratio"] = f"{row['ratio']:.2f}"
        known["plain recipe"] = row["against"]
    if row["share"] is not None:
        known["percentage of limit"] = f"{100 * row['share']:.0f} %"
    return {name: known.get(name, NONE) for name in COLUMNS}


COLUMNS = ("task", "unit", "ours", "plain", "ratio", "percentage of limit", "plain recipe")


def _cohort(row: dict) -> dict[str, str]:
    if "skipped" in row:
        return {"slices": f"skipped: {row['skipped']}"}
    return {
        "slices": f"{row['slices']:,}",
        "ms per slice": figures(1000 * row["seconds"] / row["slices"]),
        "peak memory, MiB": figures(row["peak_mib"]),
    }


def figures(value: float) -> str:
    """A measured number with three significant figures.

    >>> [figures(value) for value in (0.01234, 1.2345, 98.76, 12345.6)]
    ['0.0123', '1.23', '98.8', '12,300']
    """
    return f"{float(f'{value:.3g}'):,.10g}"


def page(folder: Path = FOLDER) -> str:
    """All tables of all devices as the book includes them."""
    parts = []
    for result in results(folder):
        versions = ", ".join(f"{name} {version}" for name, version in result["versions"].items())
        parts.append(f"**{result['device']}**, {result['precision']}; {versions}.")
        for title, table in tables(result).items():
            html = table.to_html(classes="results", border=0, index=False)
            parts.append(f":::{{numbered-table}} {title}, on {result['device']}.\n\n{html}\n:::")
    return "\n\n".join(parts)
