"""The notebooks under papermill: from any working directory, and strict about parameters."""

import os
import subprocess
import sys

import nbformat
import pytest

from lcgan_core.book import build
from lcgan_core.protocol import profiles

TINY = {"cohort_patients": 16, "cohort_slices": 6, "cohort_matrix": 64, "image_size": 64}


def papermill(stage, out, cwd, **parameters):
    command = [sys.executable, "-m", "papermill", str(build.source(stage)), str(out)]
    for name, value in parameters.items():
        command += ["-p", name, str(value)]
    environment = {**os.environ, "LCGAN_RUNS": str(cwd / "runs"), "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )


def test_runs_from_any_working_directory(tmp_path):
    done = papermill("cohort", "out.ipynb", tmp_path, profile="quick", **TINY)
    assert done.returncode == 0, done.stderr
    made = nbformat.read(tmp_path / "out.ipynb", as_version=4)
    assert not [o for c in made.cells for o in c.get("outputs", []) if o.output_type == "error"]
    stores = list((tmp_path / "runs").glob("quick-*/cohort/store/slices.csv"))
    assert len(stores) == 1, "overridden numbers get a run of their own"


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"fracton": 0.25}, "Unknown parameter 'fracton' (did you mean 'fraction'?); allowed: "),
        ({"arm": "all"}, "Unknown arm 'all'; allowed: original, gan, traditional, both, "),
    ],
    ids=["parameter", "arm"],  # a profile and a fraction go the same way: test_profiles.py
)
def test_what_is_unknown_fails_in_one_sentence(tmp_path, parameters, sentence):
    done = papermill("segmentation", "out.ipynb", tmp_path, **parameters)
    assert done.returncode != 0
    made = nbformat.read(tmp_path / "out.ipynb", as_version=4)
    errors = [o for c in made.cells for o in c.get("outputs", []) if o.output_type == "error"]
    assert [error.ename for error in errors] == ["UserError"]
    assert sentence in errors[0].evalue
    assert len(errors[0].traceback) == 1, "the sentence, no traceback"
    assert done.stderr.rstrip().endswith(errors[0].evalue)
    assert not (tmp_path / "runs").exists()


def test_every_notebook_takes_the_profile_s_numbers():
    for stage in profiles.STAGE_PARAMETERS:
        assert {"profile", "cohort", "seed", "lcgan_width"} <= set(
            profiles.allowed_parameters(stage)
        )
