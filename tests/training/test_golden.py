"""Losses of a short run are those that were kept; `python -m tests.training.golden` keeps new ones.

The tolerances are measured: AVX-512 beside ATEN_CPU_CAPABILITY=avx2 ONEDNN_MAX_CPU_ISA=AVX2
differed by 5e-6 (fcn), 4e-7 (lcgan) and 1e-3 (classifier, whose batch norms see eight values a
channel at this size and amplify the last digit at every step).
"""

import pytest

from lcgan_core.criteria import realism

from . import golden

TOLERANCE = {"lcgan": 1e-4, "fcn": 1e-4, "classifier": 5e-3}


@pytest.fixture(scope="module")
def stored():
    if not golden.path().exists():
        pytest.skip(
            f"no losses were kept for {golden.path().stem}: python -m tests.training.golden"
        )
    return golden.stored()


@pytest.fixture(scope="module")
def fresh():
    return golden.losses()


def apart(fresh, stored, network):
    """Largest relative difference of a network's losses."""
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
