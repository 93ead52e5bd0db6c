"""requirements.lock, environment.yml and pyproject.toml tell one story."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
LOCK = (ROOT / "requirements.lock").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

BLOCK = re.compile(
    r"(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^ ;\\]+)(?P<marker> ; [^\\]+)? \\\n"
    r"(?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+"
)
ADDRESS = re.compile(r"://|--?(index|extra-index|find-links|trusted|f |i )|\bfile:|@ |/[a-z]+/")


def lock_complaints(text: str) -> list[str]:
    """What is wrong with a lock: anything but pins with hashes, any address of any kind."""
    body = "".join(line + "\n" for line in text.splitlines() if not line.startswith("#"))
    rest = BLOCK.sub("", body).strip()
    found = [f"not a pin with hashes: {line}" for line in rest.splitlines()]
    found += [f"an address: {line}" for line in text.splitlines() if ADDRESS.search(line)]
    return found


def lock_pins(text: str) -> dict[str, str]:
    """Name -> version; a package pinned twice for two Pythons would be a second story."""
    pins: dict[str, str] = {}
    for match in BLOCK.finditer(text):
        name = canonicalize_name(match["name"])
        assert name not in pins, f"{name} is pinned twice"
        pins[name] = match["version"]
    return pins


def conda_pins(text: str) -> dict[str, str]:
    """Name -> version of every line of an environment.yml that pins, both sections."""
    lines: list[str] = []
    for entry in yaml.safe_load(text)["dependencies"]:
        lines += entry["pip"] if isinstance(entry, dict) else [entry]
    pairs = (re.fullmatch(r"([A-Za-z0-9._-]+)={1,2}([^=<>]+)", line) for line in lines)
    return {canonicalize_name(pair[1]): pair[2] for pair in pairs if pair}


def requirements() -> list[Requirement]:
    groups = PROJECT["optional-dependencies"].values()
    return [Requirement(line) for lines in [PROJECT["dependencies"], *groups] for line in lines]


def test_lock_holds_pins_with_hashes_and_no_address():
    assert lock_complaints(LOCK) == []
    assert len(lock_pins(LOCK)) > 200


@pytest.mark.parametrize(
    "line",
    [
        "numpy>=2.0",
        "numpy==2.0.0",
        "--index-url https://packages.example/simple",
        "--find-links wheels/",
        "numpy @ file:///somewhere/numpy.whl",
        "# made with --index-url https://packages.example/simple",
    ],
)
def test_lock_check_sees(line):
    assert lock_complaints(LOCK + line + "\n")


def test_pins_are_public_versions():
    """A local version such as 2.0+cu130 exists on one index only."""
    assert [f"{n}=={v}" for n, v in lock_pins(LOCK).items() if "+" in v] == []


@pytest.mark.parametrize("requirement", requirements(), ids=lambda r: r.name)
def test_lock_satisfies_the_ranges_of_pyproject(requirement):
    version = lock_pins(LOCK)[canonicalize_name(requirement.name)]
    assert requirement.specifier.contains(version, prereleases=True)


def test_conda_environment_has_the_versions_of_the_lock():
    pins, lock = conda_pins((ROOT / "environment.yml").read_text()), lock_pins(LOCK)
    assert {name: lock.get(name) for name in pins} == pins


def test_conda_environment_has_every_package_of_pyproject():
    pins = conda_pins((ROOT / "environment.yml").read_text())
    assert {canonicalize_name(r.name) for r in requirements()} == set(pins)


def test_conda_python_is_one_that_pyproject_allows():
    dependencies = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    python = next(d for d in dependencies if isinstance(d, str) and d.startswith("python"))
    assert PROJECT["requires-python"] in python
