"""Stage 6 on given predictions: every file by hand, with any classes, fractions and segmenters."""

import json

import numpy as np
import pandas as pd
import pytest

from lcgan_core.lesions import FIVE
from lcgan_core.protocol import methods, profiles
from lcgan_core.protocol.paper import percent
from lcgan_core.run import artefacts, plan
from lcgan_core.stages import cohort, evaluation

from .heads import TWO, cohort_of, write_store

DICE = {5: 10 / 15, 6: 12 / 16, 10: 1.0}
"""Dice of a lesion of ten rows of which so many are found."""
FOUND = {("original", 1): 5, ("original", 2): 10, ("gan", 1): 6, ("gan", 2): 10}
"""Rows found by the networks of an arm and draw; `traditional` and `both` do as `original`."""
PATIENTS = 24


def given(
    folder, found, classes=FIVE, patients=PATIENTS, tested=None, noted=lambda job: {}, **overrides
):
    """(config, folder of stage 6) of networks that find `found(job)` of the ten rows of a lesion.

    Every slice of 64 pixels shows the first class on all columns of its first ten rows. `tested`:
    draw -> rows of the store that it tests; `noted(job)`: what its training.json says.
    """
    labels = np.zeros((2 * patients, 64, 64), np.uint8)
    labels[:, :10] = 1
    store = write_store(folder / "store", patients, slices=2, labels=labels, classes=classes)
    config = profiles.load("quick", cohort=str(store), image_size=64, **overrides)
    inputs = {"cohort": cohort_of(config, folder / "cohort")}
    rows_of = tested or dict.fromkeys(
        range(1, max(config.draws) + 1), cohort.test_rows(config, inputs["cohort"], 1)
    )
    record = {"code": "c", "versions": {"torch": "9"}, "device": "CPU (made up)", "seconds": 2.0}
    for job in plan.segmentations(config):
        place = inputs[job.key] = folder / job.key
        place.mkdir()
        prediction = np.zeros((len(rows_of[job.draw]), 64, 64), np.uint8)
        prediction[:, : found(job)] = 1
        np.save(place / "predictions.npy", prediction)
        (place / "initialisation.txt").write_text("By hand.\n")
        (place / artefacts.PROVENANCE).write_text(json.dumps(record))
        (place / "training.json").write_text(json.dumps(noted(job)))
    made = folder / "evaluation"
    made.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cohort, "test_rows", lambda config, heads, draw: rows_of[draw])
        evaluation.evaluate(config, plan.EVALUATION, inputs, made)
    return config, made


@pytest.fixture(scope="module")
def two_draws(tmp_path_factory):
    """Tables of an evaluation of two draws at the smallest fraction, and its facts."""
    config, made = given(
        tmp_path_factory.mktemp("draws"),
        lambda job: FOUND.get((job.what, job.draw), FOUND["original", job.draw]),
        draws=[2, 1, 1, 1],
    )

    def read(name):
        table = pd.read_csv(made / f"{name}.csv")
        return table[table.metric == "dice_image"] if "metric" in table else table

    return config, read, json.loads((made / "run.json").read_text())


def test_a_cell_is_the_mean_over_its_draws_and_covers_both(two_draws):
    config, read, _ = two_draws
    results = read("results")
    assert list(results.columns) == [
        "profile", "seed", "segmenter", "fraction", "arm", "metric", "lesion", "value", "ci_low",
        "ci_high", "n",
    ]  # fmt: skip
    assert set(results.profile) == {config.name}
    assert set(results.segmenter) == {"fcn8s"}
    original = results[results.arm == "original"].set_index("fraction")
    assert original.value[0.125] == pytest.approx((DICE[5] + DICE[10]) / 2, abs=1e-6)
    # the patients do alike: what the interval covers is the draws
    ends = original.loc[0.125, ["ci_low", "ci_high"]].tolist()
    assert ends == pytest.approx([DICE[5], DICE[10]], abs=1e-6)
    assert original.n[0.125] == 2 * 8
    one = original.loc[0.25, ["value", "ci_low", "ci_high"]].tolist()
    assert one == pytest.approx([DICE[5]] * 3, abs=1e-6)


def test_draws_csv_has_every_draw_and_their_spread(two_draws):
    draws = two_draws[1]("draws")
    gan = draws[(draws.arm == "gan") & (draws.fraction == 0.125)]
    assert gan.draw.tolist() == [1, 2]
    assert gan.value.tolist() == pytest.approx([DICE[6], DICE[10]], abs=1e-6)
    spread = (DICE[10] - DICE[6]) / 2**0.5  # the standard deviation of two
    assert gan.sd.tolist() == pytest.approx([spread] * 2, abs=1e-6)
    assert (draws.groupby("fraction").draw.max() == [2, 1, 1, 1]).all()
    assert draws.sd[draws.fraction > 0.125].isna().all()


def test_differences_are_of_every_pair_of_arms_and_have_the_sign_of_their_names(two_draws):
    rows = two_draws[1]("differences").set_index(["fraction", "arm", "baseline"])
    image = rows[rows.lesion == "all"]
    assert len(image) == 4 * 6, "six pairs of four arms at each fraction"
    one = image.loc[(0.5, "gan", "original")]
    assert one.value == pytest.approx(DICE[6] - DICE[5], abs=1e-6)
    assert one.draws == 1
    reverse = image.loc[(0.5, "both", "gan")]
    assert reverse.value == pytest.approx(DICE[5] - DICE[6], abs=1e-6)
    assert (0.5, "original", "gan") not in image.index


def test_differences_and_claims_are_paired_in_a_draw(two_draws):
    _, read, _ = two_draws
    rows = read("differences").set_index(["fraction", "arm", "baseline"])
    row = rows.loc[(0.125, "gan", "original")]
    by_draw = [DICE[6] - DICE[5], 0.0]
    assert row.value == pytest.approx(np.mean(by_draw), abs=1e-6)
    assert [row.ci_low, row.ci_high] == pytest.approx([0.0, by_draw[0]], abs=1e-6)
    assert (row.n, row.draws) == (8, 2)
    claims = read("claims").set_index(["id", "share"])
    claim = claims.loc[("gan_raises_dice_image", "12.5%")]
    # of two draws that differ by d, the standard error is d / 2: t is their mean by that, 1
    assert [row.p, claim.p] == pytest.approx([0.5, 0.5], abs=1e-6)
    assert (claim.verdict, claim.reason) == ("undecided", "2 draws, 6 are needed")
    assert [claim.value, claim.ci_low, claim.ci_high] == pytest.approx(
        [row.value, row.ci_low, row.ci_high], abs=1e-6
    )
    assert claim.draws == "2"


def test_the_facts_of_a_run_name_no_path(two_draws):
    config, _, facts = two_draws
    assert facts["profile"] == config.name
    assert facts["cohort"] == "own head CTs"
    assert config.cohort.source not in json.dumps(facts)
    assert facts["classes"] == FIVE.to_json()
    assert facts["patients"] == {"test": 8, "train": 16}
    assert (facts["slices"], facts["lesion_slices"]) == (48, {"train": 32, "test": 16})
    assert facts["draws"] == [[0.125, 2], [0.25, 1], [0.5, 1], [1.0, 1]]
    assert facts["segmenters"] == ["fcn8s"]
    assert facts["initialisation"] == "By hand."
    assert facts["device"] == ["CPU (made up)"]
    assert facts["training_seconds"] == 2 * len(plan.segmentations(config))
    assert "The test patients show no IVH, SAH, EDH, SDH" in " ".join(facts["remarks"])


def tables(made):
    """Every CSV of stage 6 by its name."""
    return {path.stem: pd.read_csv(path) for path in made.glob("*.csv")}


def test_lesions_and_rows_are_of_the_store_s_classes(tmp_path):
    _, made = given(tmp_path, lambda job: 6, TWO)
    found = tables(made)
    assert set(found) == {
        "results", "draws", "differences", "by_size", "sensitivity", "claims", "training",
    }  # fmt: skip
    for name in ("results", "draws", "differences", "by_size", "sensitivity"):
        assert set(found[name].lesion) == {"all", "PHE", "IPH"}, name
    rows = found["results"].set_index(["fraction", "arm", "metric", "lesion"])
    there = rows.loc[(1.0, "gan", "dice_class_detected", "PHE")]
    assert (there.value, there.n) == (pytest.approx(DICE[6], abs=1e-6), 16)
    absent = rows.loc[(1.0, "gan", "dice_class_detected", "IPH")]
    assert np.isnan(absent.value) and absent.n == 0
    differences = found["differences"]
    differences = differences[(differences.metric == "recall") & (differences.lesion == "IPH")]
    assert len(differences) == 24 and differences.value.isna().all() and (differences.n == 0).all()
    claims = found["claims"]  # the paper's other claims are about its five classes
    assert len(claims) == 22 and claims.id.str.contains("dice_image").all()
    assert claims.paper.isna().all(), "the paper's values are of its five classes"


@pytest.mark.parametrize(
    "fractions", [[1.0], [0.5, 1.0], [0.25, 0.5, 1.0], [0.1, 0.2, 0.25, 0.5, 1.0]], ids=len
)
def test_any_list_of_fractions_is_evaluated(tmp_path, fractions):
    _, made = given(tmp_path, lambda job: 6 if "gan" in job.what else 5, fractions=fractions)
    found = tables(made)
    assert sorted(set(found["results"].fraction)) == fractions
    claims = found["claims"]
    assert set(claims.source) == {"paper"}
    gan = claims[claims.id == "gan_raises_dice_image"]
    assert gan["share"].tolist() == [percent(fraction) for fraction in fractions[:-1]]
    assert gan.value.tolist() == pytest.approx([DICE[6] - DICE[5]] * len(gan), abs=1e-6)


def test_two_segmenters_stand_side_by_side_and_are_never_subtracted(tmp_path, monkeypatch):
    monkeypatch.setitem(methods.SEGMENTERS, "other", methods.SEGMENTERS["fcn8s"])
    _, made = given(
        tmp_path,
        lambda job: 10 if job.segmenter == "other" else 5,
        segmenters=["fcn8s", "other"],
        fractions=[0.5, 1.0],
    )
    found = tables(made)
    image = found["results"].query("metric == 'dice_image' and lesion == 'all'")
    for segmenter, dice in (("fcn8s", DICE[5]), ("other", 1.0)):
        values = image[image.segmenter == segmenter].value.tolist()
        assert values == pytest.approx([dice] * 8, abs=1e-6)
    differences = found["differences"]
    assert differences.groupby("segmenter").size().nunique() == 1
    assert differences[differences.metric == "dice_image"].value.abs().max() == 0
    assert set(found["claims"].segmenter) == {"fcn8s", "other"}


def test_draws_that_test_different_patients_by_hand(tmp_path):
    """Two folds of two patients: a cell is the mean over the folds."""
    folds = {1: np.arange(0, 4), 2: np.arange(4, 8)}
    _, made = given(
        tmp_path,
        lambda job: FOUND.get((job.what, job.draw), FOUND["original", job.draw]),
        patients=4,
        tested=folds,
        draws=2,
        fractions=[0.5, 1.0],
    )
    found = {name: table[table.get("metric", "dice_image") == "dice_image"] for name, table in
             tables(made).items() if "metric" in table}  # fmt: skip
    cell = found["results"].query("fraction == 0.5 and arm == 'original'").iloc[0]
    assert cell.value == pytest.approx((DICE[5] + DICE[10]) / 2, abs=1e-6)
    assert cell.n == 4, "slices of a fold"
    of_draws = found["draws"].query("fraction == 0.5 and arm == 'gan'")
    assert of_draws.value.tolist() == pytest.approx([DICE[6], DICE[10]], abs=1e-6)
    keys = "fraction == 0.5 and arm == 'gan' and baseline == 'original'"
    difference = found["differences"].query(keys).iloc[0]
    assert difference.value == pytest.approx((DICE[6] - DICE[5]) / 2, abs=1e-6)
    assert (difference.n, difference.draws) == (4, 2), "patients of both folds"
    claims = tables(made)["claims"].set_index(["id", "share"])
    assert claims.n["gan_raises_dice_image", "50%"] == 4


def test_how_far_networks_were_trained_is_collected_beside_their_test_dice(tmp_path):
    told = {"steps": 40, "best_step": 30, "train_dice": 0.8, "validation_dice": 0.6}
    _, made = given(
        tmp_path,
        lambda job: 5,
        noted=lambda job: told | {"converged": job.what != "gan", "more": 1},
        fractions=[0.5, 1.0],
    )
    table = tables(made)["training"]
    assert list(table) == evaluation.OF_TRAINING
    row = table.query("fraction == 0.5 and arm == 'gan'").iloc[0]
    assert (row.draw, row.steps, row.best_step, row.converged) == (1, 40, 30, False)
    assert [row.train_dice, row.validation_dice, row.dice_image] == pytest.approx(
        [0.8, 0.6, DICE[5]], abs=1e-6
    )
    assert table.converged.sum() == 2 * 3


def test_jobs_that_kept_no_record_of_their_training_have_only_their_test_dice(two_draws):
    table = two_draws[1]("training")
    assert len(table) == 5 * 4 and table.dice_image.notna().all()
    assert table[["steps", "train_dice", "converged"]].isna().all(axis=None)
