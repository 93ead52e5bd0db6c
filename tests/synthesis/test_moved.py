"""Moved masks: intraventricular blood stays in the ventricles of its slice."""

import numpy as np
import pytest

from lcgan_core.lesions import FIVE, Classes
from lcgan_core.phantom.patient import scan_patient
from lcgan_core.phantom.tissues import Tissue
from lcgan_core.synthesis.moved import Allowed, ventricles

IVH, IPH = FIVE.labels["IVH"], FIVE.labels["IPH"]
SIZE = 128


def disk(row, column, radius):
    rows, columns = np.mgrid[:SIZE, :SIZE]
    return np.hypot(rows - row, columns - column) < radius


@pytest.fixture
def drawn():
    """A ventricle of 8 HU in brain of 33 HU, blood in its lower part, and another ventricle."""
    ventricle, other = disk(64, 50, 12), disk(64, 90, 12)
    ivh = ventricle & (np.mgrid[:SIZE, :SIZE][0] > 66)
    hu = np.where(ventricle | other, 8, 33)
    hu[ivh] = 60
    hu = hu + np.random.default_rng(0).integers(-4, 5, hu.shape)
    return hu.astype(np.int16), (ivh * IVH).astype(np.uint8), ventricle


def test_the_ventricle_is_the_csf_that_the_blood_touches(drawn):
    hu, labels, ventricle = drawn
    found = ventricles(hu, labels == IVH)
    assert (found & ventricle).sum() / (found | ventricle).sum() > 0.85
    assert not (found & disk(64, 90, 14)).any()


def test_ivh_that_moves_stays_in_its_ventricle_where_the_slice_is_known(drawn):
    hu, labels, ventricle = drawn
    allowed = Allowed([labels], FIVE)
    inside, without = (
        [allowed.moved(labels, seed, given) == IVH for seed in range(40)] for given in (hu, None)
    )
    assert np.mean([(one != (labels == IVH)).any() for one in inside]) > 0.9
    assert min((one & ventricle).sum() / one.sum() for one in inside) == 1
    assert min((one & ventricle).sum() / one.sum() for one in without) < 0.95


def test_other_classes_move_as_without_the_slice(drawn):
    hu, labels, _ = drawn
    iph = np.where(labels == IVH, IPH, 0).astype(np.uint8)
    allowed = Allowed([iph], FIVE)
    assert np.array_equal(allowed.moved(iph, 3, hu), allowed.moved(iph, 3))
    of_two = Allowed([labels // IVH], Classes(("IPH",), ("intraparenchymal",)))
    assert np.array_equal(of_two.moved(labels // IVH, 3, hu), of_two.moved(labels // IVH, 3))


def test_ivh_of_phantoms_stays_where_the_phantom_has_ventricles():
    """The phantom knows its ventricles; of moved blood nearly all lies in them."""
    scan = scan_patient(31, 28, SIZE, 14)
    found = [k for k, labels in enumerate(scan.labels) if (labels == IVH).sum() >= 20]
    assert len(found) >= 2
    allowed = Allowed(scan.labels[found], FIVE)
    for k in found:
        truth = (scan.tissue[k] == Tissue.VENTRICLE) | (scan.labels[k] == IVH)
        for seed in range(10):
            moved = allowed.moved(scan.labels[k], seed, scan.hu[k]) == IVH
            assert (moved & truth).sum() / moved.sum() > 0.9
