"""The controls' trainings differ from the paper's in the one thing that they control."""

import torch

from lcgan_core.generators.l1_only import L1OnlyTask
from lcgan_core.generators.lcgan import LcganTask
from lcgan_core.segmenters.fcn8s import RedrawnTask, SegmentationTask
from tests.training.trainings import FCN, IMAGES, LABELS, LCGAN, train, weights


def test_l1_alone_starts_with_the_weights_that_it_has_beside_a_discriminator():
    alone, beside = (task(LCGAN, IMAGES, LABELS, seed=1) for task in (L1OnlyTask, LcganTask))
    for ours, theirs in zip(alone.G.parameters(), beside.G.parameters(), strict=True):
        assert torch.equal(ours, theirs)
    assert set(alone.modules) == {"generator"}


def test_l1_alone_is_an_lcgan_whose_discriminator_counts_nothing(tmp_path):
    """With a huge L1 weight the adversarial part of LcGAN's first step vanishes beside it."""
    heavy = LCGAN.model_copy(update={"l1_weight": 1e9, "bottleneck_norm": False})
    moved = []
    for kind in (L1OnlyTask, LcganTask):
        torch.manual_seed(3)
        task = kind(heavy, IMAGES, LABELS, seed=1)
        torch.manual_seed(3)
        task.step(torch.arange(2))
        moved.append(torch.cat([p.detach().flatten() for p in task.G.parameters()]))
    # Adam's first step is the sign of the gradient: equal but where that is about 0
    assert (moved[0] - moved[1]).abs().gt(1e-5).float().mean() < 0.05


def test_l1_alone_learns(tmp_path):
    fast = LCGAN.model_copy(update={"learning_rate": 1e-2})
    white = torch.full_like(IMAGES, 230)
    history = train(L1OnlyTask(fast, white, LABELS, seed=1), tmp_path, epochs=8)
    assert history.L1.iloc[-1] < 0.5 * history.L1.iloc[0]


def test_copies_are_drawn_anew_and_originals_stay():
    task = RedrawnTask(FCN, torch.cat([IMAGES, IMAGES]), torch.cat([LABELS, LABELS]), seed=1)
    batch = torch.tensor([0, 6, 7])
    drawn = []
    for seed in (1, 2, 1):
        torch.manual_seed(seed)
        drawn.append(task.pairs(batch))
    for images, labels in drawn:
        assert torch.equal(images[0], IMAGES[0])
        assert torch.equal(labels[0], LABELS[0])
        assert not torch.equal(images[1], IMAGES[0])
    assert not torch.equal(drawn[0][0][1:], drawn[1][0][1:])
    assert torch.equal(drawn[0][0], drawn[2][0]), "the draw follows from the step's seed"
    assert not torch.equal(drawn[0][1][1:], LABELS[:2]), "the mask moves with the slice"


def test_a_redrawn_training_starts_as_every_other():
    tasks = [kind(FCN, IMAGES, LABELS, seed=1) for kind in (RedrawnTask, SegmentationTask)]
    assert torch.equal(weights(tasks[0]), weights(tasks[1]))
