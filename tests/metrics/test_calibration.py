"""Intervals contain the truth about as often as they say, in studies without an effect."""

import pandas as pd
import pytest

from tools import calibration


@pytest.fixture(scope="module")
def fresh():
    return pd.DataFrame(calibration.rows(300)).set_index(["fraction", "draws"])


def apart(share, times=300):
    """Three standard errors of a proportion."""
    return 3 * (share * (1 - share) / times) ** 0.5


@pytest.mark.slow
def test_from_six_draws_on_intervals_hold_and_verdicts_are_rarely_wrong(fresh):
    enough = fresh[fresh.index.get_level_values("draws") >= 6]
    for name in ("bootstrap", "t"):
        assert enough[name].min() >= 0.92 - apart(0.92), name
    assert enough.wrong.max() <= 0.05 + apart(0.05)


@pytest.mark.slow
def test_one_draw_and_three_do_not_hold_what_they_say(fresh):
    """Why a verdict needs six: with one draw the interval knows nothing of training."""
    one, three = (fresh.bootstrap.xs(draws, level="draws") for draws in (1, 3))
    assert one.max() < 0.85 and one["2.5%"] < 0.6
    assert (one < three).all()


@pytest.mark.slow
def test_the_book_s_table_is_what_is_simulated(fresh):
    stored = pd.read_csv(calibration.OUT).set_index(["fraction", "draws"])
    assert list(stored.index) == list(fresh.index)
    for name in ("bootstrap", "t", "wrong"):
        known = stored[name].dropna() / 100
        assert ((fresh[name][known.index] - known).abs() <= apart(known) + 0.02).all(), name
