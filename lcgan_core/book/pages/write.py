"""What the book's prose includes: tables, figures and sentences, from a bundle's files alone."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pandas as pd

from lcgan_core.book.figures import figures, forest, pictures
from lcgan_core.book.pages import (
    answer,
    commands,
    controls,
    origins,
    performance,
    provenance,
    tables,
    viewers,
)
from lcgan_core.protocol.paper import percent
from lcgan_core.protocol.profiles import IN_SILICO
from lcgan_core.run import artefacts


def write(bundle: Path, record: dict[str, Any], out: Path) -> None:
    """Write NAME.md for every text that a page includes, every figure as PNG and SVG, and the files
    that pages offer; `record` is the bundle's provenance."""
    out.mkdir(parents=True)
    for path in bundle.glob("*.*"):
        shutil.copyfile(path, out / path.name)
    results = pd.read_csv(bundle / "results.csv")
    pictures.save(figures.figure7(results), out / "fig7")
    pictures.save(forest.forest(pd.read_csv(bundle / "differences.csv")), out / "forest")
    pictures.save(forest.neighbours(pd.read_csv(bundle / "neighbours.csv")), out / "neighbours")
    fractions = record["config"]["fractions"]
    made = texts(results, record["run"], record["changes"])
    made |= controls.texts(bundle, fractions)
    made |= viewers.texts(bundle)
    # below a table or list; the line of a figure is a text of its own
    for name, line in provenance.lines(fractions).items():
        made[name] = f"{made[name]}\n\n{line}" if name in made else line
    made |= provenance.texts(bundle, record, "".join(made.values()))
    for name, text in made.items():
        artefacts.write_text(out / f"{name}.md", text + "\n")


def texts(results: pd.DataFrame, facts: dict[str, Any], changes: list[str]) -> dict[str, str]:
    """Name -> text of the pages that show the paper's tables, and of the performance page."""
    draws, ours = means(dict(facts["draws"])), origins.linked("results", results)
    return {
        "run": run_note(facts, changes),
        "headline": headline(ours),
        "certainty": answer.certainty(facts),
        "commands": commands.text(),
        "table1": tables.html(tables.table1(ours)) + draws,
        "table2": tables.html(tables.table2(ours)) + draws,
        "table3": tables.html(tables.table3(ours)) + draws,
        "performance": performance.page(),
    }


def run_note(facts: dict[str, Any], changes: list[str]) -> str:
    """The admonition on every result page: which profile and cohort its numbers come from."""
    patients, slices = facts["patients"], facts["lesion_slices"]
    where = (
        "the in-silico cohort (generated heads, no patients)"
        if facts["cohort"] == IN_SILICO
        else "the user's own cohort"
    )
    draws = tables.several(dict(facts["draws"]))
    covered = (
        f"test patients and draws of training patients and seeds ({draws}); with one draw"
        if draws
        else "test patients;"
    )
    return f"""```{{admonition}} Where these numbers come from
:class: note
Profile **{facts["profile"]}** on **{where}**: {patients["train"]} training and {patients["test"]}
test patients, {slices["train"]} and {slices["test"]} slices with haemorrhage, {facts["image_size"]}
pixels. {facts["initialisation"]} {" ".join(changes)}
Code {facts["code"]}, torch {facts["versions"]["torch"]}, {", ".join(facts["device"])};
{provenance.link("evaluation/all", "the run and all that went into it")}.
{" ".join(facts["remarks"])}
Intervals: 95 %, over resampled {covered} they do not cover the luck of training.
```"""


def means(draws: dict[float, int]) -> str:
    """A line below a table (share -> draws): which of our values are means of several.

    >>> means({0.025: 3, 1.0: 1}).strip()
    'Ours: means over 3 draws at 2.5%, which the intervals cover.'
    """
    said = tables.several(draws)
    return f"\n\nOurs: means over {said}, which the intervals cover." if said else ""


def headline(results: pd.DataFrame) -> str:
    """One paragraph: what adding both augmentations did at each share of the data."""
    image = results[(results.metric == "dice_image") & (results.hemorrhage == "all")]
    cells = image.set_index(["fraction", "arm"])
    parts = []
    for fraction in sorted(results.fraction.unique()):
        before, after = (
            tables.linked(tables.number(row.value), row)
            for row in (cells.loc[(fraction, arm)] for arm in ("original", "both"))
        )
        parts.append(f"{before} to {after} with {percent(fraction)}")
    return (
        "In this run, adding one GAN copy and one traditional copy of every slice moved the mean "
        f"Dice per image from {', '.join(parts)} of the training patients. The paper reports .244 "
        "to .371 with 2.5%, .478 to .538 with 10%, .565 to .581 with 25%, and less than one point "
        "with all patients."
    )
