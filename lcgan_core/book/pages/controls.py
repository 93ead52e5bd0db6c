"""What the page on controls and statistics includes, and the first page's answer, from CSVs of a
bundle."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from lcgan_core.book.pages import answer, origins, scrutiny, slips, tables


def texts(bundle: Path, fractions: Sequence[float]) -> dict[str, str]:
    """Name -> Markdown or HTML of each table and list of the page."""
    read = {name: origins.linked(name, _read(bundle, name)) for name in origins.KEYS}
    share = fractions[-2]  # the largest subset: networks have learned something there
    papers, questions = (
        read["claims"][read["claims"].source == source] for source in ("paper", "question")
    )
    asked = scrutiny.sentences(questions) or (
        "*This run trained the paper's four arms alone; `arms` of the profile adds the controls.*"
    )
    spread = scrutiny.draws(read["draws"])
    by_share = {
        name: _first_draw(read[name]) for name in ("candidates", "memorisation", "kernel_distance")
    }
    return {
        "answer": answer.text(read["claims"]),
        "claims": scrutiny.sentences(papers),
        "claims_table": tables.markdown(scrutiny.claims_table(read["claims"])),
        "questions": asked,
        "controls": tables.html(scrutiny.controls(read["results"], read["differences"])),
        "draws": tables.html(spread)
        if len(spread)
        else "*This run has one draw at each share; `draws` of the profile makes more.*",
        "by_size": tables.html(scrutiny.sizes(read["by_size"], share)),
        "sensitivity": tables.html(scrutiny.rules(read["sensitivity"], share)),
        "judges": tables.html(scrutiny.judges(by_share["candidates"])),
        "memorisation": tables.html(
            scrutiny.memorisation(by_share["memorisation"], by_share["kernel_distance"])
        ),
        "densities": tables.html(scrutiny.densities(read["densities"])),
        "slips": tables.markdown(slips.slips()),
    }


def _read(bundle: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(bundle / f"{name}.csv")


def _first_draw(table: pd.DataFrame) -> dict[float, pd.DataFrame]:
    first = table[table.draw == 1]
    return {share: first[first.fraction == share] for share in sorted(first.fraction.unique())}
