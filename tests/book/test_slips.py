"""data/paper_slips.csv, recomputed from the paper's printed tables."""

import pandas as pd
import pytest

from lcgan_core.book.pages.slips import slips
from lcgan_core.run.artefacts import REPOSITORY

SUBSETS = (0.025, 0.1, 0.25)
TYPES = ("IPH", "IVH", "SAH", "EDH", "SDH")
ROWS = {row.claim: f"{row.recomputed}; {row.verdict}" for row in slips().itertuples()}


@pytest.fixture(scope="module")
def printed():
    table = pd.read_csv(REPOSITORY / "data" / "paper_tables.csv")
    return table.set_index(["metric", "lesion", "fraction", "arm"]).value.sort_index()


@pytest.fixture(scope="module")
def cells(printed):
    """Table 3 below 100 %: one row per subset and type, one column per arm, in thousandths."""
    table = (1000 * printed["dice_class_detected"]).round().astype(int).unstack()
    return table.drop(index="all").drop(index=1.0, level="fraction")


def row_of(words):
    """The one row whose claim holds these words, as a text."""
    (found,) = [text for claim, text in ROWS.items() if words in claim]
    return found


def names(where):
    """Cells as the file names them, subset by subset, types in the order of their labels."""
    order = sorted(where, key=lambda cell: (cell[1], TYPES.index(cell[0])))
    return ", ".join(f"{100 * fraction:g}% {name}" for name, fraction in order)


def short(values):
    return ", ".join(f"{value:.3f}"[1:] for value in values)


def test_gains_of_the_abstract(printed):
    before, both = (
        printed["dice_image", "all"][[(f, arm) for f in SUBSETS]].to_numpy()
        for arm in ("original", "both")
    )
    row = row_of("12.8%")
    assert short(both - before) in row
    assert ", ".join(f"{100 * share:.1f}%" for share in (both - before) / before) in row


def test_what_is_left_to_all_the_data(printed):
    of_table1, of_table3 = (
        [whole[1.0, "original"] - whole[0.25, arm] for arm in ("original", "both")]
        for whole in (printed["dice_image", "all"], printed["dice_class_detected", "all"])
    )
    assert f"Table 1: {short(of_table1)}; mean of Table 3: {short(of_table3)}" in row_of("3% worse")


def test_means_of_table_3(printed):
    table = printed["dice_class_detected"].unstack("lesion")
    true = table[list(TYPES)].mean(axis=1)
    wrong = table[(true - table["all"]).abs() > 0.001]
    assert f"{len(table) - len(wrong)} of {len(table)} rows" in row_of("column Mean")
    ((fraction, arm),) = wrong.index
    values = short([true[fraction, arm], table["all"][fraction, arm]]).split(", ")
    said = f"{100 * fraction:g}% {arm}: the five values average {values[0]}, printed {values[1]}"
    assert said in row_of("column Mean")


@pytest.mark.parametrize(
    ("words", "better", "worse"),
    [
        ("each investigated", "both", "original"),
        ("each class", "gan", "original"),
        ("traditional augmentation", "traditional", "gan"),
    ],
)
def test_cells_of_table_3_that_contradict_a_claim(cells, words, better, worse):
    against = cells[cells[better] < cells[worse]]
    row = row_of(words)
    assert f" {names(against.index)}" in row
    counts = {f"{len(cells) - len(against)} of {len(cells)}", f"{len(against)} of {len(cells)}"}
    assert any(count in row for count in counts)


def test_cells_in_which_both_are_best(cells):
    rest = cells[["original", "gan", "traditional"]].max(axis=1)
    best, tied = (cells.both > rest).sum(), (cells.both == rest).sum()
    row = row_of("almost all")
    assert f"alone best in {best} of {len(cells)}, tied in {tied}" in row
    assert f"beaten in {names(cells.index[cells.both < rest])}" in row


def test_nothing_else_is_claimed():
    assert len(ROWS) == 7
