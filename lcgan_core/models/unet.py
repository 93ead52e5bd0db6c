"""nnU-Net's 2-D network: a U-Net with instance norms whose decoder is supervised at several sizes.

    image    (N, 1, size, size)                        in [-1, 1]
    logits   (N, classes, size, size)                  in evaluation
    scores   (N, 1 + HEADS, classes, size, size)       in training, the finest first
    level k  (N, min(width * 2^k, 16 * width), size / 2^k, size / 2^k)

Levels follow until a map has 4 x 4 pixels. Source: Isensee et al. (2021), whose plan for 512 pixels
has width 32; the layers are those of MONAI's DynUNet.
"""

from monai.networks.nets.dynunet import DynUNet

SMALLEST = 4
"""Rows of the deepest map."""
HEADS = 2
"""Coarser maps of the decoder that are supervised, too."""


class UNet(DynUNet):
    """Scores each pixel of a grey image of size x size pixels; a power of two from 32 upwards.

    >>> sum(p.numel() for p in UNet(6, 16, 128).parameters())
    5156034
    """

    def __init__(self, classes: int, width: int, size: int) -> None:
        levels = (size // SMALLEST).bit_length()
        strides = [1, *[2] * (levels - 1)]
        super().__init__(
            spatial_dims=2,
            in_channels=1,
            out_channels=classes,
            kernel_size=[3] * levels,
            strides=strides,
            upsample_kernel_size=strides[1:],
            filters=[width * min(2**level, 16) for level in range(levels)],
            deep_supervision=True,
            deep_supr_num=HEADS,
        )
