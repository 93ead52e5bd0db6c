"""The AUC beside scikit-learn's, its interval, and what follows from it for the choice."""

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from lcgan_core.criteria import realism
from lcgan_core.criteria.auc import auc
from lcgan_core.criteria.realism import blind, cross_fitted
from lcgan_core.metrics.bootstrap import patient_weights
from lcgan_core.protocol import profiles


def theirs(real, synthetic, weight=None):
    truth = np.repeat([1, 0], [len(real), len(synthetic)])
    weights = None if weight is None else np.concatenate([weight, weight])
    return roc_auc_score(truth, np.concatenate([real, synthetic]), sample_weight=weights)


@given(st.integers(0, 2**32 - 1), st.integers(1, 30), st.integers(1, 6))
def test_the_area_is_scikit_learn_s(seed, slices, patients):
    random = np.random.default_rng(seed)
    real, synthetic = random.integers(0, 8, (2, slices)) / 8  # with ties
    groups = np.unique(random.integers(0, patients, slices), return_inverse=True)[1]
    assert auc(real, synthetic, groups, 0).auc == pytest.approx(theirs(real, synthetic))


def test_a_resample_takes_whole_patients():
    random = np.random.default_rng(3)
    groups = np.repeat(np.arange(5), [1, 4, 2, 3, 6])
    real, synthetic = random.normal(0.5, 1, 16), random.normal(0, 1, 16)
    found = auc(real, synthetic, groups, seed=9)
    resampled = [theirs(real, synthetic, w[groups]) for w in patient_weights(5, 1000, 9)]
    assert found[1:] == pytest.approx(np.percentile(resampled, (2.5, 97.5)))


def fold(low, high=0.9, **changed):
    row = {"fold": 1, "steps": 20, "slices": 9, "auc": 0.7, "ci_low": low, "ci_high": high}
    return row | changed


def test_a_classifier_counts_if_the_whole_interval_lies_above_one_half_in_each_fold():
    assert blind(pd.DataFrame([fold(0.6), fold(0.55, fold=2)])) is None
    assert "fold 2" in blind(pd.DataFrame([fold(0.6), fold(0.5, fold=2)]))
    assert "fold 1" in blind(pd.DataFrame([fold(0.1, 0.3, auc=0.2)]))
    assert "one patient, so no interval" in blind(pd.DataFrame([fold(np.nan, np.nan)]))


PATIENTS = np.repeat(["a", "b", "c", "d", "e", "f"], 4)


@pytest.fixture
def slices():
    noise = torch.Generator().manual_seed(0)
    return torch.randint(100, 140, (24, 64, 64), generator=noise, dtype=torch.uint8)


def fitted(slices, fakes, tmp_path, **settings):
    config = profiles.load("quick", **{f"realism_{name}": v for name, v in settings.items()})
    return cross_fitted(config.realism, fakes, slices, PATIENTS, 1, 1.0, tmp_path)


@pytest.mark.slow
def test_slices_of_another_brightness_are_told_apart_on_patients_never_seen(slices, tmp_path):
    made = fitted(slices, {1: slices - 90, 2: slices - 80}, tmp_path, steps=12)
    assert made.folds.steps.tolist() == [12, 12] and made.folds.slices.tolist() == [12, 12]
    assert (made.folds.auc > 0.95).all()
    assert blind(made.folds) is None
    assert not list(tmp_path.iterdir())


def test_the_area_is_of_held_out_slices_and_takes_candidates_in_turn(slices, tmp_path, monkeypatch):
    """With a classifier that knows by heart: brightness is P(real)."""
    monkeypatch.setattr(realism, "fit", lambda *_: None)
    monkeypatch.setattr(realism, "probability_real", lambda _, x: x.float().mean((1, 2)) / 255)
    # real slices of 100 to 140; of two candidates one is always darker, the other always brighter
    made = fitted(slices, {1: slices - 90, 2: slices + 90}, tmp_path, steps=1)
    assert made.folds.auc.tolist() == [0.5, 0.5]
    assert made.folds.real_share.tolist() == [1.0, 1.0]
    assert blind(made.folds)
    assert (made.probability[1] < 0.3).all() and (made.probability[2] > 0.7).all()


def test_one_patient_has_no_classifier(slices, tmp_path):
    config = profiles.load("quick")
    few = cross_fitted(config.realism, {1: slices}, slices, np.array(["a"] * 24), 1, 1.0, tmp_path)
    assert few.folds.empty and blind(few.folds) is None
    assert few.probability[1].isnan().all()
