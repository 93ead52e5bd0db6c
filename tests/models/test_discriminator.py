"""Discriminator: the port's exact size, 30 x 30 patches of 70 x 70 pixels."""

import pytest
import torch

from lcgan_core.models import Discriminator
from lcgan_core.models.layers import BatchNorm


@pytest.mark.parametrize(
    ("channels", "count"),
    [(6, 2_769_601), (7, 2_770_625), (2, 2_765_505), (4, 2_767_553), (9, 2_772_673)],
)
def test_parameter_count_is_the_ports(channels, count):
    with torch.device("meta"):
        model = Discriminator(channels)
    assert sum(p.numel() for p in model.parameters()) == count
    assert not list(model.buffers()), "no running statistics"


@pytest.mark.parametrize(("size", "patches"), [(64, 6), (128, 14), (256, 30), (512, 62)])
def test_patches(size, patches):
    model = Discriminator(4, width=2)
    logits = model(torch.rand(1, 3, size, size), torch.rand(1, 1, size, size))
    assert logits.shape == (1, 1, patches, patches)


def test_each_patch_sees_70_pixels():
    model = Discriminator(2, width=2)
    for layer in model.modules():
        if isinstance(layer, BatchNorm):
            layer.forward = lambda x: x  # its mean and variance see the whole image
    image = torch.rand(1, 1, 256, 256, requires_grad=True)
    model(torch.rand(1, 1, 256, 256), image)[0, 0, 15, 15].backward()
    seen = image.grad[0, 0] != 0
    assert seen.any(0).sum() == seen.any(1).sum() == 70


def test_mask_and_image_both_count_and_scores_are_logits():
    torch.manual_seed(0)
    model = Discriminator(4, width=8)
    mask, image = torch.rand(2, 3, 64, 64), torch.rand(2, 1, 64, 64)
    logits = model(mask, image)
    assert (logits < 0).any(), "a sigmoid would leave nothing below 0"
    assert not torch.equal(logits, model(1 - mask, image))
    assert not torch.equal(logits, model(mask, 1 - image))
    assert torch.equal(model.eval()(mask, image), logits)
