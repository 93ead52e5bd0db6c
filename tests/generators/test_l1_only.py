"""The control differs from LcGAN in its discriminator alone."""

import torch

from lcgan_core.generators.l1_only import L1OnlyTask
from lcgan_core.generators.lcgan import LcganTask
from tests.training.trainings import IMAGES, LABELS, LCGAN, train


def test_l1_alone_starts_with_the_weights_that_it_has_beside_a_discriminator():
    alone, beside = (task(LCGAN, IMAGES, LABELS, seed=1) for task in (L1OnlyTask, LcganTask))
    for ours, theirs in zip(alone.G.parameters(), beside.G.parameters(), strict=True):
        assert torch.equal(ours, theirs)
    assert set(alone.modules) == {"generator"}


def test_l1_alone_is_lcgan_with_a_discriminator_that_counts_for_nothing():
    """With a huge L1 weight the adversarial part of LcGAN's first step is negligible."""
    heavy = LCGAN.model_copy(update={"l1_weight": 1e9, "bottleneck_norm": False})
    moved = []
    for kind in (L1OnlyTask, LcganTask):
        task = kind(heavy, IMAGES, LABELS, seed=1)
        torch.manual_seed(3)
        task.step(torch.arange(2))
        moved.append(torch.cat([p.detach().flatten() for p in task.G.parameters()]))
    # Adam's first step is the sign of the gradient: equal unless the gradient is about 0
    assert (moved[0] - moved[1]).abs().gt(1e-5).float().mean() < 0.05


def test_l1_alone_learns(tmp_path):
    fast = LCGAN.model_copy(update={"learning_rate": 1e-2})
    white = torch.full_like(IMAGES, 230)
    history = train(L1OnlyTask(fast, white, LABELS, seed=1), tmp_path, epochs=8)
    assert history.L1.iloc[-1] < 0.5 * history.L1.iloc[0]
