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
