"""Tables 1, 2 and 3 in the paper's layout, ours beside the paper's, from results.csv alone."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pandas as pd

from lcgan_core.protocol.paper import paper_results, percent

ROWS = {
    "original": "Selected (Original)",
    "gan": "+ GAN generated",
    "traditional": "+ traditional aug.",
    "both": "+ both",
}
WHOLE = {
    "original": "Entire dataset (100%)",
    "gan": "Entire + GAN generated",
    "traditional": "Entire + traditional aug.",
    "both": "Entire + both",
}
TYPES = {"IPH": "IPH", "IVH": "IVH", "EDH": "EDH", "SDH": "SDH", "SAH": "SAH", "all": "Mean"}
ABSENT = "–"


def times(draws: int) -> str:
    """What to add behind a share that has several draws of patients and seeds.

    >>> times(3), times(1)
    (', 3 draws', '')
    """
    return f", {draws} draws" if draws > 1 else ""


def several(draws: Mapping[float, int]) -> str:
    """The shares with several draws (share -> draws), in words; empty where there is none.

    >>> several({0.025: 3, 0.1: 2, 1.0: 1}), several({1.0: 1})
    ('3 draws at 2.5% and 2 draws at 10%', '')
    """
    return " and ".join(f"{n} draws at {percent(k)}" for k, n in draws.items() if n > 1)


def number(value: float) -> str:
    """A Dice, precision or recall as the paper prints it.

    >>> number(0.4778), number(1.0), number(float("nan"))
    ('.478', '1.000', '–')
    """
    return ABSENT if pd.isna(value) else f"{value:.3f}".removeprefix("0")


def linked(text: str, row: pd.Series) -> str:
    """`text` as a link to the row that it is made from, where `origins.linked` gave rows a place.

    >>> linked(".5", pd.Series({"value": 0.5})), linked(".5", pd.Series({"href": "all.html#r"}))
    ('.5', '<a class="origin" href="all.html#r">.5</a>')
    """
    return f'<a class="origin" href="{row.href}">{text}</a>' if "href" in row else text


def cell(results: pd.DataFrame, **where: object) -> str:
    """The one value at `where`, with its 95 % interval where there is one."""
    chosen = results
    for column, value in where.items():
        chosen = chosen[chosen[column] == value]
    if chosen.empty:
        return ABSENT
    row = chosen.iloc[0]
    if "ci_low" not in row or pd.isna(row.ci_low):
        return linked(number(row.value), row)
    return linked(f"{number(row.value)} ({number(row.ci_low)} to {number(row.ci_high)})", row)


def table1(results: pd.DataFrame) -> pd.DataFrame:
    """DSC by arm and share of the training data (paper Table 1)."""
    return _by_share(results, {"": "dice_image"}).droplevel(0, axis=1)


def table2(results: pd.DataFrame) -> pd.DataFrame:
    """Precision and recall by arm and share of the training data (paper Table 2)."""
    return _by_share(results, {"Precision": "precision", "Recall": "recall"})


def table3(results: pd.DataFrame) -> pd.DataFrame:
    """DSC of each haemorrhage type by share and arm (paper Table 3)."""
    paper = paper_results()
    rows = {}
    for theirs, ours in _shares(results):
        for arm, name in ROWS.items():
            row = {}
            for kind, column in TYPES.items():
                where = {"arm": arm, "metric": "dice_class_detected", "hemorrhage": kind}
                row[column, "paper"] = cell(paper, fraction=theirs, **where)
                row[column, "ours"] = cell(results, fraction=ours, **where)
            label = name.replace("Selected (Original)", "(Original)")
            rows[f"{percent(theirs)} | {percent(ours)}", label] = row
    frame = pd.DataFrame(rows).T
    frame.index.names = ["paper | ours", ""]
    return frame


def _shares(results: pd.DataFrame) -> list[tuple[float, float]]:
    """The paper's shares of the data paired with ours, from the smallest up."""
    theirs = sorted(paper_results().fraction.unique())
    return list(zip(theirs, sorted(results.fraction.unique()), strict=True))


def _by_share(results: pd.DataFrame, metrics: dict[str, str]) -> pd.DataFrame:
    paper = paper_results()
    *subsets, whole = _shares(results)
    middle = subsets[len(subsets) // 2]  # where the paper prints the value of the entire dataset
    rows: dict[str, dict] = {}
    for heading, metric in metrics.items():
        for theirs, ours in subsets:
            for arm, name in ROWS.items():
                where = {"arm": arm, "metric": metric, "hemorrhage": "all"}
                _place(
                    rows.setdefault(name, {}),
                    (heading, theirs, ours),
                    (
                        cell(paper, fraction=theirs, **where),
                        cell(results, fraction=ours, **where),
                    ),
                )
        for arm, name in WHOLE.items():
            where = {"arm": arm, "metric": metric, "hemorrhage": "all"}
            for theirs, ours in subsets:
                both = ("", "")
                if (theirs, ours) == middle:
                    both = (
                        cell(paper, fraction=whole[0], **where),
                        cell(results, fraction=whole[1], **where),
                    )
                _place(rows.setdefault(name, {}), (heading, theirs, ours), both)
    return pd.DataFrame(rows).T


def _place(row: dict, place: tuple[str, float, float], values: tuple[str, str]) -> None:
    heading, theirs, ours = place
    row[heading, f"paper {percent(theirs)}"] = values[0]
    row[heading, f"ours {percent(ours)}"] = values[1]


def markdown(table: pd.DataFrame) -> str:
    """A table of sentences for the book, whose lines may break; without its index.

    >>> print(markdown(pd.DataFrame({"a": [1], "b": ["x"]})))
    | a | b |
    |---|---|
    | 1 | x |
    """
    lines = [list(table.columns), *table.to_numpy().tolist()]
    head, *rows = ("| " + " | ".join(str(value) for value in line) + " |" for line in lines)
    return "\n".join([head, "|---" * len(table.columns) + "|", *rows])


def html(table: pd.DataFrame, classes: str = "results", index: bool = True) -> str:
    """A table for the book: intervals small and below their value.

    >>> html(pd.DataFrame({"a": [".5 (.4 to .6)", "n (all)"]})).count("<small>")
    1
    """
    with pd.option_context("display.max_colwidth", None):  # a link is long, and not to be cut
        text = table.to_html(classes=classes, border=0, escape=False, index=index)
    ends = r" (\([-+]?[.\d]\S* to [^\s<]+\))((?:</a>)?</td>)"
    return re.sub(ends, r"<br><small>\1</small>\2", text)
