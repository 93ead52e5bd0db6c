"""`python -m lcgan_core.run.warm REQUEST NAME`: one job of a run, started at once.

REQUEST is a JSON file with the run's profile and overrides; NAME is a job's, or `page-` and a
stage, whose notebook is then executed. Importing the network libraries takes longer than a job of
the `quick` grid. So the Snakefile starts one process that has imported them (`start`), and each job
is a fork of it, with the caller's working directory, environment and outputs. Without such a
process, as on a cluster, the job runs in the caller.
"""

from __future__ import annotations

import importlib
import json
import os
import shutil
import signal
import socket
import socketserver
import subprocess
import sys
import tempfile
import threading
import traceback
from pathlib import Path

from lcgan_core.errors import UserError
from lcgan_core.protocol import methods, profiles
from lcgan_core.protocol.config import Config
from lcgan_core.protocol.profiles import STAGE_PARAMETERS
from lcgan_core.run import artefacts, pages, plan, signals
from lcgan_core.run.disk import disk_errors

ADDRESS = "LCGAN_WARM"
"""Environment variable with the path of the warm process's socket."""
PAGE = "page-"
LONGEST = 70
"""Bytes of a folder for a socket, whose whole path may have a hundred or so."""


def write_request(config: Config, given: dict) -> Path:
    """The file from which a run's jobs read its profile and overrides, as the user gave them."""
    path = artefacts.run_folder(config) / "request.json"
    text = json.dumps(given, sort_keys=True) + "\n"
    if not path.is_file() or path.read_text() != text:
        with disk_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            artefacts.write_text(path, text)
    return path


def work(arguments: list[str]) -> int:
    """Do one job; returns the exit code. A UserError is one sentence on stderr."""
    request, name = arguments
    try:
        given = json.loads(Path(request).read_text())
        config = profiles.load(**given)
        if name.startswith(PAGE):
            pages.execute(config, name.removeprefix(PAGE), given)
        else:
            (job,) = (job for job in plan.jobs(config) if job.name == name)
            artefacts.ensure(config, job)
    except UserError as error:
        print(f"UserError: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt as error:
        return signals.exit_code(error)
    except Exception as error:
        if name.startswith(PAGE):  # papermill's error contains the cell and its traceback
            print(error, file=sys.stderr)
            return 1
        raise
    return 0


def call(arguments: list[str]) -> int:
    """Do one job in a fork of the warm process, if there is one; returns the exit code."""
    server = _connected()
    if server is None:
        return work(arguments)
    job = {"arguments": arguments, "folder": os.getcwd(), "environment": dict(os.environ)}
    with server:
        socket.send_fds(server, [b"!"], [1, 2])
        server.sendall(json.dumps(job).encode() + b"\n")
        answer = server.recv(1)
    if not answer:
        print("The job's process was killed, perhaps because memory ran out.", file=sys.stderr)
    return answer[0] if answer else 1


def _connected() -> socket.socket | None:
    server = socket.socket(socket.AF_UNIX)
    try:
        server.connect(os.environ[ADDRESS])
    except (KeyError, OSError):
        server.close()
        return None
    return server


class _Job(socketserver.StreamRequestHandler):
    """One job, in a fork of the warm process."""

    def handle(self) -> None:
        _, outputs, _, _ = socket.recv_fds(self.request, 1, 2)
        job = json.loads(self.rfile.readline())
        for theirs, ours in zip(outputs, (1, 2), strict=True):
            os.dup2(theirs, ours)
            os.close(theirs)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.environ.clear()
        os.environ.update(job["environment"])
        os.chdir(job["folder"])
        self._threads()
        threading.Thread(target=self._end_with_caller, daemon=True).start()
        status = 1
        try:
            status = work(job["arguments"])
        except Exception:  # printed here: this fork ends as soon as its caller has an answer
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            self.request.sendall(bytes([status]))

    @staticmethod
    def _threads() -> None:
        """As many as the job was given: torch looks at this variable when it is imported."""
        import torch

        if given := os.environ.get("OMP_NUM_THREADS"):
            torch.set_num_threads(int(given))

    def _end_with_caller(self) -> None:
        if not self.request.recv(1):
            os.kill(os.getpid(), signal.SIGINT)


class _Server(socketserver.ForkingMixIn, socketserver.UnixStreamServer):
    max_children = 1000
    request_queue_size = 1000


def serve(address: str) -> None:
    """Fork a job per call, until standard input ends: that is, until the caller of `start` does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's Ctrl-C is for the jobs
    with _Server(address, _Job) as server:
        threading.Thread(target=_until_end_of_input, args=(server,), daemon=True).start()
        _load()
        server.serve_forever()
    shutil.rmtree(Path(address).parent, ignore_errors=True)


def _until_end_of_input(server: _Server) -> None:
    sys.stdin.read()
    for job in list(server.active_children or ()):  # of a Snakemake that was killed
        os.kill(job, signal.SIGINT)
    server.shutdown()


def _load() -> None:
    for module in (
        "papermill",
        "torch._dynamo",
        "torchvision.transforms.v2.functional",
        *(method.place.partition(":")[0] for method in methods.GENERATORS.values()),
        *(method.place.partition(":")[0] for method in methods.SEGMENTERS.values()),
        *(f"lcgan_core.stages.{stage}" for stage in STAGE_PARAMETERS),
    ):
        importlib.import_module(module)


def start() -> subprocess.Popen:
    """Start the warm process and let this process's children find it; it ends with this process."""
    temporary = tempfile.gettempdir()
    if len(os.fsencode(temporary)) > LONGEST:
        temporary = "/tmp"
    address = Path(tempfile.mkdtemp(prefix="lcgan-", dir=temporary)) / "warm"
    process = subprocess.Popen(
        [sys.executable, "-m", __name__, "--serve", str(address)],
        stdin=subprocess.PIPE,
        # a fork loses its threads, so the process must not start any
        env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
    )
    while not address.exists() and process.poll() is None:
        threading.Event().wait(0.02)
    os.environ[ADDRESS] = str(address)
    return process


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        serve(sys.argv[2])
    else:
        with signals.stopping():
            try:
                sys.exit(call(sys.argv[1:]))
            except KeyboardInterrupt as stopped:
                sys.exit(signals.exit_code(stopped))
