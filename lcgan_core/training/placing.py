"""Where networks and images are kept, and in which precision a network computes."""

from __future__ import annotations

import ctypes
from typing import TypeVar

import torch
from torch import Tensor, nn

Network = TypeVar("Network", bound=nn.Module)
M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4
"""Numbers of glibc's malloc.h."""
SHARE = 0.5
"""Proportion of the GPU's free memory that training images may fill; the networks need the rest."""


def device() -> torch.device:
    """The GPU if there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def name() -> str:
    """What a message calls the device."""
    return torch.cuda.get_device_name() if device().type == "cuda" else "this computer"


def has_bf16() -> bool:
    """Whether the device multiplies bfloat16 in hardware; emulation is slower than float32."""
    if torch.cuda.is_available():
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()


def computes_in_bf16(precision: str) -> bool:
    """What a profile's precision ("auto" or "float32") means on this device.

    >>> computes_in_bf16("float32")
    False
    """
    return precision == "auto" and has_bf16()


def place(network: Network, precision: str) -> Network:
    """Move a network to the device, channels last; under bfloat16 autocast if `precision` says so.

    Weights and outputs stay float32, so that losses are sums of float32.
    """
    network.to(device(), memory_format=torch.channels_last)  # type: ignore[call-overload]
    keep_freed_memory()
    if computes_in_bf16(precision):
        # around each forward pass only: a context around a whole step would keep using weights
        # that were cast before the optimiser changed them
        network.forward = torch.autocast(device().type, torch.bfloat16)(network.forward)
        network.register_forward_hook(_as_float32)
    return network


def keep_freed_memory() -> None:
    """Let this process keep freed memory for its next tensors; does nothing without glibc.

    By default glibc returns each large block to the kernel, which clears its pages again at every
    training step.
    """
    set_limit = getattr(ctypes.CDLL(None), "mallopt", None)
    if set_limit:
        set_limit(M_MMAP_MAX, 0)
        set_limit(M_TRIM_THRESHOLD, -1)


def default_generator() -> torch.Generator:
    """The device's own generator, which torch.manual_seed seeds: using it never waits."""
    if device().type == "cuda":
        return torch.cuda.default_generators[torch.cuda.current_device()]
    return torch.default_generator


def resident(values: Tensor) -> Tensor:
    """`values` on the device if they fit there beside the networks, else where they were."""
    if device().type == "cpu" or values.nbytes > SHARE * torch.cuda.mem_get_info()[0]:
        return values
    return values.to(device())


def take(values: Tensor, batch: Tensor) -> Tensor:
    """values[batch] on the device, wherever `values` are (memory, memory map or device).

    Never waits for the device if `batch` is on the CPU.
    """
    return values[batch.to(values.device, non_blocking=True)].to(device(), non_blocking=True)


def _as_float32(network: nn.Module, inputs: object, output: object) -> object:
    if isinstance(output, Tensor):
        return output.float()
    return type(output)(*(head.float() for head in output))  # type: ignore[misc, attr-defined]
