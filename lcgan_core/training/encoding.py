"""How images and masks look to the networks, and how a network's image looks to people.

    images   (N, H, W)      uint8 0..255
    labels   (N, H, W)      integer 0..K
    network  (N, C, H, W)   float32; images and "rgb" masks in [-1, 1], "onehot" masks 0 or 1

The paper passes masks as colour images to a port that accepts only three channels. It does not give
the colours; ours are those of `lesions.colors`.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from lcgan_core.errors import UserError
from lcgan_core.lesions import colors


def mask_channels(encoding: str, classes: int) -> int:
    """Channels of an encoded mask of `classes` lesion classes.

    >>> mask_channels("rgb", 5), mask_channels("onehot", 5)
    (3, 6)
    """
    return 3 if encoding == "rgb" else classes + 1


def to_network(images: Tensor, channels: int) -> Tensor:
    """(N, H, W) uint8 to (N, channels, H, W) float32 in [-1, 1], every channel the same.

    >>> to_network(torch.tensor([[[0, 255]]], dtype=torch.uint8), 3).shape
    torch.Size([1, 3, 1, 2])
    """
    return (images.float() / 127.5 - 1)[:, None].repeat(1, channels, 1, 1)


def to_image(network: Tensor) -> Tensor:
    """(N, C, H, W) float in [-1, 1] to (N, H, W) uint8: the channels' mean, rounded and clipped.

    >>> to_image(torch.tensor([[[[-1.0, 0.2]], [[-1.0, 0.4]]]])).tolist()
    [[[0, 166]]]
    """
    grey = (network.float().mean(1) + 1) * 127.5
    return grey.round().clip(0, 255).to(torch.uint8)


def encode_mask(labels: Tensor, encoding: str, classes: int) -> Tensor:
    """(N, H, W) labels 0..K to (N, 3, H, W) colours ("rgb") or (N, K + 1, H, W) indicators
    ("onehot"), where K is `classes`.

    Raises UserError for another encoding.

    >>> encode_mask(torch.tensor([[[0, 2]]]), "onehot", 5)[0, :, 0, 1].tolist()
    [0.0, 0.0, 1.0, 0.0, 0.0, 0.0]
    """
    if encoding == "rgb":
        palette = torch.tensor(colors(classes)).to(labels.device, non_blocking=True) / 127.5 - 1
        channels_last = palette[labels.long()]
    elif encoding == "onehot":
        channels_last = F.one_hot(labels.long(), classes + 1).float()
    else:
        raise UserError(f"The mask encoding is {encoding!r}; set it to rgb or onehot.")
    return channels_last.permute(0, 3, 1, 2)
