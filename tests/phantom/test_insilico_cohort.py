"""A whole in-silico cohort: refusals, resuming, any number of workers, both ways to a series."""

import json
import pickle
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import highdicom as hd
import numpy as np
import pytest
from typer.testing import CliRunner

from lcgan_core.cli import app
from lcgan_core.errors import UserError
from lcgan_core.phantom import InSilicoCase, patient_name, scan_patient, write_cohort, write_patient
from lcgan_core.phantom import writer as writer_module
from lcgan_core.phantom.lesions import of_volume
from lcgan_core.phantom.patient import scan
from lcgan_core.phantom.sampling import draw_patient
from tests.cohort.conftest import read_all, read_one

SIZE = {"seed": 5, "matrix": 64, "slices": 6}


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    folder = tmp_path_factory.mktemp("in-silico") / "cohort"
    write_cohort(folder, patients=2, seg=True, **SIZE)
    return folder


def contents(folder):
    return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_a_cohort_says_what_its_labels_mean_and_can_be_read(tmp_path):
    cohort = tmp_path / "cohort"
    write_cohort(cohort, patients=2, **SIZE)
    labels = json.loads((cohort / "labels.json").read_text())
    assert labels == {"1": "IPH", "2": "IVH", "3": "SAH", "4": "EDH", "5": "SDH"}
    assert [series.patient for series in read_all(cohort)] == [patient_name(1), patient_name(2)]


def test_a_case_gives_the_series_that_its_files_give(tmp_path):
    case = pickle.loads(pickle.dumps(InSilicoCase(number=2, **SIZE)))  # noqa: S301
    direct, read = case.load(), read_one(write_patient(tmp_path, 2, **SIZE))
    assert case.patient == direct.patient == read.patient and case.series == read.uid
    assert np.array_equal(direct.hu, read.hu) and np.array_equal(direct.labels, read.labels)
    assert np.allclose(direct.positions, read.positions)
    assert direct.pixel_spacing == read.pixel_spacing and direct.gantry_tilt == read.gantry_tilt


def test_the_dicom_seg_holds_the_same_labels(cohort):
    for number in (1, 2):
        scan = scan_patient(SIZE["seed"], number, SIZE["matrix"], SIZE["slices"])
        path = cohort / patient_name(number) / "labels_seg.dcm"
        assert path.exists() == scan.labels.any()
        if path.exists():
            seg = hd.seg.segread(path)
            assert [s.SegmentLabel for s in seg.SegmentSequence] == [
                "IPH", "IVH", "SAH", "EDH", "SDH",
            ]  # fmt: skip
            sources = [uid for _, _, uid in seg.get_source_image_uids()]
            maps = seg.get_pixels_by_source_instance(sources, combine_segments=True)
            assert maps.sum() == scan.labels.sum()
    assert list(cohort.rglob("labels_seg.dcm"))


def test_the_command_writes_the_same(cohort, tmp_path):
    size = [word for name, value in SIZE.items() for word in (f"--{name}", str(value))]
    done = CliRunner().invoke(
        app, ["phantom", "--out", str(tmp_path / "new"), "--patients", "2", "--seg", *size]
    )
    assert done.exit_code == 0, done.output
    expected = contents(cohort)
    for path in [path for path in expected if path.name == "labels_seg.dcm"]:
        del expected[path.with_name("labels.nii.gz")]  # one mask for a series
    assert contents(tmp_path / "new") == expected


def test_any_number_of_workers_and_a_second_try_write_the_same(cohort, tmp_path, monkeypatch):
    with ThreadPoolExecutor(2) as pool:
        write_cohort(tmp_path / "new", 2, parallel=pool.map, seg=True, **SIZE)
    assert contents(tmp_path / "new") == contents(cohort)
    shutil.rmtree(tmp_path / "new" / patient_name(1))
    (tmp_path / "new" / f".{patient_name(1)}.writing").mkdir()
    asked = []
    genuine = writer_module.scan_patient
    monkeypatch.setattr(
        writer_module,
        "scan_patient",
        lambda seed, k, *size: asked.append(k) or genuine(seed, k, *size),
    )
    write_cohort(tmp_path / "new", 2, seg=True, **SIZE)
    assert contents(tmp_path / "new") == contents(cohort) and asked == [1]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"patients": 0}, "at least one"),
        ({"seed": -1}, "negative"),
        ({"matrix": 128}, "matrix 64, not 128"),
        ({"patients": 1}, "not of this cohort"),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_sentence(cohort, change, says):
    before = contents(cohort)
    with pytest.raises(UserError, match=says):
        write_cohort(cohort, **{"patients": 2, "seg": True, **SIZE, **change})
    assert contents(cohort) == before


def test_a_folder_with_something_else_is_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(UserError, match=r"thesis\.tex"):
        write_cohort(tmp_path, 1, **SIZE)
    with pytest.raises(UserError, match="is a file"):
        write_cohort(tmp_path / "thesis.tex", 1, **SIZE)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.tex"]


def test_two_hands_agree_as_an_nnu_net_and_its_readers_do():
    """Median Dice of IPH within the quartiles of Kok et al. 2022, .89 to .94, as the book says."""
    apart = 0.7 * 2**0.5  # mm between two hands, each of which strays by .7 mm
    dice = []
    for number, ml in enumerate(np.geomspace(4, 36, 12)):
        drawn = draw_patient(np.random.default_rng([77, number]), 0.5)
        lesions = of_volume(np.random.default_rng(number), "IPH", drawn.brain, ml)
        bleeding = replace(drawn, lesions=lesions, confounders=[])
        a, b = (
            scan(bleeding, np.random.default_rng(number), 128, 14, mm).labels == 1
            for mm in (0.0, apart)
        )
        dice.append(2 * (a & b).sum() / (a.sum() + b.sum()))
    assert 0.89 < np.median(dice) < 0.94


def test_an_annotators_hand_moves_borders_and_nothing_else():
    still, moved = (scan_patient(5, 2, 128, 6, annotator_mm=mm) for mm in (0.0, 1.5))
    assert np.array_equal(still.hu, moved.hu)
    a, b = still.labels > 0, moved.labels > 0
    assert a.any() and not np.array_equal(a, b)
    assert 0.5 < 2 * (a & b).sum() / (a.sum() + b.sum()) < 1.0
