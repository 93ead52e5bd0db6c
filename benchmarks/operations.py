"""Where a training step's time goes: its operations by type, each at its fastest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from benchmarks import limits
from benchmarks.gan import step
from benchmarks.measuring import seconds
from benchmarks.rows import Row
from benchmarks.sizes import Sizes

STEPS = 8
FORWARDS = "convolutions"
INPUTS, WEIGHTS = "convolutions, gradients of inputs", "convolutions, gradients of weights"
PRODUCTS = "matrix products in their place"
REST = "copies, jitter, losses, all else"
KINDS = {
    "convolution": FORWARDS,
    "mm": PRODUCTS, "addmm": PRODUCTS,
    "native_batch_norm": "batch norms", "native_batch_norm_backward": "batch norms",
    "cudnn_batch_norm": "batch norms", "cudnn_batch_norm_backward": "batch norms",
    "leaky_relu": "activations", "leaky_relu_backward": "activations",
    "relu": "activations", "threshold_backward": "activations",
    "tanh": "activations", "tanh_backward": "activations",
    "_fused_adam_": "Adam",
}  # fmt: skip
"""Torch's name of an operation -> the type under which the table counts it."""


@dataclass(frozen=True)
class Done:
    """One operation of a step."""

    kind: str
    seconds: float
    flops: float


class _Timed(TorchDispatchMode):
    """Time each operation until the device has finished it."""

    def __init__(self) -> None:
        super().__init__()
        self.done: list[Done] = []

    def __torch_dispatch__(
        self, function: Any, types: Any, args: tuple = (), kwargs: dict | None = None
    ) -> Any:
        if function is torch.ops.aten.convolution_backward.default:
            *given, (inputs, weights, bias) = args
            [first, *_] = self._call(INPUTS, function, (*given, [inputs, False, False]), {})
            [_, *others] = self._call(WEIGHTS, function, (*given, [False, weights, bias]), {})
            return first, *others
        kind = KINDS.get(function.overloadpacket.__name__, REST)
        return self._call(kind, function, args, kwargs or {})

    def _call(self, kind: str, function: Any, args: tuple, kwargs: dict) -> Any:
        found: list[Any] = []
        took = seconds(lambda: found.append(function(*args, **kwargs)), 1)
        flops = flop_registry.get(function.overloadpacket)
        counted = flops(*args, **kwargs, out_val=found[0]) if flops else 0
        self.done.append(Done(kind, took, counted))
        return found[0]


def operations(sizes: Sizes) -> list[Row]:
    """One row per type of operation and one for all: seconds, FLOP/s, and FLOP/s over the limit."""
    call, product = step(sizes, sizes.batches[0]), limits.matmul(sizes.matmul)
    for each in (call, product):
        each()
    steps, products = [], []
    for _ in range(STEPS):
        steps.append(timed(call))
        products.append(seconds(product, 1))
    fastest = [min(same, key=lambda done: done.seconds) for same in zip(*steps, strict=True)]
    limit = 2 * sizes.matmul**3 / min(products)
    kinds = dict.fromkeys(each.kind for each in fastest)
    rows = [_row(kind, [each for each in fastest if each.kind == kind], limit) for kind in kinds]
    return [*sorted(rows, key=lambda row: -row["seconds"]), _row("all", fastest, limit)]


def timed(call: Callable[[], object]) -> list[Done]:
    """Every operation of a call, in its order."""
    with _Timed() as timer:
        call()
    return timer.done


def _row(kind: str, done: list[Done], limit: float) -> Row:
    took, flops = sum(each.seconds for each in done), sum(each.flops for each in done)
    return {
        "operations": kind, "calls": len(done), "seconds": took,
        "tflops": flops / took / 1e12, "share": flops / took / limit,
    }  # fmt: skip
