"""The grid's execution of notebooks: same outputs as the IPython kernel, and a warm start."""

import ast
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from lcgan_core.run import warm

CELLS = [
    "number = 1",
    "",
    "print('one'); print('two', end='')\nnumber + 1",
    "import sys\nprint('to stderr', file=sys.stderr)",
    "number;",
    "import pandas as pd\npd.DataFrame({'a': [1, 2]})",
    "import matplotlib.pyplot as plt\nplt.rcParams['figure.dpi'] = 50\naxes = plt.plot([1, 3])",
    "figure, axes = plt.subplots(figsize=(1, 1))\ndisplay(number)\nprint('after')",
    "from PIL import Image\nImage.new('L', (2, 2))",
    "%precision 3\n_ = 4",
    "[Out[2], sorted(name for name in globals() if not name.startswith('_'))]",
    "number / 0",
    "print('never reached')",
]


def notebook(*cells) -> nbformat.NotebookNode:
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return new_notebook(
        cells=[new_markdown_cell("# text"), *map(new_code_cell, cells)],
        metadata={"kernelspec": kernel},
    )


def execute(folder, *cells, environment=None, wait=True):
    """papermill as the Snakefile calls it, in `folder`."""
    nbformat.write(notebook(*cells), folder / "in.ipynb")
    command = [sys.executable, "-m", warm.__name__, "in.ipynb", "out.ipynb", "--no-progress-bar"]
    started = subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, **(environment or {})},
        stderr=subprocess.PIPE,
        text=True,
    )
    if wait:
        _, started.stderr_text = started.communicate(timeout=120)
    return started


def outputs(made):
    """Counts and outputs of the cells; a traceback without its colours, which a theme decides."""
    for cell in made.cells:
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                output.traceback = re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(output.traceback))
    return [(cell.get("execution_count"), cell.get("outputs")) for cell in made.cells]


@pytest.fixture(scope="module")
def warm_process():
    process = warm.start()
    yield process
    process.stdin.close()
    process.wait(timeout=30)
    del os.environ[warm.ADDRESS]


def test_every_kind_of_output_is_the_kernel_s(tmp_path, monkeypatch):
    monkeypatch.delenv(warm.ADDRESS, raising=False)
    kernel = notebook(*CELLS)
    with pytest.raises(CellExecutionError):
        NotebookClient(kernel, record_timing=False).execute(cwd=tmp_path)
    job = execute(tmp_path, *CELLS)
    assert job.returncode == 1
    assert "ZeroDivisionError: division by zero" in job.stderr_text
    made = nbformat.read(tmp_path / "out.ipynb", as_version=4)
    failed = "papermill-error-cell-tag"  # papermill's own marks at and above the failed cell
    made.cells = [c for c in made.cells if failed not in c.metadata.get("tags", [])]
    assert outputs(made) == outputs(kernel)
    kinds = {o.output_type for cell in made.cells for o in cell.get("outputs", [])}
    assert kinds == {"stream", "execute_result", "display_data", "error"}


def test_a_warm_job_has_its_caller_s_folder_environment_and_threads(tmp_path, warm_process):
    cell = (
        "import os, torch\nos.getcwd(), os.environ['MINE'], torch.get_num_threads(), os.getppid()"
    )
    job = execute(tmp_path, cell, environment={"MINE": "yes", "OMP_NUM_THREADS": "3"})
    assert job.returncode == 0, job.stderr_text
    made = nbformat.read(tmp_path / "out.ipynb", as_version=4)
    (result,) = made.cells[1].outputs
    wanted = (str(tmp_path), "yes", 3, warm_process.pid)
    assert ast.literal_eval(result.data["text/plain"]) == wanted


def test_a_warm_job_that_fails_says_so_to_its_caller(tmp_path, warm_process):
    job = execute(tmp_path, "1 / 0")
    assert job.returncode == 1
    assert "ZeroDivisionError: division by zero" in job.stderr_text
    assert execute(tmp_path, "1 / 1").returncode == 0, "the next job is not disturbed"


def test_a_warm_job_whose_process_is_killed_says_so(tmp_path, warm_process):
    job = execute(tmp_path, "import os\nos.kill(os.getpid(), 9)")
    assert job.returncode == 1
    assert "killed" in job.stderr_text


def appears(path: Path) -> bool:
    end = time.monotonic() + 60
    while not path.exists() and time.monotonic() < end:
        time.sleep(0.05)
    return path.exists()


def test_a_warm_job_ends_in_order_when_its_caller_is_killed(tmp_path, warm_process):
    cell = (
        "import pathlib, time\npathlib.Path('begun').touch()\n"
        "try:\n    time.sleep(600)\nexcept KeyboardInterrupt:\n    pathlib.Path('ended').touch()"
    )
    job = execute(tmp_path, cell, wait=False)
    assert appears(tmp_path / "begun")
    job.send_signal(signal.SIGKILL)
    job.communicate()
    assert appears(tmp_path / "ended")


def test_the_warm_process_ends_with_the_one_that_started_it(tmp_path):
    code = f"from {warm.__package__} import warm; print(warm.start().pid)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    process = Path("/proc") / done.stdout.strip()
    end = time.monotonic() + 60
    while process.exists() and time.monotonic() < end:
        time.sleep(0.1)
    assert not process.exists()


def test_without_a_warm_process_the_job_runs_in_its_caller(tmp_path, monkeypatch):
    monkeypatch.setenv(warm.ADDRESS, str(tmp_path / "gone"))
    assert execute(tmp_path, "1 + 1").returncode == 0
    made = nbformat.read(tmp_path / "out.ipynb", as_version=4)
    assert made.cells[1].outputs[0].data["text/plain"] == "2"
