"""The limit that a training step is compared with: the device's rate of matrix products."""

from __future__ import annotations

from functools import partial

import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.measuring import Call
from lcgan_core.training.placing import device, has_bf16


def matmul(n: int) -> Call:
    """A product of two n x n matrices in the precision that training uses: 2 n^3 FLOPs."""
    precision = torch.bfloat16 if has_bf16() else torch.float32
    a, b = torch.randn(2, n, n, device=device()).to(precision)
    return partial(torch.mm, a, b, out=torch.empty_like(a))


def flops(call: Call) -> float:
    """Floating-point operations of the matrix products and convolutions in a call."""
    with FlopCounterMode(display=False) as counter:
        call()
    return float(counter.get_total_flops())
