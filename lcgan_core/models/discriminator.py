"""The discriminator: judges, patch by patch, whether an image is a real CT of its mask.

    mask    (N, mask channels,  H, W)
    image   (N, image channels, H, W)   in [-1, 1]
    logits  (N, 1, H / 8 - 2, W / 8 - 2)   30 x 30 at 256 pixels; each sees 70 x 70 pixels

Source: paper 3.1, Fig. 2; layer by layer the TensorFlow port of pix2pix that the paper names
(its reference [25]).
"""

import torch
from torch import Tensor, nn

from lcgan_core.models.layers import SLOPE, BatchNorm, initialise


class Discriminator(nn.Module):
    """Score each patch of (mask, image); `in_channels` counts mask and image channels together.

    The scores are logits: losses take the logarithm of their sigmoid in one stable step, where
    the port needs its 1e-12 to avoid log(0).

    >>> with torch.device("meta"):
    ...     sum(p.numel() for p in Discriminator(6).parameters())
    2769601
    """

    def __init__(self, in_channels: int, width: int = 64) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(in_channels, width, 4, 2, 1),
            nn.LeakyReLU(SLOPE),
            nn.Conv2d(width, 2 * width, 4, 2, 1),
            BatchNorm(2 * width),
            nn.LeakyReLU(SLOPE),
            nn.Conv2d(2 * width, 4 * width, 4, 2, 1),
            BatchNorm(4 * width),
            nn.LeakyReLU(SLOPE),
            nn.Conv2d(4 * width, 8 * width, 4, 1, 1),
            BatchNorm(8 * width),
            nn.LeakyReLU(SLOPE),
            nn.Conv2d(8 * width, 1, 4, 1, 1),
        )
        initialise(self)

    def forward(self, mask: Tensor, image: Tensor) -> Tensor:
        """Logits (N, 1, h, w): above 0 the patch looks real."""
        return self.layers(torch.cat([mask, image], dim=1))
