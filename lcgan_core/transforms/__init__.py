"""What is done to images and masks: windows, encodings, jitter, traditional augmentation.

`jitter` and `traditional` each offer `sample`, which draws parameters, and `apply`, which is
deterministic.
"""

from lcgan_core.transforms import jitter, traditional
from lcgan_core.transforms.encoding import MASK_CHANNELS, encode_mask, to_image, to_network
from lcgan_core.transforms.windows import to_hu, to_window

__all__ = [
    "MASK_CHANNELS",
    "encode_mask",
    "jitter",
    "to_hu",
    "to_image",
    "to_network",
    "to_window",
    "traditional",
]
