"""The warm process: a job in a fork of it is as one in a process of its own, but starts at once."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lcgan_core.errors import UserError
from lcgan_core.protocol import profiles
from lcgan_core.run import artefacts, plan, warm

SMALL = {"cohort_patients": 4, "cohort_matrix": 64, "cohort_slices": 6, "image_size": 64}

# what a job is told to do, instead of a job of the grid
RUNS_CODE = """
import sys
from lcgan_core.run import warm

def work(arguments):
    exec(arguments[1], {})
    return 0

warm.work = work
warm.serve(sys.argv[1])
"""


def appears(path: Path) -> bool:
    end = time.monotonic() + 120
    while not path.exists() and time.monotonic() < end:
        time.sleep(0.05)
    return path.exists()


def gone(process: Path) -> bool:
    end = time.monotonic() + 120
    while process.exists() and time.monotonic() < end:
        time.sleep(0.1)
    return not process.exists()


def serve(folder):
    """A warm process whose jobs are given as Python code, and its address."""
    address = folder / "warm"
    started = subprocess.Popen(
        [sys.executable, "-c", RUNS_CODE, str(address)],
        stdin=subprocess.PIPE,
        env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
    )
    assert appears(address)
    return started, str(address)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    started, address = serve(tmp_path_factory.mktemp("w"))
    yield started, address
    started.stdin.close()
    started.wait(timeout=120)


def call(folder, code, address, **environment):
    """A job as the Snakefile calls it, in `folder`."""
    return subprocess.Popen(
        [sys.executable, "-m", warm.__name__, "request", code],
        cwd=folder,
        env={**os.environ, warm.ADDRESS: address, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finished(*given, **environment):
    job = call(*given, **environment)
    out, err = job.communicate(timeout=600)
    return job.returncode, out, err


def test_a_warm_job_has_its_caller_s_folder_environment_outputs_and_threads(tmp_path, server):
    process, address = server
    code = (
        "import os, sys, torch\n"
        "print(os.getcwd(), os.environ['MINE'], torch.get_num_threads(), os.getppid())\n"
        "print('loud', file=sys.stderr)"
    )
    status, out, err = finished(tmp_path, code, address, MINE="yes", OMP_NUM_THREADS="3")
    assert (status, err) == (0, "loud\n")
    assert out.split() == [str(tmp_path), "yes", "3", str(process.pid)]


def test_a_warm_job_that_fails_says_so_to_its_caller(tmp_path, server):
    status, _, err = finished(tmp_path, "1 / 0", server[1])
    assert status == 1
    assert "ZeroDivisionError: division by zero" in err
    assert finished(tmp_path, "1 / 1", server[1])[0] == 0, "the next job is not disturbed"


def test_a_warm_job_whose_process_is_killed_says_so(tmp_path, server):
    status, _, err = finished(tmp_path, "import os\nos.kill(os.getpid(), 9)", server[1])
    assert status == 1
    assert "killed" in err


WAITS = (
    "import pathlib, time\npathlib.Path('begun').touch()\n"
    "try:\n    time.sleep(600)\nexcept KeyboardInterrupt:\n    pathlib.Path('ended').touch()"
)


def test_a_warm_job_ends_in_order_when_its_caller_is_killed(tmp_path, server):
    job = call(tmp_path, WAITS, server[1])
    assert appears(tmp_path / "begun")
    job.send_signal(signal.SIGKILL)
    job.communicate()
    assert appears(tmp_path / "ended")


def test_a_warm_job_and_its_process_end_in_order_when_snakemake_is_killed(tmp_path):
    """Which closes the pipe that the warm process reads."""
    started, address = serve(tmp_path)
    job = call(tmp_path, WAITS, address)
    assert appears(tmp_path / "begun")
    started.stdin.close()
    assert appears(tmp_path / "ended")
    job.communicate(timeout=120)
    assert started.wait(timeout=120) == 0


@pytest.fixture
def request_file(tmp_path, monkeypatch):
    """Of a small run; and where its cohort will lie."""
    monkeypatch.setenv("LCGAN_RUNS", str(tmp_path / "runs"))
    given = {"profile": "quick", **SMALL}
    config = profiles.load(**given)
    return warm.write_request(config, given), artefacts.folder(config, plan.COHORT)


STARTS = """
import os, subprocess, sys
from lcgan_core.run import warm

process = warm.start()
done = subprocess.run([sys.executable, "-m", warm.__name__, *sys.argv[1:]])
print(done.returncode, process.pid, os.environ[warm.ADDRESS])
"""


def test_a_started_process_makes_jobs_of_the_grid_and_ends_with_its_starter(request_file):
    path, made = request_file
    command = [sys.executable, "-c", STARTS, path, "cohort"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=True)
    status, process, address = done.stdout.split()
    assert (status, done.stderr) == ("0", "")
    assert artefacts.damage(made) is None
    assert gone(Path("/proc") / process)
    assert gone(Path(address).parent)


def test_without_a_warm_process_the_job_runs_in_its_caller(request_file, tmp_path):
    path, made = request_file
    command = [sys.executable, "-m", warm.__name__, path, "cohort"]
    environment = {**os.environ, warm.ADDRESS: str(tmp_path / "gone")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert artefacts.damage(made) is None


def test_what_a_user_can_mend_is_one_sentence(request_file, capfd):
    path, _ = request_file
    assert warm.work([str(path), "training-1-lcgan"]) == 1
    err = capfd.readouterr().err
    assert err.startswith("UserError: training-1-lcgan needs ")
    assert err.count("\n") == 1


def test_an_interrupted_job_ends_as_a_shell_expects(request_file, monkeypatch):
    def interrupted(config, job):
        raise KeyboardInterrupt

    monkeypatch.setattr(artefacts, "ensure", interrupted)
    assert warm.work([str(request_file[0]), "cohort"]) == 128 + signal.SIGINT


def test_a_request_is_written_once_and_as_given(request_file):
    path, _ = request_file
    given = {"profile": "quick", **SMALL}
    assert json.loads(path.read_text()) == given
    before = path.stat()
    config = profiles.load(**given)
    assert warm.write_request(config, given) == path
    assert path.stat().st_mtime_ns == before.st_mtime_ns


def test_a_request_that_the_disk_refuses_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv("LCGAN_RUNS", str(tmp_path))

    def full(path, text):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))

    monkeypatch.setattr(artefacts, "write_text", full)
    with pytest.raises(UserError, match=r"Could not write .*request.json: the disk is read-only"):
        warm.write_request(profiles.load("quick"), {})
