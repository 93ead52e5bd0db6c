"""The generator: a U-Net that generates a head CT slice around the lesions of a mask.

    mask    (N, in_channels,  size, size)   as `training.encoding.encode_mask` makes it
    image   (N, out_channels, size, size)   in [-1, 1]
    level k (N, min(width * 2^k, 8 * width), size / 2^(k+1), size / 2^(k+1))

At size 256 the encoder's eight levels have 64, 128, 256 and five times 512 channels, the last one
1 x 1 pixel. Source: paper 3.1, Fig. 1; layer by layer the TensorFlow port of pix2pix that the
paper names (its reference [25]).
"""

import torch
from torch import Tensor, nn

from lcgan_core.errors import UserError
from lcgan_core.models.layers import SLOPE, BatchNorm, initialise

NOISY_BLOCKS = 3
"""Dropout follows the decoder's first blocks: maps of 2, 4 and 8 pixels, as in the paper at 256."""


class Generator(nn.Module):
    """Map a mask (N, in_channels, size, size) to an image (N, out_channels, size, size) in [-1, 1].

    `width` is the channel count of the first level. With `bottleneck_norm` the 1 x 1 bottleneck is
    normalised as in the port, which at batch size 1 makes it exactly 0 and cuts its gradient: 23 %
    of the parameters then never learn. `noise` is the z of Eq. 1, dropout of one half after the
    first three decoder blocks; it acts in training and in synthesis, whatever `.eval()` says.

    Raises UserError if `size` is not a power of two from 64 upwards.

    >>> with torch.device("meta"):
    ...     sum(p.numel() for p in Generator(3, 3).parameters())
    54420483
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        width: int = 64,
        size: int = 256,
        bottleneck_norm: bool = True,
        noise: bool = True,
    ) -> None:
        super().__init__()
        if size < 64 or size.bit_count() != 1:
            raise UserError(
                f"The generator's image size is {size}; set it to a power of two from 64 upwards."
            )
        self.noise = noise
        depth = size.bit_length() - 1
        channels = [min(width * 2**level, 8 * width) for level in range(depth)]

        self.encoder = nn.ModuleList([nn.Conv2d(in_channels, width, 4, 2, 1)])
        for level in range(1, depth):
            block = [
                nn.LeakyReLU(SLOPE),
                nn.Conv2d(channels[level - 1], channels[level], 4, 2, 1),
            ]
            if level < depth - 1 or bottleneck_norm:
                block.append(BatchNorm(channels[level]))
            self.encoder.append(nn.Sequential(*block))

        self.decoder = nn.ModuleList()
        for level in range(depth - 1, 0, -1):
            skipped = 0 if level == depth - 1 else channels[level]
            self.decoder.append(
                nn.Sequential(
                    nn.ReLU(),
                    nn.ConvTranspose2d(channels[level] + skipped, channels[level - 1], 4, 2, 1),
                    BatchNorm(channels[level - 1]),
                )
            )
        self.image = nn.Sequential(
            nn.ReLU(), nn.ConvTranspose2d(2 * width, out_channels, 4, 2, 1), nn.Tanh()
        )
        initialise(self)

    def forward(self, mask: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Generate one image per mask, with noise from `generator`, else from torch's global one.

        The random generator must be on the mask's device.
        """
        x = mask
        skips = []
        for down in self.encoder:
            x = down(x)
            # The skip is taken before the activation: the decoder applies its own.
            skips.append(x)
        x = skips.pop()
        for block, up in enumerate(self.decoder):
            x = up(x)
            if self.noise and block < NOISY_BLOCKS:
                # Not nn.Dropout, which .eval() would switch off and which takes no generator.
                x = x * torch.empty_like(x).bernoulli_(0.5, generator=generator) * 2
            x = torch.cat([x, skips.pop()], dim=1)
        return self.image(x)
