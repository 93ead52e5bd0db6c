"""nbval goes red when a metric is wrong: shown by breaking one in a copy of the package."""

import os
import shutil
import subprocess
import sys

import nbformat
import pytest

from lcgan_core.book import build
from lcgan_core.run import artefacts

WRONG = {
    "Dice without its factor 2": (
        "metrics/overlap.py",
        "return ratio(2 * self.intersection.sum(1), area.sum(1))",
        "return ratio(self.intersection.sum(1), area.sum(1))",
    ),
    "false positives below the area rule counted": (
        "metrics/overlap.py",
        "self.predicted >= max(min_area, 1)",
        "self.predicted >= 1",
    ),
    "nothing": ("metrics/overlap.py", "CHUNK = 64", "CHUNK = 64"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_nbval_sees_a_broken_metric(tmp_path, wrong):
    shutil.copytree(artefacts.REPOSITORY / "lcgan_core", tmp_path / "lcgan_core")
    shutil.copytree(artefacts.REPOSITORY / "data", tmp_path / "data")
    name, right, broken = WRONG[wrong]
    path = tmp_path / "lcgan_core" / name
    assert right in path.read_text()
    path.write_text(path.read_text().replace(right, broken))

    notebook = nbformat.read(build.source("evaluation"), as_version=4)
    stored = ["parameters" in c.metadata.get("tags", []) for c in notebook.cells].index(True)
    kept = [
        cell
        for k, cell in enumerate(notebook.cells)
        if k in (stored, stored + 1) or "stored-label-maps" in cell.metadata.get("tags", [])
    ]
    assert len(kept) == 3
    notebook.cells = kept
    nbformat.write(notebook, tmp_path / "metrics.ipynb")
    done = subprocess.run(
        [
            sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--nbval",
            "--nbval-current-env", "--rootdir", str(tmp_path), str(tmp_path / "metrics.ipynb"),
        ],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path), "LCGAN_RUNS": str(tmp_path / "runs")},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == (0 if wrong == "nothing" else 1), done.stdout
    assert ("passed" if wrong == "nothing" else "failed") in done.stdout
