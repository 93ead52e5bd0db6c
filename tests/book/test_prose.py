"""Numbers that stand in the prose of pages agree with the files that they are taken from."""

import re

import pandas as pd

from lcgan_core.book import places

BOOK, COMPACT = places.ROOT / "book", places.RESULTS / "compact"


def prose(path):
    """A page's text as one line."""
    return " ".join(path.read_text().split())


def short(value):
    return f"{value:.3f}"[1:]


def test_how_often_intervals_hold_is_that_of_the_simulation():
    table = pd.read_csv(BOOK / "calibration.csv").set_index(["fraction", "draws"]).bootstrap
    one, six = table["2.5%", 1], table["2.5%", 6]
    assert f"in {one} % of studies at 2.5 %, that of six draws in {six} %" in prose(
        BOOK / "controls.md"
    )


def test_the_phantom_s_learning_curve_is_that_of_its_file():
    table = pd.read_csv(BOOK / "phantom" / "learning_curve.csv")
    image = table[table.metric == "dice_image"].set_index("patients")
    few, many = image.loc[6], image.loc[226]
    page = prose(BOOK / "phantom.md")
    assert f"from {short(few.value)} ({short(few.ci_low)} to {short(few.ci_high)}) with 6" in page
    assert f"to {short(image.value[23])} with 23, {short(image.value[57])} with 57 and" in page
    assert f"and {short(many.value)} ({short(many.ci_low)} to {short(many.ci_high)}) with" in page
    draws = pd.read_csv(COMPACT / "draws.csv").query(
        "metric == 'dice_image' and arm == 'original' and fraction == 0.025"
    )
    second, third = (draws.value[draws.draw == k].item() for k in (2, 3))
    assert f"the other two draws of `compact` score {short(second)} and {short(third)}" in page


def test_the_table_of_thresholds_has_the_rows_that_the_text_names():
    rules = pd.read_csv(COMPACT / "sensitivity.csv").rule.drop_duplicates()
    assert "the rows that name such a hit" in prose(BOOK / "results.md")
    assert rules.str.contains("hit").sum() >= 2
    assert "The last row counts connected lesions" in prose(BOOK / "results.md")
    assert "connected" in rules.iloc[-1]


def test_the_time_of_compact_is_the_sum_of_its_jobs():
    hours = pd.read_csv(COMPACT / "runs.csv").seconds.sum() / 3600
    assert f"recorded {hours:.1f} hours" in prose(places.ROOT / "README.md")


def test_the_readme_counts_the_test_patients_behind_its_intervals():
    claims = pd.read_csv(COMPACT / "claims.csv")
    (n,) = claims.n[claims.role == "primary"].unique()
    assert f"over the {n} test patients with a lesion" in prose(places.ROOT / "README.md")


def test_the_smallest_subset_of_compact_has_as_many_patients_as_is_said():
    curve = pd.read_csv(BOOK / "phantom" / "learning_curve.csv")
    assert curve.patients[curve.fraction.astype(str) == "0.025"].unique().tolist() == [6]
    assert re.search(r"At 2\.5 % it has six patients", prose(BOOK / "limits.md"))
