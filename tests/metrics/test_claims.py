"""Claims beside the paper's printed numbers and planted effects."""

import numpy as np
import pytest
from scipy.stats import binomtest

from lcgan_core.book.pages import scrutiny
from lcgan_core.lesions import HEMORRHAGES
from lcgan_core.metrics import claims
from lcgan_core.metrics.cells import cells
from lcgan_core.metrics.estimates import Estimate
from lcgan_core.metrics.overlap import Overlap
from lcgan_core.protocol.arms import ARMS, PAPER

FRACTIONS = (0.1, 0.2, 0.5, 1.0)
NAMES = cells(Overlap(*(np.ones((1, 5), int),) * 3)).names


def grid(effects, arms=PAPER, spread=0.01, patients=9, draws=(1, 1, 1, 1)):
    """Every cell of an arm at .5 plus its effect, with resamples of that spread; several draws of a
    fraction are alike."""
    rng = np.random.default_rng(0)
    made = {}
    for fraction, count in zip(FRACTIONS, draws, strict=True):
        for arm in arms:
            value = np.full(len(NAMES), 0.5 + effects.get(arm, 0) + effects.get((fraction, arm), 0))
            resamples = value + spread * rng.standard_normal((400, len(NAMES)))
            known = np.ones((count, patients, len(NAMES)), bool)
            made[fraction, arm] = Estimate(
                NAMES,
                np.tile(value, (count, 1)),
                np.tile(resamples, (count, 1, 1)),
                np.ones((400, count)),
                known.sum(1),
                known,
            )
    return made


def verdicts(table):
    return table.set_index(["claim", "share"]).verdict


def test_planted_effects_get_their_verdicts():
    effects = {"both": 0.2, "traditional": 0.1, "gan": -0.1, (0.1, "both"): 0.1}
    effects[1.0, "both"] = -0.2
    found = verdicts(claims.put_to(grid(effects, spread=0.001)))
    assert found["both kinds of copy raise the Dice per image", "10%"] == "confirmed"
    assert found["GAN copies alone raise the Dice per image", "20%"] == "contradicted"
    better = "traditional copies alone do better than GAN copies alone"
    assert found[better, "50%"] == "confirmed"
    larger = "the gain in Dice per image is larger with the smallest subset than with the largest"
    assert found[larger, "10% and 50%"] == "confirmed"
    same = "with all the data both kinds of copy change the Dice per image by less than a point"
    assert found[same, "100%"] == "confirmed"


def test_without_effect_or_with_wide_intervals_nothing_is_confirmed():
    for effects, spread in (({}, 0.01), ({"both": 0.02}, 0.2)):
        table = claims.put_to(grid(effects, spread=spread))
        above_zero = table[~table.claim.str.contains("less than a point")]
        assert (above_zero.verdict == "confirmed").mean() < 0.1


def test_fewer_patients_than_a_sign_test_needs_decide_nothing():
    few = claims.LEAST_PATIENTS - 1
    assert binomtest(few, few).pvalue > 0.05 > binomtest(few + 1, few + 1).pvalue
    for patients, found in ((few, "undecided"), (few + 1, "confirmed")):
        table = claims.put_to(grid({"both": 0.3}, spread=0.001, patients=patients))
        assert verdicts(table)["both kinds of copy raise recall", "20%"] == found
        said = table.apply(scrutiny.sentence, axis=1)
        assert said.str.contains("too few to decide").all() == (patients == few)


def test_one_patient_decides_nothing():
    table = claims.put_to(grid({"both": 0.3}, patients=1))
    assert (table.verdict == "undecided").all()
    assert table.ci_low.isna().all()
    assert "too few for an interval" in scrutiny.sentence(table.iloc[0])


def test_the_paper_s_own_numbers():
    """Read off its Tables 1 to 3."""
    table = claims.put_to(grid({})).set_index(["claim", "paper_share"]).paper
    both = "both kinds of copy raise"
    assert table[f"{both} the Dice per image", "2.5%"] == pytest.approx(0.371 - 0.244)
    assert table[f"{both} recall", "25%"] == pytest.approx(0.777 - 0.747)
    sah = ((0.529 - 0.246) + (0.636 - 0.629) + (0.653 - 0.654)) / 3
    shares = "2.5% and 10% and 25%"
    assert table[f"{both} the Dice of SAH where found", shares] == pytest.approx(sah)
    less = "with all the data both kinds of copy change the Dice per image by less than a point"
    assert np.isnan(table[less, "100%"])


def test_questions_are_asked_of_the_arms_that_are_there():
    few = claims.put_to(grid({}))
    assert set(few.source) == {"paper"}
    every = claims.put_to(grid({}, arms=ARMS))
    assert (every.source == "question").sum() == 3 * len(claims.QUESTIONS)
    assert every.share[every.source == "paper"].tolist() == few.share.tolist()


def test_a_sentence_holds_number_interval_n_and_verdict():
    table = claims.put_to(grid({"both": 0.2}, spread=0.001))
    said = scrutiny.sentence(table.iloc[0])
    assert said.startswith("The paper's claim that both kinds of copy raise the Dice per image is")
    for part in (
        "**confirmed** here at 10%",
        "+.200",
        "95 % interval",
        "n = 9",
        "paper has +.127 at 2.5%",
    ):
        assert part in said


def test_draws_are_told_where_there_are_several():
    table = claims.put_to(grid({"both": 0.2}, draws=(3, 2, 1, 1)))
    told = table.set_index(["claim", "share"]).draws
    assert told["both kinds of copy raise the Dice per image", "10%"] == "3"
    larger = "the gain in Dice per image is larger with the smallest subset than with the largest"
    assert told[larger, "10% and 50%"] == "3 and 1"
    said = table.apply(scrutiny.sentence, axis=1)
    assert "n = 9 test patients, 3 draws" in said[0]
    assert "n = 9 test patients, 2 draws" in said[1]
    assert "draws" not in said[2]


def test_every_type_is_asked_about():
    said = " ".join(claim.says for claim in claims.claims())
    assert all(name in said for name in HEMORRHAGES)
