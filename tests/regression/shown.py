"""What HTML shows of a run's CSVs: every number that leads to a row, and the row it leads to."""

import re
from functools import cache

import numpy as np
import pandas as pd
from bs4 import BeautifulSoup

from lcgan_core.book.contents import TABLES
from lcgan_core.book.pages.origins import RESULTS_PAGE

NUMBER = re.compile(r"[-+]?\d?\.\d{3}(?!\d)")
WRITTEN = re.compile(r"([-+]?(?:\d+\.?\d*|\.\d+))(?:e([-+]?\d+))?(%?)")
HALF = 0.0005 + 1e-9  # numbers are shown with three decimals


@cache
def rows_by_place(folder):
    """Place on the page of all results -> row, with the names assembled independently."""
    found = {}
    there = {path.stem for path in folder.glob("*.csv")}
    for name, (_, keys) in ((name, TABLES[name]) for name in TABLES if name in there):
        for _, row in pd.read_csv(folder / f"{name}.csv").iterrows():
            words = [name, *(f"{row[key]:g}" if key == "fraction" else row[key] for key in keys)]
            place = "".join(
                c if c.isalnum() or c in "_." else " " for c in " ".join(map(str, words))
            )
            assert (slug := "-".join(place.split())) not in found, slug
            found[slug] = row
    return found


def links(html):
    """(place, text) of every number that leads to its row."""
    for link in BeautifulSoup(html, "html.parser").select("a.origin"):
        page, _, place = link["href"].partition("#")
        if page == RESULTS_PAGE:
            yield place, link.get_text(" ")


def complaint(text, row):
    """How a shown number differs from what its row says; None if it does not."""
    if "value" in row and re.fullmatch(r"\d+( and \d+)*", text):  # a count
        alike = text in (str(row.n), str(row.get("draws")))
        return None if alike else f"{text!r} is no count of {row.to_dict()}"
    if "value" not in row:
        return None if is_in(text, row) else f"{text!r} is not in {row.to_dict()}"
    numbers = [float(number) for number in NUMBER.findall(text)]
    if not numbers:  # a dash, or a sentence that says why there is no number
        empty = pd.isna(row.value) or pd.isna(row.ci_low) or row.ci_low == row.ci_high
        return None if empty else f"{text!r} shows no number of {row.to_dict()}"
    said = [row.value, row.get("ci_low"), row.get("ci_high")] if len(numbers) == 3 else [row.value]
    alike = [len(numbers) == len(said) and near(numbers, said)]
    # charts and questions may ask for baseline minus arm; tests/book/test_hover.py says which
    turned = [-said[0], *(-end for end in said[:0:-1])] if "baseline" in row else said
    alike.append(len(numbers) == len(said) and near(numbers, turned))
    alike.append("sd" in row and near(numbers, [row.sd]))  # draws.csv has two columns of numbers
    return None if any(alike) else f"{text!r} is not {row.to_dict()}"


def is_in(text, row):
    """Whether each number of a text is one of the row's, to the digits shown; a dash is a gap."""
    there = [float(value) for value in row if isinstance(value, (int, float, np.number))]
    shown = [
        (
            float(f"{digits}e{power or 0}"),
            0.501 * 10.0 ** (int(power or 0) - len(digits.partition(".")[2])),
            percent,
        )
        for digits, power, percent in WRITTEN.findall(text)
    ]
    if not shown:
        return any(np.isnan(there)) or row.get("n") == 0
    return all(
        any(abs(value * (100 if percent else 1) - number) <= half for value in there)
        for number, half, percent in shown
    )


def near(numbers, said):
    return all(abs(one - other) <= HALF for one, other in zip(numbers, said, strict=True))


def complaints(html, folder):
    """Every number of a page that leads nowhere or to a row that says something else."""
    rows = rows_by_place(folder)
    return [
        f"{place}: {complaint(text, rows[place]) if place in rows else 'no such row'}"
        for place, text in links(html)
        if place not in rows or complaint(text, rows[place])
    ]
