"""Losses of a short run are those that were kept; `python -m tests.training.golden` renews them.

The tolerances are measured. Two processors with AVX-512, and one of them as if it had AVX2 alone
(ATEN_CPU_CAPABILITY=avx2 ONEDNN_MAX_CPU_ISA=AVX2), differed by up to 5e-6 (fcn), 4e-7 (lcgan) and
2.4e-4 (classifier). The classifier's batch norms see eight values per channel at this size and
amplify the last digit at every step: after three epochs it was 1e-2, hence one epoch is kept.
"""

import pytest

from lcgan_core.criteria import realism

from . import golden

TOLERANCE = {"lcgan": 1e-4, "fcn": 1e-4, "classifier": 2e-3}


@pytest.fixture(scope="module")
def stored():
    if not golden.path().exists():
        pytest.skip(f"no losses are kept for {golden.path().stem}: python -m tests.training.golden")
    return golden.stored()


@pytest.fixture(scope="module")
def fresh():
    return golden.losses()


def apart(fresh, stored, network):
    """Largest relative difference between a network's losses."""
    return ((fresh[network] - stored[network]).abs() / stored[network].abs()).max()


def test_the_same_losses_of_the_same_epochs(fresh, stored):
    assert fresh.index.sort_values().equals(stored.index.sort_values())
    assert set(stored.index.get_level_values("network")) == set(TOLERANCE)


@pytest.mark.parametrize("network", TOLERANCE)
def test_losses_are_the_kept_ones(fresh, stored, network):
    assert apart(fresh, stored, network) < TOLERANCE[network]


def test_a_small_change_of_a_loss_is_seen(stored, monkeypatch):
    monkeypatch.setattr(realism, "AUXILIARY_WEIGHT", 0.31)
    assert apart(golden.losses("classifier"), stored, "classifier") > TOLERANCE["classifier"]
