"""The scale of synthesis: heads have the size that belongs to their masks, where masks have it."""

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from lcgan_core.cohort.slices import Slices
from lcgan_core.generators import scale
from lcgan_core.generators.base import generator
from lcgan_core.generators.jitter import Jitter, apply, enlarged
from lcgan_core.generators.lcgan import synthesise
from lcgan_core.protocol import profiles
from tests.stages.heads import TWO, bleeds
from tests.training.trainings import LCGAN

ONEHOT = LCGAN.model_copy(update={"mask_encoding": "onehot"})
MATCHED, PORT = (ONEHOT.model_copy(update={"synthesis_scale": s}) for s in ("matched", "port"))


def disc(size, radius, row=0.0, column=0.0):
    """(size, size) bool: a disc, its centre so many pixels from the middle of the slice."""
    at = np.arange(size) + 0.5 - size / 2
    return torch.from_numpy(np.hypot(at[:, None] - row, at[None] - column) < radius)


class Trained(nn.Module):
    """A network that has learnt perfectly from enlarged slices: it makes lesions white where the
    mask has them, in a grey head of enlarged size, in the middle."""

    noise = False

    def __init__(self, head):
        super().__init__()
        size = head.shape[-1]
        start = (enlarged(size) - size) // 2
        middle = Jitter(torch.tensor([start]), torch.tensor([start]), torch.tensor([False]))
        self.head = apply(head[None, None].float(), head[None].byte(), middle)[1][0] > 0

    def forward(self, mask):
        lesion = mask[:, 1:].amax(1, keepdim=True) > 0
        return torch.where(lesion, 1.0, torch.where(self.head, 0.0, -1.0))


@pytest.mark.parametrize("size", [64, 128, 256])
def test_head_and_lesion_have_the_size_of_the_real_ones_where_the_scale_is_matched(size):
    head, lesion = disc(size, 0.38 * size), disc(size, 0.1 * size, -0.15 * size, 0.2 * size)
    masks, network = lesion[None].byte() * 3, Trained(head)
    areas = {}
    for name, settings in (("matched", MATCHED), ("port", PORT)):
        image = synthesise(network, settings, masks, seed=1)[0]
        areas[name] = float((image >= 64).sum() / head.sum())
        if name == "matched":
            different = (image >= 192) != lesion
            # a pixel of the rim whose corner alone the lesion holds may go either way
            assert different.sum() <= 0.03 * lesion.sum()
            rows, columns = torch.nonzero(image >= 192, as_tuple=True)
            real = torch.nonzero(lesion).float().mean(0)
            assert abs(rows.float().mean() - real[0]) < 0.1
            assert abs(columns.float().mean() - real[1]) < 0.1
    assert areas["matched"] == pytest.approx(1, abs=0.02)
    assert areas["port"] == pytest.approx((enlarged(size) / size) ** 2, abs=0.03)


@pytest.mark.parametrize("size", [64, 128, 256, 512])
def test_what_is_enlarged_and_reduced_is_where_it_was(size):
    # smooth, so that only a shift or a change of scale could make a difference
    at = torch.linspace(-1, 1, size)
    images = (0.3 * torch.sin(5 * at[:, None]) + 0.4 * torch.cos(4 * at) * at)[None, None]
    large = F.interpolate(images, (enlarged(size),) * 2, mode="bilinear", align_corners=False)
    start = (enlarged(size) - size) // 2
    back = scale.reduce(large[..., start : start + size, start : start + size])
    edge = size // 15  # beyond what the crop has lost
    inner = (..., slice(edge, -edge), slice(edge, -edge))
    # a shift by half a pixel would make .02 at 64 pixels
    assert (back - images)[inner].abs().max() < 0.3 / size
    for side in (back[..., 0, :], back[..., -1, :], back[..., 0], back[..., -1]):
        torch.testing.assert_close(side, torch.full_like(side, scale.AIR))


def test_a_mask_is_enlarged_as_in_training():
    labels = torch.randint(6, (2, 64, 64), generator=torch.Generator().manual_seed(0))
    large = F.interpolate(labels[:, None].float(), (71, 71), mode="nearest-exact")[:, 0]
    assert torch.equal(scale.enlarge(labels).float(), large[:, 3:67, 3:67])


@pytest.mark.slow
def test_a_trained_generator_paints_heads_of_the_real_area(tmp_path):
    """By L1 alone, for a few seconds; with `port` the same network paints them too large."""
    labels, hu = (torch.from_numpy(part) for part in bleeds(6, slices=3))
    images = torch.where(hu > -500, 2.55 * hu.clip(0, 100), 0).round().byte()
    slices = Slices(images, labels, pd.DataFrame(index=range(len(images))), TWO)
    config = {
        one: profiles.load(
            "quick", image_size=64, lcgan_width=8, lcgan_snapshots=[25], lcgan_synthesis_scale=one
        )
        for one in ("matched", "port")
    }
    generator("l1_only", config["port"], 64, 2).fit(slices, 1, tmp_path, "test")
    areas = {}
    for one, settings in config.items():
        painted = generator("l1_only", settings, 64, 2).paint(tmp_path, 25, labels, 2)
        areas[one] = float((painted > 30).sum() / (images > 30).sum())
    assert areas["matched"] == pytest.approx(1, abs=0.06)
    assert areas["port"] == pytest.approx((71 / 64) ** 2, abs=0.07)
