"""Numbers of heads: right on heads made by hand, and the phantom's beside those of real heads."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from scipy import ndimage

from lcgan_core.phantom import Tissue, blood, sampling, scan_patient, skull
from lcgan_core.phantom.brain import Where
from lcgan_core.phantom.confounders import METAL_HU, Confounder
from lcgan_core.phantom.fields import smooth
from lcgan_core.phantom.heads import head_numbers, oedema_numbers
from lcgan_core.phantom.lesions import of_volume
from lcgan_core.phantom.patient import jolt, paint_slice, scan
from lcgan_core.phantom.sampling import YAW_SD, draw_patient
from lcgan_core.phantom.skull import ANGLES, swollen
from lcgan_core.phantom.writer import _slice

ROOT = Path(__file__).parents[2]
REAL = pd.read_csv(ROOT / "data" / "real_heads.csv", index_col="number")
FIELD_MM = 245.0

OFF: set[str] = set()
"""Numbers whose median lies outside the middle 80 % of the real heads, or on its edge."""


def ellipse(turn_deg, skull_mm=7.0, scalp_mm=6.0, fluid_mm=0.0, px=0.9):
    """(20, 300, 300) HU: 150 x 126 mm of brain, with fluid in its middle, in skull and scalp."""
    image = np.full((300, 300), -1000.0, np.float32)
    for grow, hu in ((skull_mm + scalp_mm, 30), (skull_mm, 900), (0, 32)):
        axes = [int(round((a / 2 + grow) / px * 16)) for a in (126, 150)]
        cv2.ellipse(image, (150 * 16, 150 * 16), axes, turn_deg, 0, 360, hu, -1, shift=4)
    if fluid_mm:
        cv2.circle(image, (150, 150), round(fluid_mm / px), 5, -1)
    return np.repeat(image[None], 20, axis=0)


@pytest.mark.parametrize("turn", [-25.0, 0.0, 10.0])
def test_an_ellipse_of_known_size_is_measured(turn):
    found = head_numbers(ellipse(turn), 0.9, 5.0)
    assert abs(abs(found["ventricles_turn_deg"]) - abs(turn)) < 1
    assert found["ventricles_length_mm"] == pytest.approx(150, abs=2)
    assert found["ventricles_width_over_length"] == pytest.approx(126 / 150, abs=0.01)
    assert found["ventricles_skull_mm"] == pytest.approx(7, abs=1)
    assert found["ventricles_scalp_mm"] == pytest.approx(6, abs=1.5)
    assert found["ventricles_off_centre_mm"] < 1
    assert found["ventricles_csf_outer"] == 0 == found["vertex_csf_middle"]
    assert found["ventricles_brain_hu"] == pytest.approx(32, abs=0.5)


@pytest.mark.parametrize("step", [-1, 0, 2])
def test_a_stack_that_leans_is_measured(step):
    stack = [np.roll(image, k * step, axis=0) for k, image in enumerate(ellipse(10.0))]
    found = head_numbers(np.stack(stack), 0.9, 5.0)
    assert found["series_drift_deg"] == pytest.approx(
        np.degrees(np.arctan(step * 0.9 / 5)), abs=0.2
    )


def test_fluid_is_a_share_of_the_middle():
    found = head_numbers(ellipse(0.0, fluid_mm=20), 0.9, 5.0)
    # of the brain more than 25 mm deep, about 100 mm by 76 mm
    assert found["ventricles_csf_middle"] == pytest.approx(20**2 / (38 * 50), rel=0.15)


def test_what_has_no_skull_is_refused():
    with pytest.raises(ValueError, match="closed skull"):
        head_numbers(np.full((20, 64, 64), 30.0), 3.0, 5.0)


@pytest.fixture(scope="module")
def numbers():
    """Medians over four patients; pose and size of single heads say nothing."""
    scans = [scan_patient(2020, k, 256, 28) for k in (3, 11, 19, 27)]
    rows = [head_numbers(s.hu, s.pixel_spacing, s.slice_spacing) for s in scans]
    return pd.DataFrame(rows).median()


@pytest.mark.parametrize("name", sorted(set(REAL.index) - OFF))
def test_the_phantom_lies_within_the_middle_of_the_real_heads(numbers, name):
    real = REAL.loc[name]
    if "turn" in name or "off_centre" in name:
        return  # below, from more patients
    slack = 0.15 * (real.p90 - real.p10)  # the median of four heads has a spread of its own
    assert real.p10 - slack <= numbers[name] <= real.p90 + slack


def test_heads_are_turned_as_the_real_ones_are():
    real = REAL.loc["ventricles_turn_deg"]
    assert np.degrees(YAW_SD) == pytest.approx((real.p90 - real.p10) / 2.56, abs=3)


@pytest.fixture(scope="module")
def patient():
    drawn = draw_patient(np.random.default_rng(3), 0.5)
    lying = {"turn": (0, 0, 0), "tilt": 0.0, "motion": (0, 0, 0)}
    return replace(drawn, lesions=[], confounders=[], **lying)


def test_a_bruise_lifts_the_skin_where_it_is_and_nowhere_else(patient):
    after = swollen(patient.shells, 0.5 * np.pi, 50.0, 8.0).outer - patient.shells.outer
    left, right = ANGLES // 4, 3 * ANGLES // 4
    assert after[:, left, 0].max() == pytest.approx(8, abs=0.1)
    assert np.abs(after[:, right, 0]).max() < 0.01
    np.testing.assert_array_equal(after[..., 1], 0)


def test_a_thick_subdural_narrows_the_sulci_of_its_side(patient):
    """Against the same blood without pressure, so that only sulci can differ."""
    old = replace(patient, brain=replace(patient.brain, atrophy=0.7))
    lesion = of_volume(np.random.default_rng(2), "IPH", old.brain, 40.0)[0]
    lesion = replace(lesion, centre=(27.0, 4.0, 52.0), radii=(20.0, 20.0, 20.0), rim=0.0)
    free, pressed = (
        scan(replace(old, lesions=some), np.random.default_rng(0), 256, 28)
        for some in ([], [lesion])
    )
    left = slice(128, None)
    around = [((s.tissue == Tissue.CSF)[13:17, :, left]).sum() for s in (free, pressed)]
    assert around[1] < 0.9 * around[0]


def test_a_patient_who_moves_has_a_blurred_skull(patient):
    still, moved = (
        paint_slice(replace(patient, motion=motion), 50.0, 5.0, FIELD_MM)[0]
        for motion in ((0.0, 0.0, 0.0), (5.0, 0.0, 0.5 * np.pi - 50 / 9))
    )
    steep = [np.abs(np.diff(a, axis=1)).max() for a in (still, moved)]
    assert steep[1] < 0.9 * steep[0]


def test_a_clip_outshines_bone_and_a_drain_reaches_the_frontal_horn(patient):
    def painted(kind, height):
        device = Confounder(
            kind, (30.0, 0, 0), (9, 9, 9), 0.0, smooth(np.random.default_rng(1), 9.0)
        )
        with_it = replace(patient, confounders=[device])
        return [paint_slice(p, height, 5.0, FIELD_MM) for p in (patient, with_it)]

    (_, _, _), (clipped, _, _) = painted("clip", 14.0)
    assert clipped.max() > 0.3 * METAL_HU
    (plain, _, tissue), (drained, _, _) = painted("drain", 46.0)
    changed = np.argwhere(drained - plain > 60)
    ventricle = np.argwhere(tissue == Tissue.VENTRICLE)
    away = np.linalg.norm(changed[:, None] - ventricle[None], axis=2).min()
    assert away * FIELD_MM / 256 < 5


def test_oedema_of_a_disc_in_a_ring_is_measured():
    rows, columns = np.mgrid[:101, :101] - 50.0
    away = np.hypot(rows, columns)
    found = oedema_numbers(np.full((101, 101), 24.0), away < 20, (away >= 20) & (away < 25), 0.5)
    assert found["width_mm"] == pytest.approx(2.5, abs=0.05)
    assert found["reach_mm"] == pytest.approx(2.25, abs=0.3)
    assert found["hu"] == 24


@pytest.fixture(scope="module")
def oedema():
    """Medians over 14 patients of what is measured on the real ones, on pixels of about 2 mm."""
    found = []
    for k in range(14):
        rng = np.random.default_rng([77, k])
        drawn, ml = draw_patient(rng, 0.5), float(np.exp(rng.uniform(np.log(6), np.log(30))))
        lesion = of_volume(rng, "IPH", drawn.brain, ml)[0]
        drawn = replace(drawn, lesions=[lesion], confounders=[], motion=(0, 0, 0), field_mm=240.0)
        height = lesion.centre[2] * drawn.scale[2]
        true, blood, tissue = paint_slice(drawn, height, 5.0, 240.0)
        hu = drawn.scanner(256, 240 / 256, 5.0).take(true[None], rng)[0]
        few, share, rim = (
            cv2.resize(a.astype(np.float32), (128, 128), interpolation=cv2.INTER_AREA)
            for a in (hu, blood.sum(axis=0), tissue == Tissue.OEDEMA)
        )
        # as in the real set, blood is what is brighter than 46 HU after a light blur
        bright = cv2.GaussianBlur(few, (0, 0), 0.5) > 46
        there = bright & (share > 0.3)
        if there.sum() * (240 / 128) ** 2 > 100 and (rim > 0.5).any():
            found.append(oedema_numbers(few, there, (rim > 0.5) & ~there, 240 / 128))
    assert len(found) > 8
    return pd.DataFrame(found).median()


@pytest.mark.parametrize("name", ["width_mm", "reach_mm", "hu"])
def test_oedema_is_as_wide_and_as_dark_as_real_oedema(oedema, name):
    real = pd.read_csv(ROOT / "data" / "real_oedema.csv", index_col="number").loc[name]
    assert real.p25 <= oedema[name] <= real.p75


def bone_of(hu):
    return hu > 300


def test_sutures_are_gaps_in_bone_where_the_skull_is_joined(patient, monkeypatch):
    joined, _, _ = paint_slice(patient, 60.0, 5.0, FIELD_MM)
    monkeypatch.setattr(skull, "SEAM_MM", 0.0)
    whole, _, _ = paint_slice(patient, 60.0, 5.0, FIELD_MM)
    lost = whole - joined > 100
    assert lost.sum() > 20 and bone_of(whole)[lost].all()
    parts, n = ndimage.label(lost, np.ones((3, 3)))
    assert 4 <= n <= 12  # the coronal suture on both sides, and the lambdoid or the sagittal one


def test_a_fracture_is_a_gap_in_bone_at_its_place(patient):
    crack = (0.5 * np.pi, 60.0, 0.0, 40.0, 0.8)  # on the left, upright
    whole, broken = (
        paint_slice(replace(patient, cracks=some), 60.0, 5.0, FIELD_MM)[0]
        for some in ((), (crack,))
    )
    lost = np.argwhere(whole - broken > 100)
    assert len(lost) > 5 and bone_of(whole)[tuple(lost.T)].all()
    away = (lost - 127.5) * FIELD_MM / 256 - np.array(patient.shift)[::-1]
    assert (away[:, 1] > 50).all() and (np.abs(away[:, 0]) < 12).all()


@pytest.mark.parametrize("turn", [0.15, 0.5, 0.8])
def test_an_epidural_ends_at_a_suture_and_a_subdural_does_not(turn):
    """Along the inner table, a circle of 75 mm, at one height."""
    angle = np.linspace(-np.pi, np.pi, 721)[None].astype(np.float32)
    at = Where(70 * np.sin(angle), 75 * np.cos(angle), 0 * angle + 60, 0 * angle)
    coronal = skull.sutures(at.x, at.y, at.z)[0]
    crosses = {}
    for name in ("EDH", "SDH"):
        lesion = of_volume(np.random.default_rng(3), name, some_brain(), 60.0)[0]
        wide = replace(lesion, centre=(turn * np.pi, 0.25, 0.0), radii=(90.0, 60.0, 1.0))
        sides = np.sign(coronal[wide.thickness(at) > 1.0])
        crosses[name] = len(set(sides.tolist())) > 1
    assert not crosses["EDH"]
    if turn == 0.5:
        assert crosses["SDH"]


def some_brain():
    return draw_patient(np.random.default_rng(3), 0.5).brain


def test_a_young_brain_is_pushed_about_as_far_as_blood_is_thick_and_an_old_one_less():
    """At the midline, beside the thickest part of a subdural of 60 mL."""
    shifts = []
    for atrophy in (0.0, 1.0):
        brain = replace(some_brain(), atrophy=atrophy)
        lesion = next(
            found[0]
            for k in range(9)
            if (found := of_volume(np.random.default_rng(k), "SDH", brain, 60.0))[0].lifts
        )
        lesion = replace(lesion, centre=(0.5 * np.pi, 0.1, 0.0))
        point = Where(*(np.array([[a]], np.float32) for a in (0.0, 0.0, 49.0, 60.0)))
        shifts.append(abs(float(lesion.push(point).x[0, 0])) / lesion.thick)
    assert 0.5 < shifts[0] < 1.0 and 0.1 < shifts[1] < 0.6 * shifts[0]


def test_blood_that_does_not_fit_closes_the_basal_cisterns(patient):
    """Blood far above them, so that only the room that it takes can close them."""
    cisterns = []
    lesion = of_volume(np.random.default_rng(2), "IPH", patient.brain, 80.0)[0]
    for radius in (8.0, 27.0):
        high = replace(lesion, centre=(30.0, 4.0, 80.0), radii=(radius,) * 3, rim=0.0)
        _, _, tissue = paint_slice(replace(patient, lesions=[high]), 14.0, 5.0, FIELD_MM)
        cisterns.append((tissue[100:160, 96:160] == Tissue.CSF).sum())
    assert cisterns[1] < 0.5 * cisterns[0]


def test_some_heads_are_cut_off_and_kernels_differ():
    rng = np.random.default_rng(1)
    fields = np.array([sampling._field(rng) for _ in range(2000)])
    sharp = np.array([sampling._sharpness(rng) for _ in range(2000)])
    assert 0.02 < (fields < 206).mean() < 0.06
    assert 0.08 < (sharp > 1.24).mean() < 0.16 and sharp.min() > 0.6


def test_two_thirds_of_the_gantries_lean_as_in_the_headers_of_a_public_set():
    tilts = np.array([sampling._tilt(np.random.default_rng([1, k])) for k in range(2000)])
    assert (tilts > 1).mean() == pytest.approx(0.646, abs=0.04)
    assert np.median(tilts[tilts > 1]) == pytest.approx(12, abs=1)
    assert np.percentile(tilts, 95) == pytest.approx(20, abs=3) and tilts.max() <= 30


def in_the_room(scan):
    """(n, 3) mm of the bone of a series, by what its files say of each slice (DICOM C.7.6.2.1)."""
    found = []
    for k, hu in enumerate(scan.hu):
        item = _slice(scan, k, 1, 1)
        across, down = np.array(item.ImageOrientationPatient, float).reshape(2, 3)
        row, column = np.nonzero(hu > 400)
        steps = column[:, None] * across + row[:, None] * down
        found.append(np.array(item.ImagePositionPatient, float) + steps * item.PixelSpacing[0])
    return np.concatenate(found)


@pytest.mark.parametrize("degrees", [-9.0, 15.0])
def test_a_head_lies_where_it_lay_however_the_gantry_leans(patient, degrees):
    """The same head on the same table, by slices across it and by slices that lean."""
    across = replace(patient, shift=(0, 0))
    leaning = replace(across, turn=(0, np.radians(degrees), 0), tilt=degrees)
    upright, leans = (
        in_the_room(scan(it, np.random.default_rng(0), 128, 28)) for it in (across, leaning)
    )
    # of both only what both show: the vault, not what lies beyond the lowest leaning slice
    ends = [np.percentile(of[of[:, 2] > 30], (1, 50, 99), axis=0) for of in (upright, leans)]
    np.testing.assert_allclose(ends[0][:, :2], ends[1][:, :2], atol=2.1)  # a pixel
    np.testing.assert_allclose(ends[0][:, 2], ends[1][:, 2], atol=5.5)  # the slices' distance


def test_a_large_bleed_of_a_hemisphere_pushes_its_uncus_into_the_cistern(patient, monkeypatch):
    brain = replace(patient.brain, atrophy=0.6)
    lesion = of_volume(np.random.default_rng(2), "IPH", brain, 60.0)[0]
    lesion = replace(lesion, centre=(40.0, 0.0, 50.0), radii=(25.0,) * 3, rim=0.0)
    left, right = [], []
    for mm in (0.0, blood.SLIP_MM):
        monkeypatch.setattr(blood, "SLIP_MM", mm)
        it = replace(patient, brain=brain, lesions=[lesion], shift=(0, 0))
        _, _, tissue = paint_slice(it, 13.0, 5.0, FIELD_MM)
        for side, columns in ((right, slice(110, 128)), (left, slice(128, 146))):
            side.append((tissue[100:136, columns] == Tissue.CSF).sum())
    assert left[1] < 0.8 * left[0] and right[1] > 0.8 * right[0]


def test_a_subdural_of_the_vault_ends_at_the_tentorium():
    brain = some_brain()
    lesion = next(
        found[0]
        for k in range(9)
        if (found := of_volume(np.random.default_rng(k), "SDH", brain, 90.0))[0].lifts
    )
    low = replace(lesion, centre=(0.7 * np.pi, -0.2, 0.0), radii=(90.0, 90.0, 1.0), thick=15.0)
    x, y = (np.array([[a]], np.float32) for a in (35.0, -70.0))
    thick = [float(low.thickness(Where(x, y, 0 * x + z, 0 * x))[0, 0]) for z in (-20.0, 25.0)]
    assert thick[0] == 0 and thick[1] > 3


def test_who_lies_still_has_no_jolt(patient):
    assert jolt(patient, 50.0, 5.0, FIELD_MM) is None
