"""The velocity of a rectified flow: where a noisy slice with a given mask moves next.

    image      (N, 1, S, S)         between noise and a slice in [-1, 1]
    time       (N,)                 0 noise, 1 slice
    mask       (N, K + 1, S, S)     one-hot; all 0 where the mask is not told
    velocity   (N, 1, S, S)         slice minus noise

The network is MONAI's U-Net of diffusion models whose decoder reads the mask at every level through
SPADE norms (Park et al. 2019), so that the mask is encoded apart from the noise and is not averaged
out. `patch` x `patch` pixels are the channels of one place: a quarter or less of the work.
"""

from monai.networks.blocks.spade_norm import SPADE
from monai.networks.nets.spade_diffusion_model_unet import SPADEDiffusionModelUNet
from torch import Tensor, nn
from torch.nn import functional as F

GROUPS = 8
"""Of channels that are normalised together; a width is a multiple of it."""
LEVELS = (1, 2, 4, 4)
"""Channels of each level, as multiples of the width."""
EMBEDDED = 1000.0
"""The time that MONAI's embedding has at the end."""


class Velocity(nn.Module):
    """A U-Net for `classes` labels, the background counted, whose first level has `width` channels.

    >>> sum(p.numel() for p in Velocity(6, 32, 2).parameters())
    5462564
    """

    def __init__(self, classes: int, width: int, patch: int) -> None:
        super().__init__()
        self.patch, pixels = patch, patch**2
        self.unet = SPADEDiffusionModelUNet(
            spatial_dims=2,
            in_channels=pixels,
            out_channels=pixels,
            label_nc=classes * pixels,
            channels=[width * times for times in LEVELS],
            num_res_blocks=1,
            attention_levels=[False] * len(LEVELS),
            num_head_channels=width,
            norm_num_groups=GROUPS,
            spade_intermediate_channels=width,
        )
        for norm in self.modules():
            if isinstance(norm, SPADE):
                # MONAI normalises what the mask says, so that a small lesion would say much and an
                # empty mask nothing; Park et al. do not
                del norm.mlp_gamma.adn, norm.mlp_beta.adn

    def forward(self, image: Tensor, time: Tensor, mask: Tensor) -> Tensor:
        """The velocity of each pixel."""
        inner, seen = (F.pixel_unshuffle(part, self.patch) for part in (image, mask))
        return F.pixel_shuffle(self.unet(inner, EMBEDDED * time, seen), self.patch)
