"""From a number to its row and on to its run: the pages of all results and all runs."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from lcgan_core.book.contents import SLICES, TABLES, Bundle
from lcgan_core.book.figures.pictures import FORMATS
from lcgan_core.book.pages.origins import (
    RESULTS_PAGE,
    RUNS_PAGE,
    Networks,
    anchor,
    jobs,
    networks,
)
from lcgan_core.run.pages import source
from lcgan_core.run.plan import EVALUATION
from lcgan_core.run.status import duration

FEW = 6
SAME_IN_ALL_ROWS = ["profile", "seed"]
WHOLE = ("results", "claims")
"""Files of which the page of all results shows every row."""
OF_TABLES = {
    "answer": ("claims",), "table1": ("results",), "table2": ("results",),
    "table3": ("results",), "fig7": ("results",), "claims_table": ("claims",),
    "forest": ("differences",), "gains": ("claims",),
    "controls": ("results", "differences"), "again": ("differences",),
    "training": ("training",), "draws": ("draws",), "by_size": ("by_size",),
    "sensitivity": ("sensitivity",), "judges": ("candidates",),
    "generators": ("candidates", "memorisation", "kernel_distance"),
    "memorisation": ("memorisation", "kernel_distance"), "densities": ("densities",),
    "neighbours": ("neighbours",), **dict.fromkeys(SLICES, ()),
}  # fmt: skip
"""Table, list or figure of a page -> the CSVs that it is made from."""
DRAWN = (*SLICES, "fig7", "forest", "neighbours", "gains")
"""Those that are offered as pictures."""


def link(job: str, text: str = "", place: str = "") -> str:
    """A link to a job's row on the page of all runs; `place` is where the pages of book/ are.

    >>> link("segmentation/0.25-both", "run")
    '<a href="all_runs.html#segmentation-0.25-both">run</a>'
    """
    return f'<a href="{place}{RUNS_PAGE}#{anchor(job)}">{text or job}</a>'


def lines(bundle: Bundle, runs: pd.DataFrame) -> dict[str, str]:
    """Name of a table, list or figure -> the line below it: its files, its notebook, its run."""
    selections = list(runs.job[(runs.stage == "selection") & (runs.draw == 1)])
    sources: Mapping[str, str] = bundle.record["sources"]
    said = {}
    for name, tables in OF_TABLES.items():
        if name in sources:
            made_by = [sources[name]]
        else:
            of_selection = TABLES[tables[0]].stage == "selection"
            made_by = selections if of_selection else [EVALUATION.place]
        drawn = name in DRAWN and (bundle.pictures or name not in SLICES)
        pictures = [f"{name}.{form}" for form in FORMATS if drawn]
        said[name] = _line([*pictures, *(f"{table}.csv" for table in tables)], made_by)
    return said


def _line(files: Sequence[str], made_by: Sequence[str]) -> str:
    """MyST: Sphinx copies what a `download` names, and warns if it is missing."""
    stage = made_by[0].partition("/")[0]
    offered = [f"{{download}}`{name} <generated/{name}>`" for name in files]
    offered.append(f"{{download}}`notebook <../notebooks/{source(stage).name}>`")
    return f"{{.downloads}}\n{' · '.join(offered)} · made by {', '.join(map(link, made_by))}"


def texts(
    bundle: Bundle, linked: Mapping[str, pd.DataFrame], runs: pd.DataFrame, shown: str
) -> dict[str, str]:
    """The two pages' tables; `shown` is the HTML of all other pages.

    The files in WHOLE are shown as a whole, of the others the rows that a page links to.
    """
    cited = set(re.findall(rf'href="{RESULTS_PAGE}#([^"]+)"', shown))
    trained, tables = networks(runs), []
    for name, table in linked.items():
        rows = _rows(bundle, name, table, trained, None if name in WHOLE else cited)
        if rows:
            offered = f"{{download}}`all rows <generated/{name}.csv>`"
            tables.append(f"## {name}.csv\n\n{rows}\n\n{offered}")
    return {
        "all_results": "\n\n".join(tables),
        "all_runs": _runs(runs, bundle.record["pages"]),
        "settings": _settings(bundle.record["settings"]),
    }


def _rows(
    bundle: Bundle, name: str, table: pd.DataFrame, trained: Networks, cited: set[str] | None
) -> str:
    """A CSV's rows as they are written there, each with its place and the jobs that made it."""
    path = bundle.folder / f"{name}.csv"
    written = pd.read_csv(path, dtype=str, keep_default_na=False).drop(
        columns=SAME_IN_ALL_ROWS, errors="ignore"
    )
    rows = []
    for (_, row), cells in zip(table.iterrows(), written.itertuples(index=False), strict=True):
        place = row.href.partition("#")[2]
        if cited is None or place in cited:
            made = ", ".join(
                link(job, job.removeprefix("segmentation/"))
                for job in jobs(bundle, name, row, trained)
            )
            rows.append((place, [*map(html.escape, cells), made]))
    return _table([*written.columns, "made by"], rows) if rows else ""


def _runs(runs: pd.DataFrame, pages: Mapping[str, Sequence[str]]) -> str:
    """The time of all jobs on each device, and one row per job: what it is made from, by what and
    when, and the notebook of its stage if that shows it (stage -> jobs)."""
    spent = runs.groupby("device").seconds.agg(["size", "sum"])
    said = [
        f"{n} jobs would take {duration(took)} on {device}"
        for device, n, took in spent.itertuples()
    ]
    columns = ["job", "inputs", "settings, code", "device", "time", "page"]
    rows = ((anchor(row.job), _of_run(row, pages)) for _, row in runs.iterrows())
    return (
        f"Run one after the other, {' and '.join(said)}; a resumed job counts only from its last "
        f"start.\n\n{_table(columns, rows, 'runs')}"
    )


def _of_run(row: pd.Series, pages: Mapping[str, Sequence[str]]) -> list[str]:
    page = f'<a href="../notebooks/{source(row.stage).stem}.html">notebook</a>'
    return [
        _two_lines(f"<b>{row.job}</b>", row.fingerprint),
        _inputs(str(row.inputs).split() if pd.notna(row.inputs) else []),
        _two_lines(f'<a href="#settings-{row.stage}">{row.stage}</a>', row.code),
        _two_lines(row.device, f"torch {row.torch}, threads: {row.threads}"),
        _two_lines(duration(row.seconds), row.finished),
        page if row.job in pages[row.stage] else "",
    ]


def _two_lines(above: str, below: str) -> str:
    return f"{above}<br><small>{below}</small>"


def _inputs(names: Sequence[str]) -> str:
    """Links; folded away if they would fill the screen."""
    links = ", ".join(map(link, names))
    if len(names) <= FEW:
        return links
    return f"<details><summary>{len(names)} jobs</summary>{links}</details>"


def _settings(settings: Mapping[str, Mapping[str, Any]]) -> str:
    """One row per stage: the settings of the profile that its jobs read themselves."""
    rows = (
        (
            f"settings-{stage}",
            [f"<b>{stage}</b>", html.escape("; ".join(f"{k} = {v}" for k, v in own.items()))],
        )
        for stage, own in settings.items()
    )
    return _table(["stage", "settings"], rows, "settings")


def _table(
    columns: Sequence[str], rows: Iterable[tuple[str, Sequence[str]]], kind: str = "sortable"
) -> str:
    """HTML of rows (place, cells), without an empty line, which would end it in Markdown."""
    head = "".join(f'<th scope="col">{column}</th>' for column in columns)
    body = "\n".join(
        f'<tr id="{place}">{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>'
        for place, cells in rows
    )
    return (
        f'<table class="results rows {kind}">\n<thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{body}\n</tbody></table>"
    )
