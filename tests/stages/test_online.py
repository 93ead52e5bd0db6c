"""The arm that paints its copies while it trains."""

import numpy as np
import pandas as pd
import pytest
import torch

from lcgan_core.protocol import profiles
from lcgan_core.protocol.arms import ARMS
from lcgan_core.run import plan
from lcgan_core.run.plan import Job
from lcgan_core.stages import online, segmentation, training
from lcgan_core.stages.online import Painted

from .heads import TWO, bleeds, cohort_of, write_store


def noisy(labels, seed):
    """A painter of lesions of 200 in noise; it uses the global random numbers as LcGAN does."""
    torch.manual_seed(seed)
    return torch.where(labels > 0, 200, torch.randint(0, 100, labels.shape)).to(torch.uint8)


def test_copies_are_new_at_each_step_and_the_slices_stay():
    images = torch.arange(4, dtype=torch.uint8)[:, None, None].expand(4, 8, 8).contiguous()
    labels = torch.zeros(4, 8, 8, dtype=torch.uint8)
    labels[:, 2:4] = 1
    pairs = Painted(images, labels, noisy)
    assert len(pairs) == 8
    batch = torch.tensor([1, 5, 3, 7])
    torch.manual_seed(1)
    first, told = pairs[batch]
    after = torch.rand(1)
    second, _ = pairs[batch]
    assert torch.equal(told, labels[[1, 1, 3, 3]])
    assert torch.equal(first[[0, 2]], images[[1, 3]])
    assert torch.equal(second[[0, 2]], images[[1, 3]])
    assert (first[[1, 3]][told[[1, 3]] > 0] == 200).all()
    assert not torch.equal(first[[1, 3]], second[[1, 3]])
    # a step's numbers follow from its seed alone, and a painter that draws changes none of them
    torch.manual_seed(1)
    again, _ = pairs[batch]
    assert torch.equal(first, again) and torch.equal(torch.rand(1), after)
    torch.manual_seed(1)
    Painted(images, labels, lambda labels, seed: labels)[batch]
    assert torch.equal(torch.rand(1), after)


@pytest.mark.parametrize("arm", [name for name, arm in ARMS.items() if arm.online])
def test_the_arm_needs_the_generator_and_no_copies_on_disk(arm, tmp_path):
    config = profiles.load("quick")
    job = Job("segmentation", arm, 0.25, 1, "fcn8s")
    needed = plan.inputs(config, job)
    assert {one.stage for one in needed.values()} == {"cohort", "training", "selection"}
    wider = profiles.load("quick", lcgan_width=16)
    assert plan.fingerprint(config, job) != plan.fingerprint(wider, job)
    original = job._replace(what="original")
    assert plan.fingerprint(config, original) == plan.fingerprint(wider, original)


def test_it_trains_end_to_end_and_twice_the_same(tmp_path):
    labels, hu = bleeds(6)
    store = write_store(tmp_path / "store", 6, classes=TWO, slices=4, labels=labels, hu=hu)
    config = profiles.load(
        "quick", cohort=str(store), image_size=64, lcgan_width=2, lcgan_snapshots=[1],
        segmentation_width=2, segmentation_steps=4,
    )  # fmt: skip
    inputs = {role: tmp_path / role for role in ("cohort", "training", "selection")}
    cohort_of(config, inputs["cohort"])
    for role in ("training", "selection"):
        inputs[role].mkdir()
    training.generator(config, Job("training", "lcgan", 1.0), inputs, inputs["training"])
    pd.DataFrame({"epoch": [1], "chosen": [True], "worst": [True]}).to_csv(
        inputs["selection"] / "candidates.csv", index=False
    )
    made = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        job = Job("segmentation", "gan_online", 1.0, 1, "fcn8s")
        online.segment(config, job, inputs, tmp_path / name)
        made.append((tmp_path / name / "weights.safetensors").read_bytes())
        assert segmentation.predictions(tmp_path / name).shape[1:] == (64, 64)
    assert made[0] == made[1]
    (tmp_path / "original").mkdir()
    segmentation.segment(config, job._replace(what="original"), inputs, tmp_path / "original")
    assert (tmp_path / "original" / "weights.safetensors").read_bytes() != made[0]
    assert np.isfinite(pd.read_csv(tmp_path / "one" / "history.csv")["cross-entropy"]).all()
