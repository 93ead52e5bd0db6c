"""Nearest neighbours: which slice of one set is closest to each slice of another.

images   (N, H, W)   uint8 0..255
labels   (N, H, W)   uint8, 0 for background; a pixel with a lesion in either slice is left out
groups   (N,)        integer, one number per patient
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

BLOCK = 256
"""Slices compared at once, so that memory does not grow with the square of their number."""


def pixel_rmse(images: Tensor, labels: Tensor, others: Tensor, other_labels: Tensor) -> Tensor:
    """(N, M) root mean square difference in grey levels where neither slice shows a lesion.

    NaN where no such pixel is left.

    >>> one = torch.tensor([[[9, 5]]], dtype=torch.uint8)
    >>> pixel_rmse(one, torch.tensor([[[0, 1]]]), one + 3, torch.tensor([[[0, 0]]])).tolist()
    [[3.0]]
    """
    columns = []
    weight, value = _weighted(images, labels)
    for start in range(0, len(others), BLOCK):
        part = slice(start, start + BLOCK)
        other_weight, other_value = _weighted(others[part], other_labels[part])
        squares = (value * value) @ other_weight.T + weight @ (other_value * other_value).T
        apart = (squares - 2 * value @ other_value.T).clip(0)
        columns.append((apart / (weight @ other_weight.T)).sqrt())
    return torch.cat(columns, 1)


def _weighted(images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    weight = (labels.flatten(1) == 0).float()
    # centred on the middle grey level, so that float32 is precise enough
    return weight, (images.flatten(1).float() - 128) * weight


def nearest(
    distances: Callable[[slice], Tensor],
    count: int,
    groups: Tensor | None = None,
    other_groups: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """(count,) distance and index of the nearest other slice, of another group if groups are given.

    `distances(rows)` returns the distances (rows, M) of some rows. NaN and -1 where there is no
    other slice.

    >>> apart = torch.tensor([[0.0, 2.0], [2.0, 0.0]])
    >>> [part.tolist() for part in nearest(lambda rows: apart[rows], 2)]
    [[0.0, 0.0], [0, 1]]
    >>> of = torch.tensor([7, 8])
    >>> [part.tolist() for part in nearest(lambda rows: apart[rows], 2, of, of)]
    [[2.0, 2.0], [1, 0]]
    """
    values, places = [], []
    for start in range(0, count, BLOCK):
        rows = slice(start, start + BLOCK)
        apart = distances(rows).nan_to_num(nan=torch.inf)
        if groups is not None and other_groups is not None:
            apart = apart.masked_fill(groups[rows, None] == other_groups[None], torch.inf)
        least = apart.min(1)
        known = least.values.isfinite()
        values.append(torch.where(known, least.values, torch.nan).cpu())
        places.append(torch.where(known, least.indices, -1).cpu())
    return torch.cat(values), torch.cat(places)
