"""Claims beside the paper's printed numbers and planted effects, for any list of fractions."""

import numpy as np
import pytest
from scipy.stats import binomtest

from lcgan_core.metrics import claims
from lcgan_core.protocol.arms import ARMS
from tests.metrics.planted import FIVE, QUICK, grid

PAPERS = (0.025, 0.1, 0.25, 1.0)
LISTS = {
    "all the data alone": (1.0,),
    "one subset": (0.5, 1.0),
    "two subsets": (0.1, 0.3, 1.0),
    "the paper's": PAPERS,
    "other four": QUICK,
    "four subsets": (0.025, 0.1, 0.25, 0.5, 1.0),
    "six subsets": (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0),
}
EVERY_LIST = pytest.mark.parametrize("fractions", LISTS.values(), ids=LISTS)
TWO = ("PHE", "IPH")
LARGER = "gain_is_larger_with_smallest_subset"


def put(*args, names=FIVE, **planted):
    return claims.put_to(grid(*args, names=names, **planted), names)


def by_id(table):
    return table.set_index(["id", "share"])


def verdicts(table):
    return by_id(table).verdict


# Planted effects


def test_planted_effects_get_their_verdicts():
    effects = {"both": 0.2, "traditional": 0.1, "gan": -0.1, (0.125, "both"): 0.1}
    effects[1.0, "both"] = -0.2
    found = verdicts(put(effects, spread=0.001))
    assert found[claims.MAIN, "12.5%"] == "confirmed"
    assert found["gan_raises_dice_image", "25%"] == "contradicted"
    assert found["traditional_beats_gan", "50%"] == "confirmed"
    assert found[LARGER, "12.5% and 50%"] == "confirmed"
    assert found[claims.WITH_ALL, "100%"] == "confirmed"


def test_without_effect_or_with_wide_intervals_nothing_is_confirmed():
    for effects, spread in (({}, 0.01), ({"both": 0.02}, 0.2)):
        table = put(effects, spread=spread)
        above_zero = table[table.id != claims.WITH_ALL]
        assert (above_zero.verdict == "confirmed").mean() < 0.1


def test_fewer_patients_than_a_sign_test_needs_decide_nothing():
    few = claims.LEAST_PATIENTS - 1
    assert binomtest(few, few).pvalue > 0.05 > binomtest(few + 1, few + 1).pvalue
    for patients, found in ((few, "undecided"), (few + 1, "confirmed")):
        table = put({"both": 0.3}, spread=0.001, patients=patients)
        assert verdicts(table)["both_raises_recall", "25%"] == found


def test_one_patient_decides_nothing():
    table = put({"both": 0.3}, patients=1)
    assert (table.verdict == "undecided").all()
    assert table.ci_low.isna().all()


def test_draws_are_told_where_there_are_several():
    told = by_id(put({"both": 0.2}, draws={0.125: 3, 0.25: 2})).draws
    assert told[claims.MAIN, "12.5%"] == "3"
    assert told[LARGER, "12.5% and 50%"] == "3 and 1"


def test_values_of_several_fractions_by_hand():
    fractions = LISTS["four subsets"]
    gains = dict(zip(fractions, (0.3, 0.2, 0.1, 0.04, 0.5), strict=True))
    table = by_id(put({(at, "both"): gain for at, gain in gains.items()}, fractions=fractions))
    assert table.value[LARGER, "2.5% and 50%"] == pytest.approx(0.3 - 0.04)
    of_types = table.value["both_raises_dice_of_sah", "2.5% and 10% and 25% and 50%"]
    assert of_types == pytest.approx((0.3 + 0.2 + 0.1 + 0.04) / 4)


# Any list of fractions


@EVERY_LIST
def test_every_subset_is_scarce_data_and_only_all_the_data_is_not(fractions):
    table = put({"both": 0.2}, fractions=fractions, arms=ARMS, spread=0.001)
    assert list(table) == claims.COLUMNS
    *subsets, _ = (f"{100 * fraction:g}%" for fraction in fractions)
    main = table[table.id == claims.MAIN]
    assert main.share.tolist() == subsets
    assert (main.verdict == "confirmed").all()
    assert table.share[table.id == claims.WITH_ALL].tolist() == ["100%"]
    # six claims and seven questions of each subset; of all subsets at once, five types and, with
    # two or more, whether the gain shrinks
    together = 5 * (len(subsets) > 0) + (len(subsets) > 1)
    assert len(table) == 13 * len(subsets) + 1 + together
    assert (table.source == "question").sum() == 7 * len(subsets)
    assert (LARGER in set(table.id)) == (len(subsets) > 1)


@EVERY_LIST
@pytest.mark.parametrize("names", [FIVE, TWO])
def test_id_and_share_identify_a_claim_whose_terms_are_a_contrast_of_known_cells(fractions, names):
    made = claims.claims(fractions, names)
    assert len({(claim.id, claim.share) for claim in made}) == len(made)
    for claim in made:
        assert claim.id.isidentifier() and claim.id.islower()
        assert sum(weight for weight, _, _ in claim.terms) == pytest.approx(0)
        assert {at for _, at, _ in claim.terms} <= set(fractions)
        assert {arm for _, _, arm in claim.terms} <= set(ARMS)


def test_rows_and_claims_are_the_same_in_the_same_order():
    table = put({}, arms=ARMS)
    made = claims.claims(QUICK, FIVE)
    assert list(zip(table.id, table.share, table.claim, strict=True)) == [
        (claim.id, claim.share, claim.says) for claim in made
    ]


# Beside the paper


@pytest.mark.parametrize("fractions", [PAPERS, QUICK])
def test_the_paper_s_own_numbers_beside_four_fractions(fractions):
    """Read off its Tables 1 to 3; four fractions are paired with the paper's from the smallest."""
    table = put({}, fractions=fractions).set_index(["id", "paper_share"]).paper
    assert table[claims.MAIN, "2.5%"] == pytest.approx(0.371 - 0.244)
    assert table[LARGER, "2.5% and 25%"] == pytest.approx(0.127 - 0.016)
    assert table["both_raises_recall", "25%"] == pytest.approx(0.777 - 0.747)
    sah = ((0.529 - 0.246) + (0.636 - 0.629) + (0.653 - 0.654)) / 3
    shares = "2.5% and 10% and 25%"
    assert table["both_raises_dice_of_sah", shares] == pytest.approx(sah)
    assert np.isnan(table[claims.WITH_ALL, "100%"]), "the paper prints no such arm"


def test_other_numbers_of_fractions_stand_beside_equal_ones_only():
    table = by_id(put({}, fractions=LISTS["two subsets"]))
    assert table.paper[claims.MAIN, "10%"] == pytest.approx(0.060)
    assert table.paper_share[claims.MAIN, "10%"] == "10%"
    assert table.paper_share[claims.WITH_ALL, "100%"] == "100%"
    for alone in (
        (claims.MAIN, "30%"),
        (LARGER, "10% and 30%"),
        ("both_raises_dice_of_iph", "10% and 30%"),
    ):
        assert np.isnan(table.paper[alone])
        assert table.paper_share[alone] == ""


def test_a_claim_about_several_fractions_has_the_paper_s_number_of_the_same_ones():
    table = by_id(put({}, fractions=(0.1, 0.25, 1.0)))
    assert table.paper[LARGER, "10% and 25%"] == pytest.approx(0.060 - 0.016)
    sah = ((0.636 - 0.629) + (0.653 - 0.654)) / 2
    assert table.paper["both_raises_dice_of_sah", "10% and 25%"] == pytest.approx(sah)


# Other classes, arms and segmenters


def test_of_other_classes_only_the_questions_are_asked_and_the_paper_says_nothing():
    table = put({"gan": 0.2}, arms=ARMS, names=TWO, spread=0.001)
    assert set(table.source) == {"question"}
    assert len(table) == 3 * len(claims.QUESTIONS)
    assert table.paper.isna().all()
    assert set(table.paper_share) == {""}
    assert verdicts(table)["gan_over_duplicate2", "12.5%"] == "confirmed"


def test_the_five_in_another_order_are_the_paper_s():
    assert len(put({}, names=FIVE[::-1])) == len(put({}))


def test_without_anything_to_ask_the_table_is_empty_and_has_its_columns():
    table = put({}, names=TWO, fractions=(1.0,))
    assert table.empty
    assert list(table) == claims.COLUMNS


def test_questions_are_asked_of_the_arms_that_are_there():
    few = put({})
    assert set(few.source) == {"paper"}
    every = put({}, arms=ARMS)
    assert (every.source == "question").sum() == 3 * len(claims.QUESTIONS)
    assert every.share[every.source == "paper"].tolist() == few.share.tolist()


def test_claims_are_put_to_each_segmenter():
    effects = {("fcn8s", "both"): 0.2, ("other", "both"): -0.2}
    table = put(effects, spread=0.001, segmenters=("fcn8s", "other"))
    alone = put({"both": 0.2}, spread=0.001)
    assert table.segmenter.tolist() == ["fcn8s"] * len(alone) + ["other"] * len(alone)
    assert table[: len(alone)].equals(alone)
    main = table[table.id == claims.MAIN].groupby("segmenter").verdict.unique()
    assert main["fcn8s"].tolist() == ["confirmed"]
    assert main["other"].tolist() == ["contradicted"]


def test_a_segmenter_that_lacks_an_arm_is_not_asked_about_it():
    made = grid({})
    made["other", 0.125, "original"] = made["fcn8s", 0.125, "original"]
    assert set(claims.put_to(made, FIVE).segmenter) == {"fcn8s"}
