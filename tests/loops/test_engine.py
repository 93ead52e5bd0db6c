"""The training loop: interrupted and resumed ends bitwise as uninterrupted; NaN stops it."""

import pytest
import torch
from torch import nn

from lcgan_core.errors import UserError
from lcgan_core.loops import engine
from lcgan_core.loops.engine import CHECKPOINT, fit
from lcgan_core.loops.lcgan import LcganTask, synthesise
from lcgan_core.loops.segmentation import SegmentationTask
from lcgan_core.profiles import Lcgan, Segmentation

GENERATOR = torch.Generator().manual_seed(0)
IMAGES = torch.randint(256, (6, 64, 64), generator=GENERATOR, dtype=torch.uint8)
LABELS = torch.randint(6, (6, 64, 64), generator=GENERATOR, dtype=torch.uint8)
TASKS = {
    "lcgan": lambda: LcganTask(Lcgan(width=2, snapshots=(3,)), IMAGES, LABELS, seed=1),
    "fcn": lambda: SegmentationTask(
        Segmentation(
            width=2, border=1, epochs=3, batch=2, batch_norm=True, optimizer="adam",
            learning_rate=1e-3,
        ),
        IMAGES, LABELS, seed=1,
    ),
}  # fmt: skip


def weights(task):
    return torch.cat([p.detach().flatten() for m in task.modules.values() for p in m.parameters()])


def train(task, work, **options):
    return fit(task, len(IMAGES), epochs=3, batch=2, seed=7, work=work, label="test", **options)


@pytest.mark.parametrize("name", TASKS)
def test_ctrl_c_then_again_equals_an_uninterrupted_training(name, tmp_path, monkeypatch):
    monkeypatch.setattr(engine, "SECONDS_BETWEEN_CHECKPOINTS", 0.0)
    whole = TASKS[name]()
    (tmp_path / "whole").mkdir()
    history = train(whole, tmp_path / "whole")

    def ctrl_c(epoch):
        if epoch == 2:
            raise KeyboardInterrupt

    (tmp_path / "cut").mkdir()
    with pytest.raises(UserError, match="run the same command again to go on after epoch 1"):
        train(TASKS[name](), tmp_path / "cut", after_epoch=ctrl_c)
    resumed = TASKS[name]()
    second = train(resumed, tmp_path / "cut")
    assert torch.equal(weights(resumed), weights(whole))
    assert second.equals(history)


def test_training_changes_the_weights_and_lowers_the_loss(tmp_path):
    task = TASKS["fcn"]()
    before = weights(task)
    history = train(task, tmp_path)
    assert not torch.equal(weights(task), before)
    assert history["cross-entropy"].iloc[-1] < history["cross-entropy"].iloc[0]


def test_a_loss_that_is_not_a_number_stops_with_the_epoch_and_the_remedy(tmp_path):
    class Broken:
        modules = {"line": nn.Linear(1, 1)}
        optimizers = {}

        def step(self, batch):
            return {"L1": torch.tensor(float("nan"))}

    with pytest.raises(UserError, match="L1 loss is not a number in epoch 1; lower the learning"):
        train(Broken(), tmp_path)
    assert not (tmp_path / CHECKPOINT).exists()


def test_synthesis_repeats_with_its_seed_and_differs_with_another():
    task = TASKS["lcgan"]()
    settings = Lcgan(width=2, snapshots=(3,))
    first = synthesise(task.G, settings, LABELS, seed=3)
    assert first.shape == LABELS.shape
    assert first.dtype == torch.uint8
    assert torch.equal(first, synthesise(task.G, settings, LABELS, seed=3))
    assert not torch.equal(first, synthesise(task.G, settings, LABELS, seed=4))


def test_the_arms_of_a_fraction_start_from_the_same_weights():
    assert torch.equal(weights(TASKS["fcn"]()), weights(TASKS["fcn"]()))


def test_purposes_have_seeds_of_their_own():
    seeds = {engine.seed_of(1, purpose, k) for purpose in ("order", "noise") for k in range(50)}
    assert len(seeds) == 100
