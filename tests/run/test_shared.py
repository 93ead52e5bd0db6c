"""Runs that share what they have in common, and trainings that were stopped."""

import json

import pytest

from lcgan_core.protocol import profiles
from lcgan_core.run import artefacts, plan, status
from lcgan_core.run.plan import Job


@pytest.fixture
def made(stand_in):
    """The jobs that were computed."""
    computed = []

    def compute(work, job, inputs):
        computed.append(job)
        (work / "made.txt").write_text(job.name)

    stand_in(compute)
    return computed


def test_a_run_takes_over_what_another_one_made_with_the_same_stamp(config, made):
    artefacts.make(config, plan.EVALUATION)
    before = len(made)
    other = profiles.load("quick", evaluation_resamples=20)
    artefacts.make(other, plan.EVALUATION)
    assert made[before:] == [plan.EVALUATION]
    for job in plan.jobs(other, plan.EVALUATION):
        assert artefacts.state(other, job) == "done"
    ours, theirs = (artefacts.folder(each, plan.COHORT) / "made.txt" for each in (config, other))
    assert ours.stat().st_ino == theirs.stat().st_ino


def test_a_damaged_one_is_not_taken_over(config, made):
    artefacts.make(config, plan.COHORT)
    (artefacts.folder(config, plan.COHORT) / "made.txt").write_text("longer than it was")
    artefacts.make(profiles.load("quick", evaluation_resamples=20), plan.COHORT)
    assert made == [plan.COHORT] * 2


def test_status_says_where_a_training_stopped(config):
    job = Job("training", "lcgan", 0.25)
    final = artefacts.folder(config, job)
    work = final.with_name(f".{final.name}.partial")
    work.mkdir(parents=True)
    notes = {"done": 40, "history": [{"epoch": 1}], "identity": {"rounds": None}}
    header = json.dumps({"__metadata__": {"notes": json.dumps(notes)}}).encode()
    checkpoint = work / "checkpoint.safetensors"
    checkpoint.write_bytes(len(header).to_bytes(8, "little") + header)
    (work / "losses.png").touch()
    told = status.text(status.status(config))
    assert f"training-0.25-lcgan stopped after step 40, in epoch 2; losses so far: {work}" in told
    checkpoint.write_bytes(b"torn")
    assert "stopped" not in status.text(status.status(config))
