"""Encodings: ranges, colours, and exact return, for any number of classes."""

import pytest
import torch

from lcgan_core.errors import UserError
from lcgan_core.lesions import MOST, colors
from lcgan_core.training.encoding import encode_mask, mask_channels, to_image, to_network

EVERY_GREY = torch.arange(256, dtype=torch.uint8).view(1, 16, 16)
EVERY_CLASS = pytest.mark.parametrize("classes", [1, 2, 5, MOST])


def every_label(classes):
    """(1, 1, K + 1) uint8: each label once."""
    return torch.arange(classes + 1, dtype=torch.uint8).view(1, 1, -1)


@pytest.mark.parametrize("channels", [1, 3])
def test_every_grey_level_returns(channels):
    network = to_network(EVERY_GREY, channels)
    assert network.shape == (1, channels, 16, 16) and network.dtype == torch.float32
    assert (network.min(), network.max()) == (-1, 1)
    assert torch.equal(to_image(network), EVERY_GREY)


def test_to_image_averages_rounds_and_clips():
    network = torch.tensor([0.0, 0.3, 1.5]).view(1, 3, 1, 1)
    assert to_image(network).item() == round((0.6 + 1) * 127.5)
    assert to_image(torch.full((1, 1, 1, 1), 1.1)).item() == 255
    assert to_image(torch.full((1, 1, 1, 1), -1.1)).item() == 0


@EVERY_CLASS
def test_rgb_mask_shows_the_colours_of_the_labels(classes):
    mask = encode_mask(every_label(classes), "rgb", classes)
    assert mask.shape == (1, 3, 1, classes + 1) and mask.dtype == torch.float32
    levels = ((mask + 1) * 127.5).round()[0, :, 0].T
    assert levels.tolist() == [list(map(float, color)) for color in colors(classes)]
    assert mask.is_contiguous(memory_format=torch.channels_last)


@EVERY_CLASS
def test_onehot_mask_returns_the_labels(classes):
    labels = every_label(classes)
    mask = encode_mask(labels, "onehot", classes)
    assert mask.shape == (1, classes + 1, 1, classes + 1) and mask.dtype == torch.float32
    assert torch.equal(mask.argmax(1), labels.long())
    assert torch.equal(mask.sum(1), torch.ones(labels.shape))


@EVERY_CLASS
@pytest.mark.parametrize("encoding", ["rgb", "onehot"])
def test_a_mask_has_the_channels_that_are_stated(classes, encoding):
    mask = encode_mask(every_label(classes), encoding, classes)
    assert mask.shape[1] == mask_channels(encoding, classes)


def test_another_encoding_is_refused():
    with pytest.raises(UserError, match="'grey'"):
        encode_mask(every_label(5), "grey", 5)
