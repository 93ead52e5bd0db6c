"""`lcgan status`: what is done, running, missing and stale, and the time that is left."""

import json
import subprocess
import sys

import pytest

from lcgan_core.book import build
from lcgan_core.protocol import profiles
from lcgan_core.run import artefacts, locks, status
from lcgan_core.run.plan import Job


@pytest.fixture
def config(tmp_path, monkeypatch):
    monkeypatch.setenv("LCGAN_RUNS", str(tmp_path))
    return profiles.load("quick")


def finished(config, job, seconds):
    """An empty artefact that says it took so long."""
    record = artefacts.ensure(config, job, lambda work: None) / artefacts.PROVENANCE
    record.write_text(json.dumps(json.loads(record.read_text()) | {"seconds": seconds}))
    return record


def test_counts_and_time_left_by_hand(config, monkeypatch):
    finished(config, Job("cohort"), 30)
    finished(config, Job("training", 0.125, "lcgan"), 20)
    finished(config, Job("training", 0.25, "lcgan"), 40)
    finished(config, Job("segmentation", 1.0, "original"), 60)
    old = finished(config, Job("segmentation", 0.25, "original"), 1000)
    old.write_text(old.read_text().replace('"fingerprint": "', '"fingerprint": "x'))
    busy = artefacts.folder(config, Job("training", 1.0, "lcgan")).with_name(".1-lcgan.lock")
    with locks.take(busy, lambda who: pytest.fail(f"held by {who}")):
        since = artefacts.running(config, Job("training", 1.0, "lcgan")).since
        monkeypatch.setattr(status.time, "time", lambda: since + 100)
        found = status.status(config)
        text = status.text(found)
    counts = {name: dict(stage.counts) for name, stage in found.stages.items()}
    assert counts == {
        "cohort": {"done": 1},
        "training": {"done": 2, "running": 1, "missing": 2},
        "selection": {"missing": 4},
        "augmentation": {"missing": 8},
        "segmentation": {"done": 1, "stale": 1, "missing": 14},
        "evaluation": {"missing": 1},
    }
    # 60 s for 0.375 of the patients: 160 s for all; half of them is missing, all of them run
    training = found.stages["training"]
    assert (training.left, training.unknown) == (
        80 + (160 - 100),
        1,
    )  # the judge is another network
    # N, 2N, 2N and 3N slices are 8 N a fraction, 60 s for one N at 1.0 of which is done
    assert found.stages["segmentation"].left == 60 * (8 * (0.125 + 0.25 + 0.5 + 1) - 1)
    assert found.stages["selection"].unknown == 4
    assert "training 1-lcgan runs since 2 min in process " in text
    assert "4 of 35 jobs are done." in text
    assert "Left with 1 at a time: 16 min + ?." in text  # 140 + 840 s


def test_a_finished_run_has_nothing_left(config):
    for job in status.jobs(config):
        finished(config, job, 1)
    text = status.text(status.status(config))
    assert text.splitlines()[-1] == "35 of 35 jobs are done."


def test_asking_starts_at_once():
    code = "import sys; from lcgan_core import cli, status; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=100
    )
    assert not {"torch", "pandas", "matplotlib", "snakemake"} & set(done.stdout.split())


def test_a_notebook_whose_artefact_is_broken_is_no_longer_done(config):
    jobs = [Job("training", 0.25, "lcgan"), Job("segmentation", 0.25, "both")]
    records = [finished(config, job, 1) for job in jobs]
    shown = [build.executed(config, Job("training", 0.25)), build.executed(config, jobs[1])]
    for notebook in shown:
        notebook.parent.mkdir(exist_ok=True)
        notebook.touch()
    records[1].unlink()
    build.forget_broken(config)
    assert [notebook.exists() for notebook in shown] == [True, False]
