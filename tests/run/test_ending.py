"""However a command is ended, it says one sentence at most, and its exit code says by what."""

import errno
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from lcgan_core.errors import UserError
from lcgan_core.run import ending, signals
from lcgan_core.run.disk import disk_errors

WAITS = """
import sys, time, typer
from lcgan_core.errors import UserError
from lcgan_core.run import ending

def command():
    try:
        print("begun", flush=True)
        time.sleep(600)
    except KeyboardInterrupt:
        if sys.argv[1:]:
            raise UserError(sys.argv[1]) from None
        raise

app = typer.Typer()
app.command()(command)
sys.exit(ending.of(lambda: app([], standalone_mode=False)))
"""


def as_in_a_terminal():
    """A shell's background ignores SIGINT, and nohup SIGHUP."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.mark.parametrize("said", ["", "Interrupted: 3 of 9 series are in."])
@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_is_one_sentence_and_its_own_exit_code(by, said):
    process = subprocess.Popen(
        [sys.executable, "-c", WAITS, *filter(None, [said])],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=as_in_a_terminal,
    )  # fmt: skip
    assert process.stdout.readline() == "begun\n"
    process.send_signal(by)
    _, errors = process.communicate(timeout=600)
    assert process.returncode == 128 + by
    (line,) = errors.splitlines()
    assert line.startswith("lcgan: ") and (said or "run the same command again") in line


def test_a_signal_that_is_ignored_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with signals.stopping():
            os.kill(os.getpid(), signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def raising(error):
    def command():
        raise error

    return command


def test_what_the_system_refuses_is_one_sentence():
    said = ending.of(raising(OSError(errno.ELOOP, "Too many links", "a\nb")))
    assert said == "lcgan: a\\nb Too many links; correct this and run the command again."
    assert "enough memory" in ending.of(raising(OSError(errno.ENOMEM, "Cannot allocate memory")))
    assert "enough memory" in ending.of(raising(RuntimeError("could not create a primitive")))
    with pytest.raises(ZeroDivisionError):
        ending.of(raising(ZeroDivisionError()))


def test_nobody_reads_the_rest():
    code = (
        "import sys; from lcgan_core.run import ending\n"
        "sys.exit(ending.of(lambda: [print(k, flush=True) for k in range(10**6)] and 0))"
    )
    done = subprocess.run(
        ["bash", "-c", '"$0" -c "$1" | head -1; echo ${PIPESTATUS[0]}', sys.executable, code],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.split() == ["0", "141"] and done.stderr == ""


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (OSError(errno.ENOSPC, ""), "the disk is full"),
        (OSError("24576 requested and 2436 written"), "the disk is full"),
        (OSError(errno.EFBIG, ""), "ulimit -f"),
        (OSError(errno.ENAMETOOLONG, ""), "too long"),
    ],
)
def test_a_disk_s_refusals_are_named(error, why, tmp_path):
    with pytest.raises(UserError, match=why), disk_errors(tmp_path):
        raise error


def test_other_errors_of_the_system_are_not_the_disk_s(tmp_path):
    with pytest.raises(OSError), disk_errors(tmp_path):
        raise OSError("cannot identify image file")


@pytest.mark.parametrize("number", [signal.SIGINT, *signals.STOPPING])
def test_what_is_held_takes_effect_at_the_end(number):
    done = []
    # a shell lets its background jobs ignore Ctrl-C
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with signals.stopping(), pytest.raises(KeyboardInterrupt), signals.held():
            signal.raise_signal(number)
            done.append("all")
    finally:
        signal.signal(signal.SIGINT, before)
    assert done == ["all"]


def test_what_is_ignored_stays_ignored_while_signals_are_held():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
    try:
        with signals.held():
            assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
            signal.raise_signal(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_another_thread_holds_nothing():
    def inside():
        with signals.held():
            return signal.getsignal(signal.SIGINT)

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(inside).result() == signal.getsignal(signal.SIGINT)
