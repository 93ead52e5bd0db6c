"""torch's fused optimisers, over weights in the order in which memory holds them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn


def as_stored(tensor: Tensor, weight: Tensor) -> Tensor:
    """A view of `tensor`, of the shape of `weight`, with the axes of `weight` outermost first.

    >>> weight = torch.zeros(2, 3, 4, 5).contiguous(memory_format=torch.channels_last)
    >>> tuple(as_stored(weight, weight).shape), as_stored(weight, weight).is_contiguous()
    ((2, 4, 5, 3), True)
    """
    strides = weight.stride()
    return tensor.permute(sorted(range(weight.dim()), key=lambda axis: -strides[axis]))


class _AsStored(torch.optim.Optimizer):
    """What both optimisers share: views of the weights, and gradients lent for each step.

    On the CPU torch's fused kernels copy weights, gradients and moments of any order but the
    default one before and after each step, which takes longer than the step itself.
    """

    def __init__(self, groups: Iterable[dict[str, Any]], **settings: Any) -> None:
        listed = [group | {"params": list(group["params"])} for group in groups]
        self.weights = [weight for group in listed for weight in group["params"]]
        stored = [
            group | {"params": [nn.Parameter(as_stored(w.detach(), w)) for w in group["params"]]}
            for group in listed
        ]
        super().__init__(stored, fused=True, **settings)  # type: ignore[call-arg]

    def step(self, closure: Any = None) -> Any:
        """One step by the gradients that the weights have."""
        stored = [view for group in self.param_groups for view in group["params"]]
        for weight, view in zip(self.weights, stored, strict=True):
            view.grad = None if weight.grad is None else as_stored(weight.grad, weight)
        return super().step(closure)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the weights' gradients."""
        for weight in self.weights:
            weight.grad = None


class Adam(_AsStored, torch.optim.Adam):
    """torch.optim.Adam of groups of weights, as torch takes them."""


class SGD(_AsStored, torch.optim.SGD):
    """torch.optim.SGD of groups of weights, as torch takes them."""
