"""The in-silico cohort beside published numbers and a real head, within stated tolerances.

The committed tables of book/phantom were measured on 192 patients; a few of those patients are
generated again here, so that the tables cannot outlive the generator.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import ndimage

from lcgan_core.lesions import HEMORRHAGES
from lcgan_core.phantom import realism, sampling, scan_patient
from tools.realism import MATRIX, SEED, SLICES

ROOT = Path(__file__).parents[2]
MEASURED = ROOT / "book" / "phantom"


def table(path):
    rows = pd.read_csv(path)
    return rows.set_index(["name", "what"]).value


@pytest.fixture(scope="module")
def both():
    return table(MEASURED / "lesions.csv"), table(ROOT / "data" / "bhsd_lesions.csv")


@pytest.fixture(scope="module")
def scans():
    return [scan_patient(SEED, k, MATRIX, SLICES) for k in (1, 2)]


def test_the_committed_tables_are_of_this_generator(scans):
    rows = pd.read_csv(MEASURED / "components.csv")
    shares = pd.read_csv(MEASURED / "positive_slices.csv", index_col="scan")
    for number, scan in enumerate(scans, start=1):
        was = rows[rows.scan == number].drop(columns="scan").reset_index(drop=True)
        now = realism.components(scan).reset_index(drop=True)
        assert list(now.name) == list(was.name)
        numbers = ["ml", "hu", "slices", "cm2"]
        assert np.allclose(now[numbers], was[numbers], rtol=0.02, atol=0.01)
        assert np.allclose(realism.positive_slices(scan), shares.loc[number], atol=1e-3)
    again = realism.lesion_table(rows, shares).set_index(["name", "what"]).value.astype(float)
    written = table(MEASURED / "lesions.csv")
    assert np.allclose(again, written.loc[again.index], rtol=0.01, atol=0.01)


@pytest.mark.parametrize("name", HEMORRHAGES)
def test_haemorrhages_have_bhsds_volumes_hu_and_sections(both, name):
    ours, bhsd = both
    for p in (25, 50, 75):
        key = (name, f"ml_per_scan_p{p}")
        assert 0.5 < ours[key] / bhsd[key] < 2.0, key  # volumes run over three decades
        key = (name, f"section_cm2_p{p}")
        # between seeds the 75th percentile of SDH, the most uneven type, runs from 3.1 to 5.2 cm2
        assert 0.5 < ours[key] / bhsd[key] < 2.0, key
        key = (name, f"hu_per_component_p{p}")
        assert abs(ours[key] - bhsd[key]) < 5, key
    for p in (5, 95):
        key = (name, f"hu_per_component_p{p}")
        assert abs(ours[key] - bhsd[key]) < 8, key
    assert abs(ours[name, "slices_per_component_p50"] - bhsd[name, "slices_per_component_p50"]) <= 2
    assert abs(ours[name, "share_of_slices_p50"] - bhsd[name, "share_of_slices_p50"]) < 0.08


def test_types_occur_and_mix_as_in_bhsd(both):
    ours, bhsd = both
    assert abs(ours["all", "share_of_slices_p50"] - bhsd["all", "share_of_slices_p50"]) < 0.08
    for n in range(1, 6):  # a type too small for a slice to show makes a mixture poorer
        assert abs(ours["all", f"types_{n}"] - bhsd["all", f"types_{n}"]) <= 15
    for name in set(HEMORRHAGES) - {"EDH"}:  # raised to 40 of 192 on purpose
        assert abs(ours[name, "scans"] - bhsd[name, "scans"]) <= 20
    assert 30 <= ours["EDH", "scans"] <= 45


def test_tissues_have_the_published_hu():
    hu = pd.read_csv(MEASURED / "tissue_hu.csv", index_col="tissue").hu
    for tissue, low, high in (
        ("VENTRICLE", 5, 15), ("WHITE", 25, 35), ("GREY", 33, 45), ("OEDEMA", 20, 31),
        ("MUSCLE", 40, 60), ("FAT", -120, -60), ("DIPLOE", 400, 900), ("AIR", -1024, -990),
    ):  # fmt: skip
        assert low <= hu[tissue] <= high, tissue
    assert 5 <= hu["GREY"] - hu["WHITE"] <= 9  # 7.1 in a series of 50 patients


@pytest.fixture(scope="module")
def usual_kernel():
    """Two patients whose scanner has the kernel that was fitted to the real head."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sampling, "KERNELS", ((1.0, 1.0, 0.0),))
        return [scan_patient(SEED, k, MATRIX, SLICES) for k in (1, 2)]


def test_noise_and_sharpness_are_those_of_a_real_head(usual_kernel):
    scans = usual_kernel
    px = float(np.mean([scan.pixel_spacing for scan in scans]))
    sd, power = realism.noise(np.concatenate([scan.hu[7:24] for scan in scans]), px)
    # published are 3 to 5 HU, which the eight patients of the table have together; patients differ
    # by a factor of exp(.18), so that two of them may have exp(-.18 * 2 / sqrt(2)) of that
    together = pd.read_csv(MEASURED / "phantom_noise.csv").sd_hu.iloc[0]
    assert 3 * np.exp(-0.18 / 8**0.5) <= together <= 5
    assert 0.775 * together <= sd <= 5
    real = pd.read_csv(ROOT / "data" / "real_head_noise.csv")
    eight = pd.read_csv(MEASURED / "phantom_noise.csv")
    mine = np.interp(real.per_mm, eight.per_mm, eight.power)
    assert np.abs(mine - real.power).max() < 0.15
    # uneven brain adds to the lowest band of two patients, and differs from patient to patient
    assert np.abs(np.interp(real.per_mm, power.per_mm, power.power) - mine).max() < 0.2
    edge = realism.edge_response(np.concatenate([scan.hu[14:18] for scan in scans]), px)
    real_edge = pd.read_csv(ROOT / "data" / "real_head_edge.csv")
    width, real_width = (
        np.interp(900, -c.hu, c.mm) - np.interp(200, -c.hu, c.mm) for c in (edge, real_edge)
    )
    assert abs(width / real_width - 1) < 0.2


def test_noise_power_of_white_noise_is_flat_and_of_smoothed_noise_is_not():
    rng = np.random.default_rng(0)
    volume = 30 + 4 * rng.standard_normal((3, 128, 128))
    sd, power = realism.noise(volume, 0.9)
    assert 3.8 < sd < 4.1 and power.power[2:].min() > 0.9


def test_edge_response_of_a_blurred_disc_has_the_width_of_its_blur():
    rows, columns = np.mgrid[:128, :128] - 63.5
    disc = np.where(np.hypot(rows, columns) < 40, 0.0, -1000.0)
    curve = realism.edge_response(ndimage.gaussian_filter(disc, 1.5)[None], 1.0)
    found = np.interp((500, 841), -curve.hu, curve.mm)
    assert abs(found[1] - found[0] - 1.5) < 0.15  # one SD outward lies at 16 % of the step
