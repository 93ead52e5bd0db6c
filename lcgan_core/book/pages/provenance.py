"""From a number to its row and on to its run: the pages of all results and all runs."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from lcgan_core.book import build
from lcgan_core.book.pages.origins import KEYS, RESULTS_PAGE, RUNS_PAGE, anchor, jobs, linked
from lcgan_core.run import plan
from lcgan_core.run.status import duration

EVALUATION = "evaluation/all"
FEW = 6
SAME_IN_ALL_ROWS = ["profile", "seed"]


def link(job: str, text: str = "") -> str:
    """A link to a job's row on the page of all runs.

    >>> link("segmentation/0.25-both", "run")
    '<a href="all_runs.html#segmentation-0.25-both">run</a>'
    """
    return f'<a href="{RUNS_PAGE}#{anchor(job)}">{text or job}</a>'


def lines(fractions: Sequence[float]) -> dict[str, str]:
    """Name of a table, list or figure -> the line below it: its files, its notebook, its run."""
    _, middle, largest, _ = (f"{fraction:g}" for fraction in fractions)
    selections = [f"selection/{fraction:g}" for fraction in fractions]
    parts: dict[str, tuple[Sequence[str], Sequence[str]]] = {
        "headline": (["results.csv"], [EVALUATION]),
        "table1": (["results.csv"], [EVALUATION]),
        "table2": (["results.csv"], [EVALUATION]),
        "table3": (["results.csv"], [EVALUATION]),
        "fig3": (_pictures("fig3"), [f"selection/{middle}"]),
        "fig5": (_pictures("fig5"), [f"augmentation/{middle}-traditional"]),
        "fig6": (_pictures("fig6"), [f"augmentation/{largest}-gan"]),
        "fig7": ([*_pictures("fig7"), "results.csv"], [EVALUATION]),
        "claims": (["claims.csv"], [EVALUATION]),
        "claims_table": (["claims.csv"], [EVALUATION]),
        "questions": (["claims.csv"], [EVALUATION]),
        "forest": ([*_pictures("forest"), "differences.csv"], [EVALUATION]),
        "controls": (["results.csv", "differences.csv"], [EVALUATION]),
        "draws": (["draws.csv"], [EVALUATION]),
        "by_size": (["by_size.csv"], [EVALUATION]),
        "sensitivity": (["sensitivity.csv"], [EVALUATION]),
        "judges": (["candidates.csv"], selections),
        "memorisation": (["memorisation.csv", "kernel_distance.csv"], selections),
        "neighbours": ([*_pictures("neighbours"), "neighbours.csv"], [f"selection/{largest}"]),
        "closest": (_pictures("closest"), [f"selection/{largest}"]),
        "densities": (["densities.csv"], [f"augmentation/{largest}-gan"]),
    }
    return {name: _line(*files_and_jobs) for name, files_and_jobs in parts.items()}


def _pictures(name: str) -> list[str]:
    return [f"{name}.png", f"{name}.svg"]


def _line(files: Sequence[str], made_by: Sequence[str]) -> str:
    """MyST: Sphinx copies what a `download` names, and warns where it is missing."""
    stage = made_by[0].partition("/")[0]
    offered = [f"{{download}}`{name} <generated/{name}>`" for name in files]
    offered.append(f"{{download}}`notebook <../notebooks/{build.source(stage).name}>`")
    return f"{{.downloads}}\n{' · '.join(offered)} · made by {', '.join(map(link, made_by))}"


def texts(bundle: Path, record: dict[str, Any], shown: str) -> dict[str, str]:
    """The two pages' tables; `shown` is the HTML of all other pages.

    results.csv is there as a whole, of the other files the rows that a page links to.
    """
    runs = pd.read_csv(bundle / "runs.csv")
    cited = set(re.findall(rf'href="{RESULTS_PAGE}#([^"]+)"', shown))
    tables = []
    for name in KEYS:
        table = _results(bundle, name, runs, None if name == "results" else cited)
        if table:
            offered = f"{{download}}`all rows <generated/{name}.csv>`"
            tables.append(f"## {name}.csv\n\n{table}\n\n{offered}")
    return {
        "all_results": "\n\n".join(tables),
        "all_runs": _runs(runs),
        "settings": _settings(record["config"]),
    }


def _results(bundle: Path, name: str, runs: pd.DataFrame, cited: set[str] | None) -> str:
    """A CSV's rows as they are written there, each with its place and the jobs that made it."""
    path = bundle / f"{name}.csv"
    typed = linked(name, pd.read_csv(path))
    written = pd.read_csv(path, dtype=str, keep_default_na=False).drop(
        columns=SAME_IN_ALL_ROWS, errors="ignore"
    )
    rows = []
    for (_, row), cells in zip(typed.iterrows(), written.itertuples(index=False), strict=True):
        place = row.href.partition("#")[2]
        if cited is None or place in cited:
            made = ", ".join(
                link(job, job.removeprefix("segmentation/")) for job in jobs(name, row, runs)
            )
            rows.append((place, [*map(html.escape, cells), made]))
    return _table([*written.columns, "made by"], rows) if rows else ""


def _runs(runs: pd.DataFrame) -> str:
    """What all took on each device, and a row a job: what it is made of, by what and when, and its
    notebook where that is a page."""
    spent = runs.groupby("device").seconds.agg(["size", "sum"])
    said = [f"{n} jobs took {duration(took)} on {device}" for device, n, took in spent.itertuples()]
    columns = ["job", "inputs", "settings, code", "device", "time", "page"]
    rows = ((anchor(row.job), _of_run(row)) for _, row in runs.iterrows())
    return f"One after the other, {' and '.join(said)}.\n\n{_table(columns, rows, 'runs')}"


def _of_run(row: pd.Series) -> list[str]:
    return [
        _two_lines(f"<b>{row.job}</b>", row.fingerprint),
        _inputs(str(row.inputs).split() if pd.notna(row.inputs) else []),
        _two_lines(f'<a href="#settings-{row.stage}">{row.stage}</a>', row.code),
        _two_lines(row.device, f"torch {row.torch}, threads: {row.threads}"),
        _two_lines(duration(row.seconds), row.finished),
        _notebook(row),
    ]


def _two_lines(above: str, below: str) -> str:
    return f"{above}<br><small>{below}</small>"


def _inputs(names: Sequence[str]) -> str:
    """Links; folded away where they would fill the screen."""
    links = ", ".join(map(link, names))
    if len(names) <= FEW:
        return links
    return f"<details><summary>{len(names)} jobs</summary>{links}</details>"


def _notebook(row: pd.Series) -> str:
    """A link to the page of the stage, where the job is one of those that it shows."""
    for page in build.STAGE_PAGES:
        shown = (page.stage, page.fraction, 1) == (
            row.stage, None if pd.isna(row.fraction) else row.fraction, row.draw,
        )  # fmt: skip
        if shown and page.what in (None, row.what):
            return f'<a href="../notebooks/{build.source(page.stage).stem}.html">notebook</a>'
    return ""


def _settings(config: dict[str, Any]) -> str:
    """A row a stage: the numbers of the profile that it reads itself."""
    rows = (
        (f"settings-{stage}", [f"<b>{stage}</b>", "; ".join(_flat(config, names))])
        for stage, names in plan.USES.items()
    )
    return _table(["stage", "settings"], rows, "settings")


def _flat(config: dict[str, Any], names: Sequence[str]) -> Iterator[str]:
    for name in names:
        value = config[name]
        inner = {f"{name}_{k}": v for k, v in value.items()} if isinstance(value, dict) else None
        for key, number in (inner or {name: value}).items():
            yield html.escape(f"{key} = {number}")


def _table(
    columns: Sequence[str], rows: Iterable[tuple[str, Sequence[str]]], kind: str = "sortable"
) -> str:
    """HTML without an empty line, which would end it in Markdown: (place, cells) a row."""
    head = "".join(f'<th scope="col">{column}</th>' for column in columns)
    body = "\n".join(
        f'<tr id="{place}">{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>'
        for place, cells in rows
    )
    return (
        f'<table class="results rows {kind}">\n<thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{body}\n</tbody></table>"
    )
