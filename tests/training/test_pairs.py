"""Pairs: a batch is the slices asked for; redrawn copies change with the seed, originals never."""

import torch

from lcgan_core.training.pairs import Pairs, Redrawn
from tests.training.trainings import IMAGES, LABELS


def test_a_batch_is_the_slices_that_were_asked_for():
    pairs = Pairs(IMAGES, LABELS)
    batch = torch.tensor([4, 0])
    images, labels = pairs[batch]
    assert len(pairs) == len(IMAGES)
    assert torch.equal(images.cpu(), IMAGES[batch]) and torch.equal(labels.cpu(), LABELS[batch])


def test_copies_are_drawn_anew_and_originals_stay():
    pairs = Redrawn(IMAGES.repeat(2, 1, 1), LABELS.repeat(2, 1, 1))
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
