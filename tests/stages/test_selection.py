"""The rule that chooses the generator, worked by hand, by either judge."""

import numpy as np
import pandas as pd

from lcgan_core.criteria.choice import choose


def candidates(**columns):
    return pd.DataFrame({"epoch": [10, 50, 100], **columns})


def test_best_mean_rank_is_chosen():
    table = choose(
        candidates(
            fcn_score_full=[0.5, 0.7, 0.6],  # ranks 3 1 2
            sharpness_laplacian=[10, 20, 30],  # 3 2 1
            realism_share=[0.1, 0.9, 0.2],  # 3 1 2
        )
    )
    assert table.mean_rank_full.round(3).tolist() == [3.0, 1.333, 1.667]
    assert table.chosen.tolist() == [False, True, False]


def test_a_tie_goes_to_the_higher_fcn_score():
    table = choose(
        candidates(
            fcn_score_full=[0.5, 0.7, 0.1],  # ranks 2 1 3
            sharpness_laplacian=[30, 20, 10],  # 1 2 3
            realism_share=[0.5, 0.5, 0.1],  # 1.5 1.5 3
        )
    )
    assert table.mean_rank_full[0] == table.mean_rank_full[1]
    assert table.chosen.tolist() == [False, True, False]


def test_a_criterion_without_values_decides_nothing():
    table = choose(
        candidates(
            fcn_score_full=[0.5, 0.7, 0.6],
            sharpness_laplacian=[1, 3, 2],
            realism_share=[np.nan] * 3,
        )
    )
    assert table.chosen.tolist() == [False, True, False]


def ranked(table):
    """The criteria that ranked somebody."""
    return {c for c in table if c.startswith("rank_") and table[c].notna().any()}


def test_a_constant_criterion_ranks_nobody_and_says_so():
    table = choose(
        candidates(
            fcn_score_full=[0.5, 0.7, 0.6],  # ranks 3 1 2
            sharpness_laplacian=[30, 20, 10],  # 1 2 3
            realism_share=[0, 0, 0],
        )
    )
    assert ranked(table) == {"rank_fcn_score_full", "rank_sharpness_laplacian"}
    assert table.mean_rank_full.tolist() == [2.0, 1.5, 2.5]
    assert set(table.left_out) == {"realism_share is the same for all candidates."}


def test_realism_ranks_nobody_where_its_classifier_is_blind():
    columns = {
        "fcn_score_full": [0.7, 0.6, 0.5],  # ranks 1 2 3
        "sharpness_laplacian": [30, 20, 10],  # 1 2 3
        "realism_share": [0.1, 0.9, 0.9],  # would be 3 1.5 1.5
    }
    table = choose(candidates(**columns), silent="The classifier is blind.")
    assert table.mean_rank_full.tolist() == [1.0, 2.0, 3.0]
    assert set(table.left_out) == {"realism_share: The classifier is blind."}
    seeing = choose(candidates(**columns))
    assert seeing.mean_rank_full.tolist() != table.mean_rank_full.tolist()
    assert set(seeing.left_out) == {""}


def test_the_worst_has_the_last_mean_rank_and_among_equals_the_lower_score():
    table = choose(
        candidates(
            fcn_score_full=[0.7, 0.5, 0.6],  # ranks 1 3 2
            sharpness_laplacian=[30, 20, 10],  # 1 2 3
            realism_share=[0.9, 0.5, 0.5],  # 1 2.5 2.5
        )
    )
    assert table.mean_rank_full.tolist() == [1.0, 2.5, 2.5]
    assert table.worst.tolist() == [False, True, False]
    assert table.chosen.tolist() == [True, False, False]


def test_a_single_candidate_is_chosen_and_worst_though_no_criterion_ranks_it():
    one = pd.DataFrame(
        {"epoch": [7], "fcn_score_full": [0.4], "sharpness_laplacian": [9], "realism_share": [0.2]}
    )
    table = choose(one)
    assert table.chosen.tolist() == table.worst.tolist() == [True]
    assert not ranked(table)


def test_two_judges_may_choose_differently_and_the_profile_s_decides():
    columns = {
        "fcn_score_full": [0.9, 0.5, 0.1],  # ranks 1 2 3
        "fcn_score_subset": [0.1, 0.5, 0.9],  # ranks 3 2 1
        "sharpness_laplacian": [1, 1, 1],
        "realism_share": [0.5, 0.5, 0.5],
    }
    table = choose(candidates(**columns))
    assert table.chosen_by_full.tolist() == table.chosen.tolist() == [True, False, False]
    assert table.chosen_by_subset.tolist() == [False, False, True]
    assert choose(candidates(**columns), "subset").chosen.tolist() == [False, False, True]
