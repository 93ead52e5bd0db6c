"""kill -9 at any moment, then the same command: bitwise the run that nobody killed."""

import multiprocessing
import random
import time

import pytest
import torch

from .trainings import train_to_the_end

EPOCHS, KILLS = 40, 10


@pytest.fixture(scope="module")
def processes():
    """Processes that start in no time: forked from one that has imported all they need."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.training.trainings"])
    return context


def run(processes, work, seconds):
    """A training, killed after `seconds`; returns its exit code."""
    child = processes.Process(target=train_to_the_end, args=(work, "lcgan", EPOCHS))
    child.start()
    child.join(seconds)
    child.kill()
    child.join()
    return child.exitcode


def test_a_run_killed_ten_times_equals_an_uninterrupted_one(processes, tmp_path):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    whole.mkdir(), killed.mkdir()
    started = time.monotonic()
    assert run(processes, whole, 120) == 0
    length = time.monotonic() - started

    moments, kills = random.Random(4711), 0
    while kills < KILLS:
        # a checkpoint follows every step, so about half of the kills hit the writing of one
        code = run(processes, killed, moments.uniform(0.2, 0.8) * length / KILLS + 0.15)
        assert code in (-9, 0)
        if code == 0:
            break
        kills += 1
    assert kills == KILLS
    if not (killed / "weights").exists():
        assert run(processes, killed, 120) == 0
    assert torch.equal(torch.load(killed / "weights"), torch.load(whole / "weights"))
    assert (killed / "history.csv").read_bytes() == (whole / "history.csv").read_bytes()
