"""The job graph: what a change makes stale, and what it leaves alone."""

import networkx as nx
import pytest

from lcgan_core.protocol import profiles
from lcgan_core.protocol.arms import ARMS, PAPER
from lcgan_core.run import plan
from lcgan_core.run.plan import Job


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
    # 4 fractions x 4 arms; an LcGAN, a selection and two kinds of copy each; one judge; one cohort
    assert {s: stages.count(s) for s in set(stages)} == {
        "cohort": 1, "training": 5, "selection": 4, "augmentation": 8, "segmentation": 16,
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
        "augmentation": Job("augmentation", 0.25, "gan"),
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


def test_the_jobs_of_a_run_come_after_what_they_need():
    config = profiles.load("quick", arms=list(ARMS))
    listed = plan.jobs(config)
    assert set(listed) == set(graph(config))
    place = {job: at for at, job in enumerate(listed)}
    assert len(place) == len(listed)
    assert all(place[needed] < place[job] for job in listed for needed in plan.inputs(config, job))


def test_controls_reuse_what_is_there():
    config = profiles.load("quick", arms=list(ARMS))
    g = graph(config)
    assert nx.is_directed_acyclic_graph(g)
    stages = [job.stage for job in g]
    # beside the paper's arms: a generator without D, and its copies, a second traditional and a
    # pasted copy at each fraction
    assert {s: stages.count(s) for s in set(stages)} == {
        "cohort": 1, "training": 9, "selection": 4, "augmentation": 20, "segmentation": 44,
        "evaluation": 1,
    }  # fmt: skip
    needed = plan.inputs(config, Job("segmentation", 0.25, "both_equal_steps"))
    assert needed == plan.inputs(config, Job("segmentation", 0.25, "both"))


def test_a_longer_list_of_arms_leaves_the_trained_ones_as_they_are():
    before, after = profiles.load("quick"), profiles.load("quick", arms=list(ARMS))
    for job in plan.segmentations(before):
        assert plan.fingerprint(before, job) == plan.fingerprint(after, job)
    assert plan.fingerprint(before, Job("evaluation")) != plan.fingerprint(after, Job("evaluation"))


def test_controls_may_stop_short_of_the_large_shares():
    every = profiles.load("quick", arms=list(ARMS))
    some = profiles.load("quick", arms=list(ARMS), controls_up_to=0.25)
    left_out = {job for job in set(graph(every)) - set(graph(some))}
    assert {job.fraction for job in left_out} == {0.5, 1.0}
    arms = {job.what for job in left_out if job.stage == "segmentation"}
    assert arms == set(ARMS) - set(PAPER)
    assert {job.what for job in left_out if job.stage == "training"} == {"l1_only"}
    assert set(graph(some)) < set(graph(every))
    job = Job("segmentation", 0.25, "l1_only")
    assert plan.fingerprint(every, job) == plan.fingerprint(some, job)


def test_one_more_draw_computes_only_what_is_new():
    before, after = profiles.load("quick"), profiles.load("quick", draws=[3, 2, 1, 1])
    there, then = set(graph(before)), set(graph(after))
    for job in there - {Job("evaluation")}:
        assert plan.fingerprint(before, job) == plan.fingerprint(after, job), job
    assert plan.fingerprint(before, Job("evaluation")) != plan.fingerprint(after, Job("evaluation"))
    new = [(job.fraction, job.draw, job.stage) for job in then - there]
    of_a_draw = ["augmentation"] * 2 + ["segmentation"] * 4 + ["selection", "training"]
    assert sorted(new) == sorted(
        (*which, stage) for which in ((0.125, 2), (0.125, 3), (0.25, 2)) for stage in of_a_draw
    )
    keys = {(job.stage, job.key) for job in then}
    assert len(keys) == len(then), "no two jobs share a folder"


def test_a_draw_follows_from_its_own_jobs_and_shares_cohort_and_full_judge():
    config = profiles.load("quick", draws=2)
    needed = nx.ancestors(graph(config), Job("segmentation", 0.25, "both", 2))
    shared = {Job("cohort"), Job("training", 1.0, "judge")}
    assert shared < needed
    assert {job.draw for job in needed - shared} == {2}


def test_an_arm_waits_for_a_gan_only_if_it_takes_its_copies():
    config = profiles.load("quick")
    waiting = {
        arm for arm in ARMS
        if any(job.stage == "selection" for job in nx.ancestors(graph_of(config, arm), arm))
    }  # fmt: skip
    assert waiting == {"gan", "both", "both_equal_steps", "l1_only"}


def graph_of(config, arm):
    """All that an arm needs; the arm itself is the node of its name."""
    g, waiting = nx.DiGraph(), [(arm, Job("segmentation", 0.25, arm))]
    while waiting:
        node, job = waiting.pop()
        for needed in plan.inputs(config, job):
            g.add_edge(needed, node)
            waiting.append((needed, needed))
    return g


def test_the_profile_s_judge_decides_the_selection_and_trains_nothing():
    before, after = profiles.load("quick"), profiles.load("quick", judge="subset")
    for job in (Job("training", 0.25, "lcgan"), Job("segmentation", 0.25, "original")):
        assert plan.fingerprint(before, job) == plan.fingerprint(after, job)
    job = Job("selection", 0.25)
    assert plan.fingerprint(before, job) != plan.fingerprint(after, job)


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
