"""Lesion copy-paste: another slice's lesions, pasted with their labels where they were.

    images   (N, H, W)   uint8 0..255
    labels   (N, H, W)   uint8 0..K

`sample` picks random donors, `apply` is deterministic. Only pixels inside the skull are pasted, and
none onto bone (white) or air (black). Source: the simplest form of CarveMix and of "simple
copy-paste"; here a control for the paper's GAN copies.
"""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Pastes:
    """One paste per slice: donor (N,) int64, the slice whose lesions are taken; flip (N,) bool."""

    donor: Tensor
    flip: Tensor
    """Whether the donor is mirrored left to right first."""


def sample(labels: Tensor, generator: torch.Generator) -> Pastes:
    """Pick a donor with lesions for each slice: never itself, unless it is the only one."""
    count = len(labels)
    donors = torch.nonzero(labels.flatten(1).any(1))[:, 0]
    drawn = torch.randint(max(len(donors), 1), (count,), generator=generator)
    flip = torch.randint(2, (count,), generator=generator).bool()
    if not len(donors):
        return Pastes(torch.arange(count), flip)
    own = donors[drawn] == torch.arange(count)
    return Pastes(donors[(drawn + own.long()) % len(donors)], flip)


def copies(images: Tensor, labels: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Pick a donor for each slice and paste its lesions; the result is on the CPU."""
    images, labels = images.cpu(), labels.cpu()
    return apply(images, labels, sample(labels, generator))


def apply(images: Tensor, labels: Tensor, pastes: Pastes) -> tuple[Tensor, Tensor]:
    """Slices with their donors' lesions pasted in, (N, H, W) uint8 each.

    >>> images = torch.full((2, 3, 4), 255, dtype=torch.uint8)  # all bone but for
    >>> images[:, 1, 1:3] = torch.tensor([[40, 30], [60, 70]])
    >>> labels = torch.zeros_like(images)
    >>> labels[1, 1, 2:] = 2
    >>> pastes = Pastes(torch.tensor([1, 0]), torch.tensor([False, False]))
    >>> [made[0, 1].tolist() for made in apply(images, labels, pastes)]
    [[255, 40, 70, 255], [0, 0, 2, 0]]
    """
    from_images, from_labels = images[pastes.donor], labels[pastes.donor]
    flip = pastes.flip[:, None, None]
    from_images = torch.where(flip, from_images.flip(2), from_images)
    from_labels = torch.where(flip, from_labels.flip(2), from_labels)
    pasted = (from_labels > 0) & (images > 0) & inside_skull(images)
    return torch.where(pasted, from_images, images), torch.where(pasted, from_labels, labels)


def inside_skull(images: Tensor) -> Tensor:
    """(N, H, W) bool: pixels that are not bone but have bone left, right, above and below.

    >>> row = torch.tensor([[9, 255, 9, 255, 9]], dtype=torch.uint8)
    >>> bone = torch.full_like(row, 255)
    >>> inside_skull(torch.stack([bone, row, bone], 1))[0, 1].int().tolist()
    [0, 0, 1, 0, 0]
    """
    bone = images == 255
    inside = ~bone
    for side in (1, 2):
        inside &= bone.cumsum(side) > 0
        inside &= bone.flip(side).cumsum(side).flip(side) > 0
    return inside
