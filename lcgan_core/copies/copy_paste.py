"""Lesion copy-paste: another slice's lesions, pasted with their labels where they were.

    images   (N, H, W)   uint8 0..255
    labels   (N, H, W)   uint8 0..K

`sample` picks random donors, `apply` is deterministic. Only pixels inside the skull are pasted, and
none onto bone (white) or air (black). Source: the simplest form of CarveMix and of "simple
copy-paste"; here a control for the paper's GAN copies.

A slice that lends its head to `copies` keeps its own lesions, so that a copy shows those of two
slices. `equal` pastes into slices without a lesion: a copy has one slice's mask, as a GAN copy has.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from lcgan_core.copies.base import Originals
from lcgan_core.errors import UserError
from lcgan_core.protocol.config import Config


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


def copies(
    originals: Originals, generator: torch.Generator, config: Config
) -> tuple[Tensor, Tensor]:
    """Pick a donor for each slice and paste its lesions; the result is on the CPU."""
    images, labels = originals.images.cpu(), originals.labels.cpu()
    return apply(images, labels, sample(labels, generator))


def equal(
    originals: Originals, generator: torch.Generator, config: Config
) -> tuple[Tensor, Tensor]:
    """Paste each slice's lesions where they were into a slice without any; on the CPU.

    What lies on bone or air of every such slice is left out. Raises UserError if the patients have
    no such slice.
    """
    heads = originals.without_lesion()
    if not len(heads):
        raise UserError(
            "The patients of the subset have no slice without a lesion, into which the copies of "
            "the arm copy_paste_equal are pasted; leave the arm out, or read whole scans."
        )
    images, labels = originals.images.cpu(), originals.labels.cpu()
    heads = heads[hosts(labels, heads, generator)]
    return paste(heads, torch.zeros_like(heads), images, labels)


def hosts(labels: Tensor, heads: Tensor, generator: torch.Generator) -> Tensor:
    """(N,) int64: a random one of the heads (M, H, W) that take most of each slice's lesions.

    A head drawn blindly often cuts lesions off: its skull is smaller or lies across them.
    """
    space, chosen = takes(heads), []
    for mask in labels:
        order = torch.randperm(len(heads), generator=generator)
        taken = space[:, mask > 0].sum(1)
        chosen.append(order[taken[order].argmax()])  # the first of those that take as much
    return torch.stack(chosen)


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
    return paste(images, labels, from_images, from_labels)


def paste(
    images: Tensor, labels: Tensor, from_images: Tensor, from_labels: Tensor
) -> tuple[Tensor, Tensor]:
    """Slices with the lesions of other slices, as far as they take them, (N, H, W) uint8 each."""
    pasted = (from_labels > 0) & takes(images)
    return torch.where(pasted, from_images, images), torch.where(pasted, from_labels, labels)


def takes(images: Tensor) -> Tensor:
    """(N, H, W) bool: pixels that a lesion may be pasted onto, inside the skull and not air."""
    return (images > 0) & inside_skull(images)


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
        inside &= bone.cumsum(side, dtype=torch.int16) > 0
        inside &= bone.flip(side).cumsum(side, dtype=torch.int16).flip(side) > 0
    return inside
