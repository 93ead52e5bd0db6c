"""The same arithmetic on NumPy arrays and on torch tensors, on whatever device these are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import sparse

Values = Any
"""A NumPy array or a torch tensor."""


def namespace(values: Values) -> tuple[Any, Callable[[Any], Any]]:
    """The library of `values`, numpy or torch, and a function that moves constants to its device.

    A constant is a NumPy array or a SciPy sparse matrix; sparse matrices stay sparse.
    """
    if isinstance(values, np.ndarray):
        return np, lambda constant: constant
    import torch  # takes seconds, so it is imported for tensors only

    def bring(constant: Any) -> torch.Tensor:
        if not sparse.issparse(constant):
            return torch.as_tensor(constant, device=values.device)
        entries = constant.tocoo()
        where = torch.from_numpy(np.stack(entries.coords))
        return torch.sparse_coo_tensor(
            where, entries.data, entries.shape, device=values.device, check_invariants=False
        )

    return torch, bring
