"""Encodings: ranges, colours, and exact return."""

import pytest
import torch

from lcgan_core.errors import UserError
from lcgan_core.lesions import COLORS
from lcgan_core.training.encoding import MASK_CHANNELS, encode_mask, to_image, to_network

EVERY_GREY = torch.arange(256, dtype=torch.uint8).view(1, 16, 16)
EVERY_LABEL = torch.arange(6, dtype=torch.uint8).view(1, 2, 3)


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


def test_rgb_mask_shows_the_colours_of_the_labels():
    mask = encode_mask(EVERY_LABEL, "rgb")
    assert mask.shape == (1, 3, 2, 3) and mask.dtype == torch.float32
    levels = ((mask + 1) * 127.5).round().permute(0, 2, 3, 1).reshape(6, 3)
    assert levels.tolist() == [list(map(float, color)) for color in COLORS]
    assert mask.is_contiguous(memory_format=torch.channels_last)


def test_onehot_mask_returns_the_labels():
    mask = encode_mask(EVERY_LABEL, "onehot")
    assert mask.shape == (1, 6, 2, 3) and mask.dtype == torch.float32
    assert torch.equal(mask.argmax(1), EVERY_LABEL.long())
    assert torch.equal(mask.sum(1), torch.ones(1, 2, 3))


def test_channels_are_stated_and_other_encodings_refused():
    for encoding, channels in MASK_CHANNELS.items():
        assert encode_mask(EVERY_LABEL, encoding).shape[1] == channels
    with pytest.raises(UserError, match="'grey'"):
        encode_mask(EVERY_LABEL, "grey")
