"""The package as a wheel, used outside a checkout: its data, its types, and what it says."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from .test_house import ROOT

SOURCES = ("pyproject.toml", "README.md", "LICENSE", "lcgan_core", "data")


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The folder of an unpacked wheel."""
    place = tmp_path_factory.mktemp("wheel")
    for name in SOURCES:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, place / name)
    build = "from setuptools import build_meta; print(build_meta.build_wheel('.'))"
    done = subprocess.run(
        [sys.executable, "-c", build], cwd=place, capture_output=True, text=True, check=True
    )
    (wheel,) = place.glob("*.whl")
    assert wheel.name in done.stdout
    with zipfile.ZipFile(wheel) as file:
        file.extractall(place / "installed")
    return place / "installed"


def outside(installed, folder, *command):
    """Exit code and output of a command that finds the package in the wheel alone."""
    done = subprocess.run(
        [sys.executable, *command], cwd=folder, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(installed)},
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def test_a_wheel_has_the_data_the_profiles_and_the_types(installed, tmp_path):
    script = """
import lcgan_core
from lcgan_core.book.pages.slips import slips
from lcgan_core.protocol import profiles
from lcgan_core.protocol.paper import paper_results
from lcgan_core.stages.evaluation import stored_label_maps
assert len(paper_results()) == 117 and len(slips()) and len(stored_label_maps())
print(lcgan_core.__file__, lcgan_core.__version__, *profiles.names())
"""
    code, said = outside(installed, tmp_path, "-c", script)
    assert code == 0, said
    assert said.split() == [
        str(installed / "lcgan_core" / "__init__.py"), "0.1.0", "compact", "paper", "quick", "real"
    ]  # fmt: skip
    assert (installed / "lcgan_core" / "py.typed").is_file()


def test_every_module_travels(installed):
    def modules(folder):
        return {path.relative_to(folder) for path in Path(folder).rglob("*.py")}

    assert modules(installed / "lcgan_core") == modules(ROOT / "lcgan_core")


@pytest.mark.parametrize(
    ("command", "code", "sentence"),
    [
        (["--version"], 0, "lcgan 0.1.0"),
        (["paint", "--help"], 0, "Paint synthetic slices around masks"),
        (["book"], 1, "clone the repository and run the command there"),
        (["render"], 1, "clone the repository and run the command there"),
        (["publish"], 1, "clone the repository and run the command there"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else None,
)
def test_what_the_commands_say_outside_a_checkout(installed, tmp_path, command, code, sentence):
    found, said = outside(installed, tmp_path, "-m", "lcgan_core.cli", *command)
    assert (found, sentence in said) == (code, True), said
    assert "Traceback" not in said and list(tmp_path.iterdir()) == []
