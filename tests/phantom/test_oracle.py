"""The oracle's slices against those of a cohort made in the usual way, with the same masks."""

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import ndimage

from lcgan_core.cohort.resampling import to_slices
from lcgan_core.cohort.windows import to_window
from lcgan_core.copies.base import Originals
from lcgan_core.errors import UserError
from lcgan_core.lesions import FIVE, LABELS
from lcgan_core.metrics.sharpness import sharpness_laplacian
from lcgan_core.phantom import InSilicoCase, lesions, oracle, sampling
from lcgan_core.phantom.blood import Lesion
from lcgan_core.phantom.brain import Where
from lcgan_core.phantom.fields import smooth
from lcgan_core.phantom.fitting import fitted, mask_of
from lcgan_core.phantom.heads import cavity
from lcgan_core.phantom.lesions import BLOOD_HU
from lcgan_core.phantom.outlines import Outline, distance
from lcgan_core.phantom.sampling import draw_patient
from lcgan_core.protocol import profiles
from lcgan_core.run import plan

SEED, MATRIX, SLICES, SIZE = 11, 256, 8, 128
PATIENTS = (1, 3, 8, 13, 15, 17, 26, 29, 34, 38, 39, 42)
"""Of the cohort SEED: of each type there are three patients or more."""
BONE = 150
"""HU above any blood."""


@pytest.fixture(scope="module", autouse=True)
def alike():
    """Blood of one attenuation and one kernel for all: few patients are then enough to compare how
    masks are painted."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lesions, "BLOOD_HU", {name: (hu, 0.0) for name, (hu, _) in BLOOD_HU.items()})
        patch.setattr(sampling, "KERNELS", ((1.0, 1.0, 0.0),))
        yield


@pytest.fixture(scope="module")
def usual():
    """hu, labels, pixel_spacing_mm, position_mm of the slices with lesions of a small cohort."""
    rows, hu, labels = [], [], []
    for number in PATIENTS:
        stored = to_slices(InSilicoCase(SEED, number, MATRIX, SLICES).load(), SIZE, FIVE)
        shown = stored.labels.any(axis=(1, 2))
        hu.append(stored.hu[shown])
        labels.append(stored.labels[shown])
        rows += [row for row, some in zip(stored.rows, shown, strict=True) if some]
    table = pd.DataFrame(rows)
    return np.concatenate(hu), np.concatenate(labels), table


@pytest.fixture(scope="module")
def painted(usual):
    return paint(usual, slice(None))


def paint(usual, some, seed=1):
    _, labels, table = usual
    sizes, heights = table.pixel_spacing_mm.to_numpy(), table.position_mm.to_numpy()
    return oracle.paint(labels[some], sizes[some], heights[some], MATRIX, SLICES, seed)


def test_the_same_seed_gives_the_same_bytes_and_another_seed_another_head(usual, painted):
    first = slice(0, 2)
    np.testing.assert_array_equal(paint(usual, first), painted[first])
    other = paint(usual, first, seed=2)
    bone = painted[first] > BONE, other > BONE
    assert (bone[0] != bone[1]).sum() > 0.1 * bone[0].sum()


# With blood of one HU for all patients (`alike`) what differs is lumps, levels and how much of a
# pixel is blood; some SDH are old and dark. Without blood medians would be those of brain and CSF,
# 15 to 40 HU lower.
@pytest.mark.parametrize("name", LABELS)
def test_blood_has_the_hu_of_its_type(usual, painted, name):
    hu, labels, _ = usual
    there = labels == LABELS[name]
    assert there.sum() > 300
    assert np.median(painted[there]) == pytest.approx(np.median(hu[there]), abs=6)


# Areas of heads have an SD of 6 % between patients (3.5 % across and along, most of it common), and
# a new head is fitted to its mask alone. The slices are of twelve patients, so that two standard
# errors of a median are 4.4 %. The quotient of two slices has an SD of 12 % by size, tilt and
# height, three of them a factor of 1.43; near the vertex, where sections shrink, none is asked for.
def test_heads_are_as_large_as_those_of_the_cohort(usual, painted):
    hu, _, table = usual
    ratio = np.array([area(new) / area(old) for new, old in zip(painted, hu, strict=True)])
    assert np.median(ratio) == pytest.approx(1, abs=0.044)
    assert np.abs(np.log(ratio[table.position_mm < 75])).max() < np.log(1.43)


def test_a_fit_does_not_enlarge_heads_on_average(usual):
    """Against the same heads before the fit, so that sizes of patients do not enter."""
    _, labels, table = usual
    grown = []
    where = zip(labels, table.pixel_spacing_mm, table.position_mm, strict=True)
    for k, (mask, px, height) in enumerate(where):
        before = draw_patient(np.random.default_rng([5, k]), 0.5)
        after, _, _ = fitted(before, mask_of(mask, px, height))
        grown.append(np.prod(after.scale) / np.prod(before.scale))
    assert np.median(grown) == pytest.approx(1, abs=0.02)


def area(hu):
    """Pixels within the outline of the head, whatever air there is in it."""
    parts, _ = ndimage.label(hu > -300)
    head = parts == np.bincount(parts.ravel())[1:].argmax() + 1
    return ndimage.binary_fill_holes(head).sum()


# The scanner's noise has an SD of 18 % between patients, 36 % in variance: two standard errors of
# the quotient of a median over twelve and one over 42 are 30 %. A blurred or noiseless picture has
# less than half.
def test_noise_and_sharpness_are_those_of_the_scanner(usual, painted):
    new, old = (np.median(sharpness_laplacian(to_window(hu))) for hu in (painted, usual[0]))
    assert new == pytest.approx(old, rel=0.3)


# Where no head of TRIES leaves at most ENOUGH per cent of a mask in bone the best one is taken:
# blood in the basal cisterns lies beside a base of the skull that a fit does not shape.
def test_masks_lie_inside_the_skull(usual, painted):
    hu, labels, _ = usual
    every = labels > 0
    assert (painted[every] > BONE).mean() < (hu[every] > BONE).mean() + 0.01
    bone = ((painted > BONE) & every).sum(axis=(1, 2)) / every.sum(axis=(1, 2))
    assert (bone > oracle.ENOUGH / 100).mean() <= 0.1


@pytest.mark.parametrize("name", ["EDH", "SDH"])
def test_extra_axial_blood_is_as_near_to_bone_as_in_the_cohort(usual, painted, name):
    hu, labels, table = usual
    away = []
    for scans in (hu, painted):
        mm = [
            ndimage.distance_transform_edt(scan < BONE)[mask == LABELS[name]] * px
            for scan, mask, px in zip(scans, labels, table.pixel_spacing_mm, strict=True)
        ]
        away.append(np.concatenate(mm))
    on_skull = away[0] < 25  # the rest lies on the falx or the tentorium
    assert on_skull.sum() > 150
    new, old = (np.percentile(mm[on_skull], (10, 50)) for mm in away[::-1])
    # distances to the nearest pixel of bone come in steps of up to a pixel; blood that lay anywhere
    # in the head would be 20 mm away on average
    np.testing.assert_allclose(new, old, atol=table.pixel_spacing_mm.max())


def test_the_head_is_new(usual, painted):
    """Noise and folds of the cortex have nothing to do with those of the slice that was masked."""
    hu, labels, _ = usual
    fine = [
        np.clip(a, 0, 80) - ndimage.gaussian_filter(np.clip(a, 0, 80).astype(float), (0, 2, 2))
        for a in (hu, painted)
    ]
    brain = (labels == 0) & np.all([(a > 10) & (a < 60) for a in (hu, painted)], axis=0)
    brain = ndimage.binary_erosion(brain, np.ones((1, 3, 3)))
    assert brain.sum() > 10_000
    # falx and ventricles lie alike in all heads, and so it is not zero
    assert abs(np.corrcoef(fine[0][brain], fine[1][brain])[0, 1]) < 0.2


def test_copies_are_windowed_slices_with_the_same_masks(usual):
    hu, labels, table = usual
    few = slice(0, 3)
    config = profiles.load("quick")
    originals = Originals(
        torch.from_numpy(to_window(hu[few])), torch.from_numpy(labels[few]), table[few], list
    )
    images, masks = oracle.copies(originals, torch.Generator().manual_seed(3), config)
    assert images.shape == masks.shape and images.dtype == torch.uint8
    assert torch.equal(masks, originals.labels)
    assert 80 < images[masks > 0].float().median() < 170  # blood of 31 to 67 HU in 0..100
    again, _ = oracle.copies(originals, torch.Generator().manual_seed(3), config)
    assert torch.equal(images, again)


def test_a_mask_without_lesion_gives_a_head_without_blood(usual):
    _, labels, table = usual
    none, sizes = np.zeros_like(labels[:1]), table.pixel_spacing_mm.to_numpy()[:1]
    hu = oracle.paint(none, sizes, np.array([45.0]), MATRIX, SLICES, 1)
    inside = ndimage.binary_erosion(cavity(hu[0]), iterations=3)  # beyond the glare of bone
    assert inside.sum() > 3000
    # brain and noise lie below; calcifications, the falx and what is no blood but looks so above
    assert (hu[0][inside] < 48).mean() > 0.97


@pytest.mark.parametrize(("name", "reaches"), [("EDH", True), ("IPH", False)])
def test_blood_on_the_skull_fills_the_glare_that_its_mask_leaves_out(name, reaches):
    px = 1.0
    mask = np.zeros((9, 9), bool)
    mask[3:6, 3:7] = True  # two pixels from bone, which begins at column 9
    across, down = np.meshgrid(np.arange(9) - 4.0, np.arange(9) - 4.0)
    at = Where(across, -down, 0 * across, 4.5 - across)
    lesion = Lesion(name, (1.5, 0, 0), (9, 9, 9), 55.0, smooth(np.random.default_rng(1), 9.0))
    inside = Outline(lesion, distance(mask, px), px).inside(at, across, down)
    np.testing.assert_array_equal(inside[3:6, 3:7] > 0, True)
    np.testing.assert_array_equal(inside[3:6, 7:] > 0, reaches)
    np.testing.assert_array_equal(inside[:, :2] > 0, False)


@pytest.mark.parametrize(("far", "lifted"), [(1.0, True), (30.0, False)])
def test_the_brain_is_lifted_by_blood_on_the_skull_and_not_by_blood_on_the_falx(far, lifted):
    across, down = np.meshgrid(np.arange(9.0) - 4, np.arange(9.0) - 4)
    at = Where(across, -down, 0 * across, far + 4 - across)
    lesion = Lesion("SDH", (1.5, 0, 0), (9, 9, 9), 55.0, smooth(np.random.default_rng(1), 9.0))
    outline = Outline(lesion, np.ones((9, 9), np.float32), 1.0)
    thick = outline.thickness(at, np.where(across > 1, 1.0, -1.0))
    assert (thick[4, 6:] > 0).all() == lifted
    assert (thick > 0).any() == lifted


def test_a_real_cohort_has_no_oracle(tmp_path):
    arms = [*profiles.load("quick").arms, "oracle"]
    assert "oracle" in profiles.load("quick", arms=arms).arms
    with pytest.raises(UserError, match="oracle needs the in-silico cohort, because a real scan"):
        profiles.load("quick", arms=arms, cohort=str(tmp_path))
    config = profiles.load("quick", cohort=str(tmp_path))
    with pytest.raises(UserError, match="oracle needs the in-silico cohort"):
        oracle.copies(None, torch.Generator(), config)


def test_the_oracle_needs_the_cohort_and_no_network():
    config = profiles.load("quick", arms=[*profiles.load("quick").arms, "oracle"])
    job = plan.Job("augmentation", "oracle", 0.5)
    assert job in plan.jobs(config)
    assert plan.inputs(config, job) == {"cohort": plan.COHORT}
    deeper = replace_cohort(config, slices=9)
    assert plan.fingerprint(deeper, job) != plan.fingerprint(config, job)


def replace_cohort(config, **changed):
    return config.model_copy(update={"cohort": config.cohort.model_copy(update=changed)})
