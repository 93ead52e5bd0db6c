"""The committed learning curve of the in-silico cohort: hard when patients are few, not hopeless.

The curve takes ten minutes (`python -m tools.difficulty`): what it gave is held here.
"""

import pandas as pd
import pytest

from lcgan_core.protocol import profiles
from tools import difficulty as difficulty_page

TABLE = pd.read_csv(difficulty_page.FOLDER / "learning_curve.csv")
POINTS = TABLE[TABLE.fraction != difficulty_page.RISE]


def test_every_fraction_of_the_profile_is_a_point():
    assert [float(f) for f in POINTS.fraction.unique()] == list(profiles.load("compact").fractions)


def test_dice_rises_with_the_patients():
    mean = POINTS[POINTS.metric == "dice_image"]
    assert mean.patients.is_monotonic_increasing
    assert mean.value.is_monotonic_increasing
    assert mean.value.iloc[-1] < 0.90


def test_the_rise_is_the_difference_of_the_ends_and_large_enough():
    mean = TABLE[TABLE.metric == "dice_image"].set_index("fraction")
    assert mean.value["rise"] == pytest.approx(mean.value["1"] - mean.value["0.025"], abs=2e-4)
    assert mean.ci_low["rise"] >= 0.15


@pytest.mark.parametrize("metric", ["dice_instance", "dice_class_detected"])
def test_iph_is_the_easiest_type_and_sah_or_ivh_the_hardest(metric):
    whole = POINTS[(POINTS.fraction == "1") & (POINTS.metric == metric)]
    by_type = whole[whole.lesion != "all"].set_index("lesion").value
    assert by_type.idxmax() == "IPH"
    assert by_type.idxmin() in ("SAH", "IVH")
