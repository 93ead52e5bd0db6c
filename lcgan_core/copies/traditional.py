"""The paper's traditional augmentation: one randomly transformed copy of each image and its mask.

    images   (N, H, W)   uint8 0..255
    labels   (N, H, W)   uint8 0..K

`sample` picks the parameters, `apply` is deterministic: shear, scale and rotate about the centre
(pixels from outside the image are 0), blur, change the contrast. A scale above 1 crops. Source:
paper 4.3, whose lengths we take for pixels of a 256-pixel image; here they scale with the image.
A profile leaves transformations out (`traditional.transformations`) and says how the change of
contrast is read (`traditional.contrast`, see `copies.contrast`).
"""

from collections.abc import Collection
from dataclasses import dataclass, fields, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from lcgan_core.copies.base import Originals
from lcgan_core.copies.contrast import READINGS
from lcgan_core.protocol.config import Config

REFERENCE_SIZE = 256
"""Image height in pixels for which shear and blur are stated."""
BLUR_SIGMA = 2.0
"""Standard deviation of the Gaussian in pixels: the paper's "radius 2" in Pillow's sense."""
NONE = {
    "rotation": {"angle": 0.0}, "scale": {"scale": 1.0}, "shear": {"shear": 0.0},
    "blur": {"blur": False}, "contrast": {"gain": 1.0},
}  # fmt: skip
"""Each transformation, and the parameter with which it changes nothing."""
GEOMETRY = ("rotation", "scale", "shear")
"""The transformations that move pixels and leave their intensities as they are."""
BATCH = {"cpu": 8, "cuda": 256}
"""Images transformed at once: on a CPU as many as fit its caches."""


@dataclass(frozen=True)
class Transformations:
    """One transformation per image, each field (N,); indexing takes a batch of them."""

    angle: Tensor
    """Rotation in degrees, clockwise as displayed; paper: -25..25."""
    scale: Tensor
    """Factor of enlargement; paper: .85..1.15."""
    shear: Tensor
    """How far left the top edge moves against the bottom edge, in 256ths of the height; -10..10."""
    blur: Tensor
    """Whether to blur, bool; paper: half of the images."""
    gain: Tensor
    """Change of contrast; paper: none (1) for half of the images, else 1..1.5. In the reading
    `gain` the factor of every intensity."""

    def __getitem__(self, index: slice | Tensor) -> "Transformations":
        return Transformations(*(getattr(self, field.name)[index] for field in fields(self)))

    def to(self, device: torch.device) -> "Transformations":
        """The same transformations on a device, without waiting for it."""
        values = (getattr(self, field.name) for field in fields(self))
        return Transformations(*(value.to(device, non_blocking=True) for value in values))


def sample(
    n: int, generator: torch.Generator, used: Collection[str] = tuple(NONE)
) -> Transformations:
    """Sample n transformations from the paper's ranges, on the generator's device.

    Those that are not `used` change nothing; the others are the same with and without them.
    """
    uniform = torch.rand((6, n), generator=generator, device=generator.device)
    drawn = Transformations(
        angle=-25 + 50 * uniform[0],
        scale=0.85 + 0.3 * uniform[1],
        shear=-10 + 20 * uniform[2],
        blur=uniform[3] < 0.5,
        gain=torch.where(uniform[4] < 0.5, 1 + 0.5 * uniform[5], 1.0),
    )
    none = {field: value for name in set(NONE) - {*used} for field, value in NONE[name].items()}
    return replace(drawn, **{f: torch.full_like(getattr(drawn, f), v) for f, v in none.items()})


def apply(
    images: Tensor, labels: Tensor, chosen: Transformations, contrast: str = "gain"
) -> tuple[Tensor, Tensor]:
    """Transform images (bilinear) and labels (nearest), both uint8, by the same geometry.

    The result is on the images' device. The sampling grid takes 24 bytes per pixel.
    """
    from torchvision.transforms.v2.functional import gaussian_blur  # takes seconds to import

    height, width = images.shape[1:]
    # both are needed on the CPU, where they were sampled: no wait
    blurred, gain = chosen.blur.nonzero().flatten(), chosen.gain
    chosen, blurred = chosen.to(images.device), blurred.to(images.device, non_blocking=True)
    grid = F.affine_grid(
        _inverse(chosen, width / height), [len(images), 1, height, width], align_corners=False
    ).float()
    moved = F.grid_sample(images[:, None].float(), grid, mode="bilinear", align_corners=False)
    moved_labels = F.grid_sample(labels[:, None].float(), grid, mode="nearest", align_corners=False)
    sigma = BLUR_SIGMA * height / REFERENCE_SIZE
    # Four sigma on each side: what is cut off is less than a grey level.
    kernel = 2 * int(4 * sigma + 0.5) + 1
    moved[blurred] = gaussian_blur(moved[blurred], [kernel, kernel], [sigma, sigma])
    changed = READINGS[contrast](moved, gain)
    return (
        changed.round().clip(0, 255).to(torch.uint8)[:, 0],
        moved_labels.to(torch.uint8)[:, 0],
    )


def copies(
    originals: Originals, generator: torch.Generator, config: Config
) -> tuple[Tensor, Tensor]:
    """Transform each slice at random, as the profile says."""
    settings = config.traditional
    chosen = sample(len(originals.images), generator, settings.transformations)
    return transformed(originals.images, originals.labels, chosen, settings.contrast)


def geometry(
    originals: Originals, generator: torch.Generator, config: Config
) -> tuple[Tensor, Tensor]:
    """Like `copies`, without blur and change of contrast."""
    used = [name for name in config.traditional.transformations if name in GEOMETRY]
    chosen = sample(len(originals.images), generator, used)
    return transformed(originals.images, originals.labels, chosen)


def transformed(
    images: Tensor, labels: Tensor, chosen: Transformations, contrast: str = "gain"
) -> tuple[Tensor, Tensor]:
    """What `apply` makes of any number of slices, in batches."""
    size = BATCH[images.device.type]
    parts = [slice(start, start + size) for start in range(0, len(images), size)]
    moved = [apply(images[part], labels[part], chosen[part], contrast) for part in parts]
    return torch.cat([image for image, _ in moved]), torch.cat([label for _, label in moved])


def _inverse(chosen: Transformations, aspect: float) -> Tensor:
    """(N, 2, 3) float64 matrices from a point of the result to its point in the image.

    Coordinates are affine_grid's: width and height both span -1..1. Forward, (x, y) goes to
    rotation * scale * (x + shear * y, y).
    """
    angle, scale, shear = (
        value.double()
        for value in (chosen.angle.deg2rad(), chosen.scale, chosen.shear / REFERENCE_SIZE)
    )
    cos, sin = angle.cos() / scale, angle.sin() / scale
    none = torch.zeros_like(cos)
    across = torch.stack([cos + shear * sin, (sin - shear * cos) / aspect, none], dim=1)
    down = torch.stack([-sin * aspect, cos, none], dim=1)
    return torch.stack([across, down], dim=1)
