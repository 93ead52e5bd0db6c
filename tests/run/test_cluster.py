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
from lcgan_core.run import artefacts, failure, plan
from lcgan_core.run.plan import Job
from lcgan_core.run.requests import request

CLUSTER = artefacts.REPOSITORY / "profiles" / "slurm"
SMALL = {
    "cohort_patients": 12, "cohort_matrix": 64, "cohort_slices": 6, "image_size": 64,
    "fractions": "[1.0]", "lcgan_width": 2, "lcgan_snapshots": "[1, 20]",
    "segmentation_width": 2, "segmentation_steps": 8, "realism_steps": 1,
    "evaluation_resamples": 20,
}  # fmt: skip
"""Every stage and arm of the quick grid at one fraction, with as little in each job as can be."""
PAGE = "05_segmentation.ipynb"


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


@pytest.fixture(scope="module")
def slurm():
    """Skips where there is none; a SLURM that is off takes seconds to say so."""
    if why := no_slurm():
        pytest.skip(why)


@contextlib.contextmanager
def snakemake(folder, *options, page=""):
    """A small run to its evaluation, and one `page` of its book; its artefacts and Snakemake's own
    files lie in `folder`: process, run, words."""
    config = profiles.load("quick", **{name: yaml.safe_load(str(n)) for name, n in SMALL.items()})
    run, words = folder / config.name, folder / "said.txt"
    command = [
        sys.executable, "-m", "snakemake", "--snakefile", artefacts.REPOSITORY / "Snakefile",
        "--cores", "2", "--scheduler", "greedy", "--nolock", *options,
        "--config", "profile=quick", *(f"{name}={value}" for name, value in SMALL.items()),
        "--", run / "done" / "evaluation", *([run / "notebooks" / page] if page else []),
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
                started.wait(timeout=600)


def on_slurm(folder, *options, page=""):
    """The shipped profile, for a cluster without accounts that answers at once."""
    own = ("--slurm-no-account", "--slurm-status-command", "squeue", "--slurm-logdir", folder)
    own += ("--slurm-init-seconds-before-status-checks", "6", "--latency-wait", "120")
    return snakemake(folder, "--workflow-profile", CLUSTER, *own, *options, page=page)


def slurm_jobs(rule, place):
    """SLURM's numbers of the jobs of a rule that were submitted from `place`."""
    listed = subprocess.run(
        ["squeue", "--noheader", "--format", "%i|%k|%Z"], capture_output=True, text=True, check=True
    )
    rows = [line.split("|") for line in listed.stdout.splitlines()]
    return [row[0] for row in rows if row[1] == rule and row[2] == str(place)]


@pytest.mark.slow
@pytest.mark.usefixtures("slurm")
def test_slurm_gives_what_this_machine_gives_though_it_kills_a_job(tmp_path):
    with on_slurm(tmp_path / "there", page=PAGE) as (cluster, there, words):
        while not (there / "training" / ".1-lcgan.partial").is_dir():
            assert cluster.poll() is None, words.read_text()
            time.sleep(0.05)
        (job,) = slurm_jobs("rule_training-1-lcgan", there.parent)
        subprocess.run(["scancel", job], check=True)
        with snakemake(tmp_path / "here") as (local, here, said):
            assert local.wait() == 0, said.read_text()
        assert cluster.wait() == 0, words.read_text()
    assert f"SLURM-job '{job}' failed, SLURM status is: 'CANCELLED'" in words.read_text()
    compared = [
        "cohort/store/hu.npy", "training/1-lcgan/generator-20.safetensors",
        "training/1-judge/weights.safetensors", "selection/1-lcgan/images.csv",
        "augmentation/1-gan/images.npy", "segmentation/1-gan/weights.safetensors",
        "segmentation/1-both/predictions.npy", "evaluation/results.csv", "evaluation/claims.csv",
    ]  # fmt: skip
    assert (there / "notebooks" / PAGE).is_file()
    for name in compared:
        assert (there / name).read_bytes() == (here / name).read_bytes(), name


@pytest.mark.usefixtures("slurm")
def test_a_cluster_that_refuses_is_one_sentence(tmp_path):
    much = ("--set-resources", "cohort:mem_mb=900000000", "--retries", "0")
    with on_slurm(tmp_path / "run", *much) as (cluster, _, words):
        assert cluster.wait() == 1
    lines = words.read_text().splitlines()
    (sentence,) = [line for line in lines if line.startswith("The run stopped")]
    assert "the cluster refused a job (" in sentence
    assert "emory specification can not be satisfied" in sentence
    assert sentence.endswith("run the same command again; finished parts are kept.")


LOGS = {
    "refused": (
        "SLURM sbatch failed. The error message was 'sbatch: error: Batch job submission failed: "
        "Requested node configuration is not available'.\n    sbatch call:\n        sbatch ...\n",
        "the cluster refused a job (Batch job submission failed: Requested node configuration is",
    ),
    "no SLURM": (
        "Exception in run_job for rule training-0.25-lcgan: No such file or directory: 'sinfo'\n",
        "no job could be submitted to the cluster (No such file or directory: 'sinfo'); check that",
    ),
    "ended": (
        "SLURM-job '12' failed, SLURM status is: 'TIMEOUT'. Detailed failure reason unavailable",
        "the cluster ended job 12 (TIMEOUT) too many times; raise its runtime or mem_mb in",
    ),
    "job's own": (
        "Error in rule training-1-lcgan:\n",
        "The run stopped: The disk is full; mend that.",
    ),
    "told to end": (
        "Will exit after finishing currently running jobs (scheduler).\n",
        "it was told to end before all jobs were done; run the same command again",
    ),
    "Ctrl-C": (
        "Terminating processes on user request, this might take some time.\n",
        "it was told to end before all jobs were done; run the same command again",
    ),
    "nothing": (
        "Error in rule training-1-lcgan:\n"
        "Will exit after finishing currently running jobs (scheduler).\n",
        "a job failed without a reason in its log in ",
    ),
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


def test_the_shipped_profile_leaves_to_the_jobs_what_they_ask_for_themselves():
    shipped = yaml.safe_load((CLUSTER / "config.yaml").read_text())
    assert shipped["executor"] == "slurm"
    assert set(shipped["default-resources"]) == {"runtime"}, "of the pages, which ask for none"
    configs = [profiles.load(name, cohort="heads") for name in profiles.names()]
    names = {job.name for config in configs for job in plan.jobs(config)}
    assert set(shipped.get("set-resources", {})) <= names


def asked(profile, job, attempt=1, threads=1):
    """What a job asks for: memory in MB, cards, minutes."""
    found = request(profiles.load(profile, cohort="heads"), job)
    memory = found["mem_mb"](wildcards=None, threads=threads, attempt=attempt)
    return memory, found["gpu"], found["runtime"]


LCGAN, JUDGE = Job("training", "lcgan", 1.0), Job("training", "judge", 1.0, segmenter="fcn8s")


def test_more_is_asked_for_by_larger_networks_and_after_a_failure():
    memory = [asked(name, LCGAN)[0] for name in ("quick", "compact", "paper")]
    assert memory == sorted(memory) and len(set(memory)) == 3
    assert asked("quick", LCGAN, attempt=2)[0] == 2 * memory[0]
    assert asked("quick", plan.EVALUATION)[0] < memory[0]
    arms = [
        asked("paper", Job("segmentation", arm, 0.1, segmenter="fcn8s"))[0]
        for arm in ("original", "gan", "both")
    ]
    assert arms == sorted(arms) and len(set(arms)) == 3, "N, 2N and 3N slices"
    assert asked("paper", plan.COHORT, threads=8)[0] > asked("paper", plan.COHORT)[0]


def test_every_job_asks_for_time_and_those_with_networks_of_the_paper_s_size_for_a_card():
    for name in profiles.names():
        found = {job: asked(name, job) for job in plan.jobs(profiles.load(name, cohort="heads"))}
        assert all(minutes > 0 for _, _, minutes in found.values())
        with_card = {job for job, (_, cards, _) in found.items() if cards}
        if name == "paper":
            assert {LCGAN, JUDGE, Job("selection", "lcgan", 0.1)} <= with_card
            assert Job("augmentation", "gan", 0.1) in with_card
            assert not {plan.COHORT, plan.EVALUATION, Job("augmentation", "traditional", 0.1)} & (
                with_card
            )
        else:
            assert not with_card
    minutes = {job.stage: asked("paper", job)[2] for job in (plan.COHORT, LCGAN)}
    assert minutes["training"] > minutes["cohort"]


def test_an_unknown_cluster_ends_make_in_one_sentence():
    done = subprocess.run(
        ["make", "--dry-run", "book", "CLUSTER=moon"],
        cwd=artefacts.REPOSITORY, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "There is no profiles/moon/config.yaml; known clusters: slurm." in done.stderr
