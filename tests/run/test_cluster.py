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

from lcgan_core.protocol import profiles
from lcgan_core.run import artefacts, failure
from lcgan_core.run.requests import request

CLUSTER = artefacts.REPOSITORY / "profiles" / "slurm"
SMALL = {
    "cohort_patients": 12, "cohort_matrix": 64, "cohort_slices": 6, "image_size": 64,
    "lcgan_width": 2, "lcgan_snapshots": "[1, 20]", "segmentation_width": 2,
    "segmentation_epochs": 2, "realism_epochs": 1,
    "evaluation_resamples": 20,
}  # fmt: skip
"""The whole quick grid, every stage and share of it, with as little in each job as can be."""


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
def snakemake(folder, *options):
    """A small run with its artefacts and Snakemake's own files in `folder`: process, run, words."""
    config = profiles.load("quick", **{name: yaml.safe_load(str(n)) for name, n in SMALL.items()})
    run, words = folder / config.name, folder / "said.txt"
    command = [
        sys.executable, "-m", "snakemake", "--snakefile", artefacts.REPOSITORY / "Snakefile",
        "--cores", "2", "--scheduler", "greedy", "--nolock", *options,
        "--config", "profile=quick", *(f"{name}={value}" for name, value in SMALL.items()),
        "--", "evaluated",
    ]  # fmt: skip
    folder.mkdir()
    with words.open("w") as said:
        started = subprocess.Popen(
            list(map(str, command)), cwd=folder, env={**os.environ, "LCGAN_RUNS": str(folder)},
            stdout=said, stderr=said,
        )  # fmt: skip
        try:
            yield started, run, words
        finally:
            if started.poll() is None:
                started.terminate()  # Snakemake then cancels its jobs
                started.wait(timeout=60)


def on_slurm(folder, *options):
    """The shipped profile, for a cluster without accounts that answers at once."""
    own = ("--slurm-no-account", "--slurm-status-command", "squeue", "--slurm-logdir", folder)
    own += ("--slurm-init-seconds-before-status-checks", "6", "--latency-wait", "10")
    return snakemake(folder, "--workflow-profile", CLUSTER, *own, *options)


def slurm_jobs(rule, place):
    """SLURM's numbers of the jobs of a rule that were submitted from `place`."""
    listed = subprocess.run(
        ["squeue", "--noheader", "--format", "%i|%k|%Z"], capture_output=True, text=True, check=True
    )
    rows = [line.split("|") for line in listed.stdout.splitlines()]
    return [row[0] for row in rows if row[1].startswith(rule) and row[2] == str(place)]


@needs_slurm
@pytest.mark.slow
def test_slurm_gives_what_this_machine_gives_though_it_kills_a_job(tmp_path):
    with on_slurm(tmp_path / "there") as (cluster, there, words):
        while not (there / "training" / ".1-lcgan.partial").is_dir():
            assert cluster.poll() is None, words.read_text()
            time.sleep(0.2)
        (job,) = slurm_jobs("rule_training_wildcards_1", there.parent)
        subprocess.run(["scancel", job], check=True)
        with snakemake(tmp_path / "here") as (local, here, said):
            assert local.wait() == 0, said.read_text()
        assert cluster.wait() == 0, words.read_text()
    assert f"SLURM-job '{job}' failed, SLURM status is: 'CANCELLED'" in words.read_text()
    compared = [
        "cohort/store/hu.npy", "training/1-lcgan/generator-20.safetensors",
        "training/1-judge/fcn.safetensors", "selection/1/images.csv",
        "augmentation/0.5-gan/images.npy", "segmentation/0.125-gan/fcn.safetensors",
        "evaluation/results.csv", "evaluation/claims.csv",
    ]  # fmt: skip
    for name in compared:
        assert (there / name).read_bytes() == (here / name).read_bytes(), name


@needs_slurm
def test_a_cluster_that_refuses_is_one_sentence(tmp_path):
    much = ("--set-resources", "cohort:mem_mb=900000000", "--retries", "0")
    with on_slurm(tmp_path / "run", *much) as (cluster, _, words):
        assert cluster.wait() == 1
    lines = words.read_text().splitlines()
    (sentence,) = [line for line in lines if line.startswith("The run stopped")]
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
        "Exception in run_job for rule cohort: No such file or directory: 'sinfo'\n[date]\n",
        "no job could be submitted to the cluster (No such file or directory: 'sinfo'); check that",
    ),
    "ended": (
        "SLURM-job '12' failed, SLURM status is: 'TIMEOUT'. Detailed failure reason unavailable",
        "the cluster ended job 12 (TIMEOUT) too many times; raise its runtime or mem_mb in",
    ),
    "job's own": ("Error in rule training:\n", "The run stopped: The disk is full; mend that."),
    "nothing": ("Error in rule training:\n", "a job failed without a reason in its log in "),
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
    found = failure.sentence([log], jobs, started - 1)
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
        cwd=artefacts.REPOSITORY, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "There is no profiles/moon/config.yaml; known clusters: slurm." in done.stderr
