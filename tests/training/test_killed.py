"""kill -9 at any moment, then the same command: bitwise the training that nobody killed."""

import multiprocessing
import random
import signal

import pytest
import torch

from .trainings import train_to_the_end

EPOCHS, KILLS = 6, 3
ACTS = 3 * 3 * EPOCHS
"""At least so many acts make a training: 3 steps per epoch, each with two renames of its save."""


@pytest.fixture(scope="module")
def processes():
    """Processes that start at once: forked from one that has already imported everything."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.training.trainings"])
    return context


def exit_code(processes, work, last=None):
    """Of a training that kills itself before its act number `last`, or ends by itself."""
    child = processes.Process(target=train_to_the_end, args=(work, EPOCHS, last))
    child.start()
    child.join()
    return child.exitcode


def test_a_training_killed_three_times_equals_an_uninterrupted_one(processes, tmp_path):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    whole.mkdir(), killed.mkdir()
    assert exit_code(processes, whole) == 0
    acts = random.Random(4711)
    for _ in range(KILLS):
        last = acts.randrange(1, ACTS // KILLS)
        assert exit_code(processes, killed, last) == -signal.SIGKILL
    assert exit_code(processes, killed) == 0
    assert torch.equal(torch.load(killed / "weights"), torch.load(whole / "weights"))
    assert (killed / "history.csv").read_bytes() == (whole / "history.csv").read_bytes()
