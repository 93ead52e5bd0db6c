"""Memorisation and coverage on planted cases: pure copies, and slices of nobody."""

import numpy as np
import pytest
import torch

from lcgan_core.criteria.coverage import coverage
from lcgan_core.segmenters.fcn8s import features, network
from tests.training.trainings import FCN

PATIENTS = np.repeat(["a", "b", "c", "d"], 4)


@pytest.fixture(scope="module")
def fcn():
    torch.manual_seed(0)
    return network(FCN)[0]


@pytest.fixture(scope="module")
def real():
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(60, 200, (16, 64, 64), generator=generator, dtype=torch.uint8)
    labels = torch.zeros_like(images)
    labels[:, 20:30, 20:40] = 1
    return images, labels


def made(synthetic, real, fcn):
    return coverage(synthetic, *real, PATIENTS, fcn, seed=1)


def test_copies_are_nearer_than_any_other_patient_and_lie_on_their_own_slice(real, fcn):
    found = made(real[0].clone(), real, fcn)
    assert found.shares.space.tolist() == ["pixels", "features"]
    assert (found.shares.closer == 1).all()
    assert (found.shares.own == 1).all()
    assert (found.shares.ci_low == 1).all()
    assert (found.shares.n == 16).all()
    assert found.neighbours.pixels_synthetic.max() < 0.1
    apart = found.kernel.set_index("set").distance
    assert apart["synthetic"] == apart["real"], "copies are as far from other patients as they are"


def test_slices_of_nobody_are_far_from_everybody(real, fcn):
    found = made(255 - real[0] // 4, real, fcn)
    assert found.shares.closer[0] == 0
    assert (found.neighbours.pixels_synthetic > found.neighbours.pixels_real).all()


def test_one_patient_has_nobody_to_compare_with(real, fcn):
    found = coverage(real[0], *real, np.array(["a"] * 16), fcn, seed=1)
    assert found.shares[["closer", "ci_low", "ci_high"]].isna().all(axis=None)
    assert (found.shares.n == 0).all()
    assert found.kernel.distance.isna().all()
    assert (found.kernel.n == 0).all()


def test_features_are_one_vector_a_slice_whatever_the_batch(real, fcn):
    one_by_one = torch.cat([features(fcn, real[0][[k]]) for k in range(3)])
    together = features(fcn, real[0][:3])
    assert together.shape == (3, 64 * FCN.width)
    torch.testing.assert_close(one_by_one, together)
