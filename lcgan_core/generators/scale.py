"""The scale of a synthetic slice: training shows a generator everything enlarged by 286 / 256.

    labels   (N, S, S)      integer
    images   (N, C, S, S)   float in [-1, 1], as a network makes them

The jitter of training enlarges every slice before it cuts out the old size. Given a mask as it is,
a generator therefore paints a head of (286 / 256)^2 = 1.25 times the area that belongs to the mask.
`enlarge` makes of the mask what training showed, cut out at the centre; `reduce` brings what is
painted back to the size of the mask. Of the outermost 5 % of each side the network sees nothing;
there the slice shows air.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from lcgan_core.generators.jitter import enlarged, pixels

AIR = -1.0


def enlarge(labels: Tensor) -> Tensor:
    """Masks enlarged to the nearest pixel, as in training, and cut out at the centre.

    >>> import torch
    >>> enlarge(torch.arange(64).expand(1, 64, 64))[0, 0, [0, 1, 31, 32, 63]].tolist()
    [3, 4, 31, 32, 59]
    """
    size = labels.shape[-1]
    at = pixels(size, labels.device)[_start(size) :][:size]
    return labels[:, at][:, :, at]


def reduce(images: Tensor) -> Tensor:
    """Pictures of enlarged heads at their true size (bilinear), with air around them."""
    size = images.shape[-1]
    start = _start(size)
    end = enlarged(size) - size - start
    whole = F.pad(images.float(), (start, end, start, end), value=AIR)
    return F.interpolate(whole, (size, size), mode="bilinear", align_corners=False)


def _start(size: int) -> int:
    """The first pixel of the centre of an enlarged slice."""
    return (enlarged(size) - size) // 2
