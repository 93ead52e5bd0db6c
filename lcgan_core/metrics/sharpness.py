"""How sharp an image is: two numbers that fall as it is blurred.

    images     (N, H, W)   uint8, the CT window in 0..255
    sharpness  (N,)        float64; compare images of equal size only

The paper calls both "blurriness", but a blurred image scores low in both, and noise scores high.
Source: paper 3.2.2.
"""

from typing import Any

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from lcgan_core.errors import UserError
from lcgan_core.metrics.arrays import Array, as_tensor, like, shape_of


def sharpness_laplacian(images: Array) -> Any:
    """(N,) float64 variance of each image's Laplacian, in grey levels squared, 0 or more.

    images: (N, H, W) uint8, else UserError. The Laplacian is up + down + left + right - 4 * centre,
    mirrored at the border. Source: paper 3.2.2; the measure that it chose.

    >>> sharpness_laplacian(np.array([[[0, 1, 0]]], np.uint8)).round(3).tolist()
    [3.556]
    """
    _check(images)
    if not isinstance(images, Tensor):
        laplacians = (cv2.Laplacian(image, cv2.CV_64F) for image in images)
        return np.array([laplacian.var() for laplacian in laplacians], np.float64)
    # OpenCV's border: the row before the first is the second.
    x = F.pad(images.double()[:, None], (1, 1, 1, 1), mode="reflect")[:, 0]
    neighbours = x[:, 2:, 1:-1] + x[:, :-2, 1:-1] + x[:, 1:-1, 2:] + x[:, 1:-1, :-2]
    return (neighbours - 4 * x[:, 1:-1, 1:-1]).var((1, 2), correction=0)


def sharpness_fourier(images: Array) -> Any:
    """(N,) float64 mean magnitude over all frequencies of the unnormalised 2-D Fourier transform.

    images: (N, H, W) uint8, else UserError; in grey levels, 0 or more. Source: paper 3.2.2.

    >>> sharpness_fourier(np.array([[[2, 0]]], np.uint8)).tolist()
    [2.0]
    """
    _check(images)
    spectrum = torch.fft.fft2(as_tensor(images).double())
    return like(spectrum.abs().mean((1, 2)), images)


def _check(images: Array) -> None:
    shape = shape_of(images, "stack of images")
    if len(shape) != 3 or images.dtype not in (np.uint8, torch.uint8):
        raise UserError(
            f"Sharpness is measured on images (N, H, W) of uint8, and these are {shape} of "
            f"{images.dtype}; map the CT window to 0..255, and give one image as image[None]."
        )
