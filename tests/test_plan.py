"""The job graph: what a change makes stale, and what it leaves alone."""

import networkx as nx
import pytest

from lcgan_core import plan, profiles
from lcgan_core.plan import Job


def graph(config):
    """All jobs that the evaluation needs, as a directed graph."""
    g, waiting = nx.DiGraph(), [Job("evaluation")]
    while waiting:
        job = waiting.pop()
        for needed in plan.inputs(config, job):
            g.add_edge(needed, job)
            waiting.append(needed)
    return g


def test_the_grid_has_every_arm_at_every_fraction_and_no_cycle():
    config = profiles.load("quick")
    g = graph(config)
    assert nx.is_directed_acyclic_graph(g)
    stages = [job.stage for job in g]
    # 4 fractions x 4 arms; an LcGAN, a selection and an augmentation each; one judge; one cohort
    assert {s: stages.count(s) for s in set(stages)} == {
        "cohort": 1, "training": 5, "selection": 4, "augmentation": 4, "segmentation": 16,
        "evaluation": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("override", "stale", "kept"),
    [
        (
            {"realism_epochs": 9},
            {"selection", "augmentation", "evaluation"},
            {"training", "cohort"},
        ),
        ({"lcgan_width": 4}, {"training", "selection"}, {"cohort"}),
        ({"evaluation_resamples": 50}, {"evaluation"}, {"segmentation", "selection", "training"}),
        ({"seed": 1}, set(profiles.STAGE_PARAMETERS), set()),
    ],
)
def test_a_changed_number_makes_stale_what_follows_from_it_and_nothing_else(override, stale, kept):
    before, after = profiles.load("quick"), profiles.load("quick", **override)
    jobs = {
        "cohort": Job("cohort"),
        "training": Job("training", 0.25, "lcgan"),
        "selection": Job("selection", 0.25),
        "augmentation": Job("augmentation", 0.25),
        "segmentation": Job("segmentation", 0.25, "original"),
        "evaluation": Job("evaluation"),
    }
    changed = {
        stage
        for stage, job in jobs.items()
        if plan.fingerprint(before, job) != plan.fingerprint(after, job)
    }
    assert stale <= changed
    assert not kept & changed


def test_the_original_arm_does_not_wait_for_a_gan():
    config = profiles.load("quick", lcgan_width=4)
    job = Job("segmentation", 0.25, "original")
    assert plan.inputs(config, job) == [Job("cohort")]
    assert plan.fingerprint(config, job) == plan.fingerprint(profiles.load("quick"), job)


def test_code_hash_follows_imports(tmp_path, monkeypatch):
    package = tmp_path / "lcgan_core"
    (package / "stages").mkdir(parents=True)
    (package / "stages" / "one.py").write_text("from lcgan_core import deep\n")
    (package / "deep.py").write_text("x = 1\n")
    (package / "other.py").write_text("y = 1\n")
    monkeypatch.setattr(plan, "PACKAGE", package)
    read = plan.code_hash.__wrapped__
    before = read("lcgan_core.stages.one")
    (package / "other.py").write_text("y = 2\n")
    assert read("lcgan_core.stages.one") == before
    (package / "deep.py").write_text("x = 2\n")
    assert read("lcgan_core.stages.one") != before


def test_a_user_s_changed_file_makes_the_cohort_stale(tmp_path):
    (tmp_path / "a.dcm").write_bytes(b"1")
    config = profiles.load("quick", cohort=str(tmp_path))
    before = plan._fingerprint.__wrapped__(config.model_dump_json(), Job("cohort"))
    (tmp_path / "a.dcm").write_bytes(b"22")
    assert plan._fingerprint.__wrapped__(config.model_dump_json(), Job("cohort")) != before
