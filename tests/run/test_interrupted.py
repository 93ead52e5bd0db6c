"""Ctrl-C during a real training, from the terminal: one sentence, then the next run goes on."""

import os
import signal
import subprocess
import sys
import time

SMALL = {
    "cohort_patients": 4, "cohort_matrix": 64, "cohort_slices": 6, "image_size": 64,
    "lcgan_width": 2, "lcgan_snapshots": "[150]",
}  # fmt: skip

# the first checkpoint long before the end, however fast the machine is
OFTEN = """
from lcgan_core import cli
from lcgan_core.training import engine

engine.SECONDS_BETWEEN_CHECKPOINTS = 0.5
cli.main()
"""


def test_ctrl_c_during_training_then_again(tmp_path):
    command = [sys.executable, "-c", OFTEN, "run", "training", "--fraction", "1.0"]
    for name, value in SMALL.items():
        command += ["--set", f"{name}={value}"]
    environment = {**os.environ, "LCGAN_RUNS": str(tmp_path), "OMP_NUM_THREADS": "1"}
    first = subprocess.Popen(
        command,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
        # a shell lets its background jobs ignore Ctrl-C, and children inherit that
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    deadline = time.monotonic() + 120
    while not list(tmp_path.rglob("checkpoint.safetensors")) and time.monotonic() < deadline:
        time.sleep(0.2)
        assert first.poll() is None, "it ended before it could be interrupted"
    first.send_signal(signal.SIGINT)
    _, errors = first.communicate(timeout=60)
    assert first.returncode == 1
    last = errors.strip().splitlines()[-1]
    assert "Interrupted: LcGAN" in last
    assert "run the same command again to resume after " in last
    assert "Traceback" not in errors
    assert not list(tmp_path.rglob("training/1-lcgan/artefact.json"))

    finished = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
    history = next(tmp_path.rglob("training/1-lcgan/history.csv")).read_text().splitlines()
    assert len(history) == 151, "a header, and every epoch once"
