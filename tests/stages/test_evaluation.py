"""Files of stage 6: foreign results are refused; differences and groups have their columns."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

from lcgan_core import metrics
from lcgan_core.cohort.store import AREAS
from lcgan_core.errors import UserError
from lcgan_core.metrics.bootstrap import draw_weights, patient_weights
from lcgan_core.metrics.cells import cells
from lcgan_core.metrics.estimates import estimate
from lcgan_core.protocol import profiles
from lcgan_core.stages import evaluation


def test_differences_are_of_every_pair_of_arms_and_have_the_sign_of_their_names():
    truth = np.zeros((6, 20, 20), np.uint8)
    truth[:, :10] = 1
    weights = patient_weights(6, 40, seed=0)
    grid = {}
    for arm, rows in (("original", 4), ("gan", 6), ("both", 10)):
        prediction = np.zeros_like(truth)
        prediction[:, :rows] = 1
        counts = metrics.overlap(prediction, truth)
        by_patient = cells(counts).by_patient(range(6))
        grid[1.0, arm] = estimate([by_patient], weights, draw_weights(1, 40, seed=0))
    table = pd.DataFrame(evaluation._differences(grid))
    assert len(table) == 3 * len(grid[1.0, "gan"].names)
    image = table[table.metric == "dice_image"].set_index(["arm", "baseline"])
    # Dice 8 / 14, 12 / 16 and 1
    assert image.value["gan", "original"] == pytest.approx(12 / 16 - 8 / 14)
    assert image.value["both", "original"] == pytest.approx(1 - 8 / 14)
    assert image.value["both", "gan"] == pytest.approx(1 - 12 / 16)
    assert (image.n == 6).all()
    edh = table[(table.metric == "recall") & (table.hemorrhage == "EDH")]
    assert edh.value.isna().all()
    assert (edh.n == 0).all()


DICE = {5: 10 / 15, 6: 12 / 16, 10: 1.0}
"""Dice of a lesion of ten rows of which so many are found."""
FOUND = {("original", 1): 5, ("original", 2): 10, ("gan", 1): 6, ("gan", 2): 10}
"""Rows found by the networks of an arm and draw; `traditional` and `both` do as `original`."""


@pytest.fixture
def two_draws(monkeypatch, tmp_path):
    """Tables of an evaluation of two draws at the smallest share, whose networks are given."""
    labels = np.zeros((6, 20, 20), np.uint8)
    labels[:, :10] = 1
    table = pd.DataFrame(dict.fromkeys(AREAS, 100.0), index=range(6)).assign(patient=list("aabbcc"))

    def trained(config, fraction, arm, draw):
        prediction = np.zeros_like(labels)
        prediction[:, : FOUND.get((arm, draw), FOUND["original", draw])] = 1
        return SimpleNamespace(
            overlap=metrics.overlap(prediction, labels), predictions=lambda: prediction
        )

    test = SimpleNamespace(table=table, labels=torch.from_numpy(labels))
    monkeypatch.setattr(evaluation.cohort, "test_slices", lambda config: test)
    monkeypatch.setattr(evaluation.segmentation, "run", trained)
    monkeypatch.setattr(evaluation, "_facts", lambda config: {})
    evaluation._evaluate(profiles.load("quick", draws=[2, 1, 1, 1]), tmp_path)

    def read(name):
        made = pd.read_csv(tmp_path / f"{name}.csv")
        return made if name == "claims" else made[made.metric == "dice_image"]

    return read


def test_a_cell_is_the_mean_over_its_draws_and_covers_both(two_draws):
    results = two_draws("results")
    assert list(results.columns) == evaluation.COLUMNS
    original = results[results.arm == "original"].set_index("fraction")
    assert original.value[0.125] == pytest.approx((DICE[5] + DICE[10]) / 2, abs=1e-6)
    # the patients do alike: what the interval covers is the draws
    ends = original.loc[0.125, ["ci_low", "ci_high"]].tolist()
    assert ends == pytest.approx([DICE[5], DICE[10]], abs=1e-6)
    assert original.n[0.125] == 6
    one = original.loc[0.25, ["value", "ci_low", "ci_high"]].tolist()
    assert one == pytest.approx([DICE[5]] * 3, abs=1e-6)


def test_draws_csv_has_every_draw_and_their_spread(two_draws):
    draws = two_draws("draws")
    assert list(draws.columns) == evaluation.OF_DRAWS
    gan = draws[(draws.arm == "gan") & (draws.fraction == 0.125)]
    assert gan.draw.tolist() == [1, 2]
    assert gan.value.tolist() == pytest.approx([DICE[6], DICE[10]], abs=1e-6)
    spread = (DICE[10] - DICE[6]) / 2**0.5  # the standard deviation of two
    assert gan.sd.tolist() == pytest.approx([spread] * 2, abs=1e-6)
    assert (draws.groupby("fraction").draw.max() == [2, 1, 1, 1]).all()
    assert draws.sd[draws.fraction > 0.125].isna().all()


def test_differences_and_claims_are_paired_in_a_draw(two_draws):
    rows = two_draws("differences").set_index(["fraction", "arm", "baseline"])
    row = rows.loc[(0.125, "gan", "original")]
    by_draw = [DICE[6] - DICE[5], 0.0]
    assert row.value == pytest.approx(np.mean(by_draw), abs=1e-6)
    assert [row.ci_low, row.ci_high] == pytest.approx([0.0, by_draw[0]], abs=1e-6)
    assert (row.n, row.draws) == (3, 2)
    claims = two_draws("claims")
    says = "GAN copies alone raise the Dice per image"
    claim = claims[(claims.claim == says) & (claims["share"] == "12.5%")].iloc[0]
    assert [claim.value, claim.ci_low, claim.ci_high] == pytest.approx(
        [row.value, row.ci_low, row.ci_high], abs=1e-6
    )
    assert claim.draws == "2"


def test_results_of_another_profile_are_refused(tmp_path):
    row = ["compact", 1, 0.1, "gan", "dice_image", "all", 0.5, 0.4, 0.6, 3]
    path = tmp_path / "results.csv"
    pd.DataFrame([row], columns=evaluation.COLUMNS).to_csv(path, index=False)
    with pytest.raises(UserError, match="is of profile 'compact', not of 'quick'"):
        evaluation.read_results(path, "quick")
    assert len(evaluation.read_results(path, "compact")) == 1


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n"], ids=["empty", "other columns"])
def test_a_file_that_is_no_results_file_is_refused(tmp_path, text):
    path = tmp_path / "results.csv"
    path.write_text(text)
    with pytest.raises(UserError, match=r"results\.csv"):
        evaluation.read_results(path, "quick")


def test_a_missing_row_is_told_by_its_name(tmp_path):
    rows = [
        ["quick", 1, fraction, arm, metric, "all", 0.5, 0.4, 0.6, 3]
        for fraction in (0.25, 1.0)
        for arm in ("original", "gan")
        for metric in ("dice_image", "recall")
    ]
    path = tmp_path / "results.csv"
    table = pd.DataFrame(rows, columns=evaluation.COLUMNS)
    table.to_csv(path, index=False)
    assert len(evaluation.read_results(path, "quick")) == 8
    table.drop(index=3).to_csv(path, index=False)
    sentence = r"results\.csv lacks 1 rows, the first of 0\.25, gan, recall, all; restore"
    with pytest.raises(UserError, match=sentence):
        evaluation.read_results(path, "quick")
