"""Memorisation and coverage on planted cases: pure copies, and slices of nobody."""

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist

from lcgan_core.criteria.coverage import coverage, nearest_pixels

PATIENTS = np.repeat(["a", "b", "c", "d"], 4)


def features(images):
    """Mean grey levels of 16 tiles: features that need no network."""
    return torch.nn.functional.avg_pool2d(images.float()[:, None], 16).flatten(1) / 255


@pytest.fixture(scope="module")
def real():
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(60, 200, (16, 64, 64), generator=generator, dtype=torch.uint8)
    labels = torch.zeros_like(images)
    labels[:, 20:30, 20:40] = 1
    return images, labels


def made(synthetic, real, patients=PATIENTS):
    return coverage(synthetic, *real, patients, features, seed=1)


def test_copies_are_nearer_than_any_other_patient_and_lie_on_their_own_slice(real):
    found = made(real[0].clone(), real)
    assert found.memorisation.space.tolist() == ["pixels", "features"]
    assert (found.memorisation.closer == 1).all()
    assert (found.memorisation.own == 1).all()
    assert (found.memorisation.ci_low == 1).all()
    assert (found.memorisation.n == 16).all()
    assert found.neighbours.pixels_synthetic.max() < 0.1
    apart = found.kernel.set_index("set").distance
    assert apart["synthetic"] == apart["real"], "copies are as far from other patients as they are"


def test_slices_of_nobody_are_far_from_everybody(real):
    found = made(255 - real[0] // 4, real)
    assert (found.memorisation.closer == 0).all()
    assert (found.neighbours.pixels_synthetic > found.neighbours.pixels_real).all()


def test_distances_between_features_are_scipy_s(real):
    synthetic = real[0].flip(2)
    found = made(synthetic, real).neighbours
    painted, taken = features(synthetic).numpy(), features(real[0]).numpy()
    apart = cdist(painted, taken)
    np.testing.assert_allclose(found.features_synthetic, apart.min(1), rtol=1e-4)
    assert found.features_nearest.tolist() == apart.argmin(1).tolist()
    others = np.where(PATIENTS[:, None] == PATIENTS, np.inf, cdist(taken, taken))
    np.testing.assert_allclose(found.features_real, others.min(1), rtol=1e-4)


def test_neighbours_in_grey_levels_are_those_of_nearest_pixels(real):
    images, labels = real
    apart, place = nearest_pixels(images.flip(0), labels, images)
    assert place.tolist() == list(range(15, -1, -1))
    assert apart.max() < 0.1
    assert made(images.flip(0), real).neighbours.pixels_nearest.tolist() == place.tolist()


def test_one_patient_has_nobody_to_compare_with(real):
    found = made(real[0], real, np.array(["a"] * 16))
    assert found.memorisation[["closer", "ci_low", "ci_high"]].isna().all(axis=None)
    assert (found.memorisation.n == 0).all()
    assert found.kernel.distance.isna().all()
    assert (found.kernel.n == 0).all()
