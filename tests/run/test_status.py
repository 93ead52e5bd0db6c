"""`lcgan status`: what is done, running, missing and stale, and the time that is left."""

import json
import subprocess
import sys

import pytest

from lcgan_core.protocol import profiles
from lcgan_core.protocol.arms import ARMS
from lcgan_core.run import artefacts, locks, plan, status
from lcgan_core.run.plan import Job


@pytest.fixture
def finished(config, stand_in):
    """Make an empty artefact, and those that it needs, which says that it took so long."""
    stand_in(lambda work: None)

    def make(job, seconds):
        artefacts.make(config, job)
        record = artefacts.folder(config, job) / artefacts.PROVENANCE
        record.write_text(json.dumps(json.loads(record.read_text()) | {"seconds": seconds}))
        return record

    return make


def lcgan(fraction):
    return Job("training", "lcgan", fraction)


def arm(name, fraction):
    return Job("segmentation", name, fraction, 1, "fcn8s")


def test_counts_and_time_left_by_hand(config, finished, monkeypatch):
    finished(plan.COHORT, 30)
    finished(lcgan(0.125), 20)
    finished(lcgan(0.25), 40)
    finished(arm("original", 1.0), 60)
    old = finished(arm("original", 0.25), 1000)
    old.write_text(old.read_text().replace('"fingerprint": "', '"fingerprint": "x'))
    busy = artefacts.folder(config, lcgan(1.0)).with_name(".1-lcgan.lock")
    with locks.take(busy, lambda who: pytest.fail(f"held by {who}")):
        since = artefacts.running(config, lcgan(1.0)).since
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
    # 60 s for 0.375 of the patients: 160 s for all; half of them is missing, all of them run;
    # the judge is another network, of which nothing is known
    training = found.stages["training"]
    assert (training.left, training.unknown) == (80 + (160 - 100), 1)
    # four arms of equal steps at each of four fractions, one of which is done in 60 s
    assert found.stages["segmentation"].left == pytest.approx(60 * (4 * 4 - 1))
    assert found.stages["selection"].unknown == 4
    assert "training-1-lcgan has been running for 2 min in process " in text
    assert "4 of 35 jobs are done." in text
    assert "Left with 1 at a time: 17 min + ?." in text  # 140 + 900 s


def test_an_arm_takes_as_long_as_it_has_steps():
    equal = profiles.load("quick", segmentation_steps=[10, 20, 30, 40])
    sizes = {name: status.work(equal, arm(name, 0.25)) for name in ARMS}
    assert {size for name, size in sizes.items() if name != "both_equal_epochs"} == {20}
    assert sizes["both_equal_epochs"] == 60
    by_slices = profiles.load("quick", segmentation_steps=20, equal_steps=False)
    sizes = {name: status.work(by_slices, arm(name, 0.25)) for name in ARMS}
    assert {sizes[name] for name in ("gan", "l1_only", "online", "duplicate2")} == {40}
    assert {sizes[name] for name in ("both", "traditional3", "duplicate3")} == {60}


def test_a_finished_run_has_nothing_left(config, finished):
    finished(plan.EVALUATION, 1)
    for job in plan.shown(config):
        finished(job, 1)
    text = status.text(status.status(config))
    assert text.splitlines()[-1] == "35 of 35 jobs are done."


def test_asking_starts_at_once():
    code = "import sys; from lcgan_core import cli; from lcgan_core.run import status\n"
    done = subprocess.run(
        [sys.executable, "-c", code + "print(*sys.modules)"],
        capture_output=True, text=True, check=True, timeout=600,
    )  # fmt: skip
    assert not {"torch", "pandas", "matplotlib", "snakemake"} & set(done.stdout.split())
