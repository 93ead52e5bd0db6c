"""A training killed, then stopped from the terminal: the next run goes on to the same weights."""

import os
import re
import signal
import subprocess
import sys
import time

import pytest

SMALL = {
    "cohort_patients": 6, "cohort_matrix": 64, "cohort_slices": 6, "image_size": 64,
    "lcgan_width": 2, "lcgan_snapshots": "[4]", "segmentation_width": 2, "segmentation_steps": 3,
}  # fmt: skip

# a checkpoint after every step; a process that is to be stopped waits for that after three
CODE = """
import os, pathlib, time
from lcgan_core import cli
from lcgan_core.generators.lcgan import LcganTask
from lcgan_core.training import engine

engine.pause_after = lambda saving: -1.0
step, steps = LcganTask.step, []

def waits(task, batch):
    if len(steps) == 3:
        pathlib.Path(os.environ["WAITS"]).touch()
        time.sleep(600)
    steps.append(batch)
    return step(task, batch)

if "WAITS" in os.environ:
    LcganTask.step = waits
cli.main()
"""


def lcgan(folder, **environment):
    """`lcgan run training` of a small run in `folder`, begun."""
    command = [sys.executable, "-c", CODE, "run", "training", "--fraction", "1.0"]
    for name, value in SMALL.items():
        command += ["--set", f"{name}={value}"]
    return subprocess.Popen(
        command,
        env={**os.environ, "LCGAN_RUNS": str(folder), "OMP_NUM_THREADS": "1", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # a shell lets its background jobs ignore Ctrl-C, and children inherit that
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def ended(process, status=0):
    """What a process said on both outputs; it ends with `status`."""
    said = process.communicate(timeout=600)
    assert process.returncode == status, said[1]
    return said


def stopped(folder, how):
    """`lcgan run training`, stopped by a signal after three of its steps."""
    waits = folder / f"waits-{how}"
    process = lcgan(folder, WAITS=str(waits))
    deadline = time.monotonic() + 600
    while not waits.exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.1)
    process.send_signal(how)
    return process


@pytest.mark.slow
def test_a_training_killed_and_then_interrupted_ends_as_one_that_was_not(tmp_path):
    there, whole = tmp_path / "there", tmp_path / "whole"
    there.mkdir()
    ended(stopped(there, signal.SIGKILL), -signal.SIGKILL)
    _, errors = ended(stopped(there, signal.SIGINT), 130)
    assert "Traceback" not in errors
    last = errors.strip().splitlines()[-1]
    assert re.search(r"Interrupted: lcgan, 1 of the patients stopped in step \d+ of 16; ", last)
    assert re.search(r"run the same command again to resume after step \d+\.$", last)
    assert not list(there.rglob("training/1-lcgan/artefact.json"))

    for folder in (there, whole):
        out, errors = ended(lcgan(folder))
        (made,) = folder.rglob("training/1-lcgan")
        assert f"training-1-lcgan: {made}\n" in out
        assert "Traceback" not in errors
        for name in ("history.csv", "generator-4.safetensors", "samples-4.npy"):
            (first,) = there.rglob(f"training/1-lcgan/{name}")
            assert (made / name).read_bytes() == first.read_bytes(), name
    assert len((made / "history.csv").read_text().splitlines()) == 5, "every epoch once"
