"""Traditional augmentation: a batch on the device, compared with the usual transforms."""

from __future__ import annotations

from functools import partial

import torch
from torchvision import tv_tensors
from torchvision.transforms import v2

from benchmarks.measuring import Call, alternate
from benchmarks.rows import Row, beside, lacking, skipped
from benchmarks.sizes import Sizes
from benchmarks.slices import draw
from lcgan_core.copies import traditional
from lcgan_core.training.placing import device

TASK, N = "traditional augmentation", 64
SHEAR = 2.24
"""Degrees of a shear that moves the top edge by 10 of 256 pixels."""


def augmentation(sizes: Sizes) -> list[Row]:
    """Rotate, scale, shear, blur and brighten image and mask, in the ranges of the paper."""
    slices = draw(N, sizes.image)
    sigma = traditional.BLUR_SIGMA * sizes.image / traditional.REFERENCE_SIZE
    recipes = {"torchvision v2": partial(_torchvision, *slices, sigma)}
    rows = []
    if reason := lacking("monai"):
        rows.append(skipped(f"{TASK}, beside MONAI", reason))
    else:
        recipes["MONAI"] = partial(_monai, *slices, sigma)
    times = alternate({"ours": partial(_ours, *slices), **recipes}, sizes)
    return rows + [
        beside(TASK, f"{name}, one at a time", "images/s", N / times["ours"], N / times[name])
        for name in recipes
    ]


def _ours(images: torch.Tensor, labels: torch.Tensor) -> Call:
    on_device = images.to(device()), labels.to(device())
    noise = torch.Generator().manual_seed(1)
    return lambda: traditional.transformed(*on_device, traditional.sample(N, noise))


def _torchvision(images: torch.Tensor, labels: torch.Tensor, sigma: float) -> Call:
    kernel = 2 * int(4 * sigma + 0.5) + 1
    transform = v2.Compose(
        [
            v2.RandomAffine(
                25, scale=(0.85, 1.15), shear=SHEAR, interpolation=v2.InterpolationMode.BILINEAR
            ),
            v2.RandomApply([v2.GaussianBlur(kernel, (sigma, sigma))]),
            v2.RandomApply([v2.ColorJitter(brightness=(1.0, 1.5))]),
        ]
    )

    def call() -> None:
        for image, mask in zip(images, labels, strict=True):
            transform(tv_tensors.Image(image[None]), tv_tensors.Mask(mask[None]))

    return call


def _monai(images: torch.Tensor, labels: torch.Tensor, sigma: float) -> Call:
    from monai import transforms as T
    from monai.data import set_track_meta

    both, lean, turn = ["image", "mask"], 10 / 256, torch.pi * 25 / 180
    transform = T.Compose(
        [
            T.EnsureChannelFirstd(both, channel_dim="no_channel"),
            T.RandAffined(
                both, prob=1, rotate_range=turn, shear_range=(lean, 0), scale_range=0.15,
                mode=("bilinear", "nearest"), padding_mode="zeros",
            ),
            T.RandGaussianSmoothd("image", (sigma, sigma), (sigma, sigma), prob=0.5),
            T.RandScaleIntensityd("image", (0.0, 0.5), prob=0.5),
        ]
    )  # fmt: skip

    def call() -> None:
        set_track_meta(False)  # with it MONAI's convolutions fail on a new torch, and are slower
        for image, mask in zip(images, labels, strict=True):
            transform({"image": image.float(), "mask": mask.float()})
        set_track_meta(True)

    return call
