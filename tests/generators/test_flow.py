"""The rectified flow: the line that it learns, the line that it follows, and its running mean."""

import pandas as pd
import pytest
import torch

from lcgan_core.cohort.slices import Slices
from lcgan_core.generators import flow
from lcgan_core.generators.base import generator
from lcgan_core.generators.flow import FlowTask, guided, synthesise
from lcgan_core.lesions import FIVE
from lcgan_core.models.velocity import Velocity
from lcgan_core.protocol import profiles
from lcgan_core.protocol.config import Flow
from lcgan_core.seeds import seed_of
from lcgan_core.training import engine
from lcgan_core.training.engine import Schedule
from tests.training.trainings import IMAGES, LABELS, weights

SMALL = Flow(width=8, patch=4, steps=(3, 6), batch=2, synthesis_steps=10, precision="float32")
CONFIG = profiles.load(
    "quick", image_size=64, flow_width=8, flow_patch=4, flow_steps=[3, 6], flow_batch=2,
    flow_synthesis_steps=10, flow_precision="float32",
)  # fmt: skip
SLICES = Slices(IMAGES, LABELS, pd.DataFrame(index=range(len(IMAGES))), FIVE)


class Told(torch.nn.Module):
    """A network whose velocity is what `says(image, time, mask)` returns; keeps what it saw."""

    def __init__(self, says):
        super().__init__()
        self.says, self.seen = says, []

    def forward(self, image, time, mask):
        self.seen.append((image, time, mask))
        return self.says(image, time, mask)


def test_the_shipped_network_has_3_to_20_million_parameters():
    with torch.device("meta"):
        network = Velocity(6, Flow().width, Flow().patch)
    assert 3e6 < sum(p.numel() for p in network.parameters()) < 20e6


@pytest.mark.parametrize("patch", [1, 2, 4])
def test_the_velocity_has_the_size_of_the_image_and_depends_on_all_it_is_given(patch):
    torch.manual_seed(0)
    network = Velocity(6, 8, patch)
    for p in network.parameters():  # its last layers start at 0
        torch.nn.init.normal_(p, 0, 0.05)
    image, time = torch.randn(2, 1, 64, 64), torch.tensor([0.2, 0.7])
    mask = torch.zeros(2, 6, 64, 64)
    mask[:, 2, 20:30, 20:30] = 1
    with torch.no_grad():
        base = network(image, time, mask)
        assert base.shape == image.shape
        for other in (
            (image + 0.1, time, mask), (image, time + 0.1, mask), (image, time, mask.flip(1)),
            (image, time, torch.zeros_like(mask)),
        ):  # fmt: skip
            assert not torch.allclose(network(*other), base, atol=1e-6)


def replaced(task, says):
    """The task with another network, which hands on the old one's weights to the optimiser."""
    own = task.network
    first = next(iter(own.parameters()))
    task.network = Told(lambda *given: says(*given) + 0 * first.sum())
    task.network.parameters = own.parameters
    return task


def test_the_loss_is_0_for_the_straight_line_from_noise_to_slice():
    """At time t the slice is as far ahead as 1 / (1 - t) of what is left of the way."""
    alike = torch.cat([IMAGES[:1, :, :32], IMAGES[:1, :, :32].flip(2)], 2)  # as its mirror image
    real = alike[:, None].float() / 127.5 - 1
    task = replaced(
        FlowTask(SMALL, alike, LABELS[:1], seed=1),
        lambda between, time, mask: (real - between) / (1 - time[:, None, None, None]),
    )
    torch.manual_seed(11)
    for _ in range(8):
        assert task.step(torch.zeros(1, dtype=torch.long))["velocity"].item() < 1e-6
    noise = [(seen - time * real) / (1 - time) for seen, time, _ in task.network.seen]
    assert torch.stack(noise).std() == pytest.approx(1, abs=0.05)


def test_slice_and_mask_are_mirrored_together():
    task = replaced(
        FlowTask(SMALL, 50 * LABELS, LABELS, seed=1), lambda image, time, mask: 0 * image
    )
    torch.manual_seed(5)
    mirrored, either = [], (LABELS, LABELS.flip(2))
    for _ in range(20):
        task.step(torch.arange(6))
        _, _, mask = task.network.seen[-1]
        told = mask.sum((1, 2, 3)) > 0
        same, turned = ((mask.argmax(1) == labels).flatten(1).all(1)[told] for labels in either)
        assert (same ^ turned).all()
        mirrored.append(turned)
    assert torch.cat(mirrored).float().mean() == pytest.approx(0.5, abs=0.2)


def test_masks_are_not_told_now_and_then():
    task = replaced(FlowTask(SMALL, IMAGES, LABELS, seed=1), lambda image, time, mask: 0 * image)
    torch.manual_seed(5)
    for _ in range(100):
        task.step(torch.arange(6))
    untold = torch.cat([mask.sum((1, 2, 3)) == 0 for _, _, mask in task.network.seen])
    # binomial of 600 with p = .1: 4 standard deviations are .05
    assert untold.float().mean() == pytest.approx(flow.UNTOLD, abs=0.05)
    times = torch.cat([time for _, time, _ in task.network.seen])
    assert times.min() > 0 and times.max() < 1 and times.mean() == pytest.approx(0.5, abs=0.05)


def test_guidance_enlarges_what_the_mask_changes():
    network = Told(lambda image, time, mask: image + mask.sum(1, keepdim=True))
    image, mask = torch.rand(2, 1, 8, 8), torch.ones(2, 3, 8, 8)
    time = torch.tensor([0.1, 0.6])
    torch.testing.assert_close(guided(network, image, time, mask, 1.0), image + 3)
    torch.testing.assert_close(guided(network, image, time, mask, 2.5), image + 7.5)


def test_painting_follows_the_velocity_from_the_noise_in_equal_steps():
    """dx/dt = c has the end noise + c; dx/dt = -x has (1 - 1/n)^n of the noise after n steps."""
    torch.manual_seed(seed_of(4, "synthesis", 0))
    noise = torch.randn(len(LABELS), 1, 64, 64)
    for says, end in (
        (lambda image, time, mask: 0 * image + 0.3, noise + 0.3),
        (lambda image, time, mask: -image, noise * 0.9**10),
    ):
        made = synthesise(Told(says), SMALL, LABELS, seed=4)
        wanted = ((end[:, 0] + 1) * 127.5).clip(0, 255)
        assert (made.float() - wanted).abs().max() <= 0.51
    network = Told(lambda image, time, mask: 0 * image)
    synthesise(network, SMALL, LABELS, seed=4)
    assert [float(time[0]) for _, time, _ in network.seen] == pytest.approx(
        [step / 10 for step in range(10)]
    )


def test_the_candidate_is_the_running_mean_of_the_weights():
    task = FlowTask(SMALL, IMAGES, LABELS, seed=1)
    wanted = [p.detach().clone() for p in task.mean.parameters()]
    for share in (9 / 11, 9 / 12, 9 / 13):
        task.step(torch.arange(2))
        for old, new in zip(wanted, task.network.parameters(), strict=True):
            old += share * (new.detach() - old)
    for mean, expected in zip(task.mean.parameters(), wanted, strict=True):
        torch.testing.assert_close(mean.detach(), expected)


def test_candidates_are_kept_after_whole_epochs_and_paint(tmp_path):
    method = generator("flow", CONFIG, 64, 5)
    assert method.fit(SLICES, 1, tmp_path, "test") == [1, 2]  # three steps are an epoch
    made = method.paint(tmp_path, 2, LABELS, seed=5)
    assert made.shape == LABELS.shape and made.dtype == torch.uint8
    assert torch.equal(made, method.paint(tmp_path, 2, LABELS, seed=5))
    assert not torch.equal(made, method.paint(tmp_path, 2, LABELS, seed=6))
    assert pd.read_csv(tmp_path / "history.csv").epoch.tolist() == [1, 2]


def test_an_interrupted_training_ends_like_an_uninterrupted_one(tmp_path, monkeypatch):
    monkeypatch.setattr(engine, "pause_after", lambda saving: -1.0)
    ends = []
    for stops in (False, True):
        work = tmp_path / str(stops)
        work.mkdir()
        for last in (3, None) if stops else (None,):
            task, done = FlowTask(SMALL, IMAGES, LABELS, seed=1), []
            step = task.step

            def counted(batch, done=done, step=step, last=last):
                done.append(batch)
                if len(done) == last:
                    raise KeyboardInterrupt
                return step(batch)

            task.step = counted
            try:
                engine.fit(task, len(IMAGES), Schedule(2, epochs=2), 7, work, "test")
            except Exception as error:
                assert last and "run the same command again" in str(error)
        ends.append(weights(task))
    assert torch.equal(*ends)


def test_it_learns_to_paint_bright_lesions_where_the_mask_has_them():
    labels = torch.zeros_like(LABELS)
    for k in range(len(labels)):
        labels[k, 8 * k : 8 * k + 16, 16 + 4 * k : 40 + 4 * k] = 1
    fast = SMALL.model_copy(update={"learning_rate": 3e-3})
    task = FlowTask(fast, torch.where(labels > 0, 190, 60).byte(), labels, seed=1)
    torch.manual_seed(2)
    for _ in range(60):
        task.step(torch.arange(6))
    elsewhere = labels.roll(8, 1)
    made = synthesise(task.network, SMALL, elsewhere, seed=1).float()
    assert made[elsewhere > 0].mean() > made[elsewhere == 0].mean() + 20
