"""Lesion copy-paste: pasted pixels come from the donor with their labels; the rest is untouched."""

import pytest
import torch

from lcgan_core.copies import copy_paste
from lcgan_core.copies.copy_paste import Pastes
from lcgan_core.errors import UserError

from .originals import originals


def slices(n=12, size=16, seed=0):
    generator = torch.Generator().manual_seed(seed)
    images = torch.randint(255, (n, size, size), generator=generator, dtype=torch.uint8)
    for edge in (1, -2):  # a square skull, with scalp outside
        images[:, edge, 1:-1] = images[:, 1:-1, edge] = 255
    labels = torch.zeros_like(images)
    for k in range(1, n):  # the first slice has no lesion
        labels[k, k : k + 4, 1:9] = 1 + k % 5
    return images, labels


def test_pasted_pixels_carry_the_donor_s_label_and_the_rest_is_untouched():
    images, labels = slices()
    pastes = copy_paste.sample(labels, torch.Generator().manual_seed(1))
    new, new_labels = copy_paste.apply(images, labels, pastes)
    for k, (donor, flip) in enumerate(zip(pastes.donor, pastes.flip, strict=True)):
        image, label = images[donor], labels[donor]
        if flip:
            image, label = image.fliplr(), label.fliplr()
        inside = torch.zeros_like(label, dtype=torch.bool)
        inside[2:-2, 2:-2] = images[k, 2:-2, 2:-2] > 0
        pasted = (label > 0) & inside
        assert pasted.any()
        assert torch.equal(new[k][pasted], image[pasted])
        assert torch.equal(new_labels[k][pasted], label[pasted])
        assert torch.equal(new[k][~pasted], images[k][~pasted])
        assert torch.equal(new_labels[k][~pasted], labels[k][~pasted])


def test_donors_have_lesions_and_are_other_slices():
    _, labels = slices()
    drawn = [copy_paste.sample(labels, torch.Generator().manual_seed(s)) for s in range(20)]
    donors = torch.stack([pastes.donor for pastes in drawn])
    assert (donors != torch.arange(len(labels))).all()
    assert donors.min() > 0
    assert len(donors.unique()) == len(labels) - 1
    assert 0.3 < torch.stack([pastes.flip for pastes in drawn]).float().mean() < 0.7


def test_bone_air_and_scalp_take_no_lesion():
    row = [50, 255, 0, 40, 255, 50]  # scalp, bone, air, brain, bone, scalp
    images = torch.full((2, 3, 6), 255, dtype=torch.uint8)
    images[0, 1], images[1] = torch.tensor(row), 60
    labels = torch.zeros_like(images)
    labels[1] = 1
    pastes = Pastes(torch.tensor([1, 1]), torch.zeros(2).bool())
    new, new_labels = copy_paste.apply(images, labels, pastes)
    assert new[0, 1].tolist() == [50, 255, 0, 60, 255, 50]
    assert new_labels[0, 1].tolist() == [0, 0, 0, 1, 0, 0]
    assert new_labels[0].sum() == 1


def test_copies_are_drawn_by_the_generator_and_applied():
    images, labels = slices()
    first, again, other = (
        copy_paste.copies(originals(images, labels), torch.Generator().manual_seed(seed), None)
        for seed in (1, 1, 2)
    )
    drawn = copy_paste.sample(labels, torch.Generator().manual_seed(1))
    for made, repeated, expected in zip(
        first, again, copy_paste.apply(images, labels, drawn), strict=True
    ):
        assert torch.equal(made, repeated) and torch.equal(made, expected)
    assert not torch.equal(first[0], other[0])


def test_slices_without_any_lesion_stay_as_they_are():
    images, labels = slices()
    labels = 0 * labels
    pastes = copy_paste.sample(labels, torch.Generator().manual_seed(0))
    assert torch.equal(copy_paste.apply(images, labels, pastes)[0], images)


def open_heads(count=5, size=16):
    """Heads without a lesion, each of one grey level in a square skull."""
    heads = torch.zeros(count, size, size, dtype=torch.uint8)
    heads[:, 1:-1, 1:-1] = 255
    heads[:, 2:-2, 2:-2] = 50 + torch.arange(count, dtype=torch.uint8)[:, None, None]
    return heads


def inner_lesions():
    """`slices` whose lesions lie inside the skull of `open_heads`."""
    images, labels = slices()
    outside = torch.ones(16, 16, dtype=torch.bool)
    outside[2:-2, 2:-2] = False
    labels[:, outside] = 0
    return images, labels


def equal(images, labels, heads, seed=1):
    made = originals(images, labels, heads=heads)
    return copy_paste.equal(made, torch.Generator().manual_seed(seed), None)


def test_an_equal_copy_has_the_foreground_of_one_slice_in_a_head_without_a_lesion():
    (images, labels), heads = inner_lesions(), open_heads()
    new, new_labels = equal(images, labels, heads)
    assert torch.equal(new_labels, labels), "the copy of a slice has that slice's mask"
    lesion, hosts = labels > 0, set()
    for k in range(len(images)):
        assert torch.equal(new[k][lesion[k]], images[k][lesion[k]])
        host = [h for h in range(len(heads))
                if torch.equal(new[k][~lesion[k]], heads[h][~lesion[k]])]  # fmt: skip
        assert len(host) == 1
        hosts |= {*host}
    assert len(hosts) > 1, "hosts are drawn"
    twice = copy_paste.copies(originals(images, labels), torch.Generator().manual_seed(1), None)[1]
    assert (twice > 0).sum() > 1.3 * lesion.sum(), "what these copies are compared with"
    assert not torch.equal(new, equal(images, labels, heads, seed=2)[0])


def test_a_head_that_takes_the_whole_lesion_is_preferred():
    images, labels = inner_lesions()
    heads = open_heads(4)
    heads[[0, 1, 3], 2:-2, 5:-2] = 255  # bone where most of the lesions are
    chosen = copy_paste.hosts(labels[1:], heads, torch.Generator().manual_seed(0))
    assert (chosen == 2).all()


def test_a_subset_without_a_slice_free_of_lesions_is_refused_in_a_sentence():
    images, labels = slices()
    with pytest.raises(UserError, match="no slice without a lesion.*leave the arm out") as error:
        equal(images, labels, images[:0])
    assert "\n" not in str(error.value)
