"""CT windows: Hounsfield units (HU) to the grey levels that networks and figures see, and back.

    hu      int16, any shape    NumPy array or tensor
    image   uint8, same shape   0 at level - width / 2 and below, 255 at level + width / 2 and above

The default, level 50 and width 100 HU, is the "default" window of the paper's authors (their 2019
paper on the same five classes); the paper itself names none.
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor


def to_window(hu: Any, level: float = 50, width: float = 100) -> Any:
    """Grey levels uint8 0..255 of HU, rounded to the nearest; array in, array out.

    >>> to_window(np.array([-1000, 0, 20, 100, 3000], np.int16)).tolist()
    [0, 0, 51, 255, 255]
    """
    low = level - width / 2
    if isinstance(hu, Tensor):
        return ((hu.float() - low) * (255 / width)).round().clip(0, 255).to(torch.uint8)
    grey = (np.asarray(hu, np.float32) - np.float32(low)) * np.float32(255 / width)
    return grey.round().clip(0, 255).astype(np.uint8)


def to_hu(image: Any, level: float = 50, width: float = 100) -> Any:
    """HU int16 of grey levels 0..255, rounded to the nearest; values outside the window are lost.

    Exact for HU inside the window if its width is 255 HU or less.

    >>> to_hu(to_window(np.array([0, 37, 100], np.int16))).tolist()
    [0, 37, 100]
    """
    low = level - width / 2
    if isinstance(image, Tensor):
        return (image.float() * (width / 255) + low).round().to(torch.int16)
    hu = np.asarray(image, np.float32) * np.float32(width / 255) + np.float32(low)
    return hu.round().astype(np.int16)
