"""Artefact folders: whole or not there, reused, resumed, and plain words when the disk is full."""

import errno
import json
import multiprocessing
import os
import subprocess
import sys
import time
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from lcgan_core.errors import UserError
from lcgan_core.protocol import profiles
from lcgan_core.run import artefacts, locks, pages, plan
from lcgan_core.run.plan import Job

JOB, NEXT = plan.COHORT, Job("training", "lcgan", 1.0)
"""A job, and one that needs nothing but that."""


def nothing(work):
    """A stage that writes no file."""


def touch(*names):
    """A stage that writes empty files."""
    return lambda work: [(work / name).touch() for name in names]


def test_an_artefact_is_computed_once(config, stand_in):
    calls = []

    def compute(work):
        calls.append(work)
        (work / "result").write_text("42")

    stand_in(compute)
    first, second = (artefacts.ensure(config, JOB) for _ in range(2))
    assert first == second == artefacts.folder(config, JOB)
    assert (first / "result").read_text() == "42"
    assert len(calls) == 1
    record = artefacts.provenance(first)
    assert record["config"]["seed"] == config.seed
    assert record["versions"]["torch"]


def test_a_stale_artefact_is_computed_again(config, stand_in):
    stand_in(touch("old"))
    record = artefacts.ensure(config, JOB) / artefacts.PROVENANCE
    record.write_text(record.read_text().replace('"fingerprint": "', '"fingerprint": "x'))
    assert artefacts.state(config, JOB) == "stale"
    stand_in(touch("new"))
    folder = artefacts.ensure(config, JOB)
    assert (folder / "new").exists()
    assert not (folder / "old").exists()


def test_an_interrupted_computation_leaves_no_artefact_and_goes_on_where_it_was(config, stand_in):
    def interrupted(work):
        (work / "checkpoint").write_text("half")
        raise UserError("Interrupted")

    stand_in(interrupted)
    with pytest.raises(UserError):
        artefacts.ensure(config, JOB)
    assert not artefacts.folder(config, JOB).exists()
    seen = []
    stand_in(lambda work: seen.append((work / "checkpoint").read_text()))
    artefacts.ensure(config, JOB)
    assert seen == ["half"]


def test_seconds_of_interrupted_attempts_count_to_their_last_sign_of_life(
    config, stand_in, monkeypatch
):
    """Attempts at 100, 200 and 300 s; the first two end with a file written after 7 and 20 s."""
    now = [100.0]
    clock = SimpleNamespace(time=lambda: now[0], monotonic=lambda: 5 * now[0])
    monkeypatch.setattr(artefacts, "time", clock)

    def interrupted(work):
        (work / "deeper").mkdir(exist_ok=True)
        for path in (work, *work.rglob("*")):
            os.utime(path, (now[0], now[0]))
        file = work / "deeper" / f"checkpoint-{now[0]}"
        file.touch()
        last = now[0] + {100.0: 7, 200.0: 20}[now[0]]
        os.utime(file, (last, last))
        os.utime(work / "deeper", (now[0], now[0]))
        raise UserError("Interrupted")

    for now[0] in (100.0, 200.0):
        stand_in(interrupted)
        with pytest.raises(UserError):
            artefacts.ensure(config, JOB)

    def finishes(work):
        now[0] = 302.0

    now[0] = 300.0
    stand_in(finishes)
    folder = artefacts.ensure(config, JOB)
    assert artefacts.provenance(folder)["seconds"] == 7 + 20 + 5 * 2
    assert not (folder / artefacts.ATTEMPTS).exists()


def test_the_seconds_of_an_attempt_that_wrote_nothing_are_lost(config, stand_in):
    def fails(work):
        for path in work.rglob("*"):
            os.utime(path, (0, 0))
        raise UserError("no")

    stand_in(fails)
    with pytest.raises(UserError):
        artefacts.ensure(config, JOB)
    stand_in(nothing)
    assert 0 <= artefacts.provenance(artefacts.ensure(config, JOB))["seconds"] < 60


def fails_after_the_first(config, stand_in, fails):
    """The refusal of NEXT, made by `fails`; what JOB made before it is still there."""
    stand_in(touch("result"))
    done = artefacts.ensure(config, JOB)
    stand_in(fails)
    with pytest.raises(UserError) as error:
        artefacts.ensure(config, NEXT)
    assert "\n" not in str(error.value)
    assert (done / "result").exists()
    assert not artefacts.folder(config, NEXT).exists()
    return str(error.value)


def test_a_full_disk_is_one_sentence_and_leaves_what_was_finished(config, stand_in):
    def full(work):
        (work / "part").write_text("x")
        raise OSError(errno.ENOSPC, "No space left on device")

    assert "the disk is full" in fails_after_the_first(config, stand_in, full)


@pytest.mark.parametrize("ask", [torch.empty, np.empty], ids=["torch", "numpy"])
def test_a_full_memory_is_one_sentence_and_leaves_what_was_finished(config, stand_in, ask):
    said = fails_after_the_first(config, stand_in, lambda work: ask(10**16))
    assert said.startswith("training-1-lcgan: ")
    assert "lower the batch and the width of the network, or image_size" in said


def test_another_error_of_torch_is_not_taken_for_a_full_memory(config, stand_in):
    stand_in(lambda work: torch.zeros(2).view(3))
    with pytest.raises(RuntimeError, match="shape"):
        artefacts.ensure(config, JOB)


def test_a_file_is_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "results.csv"
    path.write_text("before")
    with pytest.raises(ZeroDivisionError), artefacts.atomic(path) as temporary:
        temporary.write_text("half")
        raise ZeroDivisionError
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


fork = multiprocessing.get_context("fork")  # which keeps the stand-ins


def test_two_processes_compute_an_artefact_once(config, stand_in, tmp_path):
    def slow(work):
        with (tmp_path / "log").open("a") as lines:
            lines.write("computed\n")
        time.sleep(0.5)

    stand_in(slow)
    both = [fork.Process(target=artefacts.ensure, args=(config, JOB)) for _ in range(2)]
    for process in both:
        process.start()
    for process in both:
        process.join()
        assert process.exitcode == 0
    assert (tmp_path / "log").read_text() == "computed\n"


def until(true, seconds=120):
    """Wait until `true()`, at most so long."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_who_waits_says_for_whom(config, stand_in, tmp_path):
    stand_in(lambda work: until((tmp_path / "go on").exists))
    reads, writes = os.pipe()

    def wait():
        os.dup2(writes, 2)
        artefacts.ensure(config, JOB)

    first, second = (
        fork.Process(target=artefacts.ensure, args=(config, JOB)),
        fork.Process(target=wait),
    )
    first.start()
    until(lambda: artefacts.running(config, JOB))
    assert artefacts.running(config, JOB).process == first.pid
    second.start()
    os.close(writes)
    with os.fdopen(reads) as said:
        assert said.readline().startswith(f"Waiting for process {first.pid} on ")
        (tmp_path / "go on").touch()
        first.join()
        second.join()
    assert [first.exitcode, second.exitcode] == [0, 0]
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
def test_a_broken_artefact_is_made_anew(config, stand_in, capfd, broken, said):
    def compute(work):
        (work / "store").mkdir()
        (work / "store" / "hu").write_text("whole")

    stand_in(compute)
    folder = artefacts.ensure(config, JOB)
    assert artefacts.state(config, JOB) == "done"
    broken(folder)
    assert artefacts.state(config, JOB) == "missing"
    assert (artefacts.ensure(config, JOB) / "store" / "hu").read_text() == "whole"
    assert said in capfd.readouterr().err
    assert artefacts.state(config, JOB) == "done"


def test_a_broken_artefact_stays_until_the_new_one_is_there(config, stand_in):
    stand_in(touch("a", "b"))
    folder = artefacts.ensure(config, JOB)
    (folder / "b").unlink()

    def fails(work):
        raise UserError("no")

    stand_in(fails)
    with pytest.raises(UserError):
        artefacts.ensure(config, JOB)
    assert (folder / "a").exists()


def test_a_working_folder_of_which_nothing_is_known_is_begun_anew(config, stand_in):
    work = artefacts.folder(config, JOB).with_name(".cohort.partial")
    work.mkdir(parents=True)
    (work / "checkpoint").write_text("of whatever")
    stand_in(nothing)
    assert not (artefacts.ensure(config, JOB) / "checkpoint").exists()


def test_a_run_s_folder_is_filled_by_one_process_and_free_when_that_is_killed(config):
    place = artefacts.run_folder(config)
    code = (
        "import time\n"
        "from lcgan_core.protocol import profiles\n"
        "from lcgan_core.run import artefacts\n"
        "artefacts.claim(profiles.load('quick')); print('claimed', flush=True); time.sleep(600)"
    )
    first = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert first.stdout.readline() == "claimed\n"
    assert artefacts.claimed(config)
    with pytest.raises(UserError, match=rf"{place} is being filled by process {first.pid} on "):
        artefacts.claim(config)
    first.kill()
    first.communicate()
    assert not artefacts.claimed(config)
    file = locks.take(place / artefacts.RUN_LOCK, lambda who: pytest.fail(f"held by {who}"))
    file.close()


def test_a_script_without_a_guard_is_told_instead_of_waiting_for_itself(config, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "from lcgan_core.cohort.workers import workers\n"
        "from lcgan_core.protocol import profiles\n"
        "from lcgan_core.run import artefacts, plan\n"
        "from lcgan_core.stages import cohort\n"
        "def compute(config, job, inputs, work):\n"
        "    with workers(2) as parallel:\n"
        "        list(parallel(abs, [1, 2]))\n"
        "cohort.in_silico = compute\n"
        'artefacts.ensure(profiles.load("quick"), plan.COHORT)\n'
    )
    done = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode != 0
    assert 'must call them below `if __name__ == "__main__":`' in done.stderr


ARM = Job("segmentation", "gan", 0.5, 1, "fcn8s")


@pytest.fixture
def made(stand_in):
    """The jobs in the order in which their stand-ins were called."""
    called = []

    def compute(work, job):
        called.append(job)
        (work / "result").write_text(job.name)

    stand_in(compute)
    return called


def test_what_a_job_needs_is_made_first_and_only_what_is_missing(config, made, capfd):
    artefacts.make(config, ARM)
    assert [job.name for job in made] == [
        "cohort", "training-0.5-lcgan", "training-1-judge", "segmentation-0.5-original",
        "selection-0.5-lcgan", "augmentation-0.5-gan", "segmentation-0.5-gan",
    ]  # fmt: skip
    said = capfd.readouterr()
    assert said.err.splitlines()[:2] == ["1 of 7: cohort", "2 of 7: training-0.5-lcgan"]
    assert not said.out
    made.clear()
    artefacts.make(config, ARM)
    assert not made
    (artefacts.folder(config, Job("selection", "lcgan", 0.5)) / "result").unlink()
    both = ARM._replace(what="both")
    artefacts.make(config, ARM, both)
    assert [job.name for job in made] == [
        "selection-0.5-lcgan", "augmentation-0.5-traditional", "segmentation-0.5-both",
    ]  # fmt: skip


def test_a_stage_gets_the_folders_of_its_inputs_by_role(config, stand_in):
    given = {}

    def compute(work, job, inputs):
        given[job.name] = inputs
        assert all((folder / artefacts.PROVENANCE).is_file() for folder in inputs.values())

    stand_in(compute)
    artefacts.make(config, ARM)
    place = artefacts.run_folder(config)
    assert given["cohort"] == {}
    assert given["selection-0.5-lcgan"] == {
        "cohort": place / "cohort",
        "training": place / "training" / "0.5-lcgan",
        "judge": place / "training" / "1-judge",
        "subset_judge": place / "segmentation" / "0.5-original",
    }
    assert given[ARM.name] == {
        "cohort": place / "cohort", "gan": place / "augmentation" / "0.5-gan",
    }  # fmt: skip


def test_what_an_artefact_follows_from_is_written_beside_it(config, made):
    artefacts.make(config, ARM)
    record = artefacts.provenance(artefacts.folder(config, ARM))
    inputs = {"cohort/all": plan.COHORT, "augmentation/0.5-gan": Job("augmentation", "gan", 0.5)}
    assert record["inputs"] == {
        place: artefacts.provenance(artefacts.folder(config, job))["fingerprint"]
        for place, job in inputs.items()
    }
    assert (record["stage"], record["key"]) == ("segmentation", "0.5-gan")
    assert record["fingerprint"] == plan.fingerprint(config, ARM)
    assert record["files"]["result"] == len(ARM.name)


def test_after_a_failure_what_was_made_is_kept(config, made, stand_in):
    def fails(work, job):
        if job.stage == "selection":
            raise UserError("No space for a picture.")

    stand_in(fails)
    with pytest.raises(UserError, match="No space"):
        artefacts.make(config, ARM)
    begun = []
    stand_in(lambda work, job: begun.append(job.stage))
    artefacts.make(config, ARM)
    assert begun == ["selection", "augmentation", "segmentation"]


@pytest.mark.parametrize("how", ["missing", "stale", "damaged"])
def test_a_job_without_its_input_is_refused_in_one_sentence(config, made, how):
    place = artefacts.folder(config, JOB)
    if how != "missing":
        record = artefacts.ensure(config, JOB) / artefacts.PROVENANCE
        other = '"fingerprint": "x' if how == "stale" else "{"
        record.write_text(record.read_text().replace('"fingerprint": "', other))
    made.clear()
    with pytest.raises(UserError) as error:
        artefacts.ensure(config, NEXT)
    assert str(error.value).startswith(f"training-1-lcgan needs {place}, which is missing or was ")
    assert "`make book` make it first" in str(error.value)
    assert "\n" not in str(error.value)
    assert not made
    assert not list(artefacts.run_folder(config).glob("training/.*.partial"))


def marked(config):
    """Give every job its mark and every page its notebook; the files by their names."""
    marks = [pages.mark(config, job) for job in plan.jobs(config)]
    shown = [pages.executed(config, stage) for stage in profiles.STAGE_PARAMETERS]
    for path in (*marks, *shown):
        path.parent.mkdir(exist_ok=True)
        path.touch()
    return {path.name: path for path in (*marks, *shown)}


def test_the_marks_and_pages_of_jobs_that_are_not_done_are_forgotten_and_no_others(config, made):
    artefacts.make(config)
    files = marked(config)
    pages.forget_undone(config)
    assert all(path.exists() for path in files.values())
    (artefacts.folder(config, Job("selection", "lcgan", 0.25)) / "result").write_text("cut")
    (artefacts.folder(config, Job("segmentation", "both", 0.5, 1, "fcn8s")) / "result").unlink()
    stale = artefacts.folder(config, Job("training", "lcgan", 0.25)) / artefacts.PROVENANCE
    record = json.loads(stale.read_text())
    stale.write_text(json.dumps(record | {"fingerprint": "of other settings"}))
    pages.forget_undone(config)
    # the page of stage 5 shows the arm at 0.25
    assert {name for name, path in files.items() if not path.exists()} == {
        "training-0.25-lcgan", "02_training.ipynb",
        "selection-0.25-lcgan", "03_selection.ipynb", "segmentation-0.5-both",
    }  # fmt: skip
