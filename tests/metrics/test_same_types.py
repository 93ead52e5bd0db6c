"""Table 3's mean over the same types: an arm is not penalised for finding a hard one."""

import numpy as np
import pytest

from lcgan_core.metrics import Overlap
from lcgan_core.metrics.bootstrap import draw_weights, patient_weights
from lcgan_core.metrics.cells import cells
from lcgan_core.metrics.estimates import estimate
from lcgan_core.metrics.same_types import FOUND, SAME, over_same_types
from lcgan_core.protocol.arms import PAPER

NAMES = ("IPH", "SAH", "EDH")
PATIENTS = ("a", "b", "c", "d")


def arm(*of_draws):
    """An arm whose networks find so many of the ten pixels of each type in each of four patients,
    in draw after draw; nobody has EDH."""
    tables = []
    for found in of_draws:
        truth = np.tile([10, 10, 0], (4, 1))
        inside = np.tile([*found, 0], (4, 1))
        tables.append(cells(Overlap(inside, inside, truth), NAMES).by_patient(PATIENTS))
    weights = patient_weights(4, 50, 0), draw_weights(len(of_draws), 50, 1)
    return estimate(tables, *weights)


def dice(found):
    return 2 * found / (found + 10)


def rows(**arms):
    """Arm -> (metric, lesion) -> row; the paper's arms that are not given do as `original`."""
    every = dict.fromkeys(PAPER, arms["original"]) | arms
    return {
        name: {(row["metric"], row["lesion"]): row for row in made.rows()}
        for name, made in over_same_types(every).items()
    }


def test_an_arm_that_begins_to_find_a_hard_type_does_not_fall():
    made = rows(original=arm((8, 0)), both=arm((8, 2)))
    paper_s = ("dice_class_detected", "all")
    assert made["both"][paper_s]["value"] < made["original"][paper_s]["value"]
    for name in ("original", "both"):
        assert made[name][SAME, "all"]["value"] == pytest.approx(dice(8))
        assert made[name][SAME, "all"]["n"] == 4
    assert [made[name][FOUND, "all"]["value"] for name in ("original", "both")] == [1, 2]
    assert made["both"][FOUND, "all"]["n"] == 2, "types that the test patients have"


def test_where_all_found_the_same_it_is_the_paper_s_mean():
    made = rows(original=arm((8, 2)), both=arm((9, 4)))
    for row in made.values():
        paper_s = row["dice_class_detected", "all"]
        for name in ("value", "ci_low", "ci_high"):
            assert row[SAME, "all"][name] == pytest.approx(paper_s[name])


def test_the_types_are_chosen_in_each_draw():
    made = rows(original=arm((8, 0), (8, 2)), both=arm((6, 2), (6, 4)))
    means = [dice(6), (dice(6) + dice(4)) / 2]
    assert made["both"][SAME, "all"]["value"] == pytest.approx(np.mean(means))
    assert made["original"][FOUND, "all"]["value"] == 1.5


def test_a_control_is_measured_on_the_types_of_the_paper_s_arms_or_not_at_all():
    made = rows(original=arm((8, 2)), better=arm((9, 9)), worse=arm((9, 0)))
    assert made["better"][SAME, "all"]["value"] == pytest.approx(dice(9))
    assert np.isnan(made["worse"][SAME, "all"]["value"])
    assert made["original"][SAME, "all"]["value"] == pytest.approx((dice(8) + dice(2)) / 2)


def test_nothing_found_by_all_has_no_mean():
    made = rows(original=arm((0, 2)), both=arm((8, 0)))
    assert np.isnan(made["both"][SAME, "all"]["value"])
    assert made["both"][SAME, "all"]["n"] == 0
