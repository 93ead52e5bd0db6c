"""One formula for NumPy arrays and for tensors: they share operators, but not constructors."""

from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor

from lcgan_core.errors import UserError

Array: TypeAlias = np.ndarray[Any, Any] | Tensor
"""A NumPy array, or a tensor on any device; the result is what the input is, on its device."""


def ratio(numerator: Any, denominator: Any) -> Any:
    """Elementwise float64 quotient of counts; 0 / 0 is NaN: it is undefined.

    >>> ratio(np.array([1, 0]), np.array([2, 0])).tolist()
    [0.5, nan]
    """
    if isinstance(numerator, Tensor):
        return numerator.double() / denominator
    with np.errstate(invalid="ignore"):
        return np.divide(numerator, denominator)


def shape_of(x: Any, name: str) -> tuple[int, ...]:
    """The shape of an array or a tensor; UserError for anything else, by the name it is called."""
    if not isinstance(x, np.ndarray | Tensor):
        raise UserError(f"The {name} is a {type(x).__name__}; give a NumPy array or a tensor.")
    return tuple(x.shape)


def as_tensor(x: Array) -> Tensor:
    """x itself, or a CPU tensor with an array's values; copied, as an array may be read-only."""
    return x if isinstance(x, Tensor) else torch.from_numpy(np.array(x))


def like(result: Tensor, x: Array) -> Any:
    """`result` as an array if x is an array, otherwise unchanged."""
    return result if isinstance(x, Tensor) else result.numpy()
