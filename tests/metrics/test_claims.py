"""Claims beside the paper's printed numbers and planted effects, for any list of fractions."""

import dataclasses

import numpy as np
import pytest
from scipy.stats import binomtest

from lcgan_core.metrics import claims, verdicts
from lcgan_core.protocol.arms import ARMS, PAPER
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
LARGER = "gain_in_dice_image_is_larger_with_smallest_subset"
ASKED = tuple(dict.fromkeys((*PAPER, *(arm for pair in claims.QUESTIONS for arm in pair))))
"""Every arm that a question is about."""
AUGMENTED = "gan_augmented"


def put(*args, names=FIVE, **planted):
    return verdicts.put_to(grid(*args, names=names, **planted), names)


def by_id(table):
    return table.set_index(["id", "share"])


def found_by(table):
    return by_id(table).verdict


# Planted effects


def test_planted_effects_get_their_verdicts():
    effects = {"both": 0.2, "traditional": 0.1, "gan": -0.1, (0.125, "both"): 0.1}
    effects[1.0, "both"] = -0.2
    found = found_by(put(effects, spread=0.001))
    assert found[claims.MAIN, "12.5%"] == "confirmed"
    assert found["gan_raises_dice_image", "25%"] == "contradicted"
    assert found["traditional_beats_gan_in_dice_image", "50%"] == "confirmed"
    assert found[LARGER, "12.5% and 50%"] == "confirmed"
    assert found[claims.WITH_ALL, "100%"] == "confirmed"


def test_without_effect_or_with_wide_intervals_nothing_is_confirmed():
    for effects, spread in (({}, 0.01), ({"both": 0.02}, 0.2)):
        table = put(effects, spread=spread)
        above_zero = table[~table.id.str.contains("keeps")]
        assert (above_zero.verdict == "confirmed").mean() < 0.1


def test_fewer_patients_than_a_sign_test_needs_decide_nothing():
    few = verdicts.LEAST_PATIENTS - 1
    assert binomtest(few, few).pvalue > 0.05 > binomtest(few + 1, few + 1).pvalue
    for patients, found in ((few, "undecided"), (few + 1, "confirmed")):
        table = put({"both": 0.3}, spread=0.001, patients=patients)
        assert found_by(table)["both_raises_recall", "25%"] == found


def test_one_patient_decides_nothing():
    table = put({"both": 0.3}, patients=1)
    assert (table.verdict == "undecided").all()
    assert table.ci_low.isna().all()


def test_draws_are_told_where_there_are_several():
    told = by_id(put({"both": 0.2}, draws={0.125: 3, 0.25: 2})).draws
    assert told[claims.MAIN, "12.5%"] == "3"
    assert told[LARGER, "12.5% and 50%"] == "3 and 6"


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
    table = put({"both": 0.2}, fractions=fractions, arms=ASKED, spread=0.001)
    assert list(table) == verdicts.COLUMNS
    *subsets, _ = (f"{100 * fraction:g}%" for fraction in fractions)
    main = table[table.id == claims.MAIN]
    assert main.share.tolist() == subsets
    assert (main.verdict == "confirmed").all()
    assert table.share[table.id == claims.WITH_ALL].tolist() == ["100%"]
    # of each subset: six comparisons in three measures, the mean of the types, the gap to all the
    # data; with all of them, four measures of both and one of each kind; of the subsets together,
    # two gaps, five types in two readings, and of two or more, three trends
    together = 12 * (len(subsets) > 0) + 3 * (len(subsets) > 1)
    assert (table.source == "paper").sum() == 20 * len(subsets) + 6 + together
    assert (table.source == "question").sum() == len(claims.QUESTIONS) * len(subsets)
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
        assert {arm for _, _, arm in claim.terms} <= {*ARMS, *ASKED, AUGMENTED}


def test_rows_and_claims_are_the_same_in_the_same_order():
    table = put({}, arms=(*ASKED, AUGMENTED))
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


def test_of_other_classes_the_same_is_asked_and_the_paper_says_nothing():
    table = put({"gan": 0.2}, arms=ASKED, names=TWO, spread=0.001)
    assert set(table.source) == {"question"}
    assert (table.role == "question").sum() == 3 * len(claims.QUESTIONS)
    # six comparisons of three subsets, three arms with all the data, one trend
    assert (table.role != "question").sum() == 6 * 3 + 3 + 1
    primary = table[table.role == "primary"]
    assert set(primary.id) == {claims.MAIN} and len(primary) == 3
    assert table.paper.isna().all()
    assert set(table.paper_share) == {""}
    assert found_by(table)["gan_over_duplicate2", "12.5%"] == "confirmed"


def test_the_primary_outcome_may_be_that_of_one_class():
    """Only the Dice of PHE per image rises: it is what is tested, and nothing else rises."""
    made = grid({}, names=TWO, spread=0.001)
    before = made["fcn8s", 0.125, "both"]
    cell = before.names.index(("dice_instance", "PHE"))
    gain = 0.1 * (np.arange(len(before.names)) == cell)
    made["fcn8s", 0.125, "both"] = dataclasses.replace(
        before, of_draws=before.of_draws + gain, of_resamples=before.of_resamples + gain
    )
    primary, together = (
        table[table.role == "primary"].set_index("share")
        for table in (verdicts.put_to(made, TWO, name) for name in ("PHE", claims.ALL))
    )
    assert primary.claim["12.5%"] == "both kinds of copy raise the Dice of PHE per image"
    assert primary.value.tolist() == pytest.approx([0.1, 0, 0], abs=1e-9)
    assert primary.verdict["12.5%"] == "confirmed"
    assert together.value.tolist() == pytest.approx([0, 0, 0], abs=1e-9)


def test_of_one_of_the_paper_s_classes_its_own_claims_are_exploratory():
    made = grid({"both": 0.2}, spread=0.001)
    table, before = verdicts.put_to(made, FIVE, "SDH"), verdicts.put_to(made, FIVE)
    papers = table[table.source == "paper"]
    assert papers.id.tolist() == before.id[before.source == "paper"].tolist()
    assert set(papers.role) == {"exploratory"}
    assert set(table.id[table.role == "primary"]) == {"both_raises_dice_image_of_sdh"}


def test_the_five_in_another_order_are_the_paper_s():
    assert len(put({}, names=FIVE[::-1])) == len(put({}))


def test_without_anything_to_ask_the_table_is_empty_and_has_its_columns():
    table = put({}, names=TWO, fractions=(1.0,), arms=("original",))
    assert table.empty
    assert list(table) == verdicts.COLUMNS


def test_questions_are_asked_of_the_arms_that_are_there():
    few = put({})
    assert set(few.source) == {"paper"}
    every = put({}, arms=ASKED)
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
    assert set(verdicts.put_to(made, FIVE).segmenter) == {"fcn8s"}


# Roles, draws, magnitude


def test_the_main_claim_of_each_subset_is_primary_and_corrected_for_their_number():
    table = put({"both": 0.02}, spread=0.005, arms=ASKED)
    primary = table[table.role == "primary"]
    assert set(primary.id) == {claims.MAIN} and len(primary) == 3
    assert table.p_holm[table.role != "primary"].isna().all()
    first, second, third = sorted(primary.p)
    by_hand = [3 * first, max(3 * first, 2 * second), max(3 * first, 2 * second, third)]
    assert sorted(primary.p_holm) == pytest.approx(np.minimum(by_hand, 1))
    assert (table.role[table.source == "question"] == "question").all()


def test_a_corrected_p_above_5_percent_leaves_the_main_claim_undecided():
    """Another claim with the same numbers is decided: only the declared outcome is corrected."""
    row = {"value": 0.05, "ci_low": 0.01, "ci_high": 0.09, "n": 9, "half_width": 0.04, "p": 0.03,
           "paper": np.nan, "with_value": 6}  # fmt: skip
    main = claims.Claim(claims.MAIN, "", (), role=claims.PRIMARY)
    other = main._replace(id="other", role=claims.EXPLORATORY)
    rows = [(main, dict(row)), (main, dict(row)), (other, dict(row))]
    found = [one["verdict"] for one in verdicts.judged(rows)]
    assert found == ["undecided", "undecided", "confirmed"]


def test_fewer_than_six_draws_decide_nothing_and_the_reason_is_told():
    assert verdicts.LEAST_DRAWS == 6
    for draws, told in ((1, "1 draw, 6 are needed"), (5, "5 draws, 6 are needed"), (6, "")):
        row = by_id(put({"both": 0.3}, spread=0.001, draws=dict.fromkeys(QUICK, draws)))
        row = row.loc[(claims.MAIN, "25%")]
        assert (row.verdict == "undecided") == bool(told)
        assert row.reason == told
        assert np.isnan(row.p) == (draws == 1)


def test_the_fraction_with_fewest_draws_counts():
    table = by_id(put({(0.125, "both"): 0.3}, spread=0.001, draws={0.5: 2}))
    assert table.reason[LARGER, "12.5% and 50%"] == "2 draws, 6 are needed"


def test_the_paper_s_gain_is_inside_or_outside_our_interval():
    table = by_id(put({"both": 0.06}, spread=0.001, fractions=PAPERS)).magnitude
    assert table[claims.MAIN, "10%"] == "inside"  # the paper's is .060
    assert table[claims.MAIN, "2.5%"] == "outside"  # .127
    assert table[claims.WITH_ALL, "100%"] == "", "the paper prints no number"


def test_equivalence_is_told_with_its_half_width():
    table = by_id(put({"both": 0.03}, spread=0.001))
    alike, apart = (table.loc[(name, "25%")] for name in ("gan_raises_recall", claims.MAIN))
    assert (alike.equivalent, apart.equivalent) == ("yes", "no")
    assert abs(alike.value) + alike.half_width < 0.01
    wide = by_id(put({}, spread=0.05)).loc[(claims.MAIN, "25%")]
    assert wide.equivalent == "undecided" and wide.half_width > 0.01


def test_what_is_undecided_has_the_difference_that_would_have_been_found():
    """With a standard error s and five degrees of freedom it is 3.51 s: 1.43 / sqrt(1 / 6)."""
    row = by_id(put({}, spread=0.05)).loc[(claims.MAIN, "25%")]
    assert row.verdict == "undecided"
    assert row.detectable == pytest.approx(3.51 * row.half_width / 2.015, rel=0.01)


def test_a_claim_without_a_case_has_no_value():
    made = grid({"both": 0.3})
    for part in made.values():
        part.known[:, :, part.names.index(("recall", "all"))] = False
    row = by_id(verdicts.put_to(made, FIVE)).loc[("both_raises_recall", "25%")]
    assert row.n == 0 and row.verdict == "undecided"
    assert row[["value", "ci_low", "ci_high", "p", "half_width", "detectable"]].isna().all()


def test_statements_of_the_paper_s_text_have_its_printed_numbers():
    """Read off its Tables 1 to 3, in the order of its section 5."""
    table = put({}, fractions=PAPERS).set_index(["id", "share"]).paper
    said = {
        ("both_raises_mean_of_types", "2.5%"): 0.635 - 0.427,
        ("all_data_beat_largest_subset", "25% and 100%"): 0.628 - 0.565,
        ("all_data_beat_both_at_largest_subset", "25% and 100%"): 0.628 - 0.581,
        ("traditional_beats_gan_in_precision", "10%"): 0.762 - 0.719,
        ("both_beats_gan_in_recall", "2.5%"): 0.540 - 0.479,
        ("gain_in_recall_is_larger_with_smallest_subset", "2.5% and 25%"): 0.180 - 0.030,
    }
    for place, value in said.items():
        assert table[place] == pytest.approx(value), place


@pytest.mark.parametrize("metric", ["dice_image", "precision", "recall", "dice_class_common"])
def test_with_all_the_data_each_measure_changes_by_less_than_a_point(metric):
    name = f"both_keeps_{metric}_with_all_data"
    for effect, found in ((0.0, "confirmed"), (0.05, "contradicted")):
        table = by_id(put({(1.0, "both"): effect}, spread=0.001))
        assert table.verdict[name, "100%"] == found


def test_the_gap_to_all_the_data_shrinks_by_what_the_copies_add_more_to_the_subset():
    table = by_id(put({(0.25, "both"): 0.3, (1.0, "both"): 0.1, (1.0, "original"): 0.05}))
    assert table.value["gap_to_all_data_shrinks", "25% and 100%"] == pytest.approx(0.3 - 0.05)
