"""The jitter of GAN training: enlarge by 286 / 256, cut out the old size, perhaps mirror.

    images   (N, C, S, S)   float, as `encoding.to_network` makes them
    labels   (N, S, S)      integer

`sample` chooses a random jitter for each image, `apply` is deterministic. Source: the TensorFlow
port of pix2pix that the paper names (its reference [25]), which resizes masks by area; this mixes
colours at lesion borders, so labels take the nearest pixel here.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class Jitter:
    """One crop and mirror per image: top, left (N,) int64 in enlarged pixels; flip (N,) bool."""

    top: Tensor
    left: Tensor
    flip: Tensor


def enlarged(size: int) -> int:
    """The size that `size` pixels are resized to before the crop.

    >>> [enlarged(size) for size in (64, 128, 256, 512)]
    [71, 143, 286, 572]
    """
    return size * 286 // 256


def pixels(size: int, device: torch.device | None = None) -> Tensor:
    """(enlarged(size),) the pixel under the centre of each enlarged pixel, in a row or column.

    >>> pixels(64)[:12].tolist()
    [0, 1, 2, 3, 4, 4, 5, 6, 7, 8, 9, 10]
    """
    large = enlarged(size)
    return (2 * torch.arange(large, device=device) + 1) * size // (2 * large)


def sample(n: int, size: int, generator: torch.Generator) -> Jitter:
    """Sample n jitters of `size`-pixel images, uniform over crops, half of them mirrored."""
    device = generator.device
    offsets = torch.randint(enlarged(size) - size + 1, (2, n), generator=generator, device=device)
    flip = torch.randint(2, (n,), generator=generator, device=device).bool()
    return Jitter(offsets[0], offsets[1], flip)


def apply(images: Tensor, labels: Tensor, jitter: Jitter) -> tuple[Tensor, Tensor]:
    """Jitter images (bilinear) and labels (nearest) by the same geometry, one jitter per image."""
    size = labels.shape[-1]
    large = enlarged(size)
    device = images.device
    index = torch.arange(size, device=device)
    rows = jitter.top.to(device)[:, None] + index
    columns = jitter.left.to(device)[:, None] + torch.where(
        jitter.flip.to(device)[:, None], size - 1 - index, index
    )
    image = torch.arange(len(images), device=device)[:, None, None]

    resized = F.interpolate(images, (large, large), mode="bilinear", align_corners=False)
    # An index between two slices puts the channels last.
    cut = resized[image, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)
    nearest = pixels(size, device)
    return cut, labels[image, nearest[rows][:, :, None], nearest[columns][:, None, :]]
