"""Four readings of the paper's change of contrast (4.3), of which `traditional` applies one.

    images   (N, 1, H, W)   float 0..255
    change   (N,)           drawn for each image: 1 leaves it as it is, 1.5 is the greatest change

The sentence is "each pixel intensity was increased randomly by up to 50%". Results are not clipped.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

GREATEST = 0.5
"""The paper's "up to 50%"."""
MIDDLE = 127.5
"""Grey level in the middle of the window."""


def gain(images: Tensor, change: Tensor) -> Tensor:
    """One factor for all intensities of an image.

    >>> gain(torch.tensor([[[[0.0, 40, 200]]]]), torch.tensor([1.5])).flatten().tolist()
    [0.0, 60.0, 300.0]
    """
    return images * _of_image(change, images)


def about_mean(images: Tensor, change: Tensor) -> Tensor:
    """The distance of every intensity from the head's mean, multiplied by the change.

    The head is brain and skull without the air around it, which stays black.

    >>> about_mean(torch.tensor([[[[0.0] * 9 + [40, 60]]]]), torch.tensor([1.5]))[0, 0, 0, -3:]
    tensor([-25.,  35.,  65.])
    """
    inside = head(images)
    mean = (images * inside).sum((2, 3), True) / inside.sum((2, 3), True).clip(1)
    return images + (images - mean) * (_of_image(change, images) - 1)


def hu_offset(images: Tensor, change: Tensor) -> Tensor:
    """The same number of HU added to the whole head: up to half of the distance from the lower end
    of the window to its middle, a quarter of its width (25 HU of 0..100); air stays air.

    >>> hu_offset(torch.tensor([[[[0.0] * 9 + [40, 60]]]]), torch.tensor([1.5]))[0, 0, 0, -3:]
    tensor([  0.0000, 103.7500, 123.7500])
    """
    return images + head(images) * MIDDLE * (_of_image(change, images) - 1)


def per_pixel(images: Tensor, change: Tensor) -> Tensor:
    """A factor for every pixel, uniform in 1..1.5.

    The change says only whether there is one, and is the seed of the image's own draws.
    """
    shape = images.shape[1:]
    seeds = ((change - 1) * 2**23).long().tolist()  # float32 values of 1..2 are this far apart
    drawn = [torch.rand(shape, generator=torch.Generator().manual_seed(seed)) for seed in seeds]
    noise = torch.stack(drawn).to(images.device, non_blocking=True)
    return images * (1 + GREATEST * noise * (_of_image(change, images) > 1))


READINGS = {
    "gain": gain, "about_mean": about_mean, "hu_offset": hu_offset, "per_pixel": per_pixel,
}  # fmt: skip
"""The readings by their names in a profile."""


def head(images: Tensor) -> Tensor:
    """1 where there is a head, 0 in the air around it; (N, 1, H, W) float.

    Black spots of up to four pixels inside the head, noise in the ventricles, belong to it.

    >>> head(torch.tensor([[[[0.0] * 4 + [9, 0, 0, 9] + [0.0] * 4]]])).int().flatten().tolist()
    [0, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0]
    """
    grown = F.max_pool2d((images > 0).float(), 5, 1, 2)
    return 1 - F.max_pool2d(1 - grown, 5, 1, 2)


def _of_image(values: Tensor, images: Tensor) -> Tensor:
    """One value for each image, to be combined with its pixels."""
    return values.to(images.device, non_blocking=True)[:, None, None, None]
