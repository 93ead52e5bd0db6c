"""Stage 5: what each arm trains on, and what a stage leaves behind when nothing else has run."""

import json

import numpy as np
import pytest
import torch

from lcgan_core.protocol import profiles
from lcgan_core.protocol.arms import ARMS
from lcgan_core.run import plan
from lcgan_core.run.plan import Job
from lcgan_core.segmenters import training as segmenters
from lcgan_core.stages import cohort, segmentation, training

from .heads import TWO, bleeds, cohort_of, write_store

SMALL = {
    "image_size": 64, "lcgan_width": 2, "lcgan_snapshots": [1, 2], "segmentation_width": 2,
    "segmentation_steps": 3, "fractions": [0.5, 1.0],
}  # fmt: skip


@pytest.fixture(scope="module")
def heads(tmp_path_factory):
    """A profile, and stage 1's artefact of six patients with two classes."""
    place = tmp_path_factory.mktemp("heads")
    labels, hu = bleeds(6)
    store = write_store(place / "store", 6, classes=TWO, slices=4, labels=labels, hu=hu)
    config = profiles.load("quick", cohort=str(store), **SMALL)
    return config, cohort_of(config, place / "cohort")


def arm(name):
    return Job("segmentation", name, 0.5, 1, "fcn8s")


@pytest.mark.parametrize("name", ARMS)
def test_an_arm_is_the_subset_and_then_its_copies(heads, tmp_path, name):
    config, made = heads
    subset = cohort.training_slices(config, made, 0.5)
    inputs, copies = {"cohort": made}, {"original": (subset.images, subset.labels)}
    for number, kind in enumerate(sorted(set(plan.inputs(config, arm(name))) - {"cohort"})):
        inputs[kind] = tmp_path / kind
        inputs[kind].mkdir()
        copies[kind] = (torch.full_like(subset.images, 10 + number), (subset.labels > 0).byte())
        np.save(inputs[kind] / "images.npy", copies[kind][0].numpy())
        np.save(inputs[kind] / "labels.npy", copies[kind][1].numpy())
    phases = segmentation.phases(config, arm(name), subset, inputs)
    order = ["original", *ARMS[name].copies]
    wanted = [order[1:], order[:1]] if name == "pretrained" else [order]
    for pairs, kinds in zip(phases, wanted, strict=True):
        assert torch.equal(pairs.images, torch.cat([copies[kind][0] for kind in kinds]))
        assert torch.equal(pairs.labels, torch.cat([copies[kind][1] for kind in kinds]))


def test_the_copies_of_one_arm_are_drawn_anew_and_its_originals_never(heads):
    config, made = heads
    subset = cohort.training_slices(config, made, 0.5)
    (pairs,) = segmentation.phases(config, arm("online"), subset, {"cohort": made})
    every, half = torch.arange(len(pairs)), len(pairs) // 2
    torch.manual_seed(1)
    first, second = pairs[every], pairs[every]
    for one, other, stored in zip(first, second, (pairs.images, pairs.labels), strict=True):
        assert torch.equal(one[:half], other[:half]) and torch.equal(one[:half], stored[:half])
    assert not torch.equal(first[0][half:], second[0][half:])
    assert not torch.equal(first[1][half:], second[1][half:])


def test_a_stage_is_a_function_of_its_inputs_and_a_folder(heads, tmp_path, monkeypatch):
    monkeypatch.setenv("LCGAN_RUNS", str(tmp_path / "no run"))
    config, made = heads
    work = tmp_path / "work"
    work.mkdir()
    segmentation.segment(config, arm("original"), {"cohort": made}, work)
    assert {path.name for path in work.iterdir()} == {
        "history.csv", "initialisation.txt", "predictions.npy", "training.json",
        "weights.safetensors",
    }  # fmt: skip
    assert segmentation.predictions(work).shape == cohort.test_slices(config, made).labels.shape
    assert segmenters.history(work).step.tolist() == [1, 2, 3]
    assert "from random weights" in segmenters.initialisation(work)
    assert not (tmp_path / "no run").exists()


@pytest.mark.parametrize("name", ["lcgan", "l1_only"])
def test_a_generator_leaves_its_candidates(heads, tmp_path, name):
    config, made = heads
    training.generator(config, Job("training", name, 0.5), {"cohort": made}, tmp_path)
    assert json.loads((tmp_path / "candidates.json").read_text()) == [1, 2]
    assert training.candidates(tmp_path) == [1, 2]
    assert sorted(training.samples(tmp_path)) == [1, 2]
    assert ("discriminator" in training.history(tmp_path)) == (name == "lcgan")
    assert not list(tmp_path.glob("*checkpoint*"))


def test_the_table_of_parameters_has_the_paper_s_networks():
    table = training.parameter_table(profiles.load("paper"))
    assert (table["this profile"] == table["paper"]).all(), "the paper's profile is the paper's"
    two = training.parameter_table(profiles.load("paper"), classes=2)
    assert (two["this profile"] < two["paper"])["FCN-8s"]
