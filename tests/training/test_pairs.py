"""Pairs: a batch is the slices asked for; redrawn copies change with the seed, originals never."""

import torch

from lcgan_core.protocol.config import Traditional
from lcgan_core.training.pairs import Pairs, Redrawn
from tests.training.trainings import IMAGES, LABELS


def test_a_batch_is_the_slices_that_were_asked_for():
    pairs = Pairs(IMAGES, LABELS)
    batch = torch.tensor([4, 0])
    images, labels = pairs[batch]
    assert len(pairs) == len(IMAGES)
    assert torch.equal(images.cpu(), IMAGES[batch]) and torch.equal(labels.cpu(), LABELS[batch])


def test_copies_are_drawn_anew_and_originals_stay():
    pairs = Redrawn(IMAGES.repeat(2, 1, 1), LABELS.repeat(2, 1, 1), Traditional())
    drawn = []
    for seed in (1, 2, 1):
        torch.manual_seed(seed)
        drawn.append([each.cpu() for each in pairs[torch.tensor([0, 6, 7])]])
    for images, labels in drawn:
        assert torch.equal(images[0], IMAGES[0])
        assert torch.equal(labels[0], LABELS[0])
        assert not torch.equal(images[1], IMAGES[0])
    assert not torch.equal(drawn[0][0][1:], drawn[1][0][1:])
    assert torch.equal(drawn[0][0], drawn[2][0]), "the draw follows from the step's seed"
    assert not torch.equal(drawn[0][1][1:], LABELS[:2]), "the mask moves with the slice"


def redrawn(**settings):
    """The second half of IMAGES and LABELS, transformed as the settings say."""
    torch.manual_seed(1)
    pairs = Redrawn(IMAGES.repeat(2, 1, 1), LABELS.repeat(2, 1, 1), Traditional(**settings))
    return [each.cpu() for each in pairs[torch.arange(6, 12)]]


def test_copies_are_drawn_as_the_profile_says():
    for copied, stored in zip(redrawn(transformations=()), (IMAGES, LABELS), strict=True):
        assert torch.equal(copied, stored)
    for contrast in ("gain", "about_mean", "hu_offset", "per_pixel"):
        images, labels = redrawn(transformations=("contrast",), contrast=contrast)
        assert not torch.equal(images, IMAGES), "some of six slices change their contrast"
        assert torch.equal(labels, LABELS), "nothing moves"
    moved = redrawn(transformations=("rotation",))
    assert not torch.equal(moved[1], LABELS)
    other = redrawn(transformations=("rotation",), contrast="per_pixel")
    assert torch.equal(moved[0], other[0]), "without a change of contrast its reading is nothing"
