"""A mask that was mirrored or turned on its way is known by the pixels, not by a header."""

from pathlib import Path

import numpy as np
import pytest
import scipy.stats

from lcgan_core.cohort import nifti
from lcgan_core.cohort.label_map import LabelMap
from lcgan_core.cohort.plausible import check, fit_of
from lcgan_core.cohort.series import Refused, Series
from lcgan_core.lesions import FIVE, Classes
from lcgan_core.phantom.patient import scan_patient

from .cases import store_of
from .volumes import write

TURNS = {
    "mirrored left to right": lambda mask: mask[:, :, ::-1],
    "mirrored front to back": lambda mask: mask[:, ::-1],
    "turned by 180 degrees": lambda mask: mask[:, ::-1, ::-1],
    "upside down": lambda mask: mask[::-1],
    "turned by 90 degrees": lambda mask: np.rot90(mask, 1, (1, 2)),
}


def head(level=70, seed=0):
    """HU and labels of an egg-shaped head with a bleeding of `level` HU, left, front, high up."""
    _, y, x = np.indices((10, 64, 64))
    hu = np.full(y.shape, -1000)
    hu[((x - 31.5) / 23) ** 2 + ((y - 31.5) / 28) ** 2 < 1] = 900
    brain = ((x - 31.5) / 21) ** 2 + ((y - 31.5) / 25) ** 2 < 1
    hu[brain] = 35
    labels = np.zeros(hu.shape, np.uint8)
    labels[6:9, 15:23, 38:46] = FIVE.labels["SDH"]
    hu[labels > 0] = level
    noise = np.random.default_rng(seed).normal(0, 5, hu.shape)
    return (hu + noise).round().astype(np.int16), labels


def checked(hu, labels, classes=FIVE, as_given=False, **more):
    labels = np.ascontiguousarray(labels)
    series = Series("p", "u", hu, labels, 5.0 * np.arange(len(hu)), (3.0, 3.0), 0.0, **more)
    return check(series, classes, Path("case"), as_given)


def test_the_report_says_how_much_lies_outside_and_what_lies_under_a_class():
    hu, labels = head()
    labels[7, 0, :16] = FIVE.labels["SDH"]  # 16 of 208 voxels in the air
    told = checked(hu, labels)
    assert told["outside_SDH"] == round(16 / 208, 3)
    assert told["hu_SDH"] == np.median(hu[labels > 0]) and told["fit"] > told["fit_turned"]
    assert set(told) == {"outside_SDH", "hu_SDH", "fit", "fit_turned"}


@pytest.mark.parametrize("how", TURNS)
def test_a_turned_mask_is_refused_and_told_how(how):
    hu, labels = head()
    with pytest.raises(Refused) as told:
        checked(hu, TURNS[how](labels))
    assert how in told.value.reason and told.value.reason.endswith(".")


@pytest.mark.parametrize("how", TURNS)
def test_a_turned_mask_is_taken_on_the_users_word(how):
    hu, labels = head()
    told = checked(hu, TURNS[how](labels), as_given=True)
    assert told["fit"] < 0.1 and told["fit_turned"] > 0.8


@pytest.mark.parametrize("level", [33, 35, 37])
def test_blood_that_is_no_brighter_than_brain_lies_where_its_header_says(level):
    """Such a mask is taken, mirrored or not, with its HU and fit in the report."""
    hu, labels = head(level)
    for turned in (labels, *(turn(labels) for turn in TURNS.values())):
        told = checked(hu, turned)
        assert told["outside_SDH"] == 0 and max(told["fit"], told["fit_turned"]) < 0.12


def test_a_class_that_is_darker_than_brain_is_checked_as_well():
    """Oedema; what lies around decides, not what is expected of blood."""
    classes = Classes(("PHE",), ("perihaematomal oedema",))
    hu, labels = head(20)
    mask = (labels > 0).astype(np.uint8)
    assert checked(hu, mask, classes)["fit"] > 0.5
    with pytest.raises(Refused, match="mirrored left to right"):
        checked(hu, mask[:, :, ::-1], classes)


@pytest.mark.parametrize("level", [20, 41, 45, 70])
def test_a_mask_without_geometry_is_taken_only_as_it_fits_best(level):
    hu, labels = head(level)
    told = checked(hu, labels, by_order=True)
    assert told["fit"] > told["fit_turned"]
    for turn in TURNS.values():
        with pytest.raises(Refused, match="--as-given"):
            checked(hu, turn(labels), by_order=True)
        assert "fit" in checked(hu, turn(labels), by_order=True, as_given=True)


def test_a_mask_without_geometry_that_fits_no_way_is_asked_for():
    """Blood as bright as brain: of 16 ways to lie, that as given fits best by chance only."""
    refused = 0
    for seed in range(8):
        try:
            checked(*head(35, seed), by_order=True)
        except Refused as told:
            assert "nothing says how it lies" in told.reason and "--as-given" in told.reason
            refused += 1
    assert refused >= 6


def test_a_symmetric_mask_lies_right_either_way():
    """Blood on both sides: mirrored it lies on itself, and the HU cannot and need not tell."""
    hu, labels = head()
    both = np.maximum(labels, labels[:, :, ::-1])
    hu = np.where(both > 0, np.maximum(hu, hu[:, :, ::-1]), hu)
    for mask in (both, both[:, :, ::-1]):
        assert checked(hu, mask, by_order=True)["fit"] > 0.8


@pytest.mark.parametrize("groups", [2, 3])
def test_the_fit_is_that_of_an_analysis_of_variance(groups):
    rng = np.random.default_rng(groups)
    hu = rng.integers(20, 80, (3, 8, 8))
    hu[0, 0, 0], hu[-1, -1, -1] = -1000, 900
    voxels = np.array(np.nonzero((hu > 0) & (hu < 100)))
    values = rng.integers(0, groups, voxels.shape[1])
    seen = hu[tuple(voxels)]
    f = scipy.stats.f_oneway(*[seen[values == value] for value in range(groups)]).statistic
    share = (groups - 1) * f / ((groups - 1) * f + len(seen) - groups)
    assert fit_of(hu, voxels, values) == pytest.approx(share)


def test_a_mask_on_bone_and_air_fits_by_its_other_part():
    hu = np.array([[[40, 40, 70, 70, 900, 900, -1000, -1000]]])
    voxels = np.array([[0] * 8, [0] * 8, range(8)])
    assert fit_of(hu, voxels, np.array([0, 0, 1, 1, 1, 1, 1, 1])) == pytest.approx(2 / 6)


def test_a_mask_beside_the_head_is_refused():
    hu, labels = head()
    with pytest.raises(Refused, match="100% lies outside the head"):
        checked(hu, np.where(np.arange(64) < 4, FIVE.labels["SDH"], 0) + 0 * labels)


def test_a_mask_that_lies_in_the_head_only_when_turned_is_refused():
    """Whatever the HU: a narrow head and a mask that lies across it."""
    hu, labels = head(35)
    hu[:, :, :20] = hu[:, :, 44:] = -1000
    labels[:] = 0
    labels[6:9, 8:56, 28:34] = FIVE.labels["SDH"]
    assert checked(hu, labels)["outside_SDH"] == 0
    with pytest.raises(Refused, match="turned by 90 degrees"):
        checked(hu, TURNS["turned by 90 degrees"](labels))


def test_an_empty_mask_needs_no_check():
    hu, labels = head()
    assert checked(hu, 0 * labels) == {}


def test_a_mask_of_a_few_voxels_is_not_refused_for_what_chance_may_do():
    hu, labels = head()
    few = np.zeros_like(labels)
    few[6, 15:18, 38:42] = labels[6, 15:18, 38:42]
    hu[few != labels] = 35
    told = checked(hu, few[:, :, ::-1])
    assert told["fit_turned"] > told["fit"] + 0.1


@pytest.mark.parametrize("number", range(4))
def test_no_right_mask_of_a_phantom_is_refused(number):
    scan = scan_patient(5, number, 128, 12)
    told = checked(scan.hu, scan.labels)
    assert all(value == 0 for name, value in told.items() if name.startswith("outside"))


@pytest.mark.parametrize("how", TURNS)
def test_a_header_that_lies_gives_no_store(tmp_path, how):
    """The mask's voxels were turned, its header says that they were not; the whole ingest."""
    affine = np.diag([-3.0, -3.0, 5.0, 1.0])
    hu, labels = head()
    write(tmp_path / "in/a_ct.nii.gz", hu.T, affine)
    write(tmp_path / "in/b_ct.nii.gz", hu.T, affine)
    write(tmp_path / "in/a_seg.nii.gz", TURNS[how](labels).T, affine)
    write(tmp_path / "in/b_seg.nii.gz", labels.T, affine)
    found = nifti.find(
        tmp_path / "in", "{patient}_ct.nii.gz", "{patient}_seg.nii.gz", LabelMap.parse("5=SDH")
    )
    told = []
    made = store_of(found.cases, tmp_path / "store", size=64, tell=told)
    assert made.report.status.tolist() == ["refused", "taken"]
    assert np.array_equal(made.store.labels, labels) and len(told) == 1 and how in told[0]
    assert made.report.outside_SDH[1] == 0 and made.report.hu_SDH[1] == np.median(hu[labels > 0])
