"""The notebooks under papermill: from any folder they make what is missing, and are strict."""

import os
import re
import subprocess
import sys

import nbformat
import pytest
from papermill.exceptions import PapermillExecutionError

from lcgan_core.protocol import profiles
from lcgan_core.run import artefacts, pages, plan
from lcgan_core.run.plan import Job

SMALL = """
seed: 3
image_size: 64
fractions: [0.5, 1.0]
cohort: {patients: 12, matrix: 64, slices: 6, test_share: 0.25}
lcgan: {width: 2, snapshots: [1]}
segmentation:
  {width: 2, border: 1, steps: 3, batch: 4, batch_norm: true, optimizer: adam,
   learning_rate: 0.001}
realism: {steps: 2, batch: 8, learning_rate: 1.0e-3}
"""


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """A folder outside the repository with a profile of one's own, and runs of its own."""
    (tmp_path / "small.yaml").write_text(SMALL)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LCGAN_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(os.path.abspath(p) for p in sys.path if p))
    return tmp_path


def streams(notebook):
    """What the cells of a notebook wrote to stdout and stderr: (number of the cell, stream)."""
    return {
        (number, output.name)
        for number, cell in enumerate(c for c in notebook.cells if c.cell_type == "code")
        for output in cell.outputs
        if output.output_type == "stream"
    }


@pytest.mark.slow
def test_a_notebook_run_by_hand_makes_what_is_missing_and_says_nothing(elsewhere):
    command = [
        sys.executable, "-m", "papermill", pages.source("segmentation"), "out.ipynb",
        "-p", "profile", "small.yaml", "-p", "fraction", "0.5", "-p", "arm", "gan",
    ]  # fmt: skip
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    made = nbformat.read("out.ipynb", as_version=4)
    code = [cell for cell in made.cells if cell.cell_type == "code"]
    (start,) = (k for k, cell in enumerate(code) if "notebook.start" in cell.source)
    assert not any(cell.outputs for cell in code[: start + 1])
    assert {stream for _, stream in streams(made)} <= {"stdout"}
    pictures = [o for cell in code for o in cell.outputs if "image/png" in o.get("data", {})]
    assert len(pictures) == 2

    config = profiles.load("small.yaml")
    shown = Job("segmentation", "gan", 0.5, 1, "fcn8s")
    needed = plan.jobs(config, shown)
    assert {artefacts.state(config, job) for job in needed} == {"done"}
    records = (elsewhere / "runs" / "small").glob("*/**/artefact.json")
    assert len(list(records)) == len(needed), "and nothing else"


@pytest.mark.slow
def test_a_page_takes_the_paths_of_its_run_from_the_run_s_folder(elsewhere):
    given = {"profile": "small.yaml"}
    config = profiles.load(**given)
    pages.execute(config, "cohort", given)
    made = nbformat.read(pages.executed(config, "cohort"), as_version=4)
    assert not [o for c in made.cells for o in c.get("outputs", []) if o.output_type == "error"]
    assert {stream for _, stream in streams(made)} <= {"stdout"}
    assert artefacts.state(config, plan.COHORT) == "done"


@pytest.mark.slow
def test_a_page_that_fails_leaves_no_file_and_its_error_is_one_sentence(elsewhere):
    config = profiles.load("quick")
    with pytest.raises(PapermillExecutionError) as stopped:
        pages.execute(config, "segmentation", {"profile": "quick", "fracton": 0.25})
    error = stopped.value
    assert error.ename == "UserError"
    assert error.evalue.startswith("Unknown parameter 'fracton' (did you mean 'fraction'?); ")
    said = re.sub(r"\x1b\[[0-9;]*m", "", str(error))
    assert said.rstrip().endswith(f"UserError: {error.evalue}")
    assert "Traceback" not in said
    assert not [path for path in (elsewhere / "runs").rglob("*") if path.is_file()]


def test_every_notebook_takes_the_profile_s_numbers():
    for stage in profiles.STAGE_PARAMETERS:
        assert {"profile", "cohort", "seed", "lcgan_width"} <= set(
            profiles.allowed_parameters(stage)
        )
