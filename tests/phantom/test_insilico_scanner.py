"""The scanner's shortcuts beside a full projection and reconstruction by scikit-image, its matrices
beside OpenCV's filters, and NumPy beside torch."""

import subprocess
import sys
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from skimage.transform import iradon, radon
from threadpoolctl import threadpool_limits

from lcgan_core.phantom.patient import paint_slice, scan_patient
from lcgan_core.phantom.sampling import draw_patient
from lcgan_core.phantom.scanner import BLUR_MM, BONE, SPECTRUM, WATER, WATER_70, Scanner, hardening

FIELD_MM, SIDE = 230.0, 128
ANGLES = np.arange(180.0)
CM = FIELD_MM / SIDE / 10


@pytest.fixture(scope="module")
def slices():
    """True HU of a head between the petrous bones, at the ventricles and near the vertex."""
    patient = replace(draw_patient(np.random.default_rng(8), 0.5), turn=(0, 0, 0), confounders=[])
    return [paint_slice(patient, z, 5.0, FIELD_MM)[0] for z in (4.0, 42.0, 80.0)]


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
    rays, _ = scanner.draw(np.random.default_rng(0), 1)
    errors, spread = scanner._from_projections(true[None], rays)
    return [cv2.resize(a[0], (SIDE, SIDE), interpolation=cv2.INTER_CUBIC) for a in (errors, spread)]


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
    scanner = Scanner(matrix=256, px=0.9, noise_sd=4.0, left=0.0, sharp=1.0)
    _, white = scanner.draw(np.random.default_rng(2), 1)
    grain = scanner._grain(white)[0]
    assert 0.97 < grain.std() < 1.03
    power = np.abs(np.fft.fft2(grain)) ** 2
    f = np.hypot(*np.meshgrid(*[np.fft.fftfreq(256, 0.9)] * 2))
    bands = [power[(f > low) & (f < low + 0.05)].mean() for low in (0.0, 0.15, 0.5)]
    assert bands[0] < bands[1] and bands[2] < 0.3 * bands[1]


def test_a_slice_that_moves_has_the_streaks_of_views_from_before_and_after(slices):
    """Against a projection and reconstruction whose first half of views sees another place."""
    true = slices[1]
    after = np.roll(true, 6, axis=1)
    scanner = Scanner(matrix=256, px=FIELD_MM / 256, noise_sd=1e-6, left=0.0, sharp=1.0)
    rays, _ = scanner.draw(np.random.default_rng(0), 1)
    mean = ((true + after) / 2)[None]
    moving, still = (
        scanner._from_projections(mean, rays, moved)[0][0] for moved in ((after - true)[None], None)
    )
    small = [
        cv2.resize(a.astype(np.float32), (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        for a in (true, after)
    ]
    disc = np.hypot(*(np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2)) < SIDE / 2 - 1
    views = [radon((a + 1000) * disc, ANGLES) for a in small]
    seen = np.where(np.arange(180) >= 90, *views)  # scikit-image turns the other way round
    full = iradon(seen - sum(views) / 2, ANGLES, filter_name="hann")
    ours = cv2.resize(moving - still, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    inside = cv2.erode(((small[0] > 5) & (small[0] < 60)).astype(np.uint8), np.ones((5, 5))) > 0
    smooth = cv2.GaussianBlur(full.astype(np.float32), (0, 0), 1.0)
    assert full[inside].std() > 5
    assert np.corrcoef(smooth[inside], ours[inside])[0, 1] > 0.9
    assert ours[inside].std() == pytest.approx(smooth[inside].std(), rel=0.3)


def test_water_of_any_depth_reads_as_water_and_bone_as_less():
    depths = np.linspace(0, 60, 61)
    wrong, met = hardening(depths, 0 * depths)
    # 1e-5 of a line integral is 0.2 HU in a pixel of the coarse grid, were it all in one
    assert np.abs(wrong).max() < 1e-5
    assert np.allclose(met, seen(depths, 0))
    assert hardening(np.array([18.0]), np.array([8.0]))[0] < -0.1


def test_projections_give_what_was_calibrated():
    """A skull with two dense lumps; the numbers are those of the first, slower version."""
    rows, columns = np.mgrid[:256, :256] - 127.5
    r = np.hypot(rows, columns / 0.8)
    true = np.where(r < 90, 35.0, np.where(r < 98, 900.0, -1000.0)).astype(np.float32)
    true[np.hypot(rows - 20, np.abs(columns) - 40) < 12] = 1400
    scanner = Scanner(matrix=256, px=0.9, noise_sd=4.0, left=1.0, sharp=1.0)
    rays, _ = scanner.draw(np.random.default_rng(0), 1)
    errors, spread = (a[0] for a in scanner._from_projections(true[None], rays))
    points = (40, 46, 46, 46, 20, 60, 30), (40, 40, 28, 33, 40, 40, 30)
    # that version looked the water correction up in a table of 0.5 cm, worth 0.25 HU
    was = [1.96, -19.08, -108.26, -8.59, -1.19, -0.30, -1.97]
    assert np.allclose(errors[points], was, atol=0.3)
    was = [3.865, 3.931, 4.711, 3.978, 3.364, 3.336, 3.541]
    assert np.allclose(spread[points], was, atol=0.001)


@pytest.mark.parametrize("matrix", [64, 256, 320])
def test_blur_and_matrix_are_opencvs(slices, matrix):
    true = np.stack(slices)
    scanner = Scanner(matrix, FIELD_MM / matrix, noise_sd=0.0, left=0.0, sharp=1.0)
    hu = scanner.images(true, *scanner.draw(np.random.default_rng(0), len(true)))
    how = cv2.INTER_AREA if matrix < true.shape[1] else cv2.INTER_CUBIC
    for ours, one in zip(hu, true, strict=True):
        blurred = cv2.GaussianBlur(one, (0, 0), BLUR_MM * true.shape[1] / FIELD_MM)
        theirs = cv2.resize(blurred, (matrix, matrix), interpolation=how).clip(-1024, 3071)
        assert np.abs(ours - theirs).max() < 0.51  # HU are whole numbers


def close(ours, theirs):
    """Whole numbers that differ where the last digits of float32 decide the rounding."""
    apart = np.abs(ours.astype(int) - theirs)
    return apart.max() <= 1 and apart.mean() < 1e-3


@pytest.mark.parametrize("matrix", [64, 256])
@pytest.mark.parametrize(
    "device",
    [
        "cpu",
        pytest.param(
            "cuda",
            marks=[
                pytest.mark.gpu,
                pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
            ],
        ),
    ],
)
def test_tensors_on_a_device_become_the_images_that_arrays_become(slices, device, matrix):
    scanner = Scanner(matrix, FIELD_MM / matrix, noise_sd=4.0, left=0.8, sharp=1.1)
    air = np.full_like(slices[0], -1000.0)  # no brain to take a median of
    arrays = (np.stack([*slices, air]), *scanner.draw(np.random.default_rng(0), 4))
    found = scanner.images(*(torch.from_numpy(a).to(device) for a in arrays))
    assert found.device.type == device and found.dtype == torch.int16
    assert close(found.cpu().numpy(), scanner.images(*arrays))


def test_a_slice_does_not_depend_on_those_imaged_with_it(slices):
    scanner = Scanner(matrix=128, px=FIELD_MM / 128, noise_sd=4.0, left=0.8, sharp=1.0)
    together = scanner.images(np.stack(slices), *scanner.draw(np.random.default_rng(0), 3))
    rng = np.random.default_rng(0)
    alone = [scanner.images(true[None], *scanner.draw(rng, 1))[0] for true in slices]
    assert close(together, np.stack(alone))


def test_workers_do_not_wait_for_torch():
    code = (
        "import sys; from lcgan_core.phantom import write_cohort, scan_patient; "
        "scan_patient(5, 1, 32, 1); sys.exit('torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_any_number_of_threads_gives_the_same_patient():
    """Where threads share the scanner's sums, one to four pixels of each patient change by 1 HU."""
    found = []
    for threads in (1, 2):
        with threadpool_limits(limits=threads, user_api="blas"):
            found.append([scan_patient(2020, k, 256, 8).hu for k in (1, 2)])
    assert np.array_equal(*found)
