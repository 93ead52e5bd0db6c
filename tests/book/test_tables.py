"""Tables 1 to 3: the paper's layout, both sources in the right cell, nothing made up."""

import itertools

import pandas as pd
import pytest

from lcgan_core.book.pages import tables
from lcgan_core.lesions import FIVE
from lcgan_core.protocol.arms import PAPER as ARMS

FRACTIONS = (0.125, 0.25, 0.5, 1.0)
COLUMNS = ["fraction", "arm", "metric", "lesion", "value", "ci_low", "ci_high", "n"]


def made(fractions=FRACTIONS, lesions=FIVE.names):
    """Results in which every cell has another value, so that a misplaced one shows."""
    cells = [(m, "all") for m in ("dice_image", "precision", "recall")]
    cells += [("dice_class_detected", name) for name in (*lesions, "all")]
    cells += [("dice_class_common", "all"), ("types_found", "all")]
    rows = [
        [fraction, arm, metric, name, k / 1000, k / 1000 - 0.01, k / 1000 + 0.01, 9]
        for k, (fraction, arm, (metric, name)) in enumerate(
            itertools.product(fractions, ARMS, cells), start=100
        )
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


@pytest.fixture
def results():
    return made()


def ours(results, **where):
    chosen = results.loc[(results[list(where)] == pd.Series(where)).all(axis=1)]
    return f"{chosen.value.item():.3f}"[1:]


def test_table1_has_the_paper_s_arms_and_both_values(results):
    table = tables.table1(results)
    assert list(table.index) == [
        "Selected (Original)", "+ GAN generated", "+ traditional aug.", "+ both",
    ]  # fmt: skip
    assert table.loc["+ both", "paper 2.5%"] == ".371"  # read off the paper's Table 1
    assert table.loc["Selected (Original)", "paper 100%"] == ".628"
    expected = ours(results, metric="dice_image", fraction=0.125, arm="both")
    assert table.loc["+ both", "ours 12.5%"].startswith(expected)
    expected = ours(results, metric="dice_image", fraction=1.0, arm="gan")
    assert table.loc["+ GAN generated", "ours 100%"].startswith(expected)
    assert table.loc["+ GAN generated", "paper 100%"] == tables.ABSENT


def test_table2_keeps_precision_and_recall_apart(results):
    table = tables.table2(results)
    assert table.loc[("Precision", "+ GAN generated"), "paper 25%"] == ".810"
    assert table.loc[("Recall", "+ GAN generated"), "paper 25%"] == ".757"
    expected = ours(results, metric="recall", fraction=0.5, arm="gan")
    assert table.loc[("Recall", "+ GAN generated"), "ours 50%"].startswith(expected)


def test_table3_has_the_classes_in_the_paper_s_order(results):
    table = tables.table3(results)
    assert [name for name, source in table.columns if source == "paper"] == [
        "IPH", "IVH", "EDH", "SDH", "SAH", "Mean",
    ]  # fmt: skip
    row = table.loc[("10% | 25%", "+ traditional aug.")]
    here = {"lesion": "all", "fraction": 0.25, "arm": "traditional"}
    assert row["Mean", "paper"] == ".734"
    assert row["Mean", "ours"].startswith(ours(results, metric="dice_class_common", **here))
    assert row["types", "found"] == f"0{ours(results, metric='types_found', **here)} of 9"
    assert row["SAH", "paper"] == ".645"
    where = {"metric": "dice_class_detected", "lesion": "SAH", "fraction": 0.25}
    assert row["SAH", "ours"].startswith(ours(results, arm="traditional", **where))


def test_a_missing_row_is_shown_as_missing(results):
    cut = results[~((results.arm == "gan") & (results.fraction == 0.25))]
    assert tables.table1(cut).loc["+ GAN generated", "ours 25%"] == tables.ABSENT


def test_a_value_that_is_not_defined_is_a_dash(results):
    results.loc[results.metric == "dice_image", ["value", "ci_low", "ci_high"]] = float("nan")
    assert tables.table1(results).loc["+ both", "ours 25%"] == tables.ABSENT


def test_a_fraction_that_the_paper_lacks_has_no_column_of_the_paper():
    results = made((0.05, 0.25, 1.0))
    table = tables.table1(results)
    assert list(table.columns) == ["ours 5%", "paper 25%", "ours 25%", "paper 100%", "ours 100%"]
    assert table.loc["+ both", "paper 25%"] == ".581"
    shares = list(dict.fromkeys(tables.table3(results).index.get_level_values(0)))
    assert shares == ["– | 5%", "25% | 25%", "100% | 100%"]
    assert tables.table3(results).loc[("– | 5%", "+ both"), ("IPH", "paper")] == tables.ABSENT


def test_where_all_patients_are_the_only_fraction_each_arm_has_one_row():
    table = tables.table1(made((1.0,)))
    assert list(table.columns) == ["paper 100%", "ours 100%"]
    assert len(table) == len(ARMS)
    assert table.loc["Selected (Original)", "paper 100%"] == ".628"
    recall = tables.table2(made((1.0,))).loc["Recall"]
    assert recall.loc["Selected (Original)", "paper 100%"] == ".802"


def test_the_paper_s_types_are_not_set_beside_other_classes():
    results = made(lesions=("PHE", "IPH"))
    assert not [name for name in tables.table1(results).columns if name.startswith("paper")]
    table = tables.table3(results)
    assert list(table.columns) == [
        ("PHE", "ours"), ("IPH", "ours"), ("Mean", "ours"), ("types", "found"),
    ]  # fmt: skip
    where = {"metric": "dice_class_detected", "lesion": "PHE", "fraction": 0.5, "arm": "gan"}
    assert table.loc[("50%", "+ GAN generated"), "PHE"].item().startswith(ours(results, **where))


@pytest.mark.parametrize(("n", "said"), [(5, ".300 (n = 5)"), (6, ".300 (.200 to .400)")])
def test_of_few_cases_the_number_is_told_and_no_interval(n, said):
    row = {"arm": "gan", "value": 0.3, "ci_low": 0.2, "ci_high": 0.4, "n": n}
    assert tables.cell(pd.DataFrame([row]), arm="gan") == said
    lacking = pd.DataFrame([row | {"value": float("nan"), "ci_low": float("nan"), "n": 0}])
    assert tables.cell(lacking, arm="gan") == tables.ABSENT
