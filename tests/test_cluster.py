"""The grid on a cluster: a real SLURM gives what this machine gives, also where it kills a job."""

import contextlib
import os
import re
import shutil
import subprocess
import sys
import time

import pytest
import yaml

from lcgan_core import profiles, runs
from lcgan_core.execution import failure
from lcgan_core.requests import request

CLUSTER = runs.REPOSITORY / "profiles" / "slurm"
SMALL = {
    "cohort_patients": 12, "cohort_matrix": 64, "cohort_slices": 6, "image_size": 64,
    "lcgan_width": 2, "lcgan_snapshots": "[1, 60]", "segmentation_width": 2,
    "segmentation_epochs": 2, "realism_epochs": 1,
}  # fmt: skip
ARMS = ("original", "gan", "traditional", "both")


def no_slurm():
    """Why there is no SLURM to run on; None where there is one."""
    if not shutil.which("sbatch"):
        return "no SLURM is installed (as root: .ci/slurm start)"
    asked = subprocess.run(
        ["sinfo", "--noheader", "--format", "%T"], capture_output=True, text=True, check=False
    )
    if not re.search("idle|mix|alloc", asked.stdout):
        return f"SLURM has no node that works (as root: .ci/slurm start): {asked.stderr}"
    return None


needs_slurm = pytest.mark.skipif(no_slurm() is not None, reason=str(no_slurm()))


@contextlib.contextmanager
def snakemake(folder, *options, **numbers):
    """A run of the four arms on all patients, with its artefacts and its own files in `folder`."""
    numbers = {**SMALL, **numbers}
    given = {name: yaml.safe_load(str(value)) for name, value in numbers.items()}
    config = profiles.load("quick", **given)
    targets = [folder / config.name / "notebooks" / f"segmentation-1-{arm}.ipynb" for arm in ARMS]
    command = [
        sys.executable, "-m", "snakemake", "--snakefile", runs.REPOSITORY / "Snakefile",
        "--cores", "2", "--scheduler", "greedy", "--nolock", *options,
        "--config", "profile=quick", *(f"{name}={value}" for name, value in numbers.items()),
        "--", *targets,
    ]  # fmt: skip
    environment = {**os.environ, "LCGAN_RUNS": str(folder)}
    started = subprocess.Popen(
        list(map(str, command)), cwd=folder, env=environment, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        yield started, folder / config.name
    finally:
        if started.poll() is None:
            started.terminate()  # Snakemake then cancels its jobs
            started.wait(timeout=60)


def on_slurm(folder, *options, **numbers):
    """The shipped profile, as fast as a cluster with one node of one's own answers."""
    quick = ("--slurm-no-account", "--slurm-status-command", "squeue", "--slurm-logdir", folder)
    quick += ("--slurm-init-seconds-before-status-checks", "2", "--latency-wait", "10")
    return snakemake(folder, "--workflow-profile", CLUSTER, *quick, *options, **numbers)


def states(rule, place):
    """SLURM's word for each job of a rule that was submitted from `place`."""
    listed = subprocess.run(
        ["squeue", "--states=all", "--noheader", "--format", "%i|%T|%k|%Z"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    rows = [line.split("|") for line in listed.stdout.splitlines()]
    return {row[0]: row[1] for row in rows if rule in row[2] and row[-1] == str(place)}


@needs_slurm
@pytest.mark.slow
def test_slurm_gives_what_this_machine_gives_though_it_kills_a_job(tmp_path):
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    with on_slurm(there) as (cluster, made):
        end = time.monotonic() + 120
        while not (made / "training" / ".1-lcgan.partial").is_dir() and time.monotonic() < end:
            assert cluster.poll() is None, cluster.stderr.read()
            time.sleep(0.2)
        (job,) = states("rule_training", there)
        subprocess.run(["scancel", job], check=True)
        with snakemake(here) as (local, wanted):
            assert local.wait(timeout=300) == 0, local.stderr.read()
        _, said = cluster.communicate(timeout=300)
        assert cluster.returncode == 0, said
    assert sorted(states("rule_training", there).values()) == ["CANCELLED", "COMPLETED"]
    compared = [
        "cohort/store/hu.npy", "training/1-lcgan/generator-60.safetensors",
        "selection/1/candidates.csv", *(f"segmentation/1-{arm}/overlap.npz" for arm in ARMS),
    ]  # fmt: skip
    for name in compared:
        assert (made / name).read_bytes() == (wanted / name).read_bytes(), name


@needs_slurm
def test_a_cluster_that_refuses_is_one_sentence(tmp_path):
    much = ("--set-resources", "cohort:mem_mb=900000000", "--retries", "0")
    with on_slurm(tmp_path, *much) as (cluster, made):
        _, said = cluster.communicate(timeout=120)
    assert cluster.returncode == 1
    (sentence,) = [line for line in said.splitlines() if line.startswith("The run stopped")]
    assert "the cluster refused a job (" in sentence
    assert "emory specification can not be satisfied" in sentence
    assert sentence.endswith("run the same command again, what is finished is kept.")


LOGS = {
    "refused": (
        "SLURM sbatch failed. The error message was 'sbatch: error: Batch job submission failed: "
        "Requested node configuration is not available'.\n    sbatch call:\n        sbatch ...\n",
        "the cluster refused a job (Batch job submission failed: Requested node configuration is",
    ),
    "no SLURM": (
        "    Job submission failed with exception: No such file or directory: 'sinfo'\n",
        "the cluster refused a job (No such file or directory: 'sinfo')",
    ),
    "ended": (
        "SLURM-job '12' failed, SLURM status is: 'TIMEOUT'. Detailed failure reason unavailable",
        "SLURM ended job 12 (TIMEOUT); change its runtime or mem_mb in",
    ),
    "job's own": ("Error in rule training:\n", "The run stopped: The disk is full; mend that."),
}


@pytest.mark.parametrize("case", LOGS)
def test_why_a_run_stopped_is_one_sentence(case, tmp_path):
    said, sentence = LOGS[case]
    log, jobs = tmp_path / "snakemake.log", tmp_path / "logs"
    log.write_text(said)
    jobs.mkdir()
    started = time.time()
    (jobs / "old.log").write_text("UserError: Of a run before.\n")
    os.utime(jobs / "old.log", (started - 60, started - 60))
    if case == "job's own":
        (jobs / "new.log").write_text("Traceback\nUserError: The disk is full; mend that.\n")
    found = failure.sentence(log, jobs, started - 1)
    assert sentence in found
    assert "\n" not in found


def test_the_shipped_profile_speaks_of_rules_that_there_are():
    shipped = yaml.safe_load((CLUSTER / "config.yaml").read_text())
    assert shipped["executor"] == "slurm"
    assert set(shipped["set-resources"]) <= set(profiles.STAGE_PARAMETERS)


def test_more_is_asked_for_by_larger_networks_and_after_a_failure():
    def memory(profile, stage, attempt=1):
        asked = request(profiles.load(profile), stage)["mem_mb"]
        return asked(wildcards=None, threads=1, attempt=attempt)

    assert memory("quick", "training") < memory("compact", "training") < memory("paper", "training")
    assert memory("quick", "training", 2) == 2 * memory("quick", "training")
    assert memory("quick", "evaluation") < memory("quick", "training")


def test_an_unknown_cluster_ends_make_in_one_sentence():
    done = subprocess.run(
        ["make", "--dry-run", "book", "CLUSTER=moon"],
        cwd=runs.REPOSITORY, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "There is no profiles/moon/config.yaml; known clusters: slurm." in done.stderr
