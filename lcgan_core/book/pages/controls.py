"""The tables of the pages on what was found and on the controls."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from lcgan_core.book.contents import Bundle, of_stage
from lcgan_core.book.pages import answer, scrutiny, slips, statements
from lcgan_core.book.pages.origins import of_each_segmenter, of_first_segmenter
from lcgan_core.book.words import html, markdown, of_each
from lcgan_core.metrics.claims import PRIMARY
from lcgan_core.protocol.paper import percent

REPEATED = ["role", "within a point", "why undecided"]
"""Columns of the table of claims that its other columns already tell."""


def texts(bundle: Bundle, linked: Mapping[str, pd.DataFrame]) -> dict[str, str]:
    """Name -> Markdown or HTML of each table and list; `linked` has the tables with their links
    (`origins.tables`)."""
    evaluated = {name: of_first_segmenter(linked[name], bundle) for name in of_stage("evaluation")}
    selected = {name: _of_each(linked[name]) for name in of_stage("selection")}
    of_segmenters = of_each_segmenter(linked["training"], bundle)
    fraction = bundle.record["shown_fraction"]
    spread = scrutiny.draws(evaluated["draws"])
    return {
        "answer": answer.text(evaluated["claims"]),
        "claims_table": markdown(_claims(statements.telling(linked["claims"]))),
        "controls": html(scrutiny.controls(evaluated["results"], evaluated["differences"]))
        + _by_segmenter(linked["results"]),
        "again": _again(evaluated["differences"]),
        "training": of_each({name: _training(facts) for name, facts in of_segmenters.items()}),
        "draws": html(spread)
        if len(spread)
        else "*This run has one draw at each fraction; the setting `draws` asks for more.*",
        "by_size": html(scrutiny.sizes(evaluated["by_size"], fraction)),
        "sensitivity": html(scrutiny.rules(evaluated["sensitivity"], fraction)),
        "judges": html(scrutiny.judges(selected["candidates"])),
        "memorisation": html(
            scrutiny.memorisation(selected["memorisation"], selected["kernel_distance"])
        ),
        "densities": html(scrutiny.densities(linked["densities"])),
        "slips": markdown(slips.slips()),
    }


def _claims(claims: pd.DataFrame) -> pd.DataFrame:
    """The table of claims without what it says twice; the primary ones are named in their words."""
    table = statements.claims_table(claims)
    primary = table.role.map({PRIMARY: " (**primary**)"}).fillna("")
    return table.assign(claim=table.claim + primary).drop(columns=REPEATED)


def _again(differences: pd.DataFrame) -> str:
    counted = scrutiny.again(differences)
    return html(counted) if len(counted) else "*This run did not train the arm `original_again`.*"


def _training(facts: pd.DataFrame) -> str:
    return f"{scrutiny.unconverged(facts)}\n\n{html(scrutiny.training(facts))}".lstrip()


def _by_segmenter(results: pd.DataFrame) -> str:
    if results.segmenter.nunique() < 2:
        return ""
    table = html(scrutiny.segmenters(results))
    return f"\n\nThe same arms with each segmenter, as Dice per image:\n\n{table}"


def _of_each(table: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Name of each selection -> its rows."""
    draws, several = table.groupby("fraction").draw.transform("nunique"), table.generator.nunique()
    names = table.fraction.map(percent)
    names += (", draw " + table.draw.astype(str)).where(draws > 1, "")
    if several > 1:
        names += ", " + table.generator
    return {str(name): rows for name, rows in table.groupby(names, sort=False)}
