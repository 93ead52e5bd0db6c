"""The job graph: which jobs a run has, and what each one needs."""

import networkx as nx
import pytest

from lcgan_core.protocol import methods, profiles
from lcgan_core.protocol.arms import ARMS, PAPER
from lcgan_core.run import plan
from lcgan_core.run.plan import Job
from lcgan_core.run.requests import request


def graph(config):
    """All jobs of a run as a directed graph."""
    g = nx.DiGraph()
    for job in plan.jobs(config):
        g.add_node(job)
        g.add_edges_from((needed, job) for needed in plan.inputs(config, job).values())
    return g


def segmentation(arm, fraction=0.25, draw=1):
    return Job("segmentation", arm, fraction, draw, "fcn8s")


def counted(config):
    stages = [job.stage for job in plan.jobs(config)]
    return {stage: stages.count(stage) for stage in set(stages)}


def test_the_grid_has_every_arm_at_every_fraction_and_no_cycle():
    config = profiles.load("quick")
    assert nx.is_directed_acyclic_graph(graph(config))
    # 4 fractions x 4 arms; an LcGAN, a selection and two kinds of copy each; one judge; one cohort
    assert counted(config) == {
        "cohort": 1, "training": 5, "selection": 4, "augmentation": 8, "segmentation": 16,
        "evaluation": 1,
    }  # fmt: skip


def test_every_control_has_jobs_of_its_own():
    config = profiles.load("quick", arms=list(ARMS))
    assert nx.is_directed_acyclic_graph(graph(config))
    # beside the paper's arms, at each fraction: four other generators with their selections and
    # copies, and six kinds of copy without a network; of the GAN four other snapshots, seven
    # more copies, and one with noise
    assert counted(config) == {
        "cohort": 1, "training": 21, "selection": 20, "augmentation": 96,
        "segmentation": 4 * len(ARMS),
        "evaluation": 1,
    }  # fmt: skip
    needed = plan.inputs(config, segmentation("both_equal_epochs"))
    assert needed == plan.inputs(config, segmentation("both"))


def test_the_jobs_of_a_run_come_after_what_they_need_and_share_no_folder():
    config = profiles.load("quick", arms=list(ARMS), draws=[2, 1, 1, 1])
    listed = plan.jobs(config)
    place = {job: at for at, job in enumerate(listed)}
    assert len(place) == len(listed) == len({job.place for job in listed})
    assert len({job.name for job in listed}) == len(listed)
    for job in listed:
        assert all(place[needed] < place[job] for needed in plan.inputs(config, job).values())


def test_the_original_arm_does_not_wait_for_a_gan():
    config = profiles.load("quick", lcgan_width=4)
    job = segmentation("original")
    assert plan.inputs(config, job) == {"cohort": plan.COHORT}
    assert plan.fingerprint(config, job) == plan.fingerprint(profiles.load("quick"), job)


def test_an_arm_waits_for_a_generator_only_if_it_takes_its_copies():
    config = profiles.load("quick", arms=list(ARMS))
    g = graph(config)
    waiting = {
        arm: {job.what for job in nx.ancestors(g, segmentation(arm)) if job.stage == "selection"}
        for arm in ARMS
    }
    assert {arm: found for arm, found in waiting.items() if found} == {
        "gan": {"lcgan"}, "both": {"lcgan"}, "both_equal_epochs": {"lcgan"}, "l1_only": {"l1_only"},
        "gan_worst": {"lcgan"}, "gan2": {"lcgan"}, "gan4": {"lcgan"}, "gan8": {"lcgan"},
        "gan_noise": {"lcgan"}, "gan_online": {"lcgan"}, "gan_augmented": {"lcgan_augmented"},
        "pretrained": {"lcgan"}, "inpaint": {"inpaint"}, "both_inpaint": {"inpaint"},
        "flow": {"flow"}, "both_flow": {"flow"},
    }  # fmt: skip


def test_a_snapshot_that_no_criterion_chooses_waits_for_its_training_alone():
    config, training = profiles.load("quick"), Job("training", "lcgan", 0.25, 2)
    for kind in ("gan_first", "gan_last", "gan_random"):
        needed = plan.inputs(config, Job("augmentation", kind, 0.25, 2))
        assert needed == {"cohort": plan.COHORT, "training": training}
    chosen, worst = (
        plan.inputs(config, Job("augmentation", kind, 0.25, 2)) for kind in ("gan", "gan_worst")
    )
    assert chosen == worst
    assert set(worst) == {"cohort", "training", "selection"}


def test_noise_is_added_to_the_gan_s_finished_copies_without_a_network():
    config = profiles.load("paper")
    job = Job("augmentation", "gan_noise", 0.25, 2)
    copies = job._replace(what="gan")
    assert plan.inputs(config, job) == {"cohort": plan.COHORT, "copies": copies}
    assert [request(config, one)["gpu"] for one in (job, copies)] == [0, 1]


@pytest.mark.parametrize("copies", [2, 4, 8])
def test_several_gan_copies_begin_with_the_first(copies):
    config = profiles.load("quick")
    needed = plan.inputs(config, segmentation(f"gan{copies}"))
    kinds = [job.what for job in needed.values() if job.stage == "augmentation"]
    assert kinds[0] == "gan" and len(set(kinds)) == copies
    assert {methods.generator_of(kind) for kind in kinds} == {"lcgan"}
    assert [methods.painted(kind).number for kind in kinds] == list(range(1, copies + 1))


def test_a_generator_is_painted_at_the_candidate_chosen_among_its_own():
    config = profiles.load("quick", arms=list(ARMS))
    for generator in methods.GENERATORS:
        kind = methods.kind_of(generator)
        needed = plan.inputs(config, Job("augmentation", kind, 0.25))
        assert needed["training"].what == needed["selection"].what == generator
        chosen_from = plan.inputs(config, needed["selection"])["training"]
        assert chosen_from == needed["training"]


def test_controls_may_stop_short_of_the_large_fractions():
    every = profiles.load("quick", arms=list(ARMS))
    some = profiles.load("quick", arms=list(ARMS), controls_up_to=0.25)
    left_out = set(plan.jobs(every)) - set(plan.jobs(some))
    assert {job.fraction for job in left_out} == {0.5, 1.0}
    arms = {job.what for job in left_out if job.stage == "segmentation"}
    assert arms == set(ARMS) - set(PAPER)
    assert {job.what for job in left_out if job.stage == "training"} == {
        "l1_only", "lcgan_augmented", "inpaint", "flow",
    }  # fmt: skip
    assert set(plan.jobs(some)) < set(plan.jobs(every))


def test_controls_and_other_segmenters_may_stop_short_of_the_last_draws():
    asked = {"arms": [*PAPER, "online"], "segmenters": ["fcn8s", "unet"], "draws": [3, 3, 1, 1]}
    every = profiles.load("quick", controls_up_to=0.25, **asked)
    some = profiles.load("quick", controls_up_to=0.25, control_draws=2, **asked)
    left_out = set(plan.segmentations(every)) - set(plan.segmentations(some))
    assert left_out == {
        Job("segmentation", arm, fraction, 3, segmenter)
        for fraction in (0.125, 0.25)
        for segmenter, arms in (("fcn8s", ["online"]), ("unet", [*PAPER, "online"]))
        for arm in arms
    }
    # the judge's own segmenter has all the paper's arms in every draw
    large = {job for job in plan.segmentations(some) if job.fraction > 0.25}
    assert {(job.what, job.segmenter) for job in large} == {(arm, "fcn8s") for arm in PAPER}


def test_other_segmenters_may_have_fewer_arms():
    asked = {"arms": [*PAPER, "online", "duplicate2"], "segmenters": ["fcn8s", "unet"]}
    config = profiles.load("quick", arms_of_others=[*PAPER, "online"], **asked)
    arms = {name: [] for name in config.segmenters}
    for job in plan.segmentations(config):
        if job.fraction == 0.25:
            arms[job.segmenter].append(job.what)
    assert arms == {"fcn8s": [*PAPER, "online", "duplicate2"], "unet": [*PAPER, "online"]}


def test_one_more_draw_is_new_jobs_and_a_new_evaluation():
    before, after = profiles.load("quick"), profiles.load("quick", draws=[3, 2, 1, 1])
    new = set(plan.jobs(after)) - set(plan.jobs(before))
    of_a_draw = ["augmentation"] * 2 + ["segmentation"] * 4 + ["selection", "training"]
    assert sorted((job.fraction, job.draw, job.stage) for job in new) == sorted(
        (*which, stage) for which in ((0.125, 2), (0.125, 3), (0.25, 2)) for stage in of_a_draw
    )


def test_a_draw_follows_from_its_own_jobs_and_shares_cohort_and_full_judge():
    config = profiles.load("quick", draws=2)
    needed = nx.ancestors(graph(config), segmentation("both", draw=2))
    shared = {plan.COHORT, plan.judge(config, 2)}
    assert shared < needed
    assert {job.draw for job in needed - shared} == {2}


def test_with_folds_each_draw_has_a_judge_that_has_not_seen_its_test_patients():
    config = profiles.load("quick", draws=3, cohort_folds=3)
    g = graph(config)
    for draw in (1, 2, 3):
        needed = nx.ancestors(g, segmentation("both", draw=draw)) - {plan.COHORT}
        assert {job.draw for job in needed} == {draw}
        assert {job.key for job in needed if job.what == "judge"} == {
            "1-judge" if draw == 1 else f"1-draw{draw}-judge"
        }
        shown = plan.page(config, "training", {"fraction": 0.25, "draw": draw})
        assert shown["judge"] in needed
    judges = {job for job in plan.jobs(config) if job.what == "judge"}
    assert len(judges) == 3
    assert len({plan.fingerprint(config, job) for job in judges}) == 3


def test_a_second_segmenter_has_arms_of_its_own_and_the_judge_stays(monkeypatch):
    monkeypatch.setitem(methods.SEGMENTERS, "other", methods.SEGMENTERS["fcn8s"])
    config = profiles.load("quick", segmenters=["fcn8s", "other"])
    new = set(plan.jobs(config)) - set(plan.jobs(profiles.load("quick")))
    assert {job.stage for job in new} == {"segmentation"}
    assert {job.segmenter for job in new} == {"other"}
    assert len(new) == 16
    assert Job("segmentation", "both", 0.25, segmenter="other").key == "0.25-both-other"
    assert {job.segmenter for job in plan.jobs(config) if job.what == "judge"} == {"fcn8s"}


@pytest.mark.parametrize("fractions", [[1.0], [0.5, 1.0], [0.1, 0.3, 1.0], [0.1, 0.2, 0.3, 0.4, 1]])
def test_any_ascending_list_of_fractions_makes_a_graph(fractions):
    config = profiles.load("quick", fractions=fractions)
    assert nx.is_directed_acyclic_graph(graph(config))
    count = len(fractions)
    assert counted(config)["segmentation"] == 4 * count
    assert counted(config)["selection"] == count
    own = plan.page_parameters(config, "segmentation")
    assert own["fraction"] in fractions
    assert set(plan.shown(config)) <= set(plan.jobs(config))


def test_every_page_shows_jobs_of_the_run():
    config = profiles.load("compact")
    for stage in profiles.STAGE_PARAMETERS:
        own = plan.page_parameters(config, stage)
        assert set(plan.page(config, stage, own).values()) <= set(plan.jobs(config))
