"""The scanner's shortcuts beside a full projection and reconstruction by scikit-image."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from skimage.transform import iradon, radon

from lcgan_core.cohort.insilico.patient import _slice, draw_patient
from lcgan_core.cohort.insilico.scanner import BONE, SPECTRUM, WATER, WATER_70, Scanner

FIELD_MM, SIDE = 230.0, 128
ANGLES = np.arange(180.0)
CM = FIELD_MM / SIDE / 10


@pytest.fixture(scope="module")
def slices():
    """True HU of a head between the petrous bones, at the ventricles and near the vertex."""
    patient = replace(draw_patient(np.random.default_rng(8), 0.5), turn=(0, 0, 0), confounders=[])
    return [_slice(patient, z, 5.0, FIELD_MM)[0] for z in (4.0, 42.0, 80.0)]


def paths(true):
    """g/cm2 of soft tissue and of bone along 180 views of SIDE rays, in the disc that both see."""
    hu = cv2.resize(true, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    extra = cv2.resize(np.maximum(true - 150, 0), (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    rows, columns = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
    disc = np.hypot(rows, columns) < SIDE / 2 - 1
    soft, bone = np.clip(hu / 1000 + 1, 0, 1.1) * disc, np.clip(extra / 1000, 0, 2.5) * disc
    brain = cv2.erode(((hu > 5) & (hu < 60)).astype(np.uint8), np.ones((5, 5))) > 0
    return radon(soft, ANGLES) * CM, radon(bone, ANGLES) * CM, brain


def seen(water, bone):
    beam = [
        s * np.exp(-w * water - b * bone) for s, w, b in zip(SPECTRUM, WATER, BONE, strict=True)
    ]
    return -np.log(sum(beam))


def ours(true):
    scanner = Scanner(matrix=256, px=FIELD_MM / 256, noise_sd=1e-6, left=1.0, sharp=1.0)
    errors, spread = scanner._from_projections(np.random.default_rng(0), true)
    return [cv2.resize(a, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC) for a in (errors, spread)]


def test_beam_hardening_is_that_of_a_projected_and_reconstructed_head(slices):
    for true in slices:
        water, bone, brain = paths(true)
        depth = np.linspace(0, 60, 600)
        corrected = np.interp(seen(water, bone), seen(depth, 0), depth * WATER_70)
        wrong = corrected - water * WATER_70
        thin = (bone > 0) & (bone < 1.5)
        wrong -= (wrong[thin] / bone[thin]).mean() * bone  # scanners are right for thin bone
        full = iradon(wrong, ANGLES, filter_name="hann") / (CM * WATER_70) * 1000
        shortcut = ours(true)[0]
        inside = brain & (np.abs(full) < 60)
        if full[inside].std() > 3:  # little is wrong near the vertex
            assert np.corrcoef(full[inside], shortcut[inside])[0, 1] > 0.85
        difference = shortcut[inside] - full[inside]
        assert np.sqrt(np.mean((difference - difference.mean()) ** 2)) < 4


def test_the_petrous_bones_leave_more_streaks_than_the_vertex(slices):
    spread = [np.ptp(np.percentile(ours(true)[0][paths(true)[2]], (5, 95))) for true in slices]
    assert spread[0] > 10 and spread[0] > 1.5 * spread[2]


def test_noise_is_strong_where_a_reconstruction_of_counted_quanta_is_noisy(slices):
    rng = np.random.default_rng(1)
    for true in slices[:2]:
        water, bone, brain = paths(true)
        counts = 2e5 * np.exp(-seen(water, bone))
        noisy = np.stack(
            [
                iradon(-np.log(np.maximum(rng.poisson(counts), 1)), ANGLES, filter_name="hann")
                for _ in range(16)
            ]
        )
        sd = cv2.GaussianBlur(noisy.var(axis=0, ddof=1).astype(np.float32), (0, 0), 4) ** 0.5
        ratio = ours(true)[1][brain] / sd[brain]
        assert np.percentile(ratio, 90) / np.percentile(ratio, 10) < 1.35
        assert np.corrcoef(ours(true)[1][brain], sd[brain])[0, 1] > 0.6


def test_noise_has_the_sd_asked_for_and_is_blue_then_gone():
    flat = np.full((256, 256), 30.0, np.float32)
    scanner = Scanner(matrix=256, px=0.9, noise_sd=4.0, left=0.0, sharp=1.0)
    grain = scanner._grain(np.random.default_rng(2))
    assert 0.97 < grain.std() < 1.03
    power = np.abs(np.fft.fft2(grain)) ** 2
    f = np.hypot(*np.meshgrid(*[np.fft.fftfreq(256, 0.9)] * 2))
    bands = [power[(f > low) & (f < low + 0.05)].mean() for low in (0.0, 0.15, 0.5)]
    assert bands[0] < bands[1] and bands[2] < 0.3 * bands[1]
    assert scanner.image(np.random.default_rng(2), flat).dtype == np.int16
