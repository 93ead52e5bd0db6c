"""The Snakefile: a rule of each job, marks of what is done, one sentence where a run stops."""

import os
import subprocess
import sys

import pytest

from lcgan_core.protocol import profiles
from lcgan_core.run import artefacts, locks, plan

SMALL = {
    "cohort_patients": 6, "cohort_matrix": 64, "cohort_slices": 6, "image_size": 64,
    "segmentation_width": 2, "segmentation_steps": 3,
}  # fmt: skip
CONFIG = profiles.load("quick", **SMALL)
JUDGE = plan.judge(CONFIG, 1)


def snakemake(folder, *options, config=CONFIG, **numbers):
    """Snakemake in `folder`, which also holds the runs: exit code, and all that it said."""
    command = [
        sys.executable, "-m", "snakemake", "--snakefile", artefacts.REPOSITORY / "Snakefile",
        "--cores", "2", "--scheduler", "greedy", "--nolock", *options,
        "--config", "profile=quick", *(f"{name}={n}" for name, n in {**SMALL, **numbers}.items()),
        "--", folder / config.name / "done" / JUDGE.name,
    ]  # fmt: skip
    environment = {
        "LCGAN_RUNS": str(folder), "LCGAN_SALT": str(folder / "salt"), "OMP_NUM_THREADS": "1",
        "SLURM_CONF": os.devnull,
    }  # fmt: skip
    done = subprocess.run(
        list(map(str, command)),
        cwd=folder, env={**os.environ, **environment},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout


def finished(said):
    """The rules of which Snakemake says that they ran, in order."""
    lines = [line.strip() for line in said.splitlines()]
    return [
        line.split()[1].rstrip(":") for line in lines if line.startswith(("rule ", "localrule "))
    ]


@pytest.mark.slow
def test_marks_follow_the_artefacts(tmp_path, monkeypatch):
    monkeypatch.setenv("LCGAN_RUNS", str(tmp_path))
    run = tmp_path / CONFIG.name
    status, said = snakemake(tmp_path)
    assert status == 0, said
    assert finished(said) == ["cohort", JUDGE.name]
    assert {path.name for path in (run / "done").iterdir()} == {"cohort", JUDGE.name}
    assert {path.name for path in (run / "logs").iterdir()} == {"cohort.log", f"{JUDGE.name}.log"}
    assert artefacts.state(CONFIG, JUDGE) == "done"

    status, said = snakemake(tmp_path)
    assert status == 0 and "Nothing to be done" in said

    # what is damaged is made again when something asks for it
    weights = artefacts.folder(CONFIG, JUDGE) / "weights.safetensors"
    store = artefacts.folder(CONFIG, plan.COHORT) / "store" / "hu.npy"
    before = weights.read_bytes(), store.read_bytes()
    weights.unlink()
    store.write_bytes(before[1][:-1])
    status, said = snakemake(tmp_path)
    assert status == 0 and finished(said) == ["cohort", JUDGE.name], said
    assert (weights.read_bytes(), store.read_bytes()) == before


def stopped(said):
    """The sentence with which a run stopped."""
    (line,) = (line for line in said.splitlines() if line.startswith("The run stopped: "))
    return line


@pytest.mark.slow
def test_a_job_that_fails_stops_the_run_with_its_sentence(tmp_path):
    (tmp_path / "heads").mkdir()
    (tmp_path / "heads" / "notes.txt").write_text("hello")
    config = profiles.load("quick", **SMALL, cohort=str(tmp_path / "heads"))
    status, said = snakemake(tmp_path, config=config, cohort="heads")
    assert status == 1
    assert stopped(said).startswith(f"The run stopped: Nothing in {tmp_path / 'heads'} could be")
    assert not (tmp_path / config.name / "done" / "cohort").exists()


@pytest.mark.slow
def test_a_second_run_into_the_same_folder_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("LCGAN_RUNS", str(tmp_path))
    mark = tmp_path / CONFIG.name / "done" / JUDGE.name
    mark.parent.mkdir(parents=True)
    mark.touch()  # of an artefact that is not there: the run that is going on may be making it
    with locks.take(tmp_path / CONFIG.name / artefacts.RUN_LOCK, pytest.fail):
        status, said = snakemake(tmp_path, "--forceall")
    assert status == 1
    assert f"is being filled by process {os.getpid()} on " in stopped(said)
    assert mark.exists()
