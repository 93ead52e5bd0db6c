"""Jitter: the same geometry for image and labels, pix2pix's range of crops, seeds."""

import pytest
import torch
import torch.nn.functional as F

from lcgan_core.generators import jitter
from lcgan_core.generators.jitter import Jitter
from lcgan_core.training.encoding import to_network


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def one(top, left, flip):
    return Jitter(torch.tensor([top]), torch.tensor([left]), torch.tensor([flip]))


def disc(size=64):
    """An image of a bright disc off the centre, and its labels."""
    y, x = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    labels = (((y - 20) ** 2 + (x - 40) ** 2) < 100).to(torch.uint8)[None] * 4
    return to_network((labels > 0).to(torch.uint8) * 255, 1), labels


def test_crops_span_pix2pix_range_and_half_are_mirrored():
    drawn = jitter.sample(4000, 256, seeded())
    for offset in (drawn.top, drawn.left):
        assert (offset.min(), offset.max()) == (0, 30)
        assert torch.bincount(offset).min() > 4000 / 31 * 0.6
    assert 0.45 < drawn.flip.float().mean() < 0.55
    assert not torch.equal(drawn.top, drawn.left)


def test_the_seed_decides():
    first, again, other = (jitter.sample(20, 64, seeded(seed)) for seed in (1, 1, 2))
    assert torch.equal(first.top, again.top) and torch.equal(first.flip, again.flip)
    assert not torch.equal(first.top, other.top)


@pytest.mark.parametrize("flip", [False, True])
def test_each_image_gets_the_crop_of_its_enlargement(flip):
    images = torch.rand(3, 2, 64, 64)
    labels = torch.randint(0, 6, (3, 64, 64), dtype=torch.uint8)
    tops, lefts = [0, 3, 7], [7, 0, 2]
    chosen = Jitter(torch.tensor(tops), torch.tensor(lefts), torch.full((3,), flip))
    got_images, got_labels = jitter.apply(images, labels, chosen)
    large = F.interpolate(images, (71, 71), mode="bilinear", align_corners=False)
    large_labels = F.interpolate(labels[:, None].float(), (71, 71), mode="nearest-exact")[:, 0]
    for n, (top, left) in enumerate(zip(tops, lefts, strict=True)):
        image = large[n, :, top : top + 64, left : left + 64]
        label = large_labels[n, top : top + 64, left : left + 64]
        if flip:
            image, label = image.flip(-1), label.flip(-1)
        assert torch.equal(got_images[n], image)
        assert torch.equal(got_labels[n].float(), label)
    assert got_images.shape == images.shape and got_labels.dtype == torch.uint8


@pytest.mark.parametrize("chosen", [one(0, 0, False), one(7, 2, True), one(3, 7, False)])
def test_image_and_labels_move_together(chosen):
    images, labels = jitter.apply(*disc(), chosen)
    disagreement = (images[:, 0] > 0) != (labels == 4)
    assert disagreement.sum() < 0.02 * (labels == 4).sum(), "single pixels at the rim, at most"
    assert set(labels.unique().tolist()) == {0, 4}, "no mixed labels"


def test_images_are_jittered_one_by_one():
    image, labels = disc()
    drawn = jitter.sample(5, 64, seeded())
    together = jitter.apply(image.repeat(5, 1, 1, 1), labels.repeat(5, 1, 1), drawn)
    for n in range(5):
        alone = Jitter(drawn.top[n : n + 1], drawn.left[n : n + 1], drawn.flip[n : n + 1])
        for a, b in zip(together, jitter.apply(image, labels, alone), strict=True):
            assert torch.equal(a[n : n + 1], b)
