"""Artefact folders: whole or not there, reused, resumed, and plain words when the disk is full."""

import errno
import multiprocessing
import subprocess
import sys
import time

import numpy as np
import pytest
import torch

from lcgan_core.errors import UserError
from lcgan_core.protocol import profiles
from lcgan_core.run import artefacts, locks
from lcgan_core.run.plan import Job

JOB = Job("cohort")


@pytest.fixture
def config(tmp_path, monkeypatch):
    monkeypatch.setenv("LCGAN_RUNS", str(tmp_path))
    return profiles.load("quick")


def test_an_artefact_is_computed_once(config):
    calls = []

    def compute(work):
        calls.append(work)
        (work / "result").write_text("42")

    first = artefacts.ensure(config, JOB, compute)
    second = artefacts.ensure(config, JOB, compute)
    assert first == second == artefacts.folder(config, JOB)
    assert (first / "result").read_text() == "42"
    assert len(calls) == 1
    record = artefacts.provenance(first)
    assert record["config"]["seed"] == config.seed
    assert record["versions"]["torch"]


def test_a_stale_artefact_is_computed_again(config):
    artefacts.ensure(config, JOB, lambda work: (work / "old").touch())
    path = artefacts.folder(config, JOB) / artefacts.PROVENANCE
    path.write_text(path.read_text().replace('"fingerprint": "', '"fingerprint": "x'))
    folder = artefacts.ensure(config, JOB, lambda work: (work / "new").touch())
    assert (folder / "new").exists()
    assert not (folder / "old").exists()


def test_an_interrupted_computation_leaves_no_artefact_and_goes_on_where_it_was(config):
    def interrupted(work):
        (work / "checkpoint").write_text("half")
        raise UserError("Interrupted")

    with pytest.raises(UserError):
        artefacts.ensure(config, JOB, interrupted)
    assert not artefacts.folder(config, JOB).exists()
    seen = []
    artefacts.ensure(config, JOB, lambda work: seen.append((work / "checkpoint").read_text()))
    assert seen == ["half"]


def test_a_full_disk_is_one_sentence_and_leaves_what_was_finished(config):
    done = artefacts.ensure(config, JOB, lambda work: (work / "result").touch())

    def full(work):
        (work / "part").write_text("x")
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(UserError, match="the disk is full") as error:
        artefacts.ensure(config, Job("evaluation"), full)
    assert "\n" not in str(error.value)
    assert (done / "result").exists()
    assert not artefacts.folder(config, Job("evaluation")).exists()


@pytest.mark.parametrize("ask", [torch.empty, np.empty], ids=["torch", "numpy"])
def test_a_full_memory_is_one_sentence_and_leaves_what_was_finished(config, ask):
    done = artefacts.ensure(config, JOB, lambda work: (work / "result").touch())
    with pytest.raises(UserError, match="lower the batch and the width .* or image_size") as error:
        artefacts.ensure(config, Job("evaluation"), lambda work: ask(10**16))
    assert "\n" not in str(error.value)
    assert (done / "result").exists()
    assert not artefacts.folder(config, Job("evaluation")).exists()


def test_another_error_of_torch_is_not_taken_for_a_full_memory(config):
    with pytest.raises(RuntimeError, match="shape"):
        artefacts.ensure(config, JOB, lambda work: torch.zeros(2).view(3))


def test_a_file_is_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "results.csv"
    path.write_text("before")
    with pytest.raises(ZeroDivisionError), artefacts.atomic(path) as temporary:
        temporary.write_text("half")
        raise ZeroDivisionError
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def _slow(folder, log):
    def compute(work):
        with log.open("a") as lines:
            lines.write("computed\n")
        time.sleep(0.5)

    artefacts.ensure(profiles.load("quick"), JOB, compute)


def test_two_processes_compute_an_artefact_once(config, tmp_path):
    log = tmp_path / "log"
    context = multiprocessing.get_context("fork")
    both = [context.Process(target=_slow, args=(tmp_path, log)) for _ in range(2)]
    for process in both:
        process.start()
    for process in both:
        process.join()
        assert process.exitcode == 0
    assert log.read_text() == "computed\n"


def test_who_waits_says_for_whom(config, tmp_path, capfd):
    context = multiprocessing.get_context("fork")
    first = context.Process(target=_slow, args=(tmp_path, tmp_path / "log"))
    first.start()
    while artefacts.running(config, JOB) is None:
        time.sleep(0.01)
    assert artefacts.running(config, JOB).process == first.pid
    artefacts.ensure(config, JOB, lambda work: None)
    assert f"Waiting for process {first.pid} on " in capfd.readouterr().err
    first.join()
    assert artefacts.running(config, JOB) is None


def _cut(folder):
    (folder / "store" / "hu").write_text("cu")


def _lose(folder):
    (folder / "store" / "hu").unlink()


def _lose_record(folder):
    (folder / artefacts.PROVENANCE).unlink()


def _spoil_record(folder):
    (folder / artefacts.PROVENANCE).write_text('{"fing')


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (_cut, "store/hu was changed after it was written"),
        (_lose, "store/hu is missing"),
        (_lose_record, ""),
        (_spoil_record, ""),
    ],
)
def test_a_broken_artefact_is_made_anew(config, capfd, broken, said):
    def compute(work):
        (work / "store").mkdir()
        (work / "store" / "hu").write_text("whole")

    folder = artefacts.ensure(config, JOB, compute)
    assert artefacts.state(config, JOB) == "done"
    broken(folder)
    assert artefacts.state(config, JOB) == "missing"
    assert (artefacts.ensure(config, JOB, compute) / "store" / "hu").read_text() == "whole"
    assert said in capfd.readouterr().err
    assert artefacts.state(config, JOB) == "done"


def test_a_broken_artefact_stays_until_the_new_one_is_there(config):
    folder = artefacts.ensure(config, JOB, lambda work: [(work / n).touch() for n in ("a", "b")])
    (folder / "b").unlink()

    def fails(work):
        raise UserError("no")

    with pytest.raises(UserError):
        artefacts.ensure(config, JOB, fails)
    assert (folder / "a").exists()


def test_a_working_folder_of_which_nothing_is_known_is_begun_anew(config):
    work = artefacts.folder(config, JOB).with_name(".cohort.partial")
    work.mkdir(parents=True)
    (work / "checkpoint").write_text("of whatever")
    folder = artefacts.ensure(config, JOB, lambda work: None)
    assert not (folder / "checkpoint").exists()


def test_a_run_s_folder_is_filled_by_one_process_and_free_when_that_is_killed(config):
    place = artefacts.root() / config.name
    code = (
        "import time; from lcgan_core import profiles, runs\n"
        "runs.claim(profiles.load('quick')); print('claimed', flush=True); time.sleep(600)"
    )
    first = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert first.stdout.readline() == "claimed\n"
    with pytest.raises(UserError, match=rf"{place} is being filled by process {first.pid} on "):
        artefacts.claim(config)
    first.kill()
    first.communicate()
    file = locks.take(place / artefacts.RUN_LOCK, lambda who: pytest.fail(f"held by {who}"))
    file.close()


def test_a_script_without_a_guard_is_told_instead_of_waiting_for_itself(config, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "from lcgan_core import plan, profiles, runs\n"
        "from lcgan_core.cohort.workers import workers\n"
        "def compute(work):\n"
        "    with workers(2) as parallel:\n"
        "        list(parallel(abs, [1, 2]))\n"
        'runs.ensure(profiles.load("quick"), plan.Job("cohort"), compute)\n'
    )
    done = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode != 0
    assert 'must call them below `if __name__ == "__main__":`' in done.stderr
