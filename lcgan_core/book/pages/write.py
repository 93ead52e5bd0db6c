"""What the book's prose includes: tables, figures and sentences, from a bundle's files alone."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from lcgan_core.book import numbers_only
from lcgan_core.book.contents import Bundle
from lcgan_core.book.figures import figures, forest, pictures
from lcgan_core.book.pages import (
    both_runs,
    controls,
    findings,
    front,
    generators,
    origins,
    performance,
    playground,
    provenance,
    tables,
    viewers,
    whose,
)
from lcgan_core.book.words import html, of_each, several
from lcgan_core.metrics.claims import outcome
from lcgan_core.protocol.config import IN_SILICO
from lcgan_core.run import artefacts
from lcgan_core.run.plan import EVALUATION


def write(bundle: Bundle, out: Path) -> None:
    """Write NAME.md for every text that a page includes, every figure as PNG and SVG, and the files
    that pages offer."""
    out.mkdir(parents=True)
    for path in bundle.folder.glob("*.*"):
        shutil.copyfile(path, out / path.name)
    rows, runs = origins.tables(bundle), bundle.table("runs")
    results = origins.of_each_segmenter(rows["results"], bundle)
    differences = origins.of_first_segmenter(rows["differences"], bundle)
    pictures.save(figures.figure7(results[bundle.segmenters[0]]), out / "fig7")
    pictures.save(forest.forest(differences), out / "forest")
    pictures.save(forest.neighbours(bundle.table("neighbours")), out / "neighbours")
    measure = outcome(bundle.primary)[1]
    claims = origins.of_first_segmenter(rows["claims"], bundle)
    pictures.save(front.gains(claims, measure), out / "gains")
    changes = [*bundle.record["changes"]]
    if not bundle.pictures:
        changes.append(numbers_only.said(bundle.facts))
    made = texts(results, bundle.facts, changes)
    made["which_run"] = whose.of(bundle)
    made["generators"] = generators.text(bundle, rows, runs)
    made |= controls.texts(bundle, rows) | viewers.texts(bundle, rows)
    made |= front.texts(bundle, rows) | findings.texts(bundle, rows) | both_runs.texts(bundle)
    made |= playground.texts(bundle)
    # below a table or list; the line of a figure is a text of its own
    for name, line in provenance.lines(bundle, runs).items():
        made[name] = f"{made[name]}\n\n{line}" if name in made else line
    made |= provenance.texts(bundle, rows, runs, "".join(made.values()))
    for name, text in made.items():
        artefacts.write_text(out / f"{name}.md", text + "\n")


def texts(
    results: Mapping[str, pd.DataFrame],
    facts: dict[str, Any],
    changes: Sequence[str],
) -> dict[str, str]:
    """Name -> text of the pages that show the paper's tables, and of the performance page.

    `results` has the rows of each segmenter, the first one's first.
    """
    draws = means(dict(facts["draws"]))
    made = {
        number: of_each({name: html(table(rows)) for name, rows in results.items()}) + draws
        for number, table in (
            ("table1", tables.table1), ("table2", tables.table2), ("table3", tables.table3),
        )
    }  # fmt: skip
    return made | {
        "run": run_note(facts, changes),
        "performance": performance.page(),
    }


def run_note(facts: dict[str, Any], changes: Sequence[str]) -> str:
    """The admonition on every result page: which profile and cohort its numbers come from."""
    patients, slices = facts["patients"], facts["lesion_slices"]
    where = "the in-silico cohort (simulated heads, no patients)"
    if facts["cohort"] != IN_SILICO:
        where = facts.get("citation") or "the user's own cohort"
    draws = several(dict(facts["draws"]))
    covered = (
        f"test patients and over draws of training patients and seeds ({draws}). Where there is "
        "one draw, they"
        if draws
        else "test patients. They"
    )
    return f"""```{{admonition}} Where these numbers come from
:class: note
Profile **{facts["profile"]}** on **{where}**: {patients["train"]} training and {patients["test"]}
test patients, {slices["train"]} and {slices["test"]} slices with lesions, {facts["image_size"]}
pixels. {facts["initialisation"]} {" ".join(changes)}
Code {facts["code"]}, torch {facts["versions"]["torch"]}, {", ".join(facts["device"])};
{provenance.link(EVALUATION.place, "the run and everything that went into it")}.
{" ".join(facts["remarks"])}
Intervals: 95 %, over resampled {covered} do not reflect variation between training runs.
```"""


def means(draws: dict[float, int]) -> str:
    """A line below a table (fraction -> draws): which of our values are means of several.

    >>> means({0.025: 3, 1.0: 1}).strip()
    'Our values are means over 3 draws at 2.5%; the intervals reflect these draws.'
    """
    said = several(draws)
    return (
        f"\n\nOur values are means over {said}; the intervals reflect these draws." if said else ""
    )
