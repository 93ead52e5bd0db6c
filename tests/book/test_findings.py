"""A heading says of a run what its rows carry, and no more."""

import re

import numpy as np
import pandas as pd
import pytest

from lcgan_core.book import bundle, places
from lcgan_core.book.pages import findings, origins
from lcgan_core.book.pages import findings_of_controls as controls
from lcgan_core.metrics.claims import MEASURES

DICE = MEASURES["dice_image"]
PUBLISHED = sorted({path.parent for path in places.RESULTS.glob("*/*.csv")})


def rows(*found, metric="dice_image", baseline="original"):
    """(arm, fraction, low, high) -> rows of differences.csv."""
    table = pd.DataFrame(found, columns=["arm", "fraction", "ci_low", "ci_high"])
    table["value"] = (table.ci_low + table.ci_high) / 2
    return table.assign(metric=metric, lesion="all", baseline=baseline)


def heading(text):
    first, *_ = text.splitlines()
    return first.removeprefix("## ")


FOUR = [("gan", 1.0, -0.04, -0.01), ("traditional", 1.0, -0.1, 0.1), ("both", 1.0, 0.01, 0.03)]


def test_with_all_the_data_only_a_clear_change_has_a_direction():
    assert heading(findings.with_all_data(rows(*FOUR), DICE)) == (
        "With all the data, GAN copies lowered the Dice per image and both kinds raised the Dice "
        "per image"
    )
    open_ = [(arm, fraction, -0.1, 0.1) for arm, fraction, *_ in FOUR]
    assert heading(findings.with_all_data(rows(*open_), DICE)) == (
        "With all the data, no kind of copy changed the Dice per image clearly"
    )


def test_precision_and_recall_are_told_apart():
    both = [
        rows(("both", 0.1, 0.01, 0.03), ("both", 1.0, -0.1, 0.1), metric="precision"),
        rows(("both", 0.1, -0.1, 0.1), ("both", 1.0, -0.3, -0.1), metric="recall"),
    ]
    said = findings.detection(pd.concat(both))
    assert heading(said) == (
        "With both kinds of copy, precision rose at 10% and recall fell at 100%"
    )


def test_the_arm_that_did_best_at_most_fractions_is_named_and_chance_is_told():
    found = rows(
        ("copy_paste", 0.1, 0.02, 0.04), ("copy_paste", 0.25, 0.01, 0.03),
        ("duplicate2", 0.1, 0.2, 0.4), *FOUR,
    )  # fmt: skip
    said = controls.arms(found, DICE)
    assert heading(said) == "*copy_paste* did better than *original* at 10% and 25%"
    assert "5 of 6 differences" in said and "chance alone would give about 0.3" in said
    assert "*traditional*" not in said
    nothing = controls.arms(rows(("gan", 0.1, -0.1, 0.1)), DICE)
    assert heading(nothing) == "No arm changed the Dice per image clearly"


def asked(name, share, low, high):
    return {
        "id": name, "claim": f"{name} in words", "share": share, "ci_low": low, "ci_high": high,
        "value": (low + high) / 2, "role": "question", "verdict": "undecided",
        "reason": "3 draws, 6 are needed",
    }  # fmt: skip


def test_the_strongest_control_is_the_heading_and_undecided_stays_undecided():
    claims = [
        asked("gan_over_copy_paste", "2.5%", -0.12, -0.01),
        asked("gan_over_copy_paste", "10%", -0.06, -0.02),
        asked("gan_over_l1_only", "10%", -0.06, 0.02),
    ]
    said = controls.cheaper(pd.DataFrame(claims))
    assert heading(said) == "*copy_paste* did better than *gan* at 2.5% and 10%"
    assert "2 of 3 comparisons" in said and "l1_only" not in said
    assert said.count("undecided: 3 draws, 6 are needed") == 2
    none = controls.cheaper(pd.DataFrame(claims[2:]))
    assert heading(none) == "None of 1 comparisons with a control excludes 0"
    assert heading(controls.cheaper(pd.DataFrame(claims)[:0])) == "No control was trained"


@pytest.mark.parametrize(
    ("values", "said"),
    [((0.05, 0.2), "more than any copy did"), ((0.05, 0.06), "not more than any copy did")],
)
def test_luck_is_compared_with_the_largest_effect(values, said):
    draws = pd.DataFrame(
        {"arm": "original", "metric": "dice_image", "lesion": "all", "fraction": 0.1,
         "draw": [1, 2], "value": values}
    )  # fmt: skip
    effects = rows(("gan", 0.1, 0.02, 0.06), ("gan", 1.0, 0.5, 0.7))
    found = controls.luck(draws, effects, DICE)
    assert heading(found) == f"At 10%, the draw of patients and seeds moved *original* {said}"
    assert "scored .050 and" in found
    assert "luck cannot be told" in controls.luck(draws[:1], effects, DICE)


def test_snapshots_that_the_classifier_rejects_are_counted():
    table = pd.DataFrame(
        {
            "realism_share": [0, 0, 0.4],
            "chosen": [True, False, True],
            "fcn_score_full": [0.3, 1, 0.2],
        }
    )
    assert heading(findings.snapshots(table)) == (
        "In 2 of 3 snapshots, the realism classifier took no slice for real"
    )
    assert "a judge's Dice of .200 to .300" in findings.snapshots(table)
    assert "all 1 snapshots for real" in findings.snapshots(table[2:])
    assert "was measured" in findings.snapshots(table.assign(realism_share=np.nan))


def test_undecided_statements_are_not_called_anything_else():
    claims = pd.DataFrame(
        {"role": "exploratory", "source": "paper", "verdict": ["undecided", "undecided"]}
    )
    assert heading(controls.verdicts(claims)) == "None of 2 statements of the paper is decided"
    claims.loc[0, "verdict"] = "confirmed"
    assert heading(controls.verdicts(claims)) == (
        "Of 2 statements of the paper, 1 is confirmed and 1 is undecided"
    )


@pytest.mark.parametrize("run", PUBLISHED, ids=lambda path: path.name)
def test_headings_of_published_runs_agree_with_their_files(run):
    """Each number is computed here anew, from the CSVs."""
    opened = bundle.opened(run)
    said = {
        name: heading(text) for name, text in findings.texts(opened, origins.tables(opened)).items()
    }
    candidates, memory = opened.table("candidates"), opened.table("memorisation")
    none = (candidates.realism_share == 0).sum()
    assert said["found_snapshots"].startswith(f"In {none} of {len(candidates)} snapshots")
    assert f"{100 * memory[memory.n > 0].closer.max():.0f}%" in said["found_memory"]
    apart = (opened.table("densities").eval("synthetic - real")).abs().max()
    assert f"within {apart:.3g} HU" in said["found_densities"]
    same = (candidates.chosen_by_full & candidates.chosen_by_subset).sum()
    assert f"{same} of {candidates.chosen.sum()} selections" in said["found_judges"]
    image = opened.table("results").query("metric == 'dice_image' and arm == 'original'")
    ends = [f"{image.value.iloc[k]:.3f}"[1:] for k in (0, -1)]
    assert re.findall(r"\.\d{3}", said["found_with_data"]) == ends
    full = opened.table("differences").query(
        "metric == 'dice_image' and fraction == 1 and baseline == 'original' and ci_high < 0"
    )
    assert ("lowered" in said["found_with_all"]) == bool(len(full))
    undecided = (opened.table("claims").verdict == "undecided").all()
    assert ("is decided" in said["found_claims"]) == undecided
