"""Paths and values with spaces, quotes and dollars reach the commands as they are, unexecuted."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lcgan_core.phantom import write_cohort
from lcgan_core.protocol import profiles
from lcgan_core.run import artefacts, asked, pages

from ..house.test_environment import lock_complaints, lock_pins

ODD = 'it\'s "ü" $HOME `x` 100% #1'
"""What a folder may be called."""
EVIL = (
    "$(shell touch pwned)", "${shell touch pwned}", "$(eval x := $(shell touch pwned))",
    "`touch pwned`", "$(touch pwned)", "$$(touch pwned)", "; touch pwned ;", "' ; touch pwned ; '",
    '" ; touch pwned ; "', "\\\" ; touch pwned ; \\\"", "a\ntouch pwned\n", "| touch pwned",
    "slurm/config.yaml ;touch pwned;", "-x && touch pwned", "a=$(touch pwned) b=`touch pwned`",
)  # fmt: skip
VARIABLES = (
    "PROFILE", "COHORT", "SET", "ONLY", "RUN", "CORES", "MEMORY", "GPUS", "PYTHON", "YES", "BIN",
    "ASKED", "SNAKEMAKE", "WHERE", "TEST_RUNS", "GPU_ONLY", "CPU_LOCK", "LOCK",
)  # fmt: skip
TARGETS = ("book-path", "book", "publish", "unit", "bench", "notebooks")
RECORD = """#!/bin/sh
{ printf '%s\\0' "${0##*/}" "$@"; printf '\\001\\0'; } >> "$CALLS"
"""


@pytest.fixture
def checkout(tmp_path):
    """A checkout in an odd folder, whose programs write down what they are given."""
    folder = tmp_path / ODD / "lcgan"
    programs = folder / ".venv" / "bin"
    programs.mkdir(parents=True)
    for name in ("Makefile", "requirements.lock", "pyproject.toml"):
        shutil.copy(artefacts.REPOSITORY / name, folder)
    shutil.copytree(artefacts.REPOSITORY / "profiles", folder / "profiles")
    for name in ("lcgan", "snakemake", "pytest", "uv"):
        (programs / name).write_text(RECORD)
    (programs / "python").write_text(
        f'#!/bin/sh\n[ "$2" = {asked.__name__} ] && exec {sys.executable} "$@"\n' + RECORD
    )
    for program in programs.iterdir():
        program.chmod(0o755)
    (folder / ".venv" / ".complete").touch()
    return folder


def make(checkout, *targets, environment=None, **variables):
    """How make ended, and the commands that were called: name and arguments."""
    calls = checkout / "calls"
    calls.unlink(missing_ok=True)
    done = subprocess.run(
        ["make", *targets, *(f"{name}={value}" for name, value in variables.items())],
        cwd=checkout, capture_output=True, text=True, check=False, timeout=120,
        env={**os.environ, "CALLS": str(calls), "PYTHONPATH": str(artefacts.REPOSITORY)}
        | (environment or {}),
    )  # fmt: skip
    lines = calls.read_text().split("\1\0") if calls.exists() else []
    return done, [line.split("\0")[:-1] for line in lines if line]


@pytest.mark.parametrize("value", EVIL)
def test_nothing_in_a_variable_is_executed(checkout, value):
    """Given on the command line or in the environment; a value may be refused, and never run."""
    everywhere = dict.fromkeys(VARIABLES, value)
    for given in (everywhere, {"environment": everywhere}):
        (checkout / ".venv" / ".complete").unlink()
        make(checkout, "--keep-going", ".venv/.complete", **given)
        (checkout / ".venv" / ".complete").touch()
        done, calls = make(checkout, "--keep-going", *TARGETS, **given)
        assert calls and "Traceback" not in done.stderr, done.stderr
    make(checkout, "book", PROFILE="render", RUN=value)
    make(checkout, "book", CLUSTER=value)
    make(checkout, "setup", TORCH=value)
    assert not list(checkout.rglob("pwned"))


@pytest.mark.parametrize("value", [ODD, "~/my heads", "/x/a: b", *EVIL])
def test_values_reach_the_commands_as_they_are(checkout, value):
    cohort = f"/heads/{value}"
    numbers = ["seed=3", f"segmentation_weights={value}", "fractions=[0.5, 1]"]
    given = {"COHORT": cohort, "PROFILE": value, "SET": " ".join(numbers)}
    done, [where, snakemake, again] = make(checkout, "book", **given)
    assert done.returncode == 0, done.stderr
    told = ["--profile", value, "--cohort", os.path.normpath(cohort)]
    told += [part for number in asked._numbers(given) for part in ("--set", number)]
    assert where == again == ["lcgan", "book", "--where", *told]
    name, config = snakemake[-1].split("=", 1)
    assert snakemake[-2] == "--config" and name == asked.ASKED
    read = asked.settings({name: config})
    assert (read["profile"], read["cohort"]) == (value, os.path.normpath(cohort))
    assert (read["seed"], read["fractions"]) == (3, [0.5, 1])
    _, [publish] = make(checkout, "publish", **given)
    assert publish == ["lcgan", "publish", *told]


def test_a_set_value_may_hold_spaces(checkout):
    _, [where] = make(
        checkout, "book-path", SET="seed=3  segmentation_weights=/x/my w.pth a=[1, 2]"
    )
    assert where[-6:] == [
        "--set", "seed=3", "--set", "segmentation_weights=/x/my w.pth", "--set", "a=[1, 2]"
    ]  # fmt: skip


def test_a_cohort_is_meant_from_where_make_runs_and_a_tilde_is_home(checkout):
    for cohort, meant in {
        "my heads": str(checkout / "my heads"),
        "../x": str(checkout.parent / "x"),
        "~/heads": str(Path.home() / "heads"),
    }.items():
        _, [where] = make(checkout, "book-path", COHORT=cohort)
        assert where[-2:] == ["--cohort", meant]


def test_other_values_reach_their_commands(checkout):
    _, [render] = make(checkout, "book", PROFILE="render", RUN=ODD)
    assert render == ["lcgan", "render", ODD]
    _, [bench] = make(checkout, "bench", ONLY=ODD)
    assert bench == ["python", "-m", "benchmarks", "--only", ODD]
    _, [bench] = make(checkout, "bench")
    assert bench == ["python", "-m", "benchmarks"]
    _, calls = make(checkout, "book", CORES="7", MEMORY="1000", GPUS="0")
    assert calls[1][1:8] == [
        "--cores", "7", "--quiet", "rules", "host", "--resources", "mem_mb=1000"
    ]  # fmt: skip
    assert calls[1][8] == "gpu=0"
    _, calls = make(checkout, "book", CLUSTER="slurm")
    assert calls[1][calls[1].index("--workflow-profile") + 1] == "profiles/slurm"
    _, calls = make(checkout, "book")
    assert int(calls[1][2]) >= 1 and calls[1][7].removeprefix("mem_mb=").isdigit()


def test_without_a_cluster_snakemake_finds_no_slurm_to_wait_for(checkout):
    program = checkout / ".venv" / "bin" / "snakemake"
    program.write_text('#!/bin/sh\nprintf "%s\\0\\001\\0" "$SLURM_CONF" >> "$CALLS"\n')
    user_s = {"SLURM_CONF": "/etc/slurm.conf"}
    _, [_, [found], _] = make(checkout, "book", environment=user_s)
    assert found == "/dev/null"
    _, [_, [found], _] = make(checkout, "book", CLUSTER="slurm", environment=user_s)
    assert found == user_s["SLURM_CONF"]


def test_a_python_with_a_space_in_its_path_is_used(checkout):
    own = checkout / "my python"
    own.write_text(RECORD)
    own.chmod(0o755)
    (checkout / ".venv" / ".complete").unlink()
    _, calls = make(checkout, "setup", PYTHON=str(own))
    assert [call[0] for call in calls][:2] == ["my python", "my python"]


def test_torch_of_a_cpu_is_asked_for_once_and_leaves_out_what_only_a_gpu_needs(checkout):
    """The same versions and hashes; what torch is linked to stays."""
    *_, sync, _ = make(checkout, "setup", TORCH="cpu")[1]
    assert sync[-2:] == ["--require-hashes", ".venv/requirements-cpu.lock"]
    whole, reduced = ((checkout / name).read_text() for name in ("requirements.lock", sync[-1]))
    assert lock_complaints(reduced) == []
    pins = lock_pins(reduced)
    assert pins.items() <= lock_pins(whole).items()
    gone = lock_pins(whole).keys() - pins.keys()
    assert {"triton", "nvidia-cusolver"} < gone
    assert all(name == "triton" or name.startswith(("cuda-", "nvidia-")) for name in gone)
    assert {"torch", "torchvision", "nvidia-cublas", "nvidia-cuda-cupti"} < pins.keys()
    assert make(checkout, "setup")[1] == []
    (checkout / "requirements.lock").touch()
    *_, again, _ = make(checkout, "setup")[1]
    assert again == sync
    refused, calls = make(checkout, "setup", TORCH="gpu")
    assert refused.returncode and "TORCH can only be cpu" in refused.stderr and calls == []


def snakemake(folder, *options, **environment):
    own = {"PYTHONPATH": str(folder), "SLURM_CONF": os.devnull, "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, "-m", "snakemake", "--cores", "2", "--nolock", *options],
        cwd=folder, capture_output=True, text=True, check=False, timeout=600,
        env={**os.environ, **own, **environment},
    )  # fmt: skip


def linked(folder):
    """A working checkout, of links."""
    folder.mkdir(parents=True)
    for entry in artefacts.REPOSITORY.iterdir():
        if entry.name not in ("runs", "_build", ".snakemake", ".git", "Snakefile"):
            (folder / entry.name).symlink_to(entry)
    shutil.copy(artefacts.REPOSITORY / "Snakefile", folder)
    return folder


@pytest.mark.slow
def test_a_stage_and_its_page_below_an_odd_folder_from_an_odd_cohort(tmp_path, monkeypatch):
    """Snakemake, the warm process, papermill and its kernel."""
    folder, cohort = linked(tmp_path / ODD / "lcgan"), tmp_path / ODD / "{heads}"
    write_cohort(cohort, patients=6, seed=1, matrix=64, slices=4)
    asks = {"COHORT": str(cohort), "SET": "image_size=64 fractions=[1] lcgan_snapshots=[1]"}
    runs, temporary = tmp_path / ODD / "runs", tmp_path / ODD / ("t" * 90)
    temporary.mkdir()
    done = snakemake(
        folder, "--until", "page-cohort", "--config", f"{asked.ASKED}={asked.encoded(asks)}",
        LCGAN_RUNS=str(runs), TMPDIR=str(temporary),
    )  # fmt: skip
    assert done.returncode == 0 and "Traceback" not in done.stderr, done.stderr
    monkeypatch.setenv("LCGAN_RUNS", str(runs))
    config = profiles.load(**asked.settings({asked.ASKED: asked.encoded(asks)}), profile="quick")
    assert pages.executed(config, "cohort").is_file()
    given = json.loads((artefacts.run_folder(config) / "request.json").read_text())
    assert given["cohort"] == str(cohort)


def test_a_folder_with_a_brace_is_one_sentence(tmp_path):
    done = snakemake(linked(tmp_path / "lcgan"), "--dry-run", LCGAN_RUNS=str(tmp_path / "{runs}"))
    assert done.returncode != 0
    assert "a path with a brace means a pattern" in done.stderr + done.stdout
    assert "Traceback" not in done.stderr


def test_the_command_line_takes_an_odd_path_and_a_tilde(tmp_path):
    for cohort in (str(tmp_path / ODD), f"~/{ODD}"):
        done = subprocess.run(
            [sys.executable, "-m", "lcgan_core.cli", "status", "--cohort", cohort],
            cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120,
            env={**os.environ, "PYTHONPATH": str(artefacts.REPOSITORY), "HOME": str(tmp_path)},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
