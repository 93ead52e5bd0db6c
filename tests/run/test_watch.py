"""What `make book` shows of Snakemake: a line a job, a sentence at the end."""

import os
import signal
import subprocess
import sys

import pytest

FINE = """
print("Building DAG of jobs...")
print("localrule cohort:")
print("Finished jobid: 3 (Rule: cohort)")
print("1 of 2 steps (50%) done")
print("Finished jobid: 1 (Rule: book)")
print("2 of 2 steps (100%) done")
"""
BROKEN = "print('Traceback'); print('The run stopped: no disk.'); raise SystemExit(1)"
SILENT = "print('MissingInputException in line 3'); raise SystemExit(1)"
ENDLESS = """
import time
print("Finished jobid: 3 (Rule: cohort)", flush=True)
print("1 of 2 steps (50%) done", flush=True)
try:
    time.sleep(600)
except KeyboardInterrupt:
    print("Traceback (most recent call last): Cannot close a running event loop")
    raise SystemExit(1)
"""


def start(program, ready=None):
    watching = (
        "import sys; from lcgan_core.run.watch import watch; "
        f"sys.exit(watch([sys.executable, '-c', {program!r}]))"
    )
    return subprocess.Popen(
        [sys.executable, "-c", watching],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=ready or interruptible,
    )


def interruptible():
    """What a shell starts in the background ignores Ctrl-C, and so would all that it starts."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def outcome(program):
    process = start(program)
    said = process.communicate(timeout=600)[1].splitlines()
    return process.returncode, said


def test_a_line_a_job():
    code, (first, second) = outcome(FINE)
    assert code == 0
    assert first.startswith("1 of 2 (50 %)  cohort; about ") and first.endswith(" left")
    assert second == "2 of 2 (100 %)  book"


def test_a_run_that_stops_says_why_and_nothing_else():
    assert outcome(BROKEN) == (1, ["The run stopped: no disk."])
    assert outcome(SILENT) == (1, ["MissingInputException in line 3"])


def test_a_snakemake_that_was_killed_is_one_sentence():
    code, said = outcome("import os; os.kill(os.getpid(), 9)")
    assert code == 137 and said == [
        "Snakemake was ended by signal 9; finished parts are kept: run the same command again to "
        "resume."
    ]


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_is_one_sentence_and_ends_snakemake(by):
    process = start(ENDLESS)
    assert "cohort" in process.stderr.readline()
    os.killpg(process.pid, by)  # as a terminal does
    said = process.communicate(timeout=600)[1]
    assert process.returncode == 128 + by
    assert said.splitlines() == [
        "Interrupted; finished parts are kept: run the same command again to resume."
    ]


def test_what_runs_in_the_background_of_a_shell_can_be_ended():
    process = start(ENDLESS, lambda: signal.signal(signal.SIGINT, signal.SIG_IGN))
    assert "cohort" in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=600)
    assert process.returncode == 128 + signal.SIGTERM
