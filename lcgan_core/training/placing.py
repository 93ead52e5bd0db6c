"""Where networks and images are kept, and in which precision a network computes."""

from __future__ import annotations

import ctypes
import math
import os
import tempfile
from collections.abc import Mapping
from typing import TypeVar

import torch
from torch import Tensor, nn

from lcgan_core.run import artefacts
from lcgan_core.training import cpu_convolutions

Network = TypeVar("Network", bound=nn.Module)
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_MMAP_MAX = -1, -3, -4
"""Numbers of glibc's malloc.h."""
KEPT = {M_MMAP_MAX: 0, M_TRIM_THRESHOLD: -1}
"""Limits of malloc: no memory goes back to the kernel."""
SHARE = 0.5
"""Proportion of the free memory that training images may fill; the networks need the rest."""


def device() -> torch.device:
    """The GPU where there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def name() -> str:
    """The device as a message names it."""
    return torch.cuda.get_device_name() if device().type == "cuda" else "this computer"


def has_bf16() -> bool:
    """Whether the device multiplies bfloat16 in hardware; emulated it is slower than float32."""
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
    """Move a network to the device, channels last; in bfloat16 autocast where `precision` says so.

    Weights stay float32 and so do the outputs, so that losses are sums of float32.
    """
    network.to(device(), memory_format=torch.channels_last)  # type: ignore[call-overload]
    limit_malloc(KEPT)
    if computes_in_bf16(precision):
        # around each forward pass only: one context around a step would keep using weights that
        # were cast before the optimiser changed them
        network.forward = torch.autocast(device().type, torch.bfloat16)(network.forward)
        network.register_forward_hook(_as_float32)
        if device().type == "cpu":
            cpu_convolutions.hasten(network)
    return network


def limit_malloc(limits: Mapping[int, int]) -> None:
    """Set limits of glibc's malloc: option -> value; other C libraries are left alone.

    By default, malloc returns each large tensor to the kernel, which clears its pages again at
    every step; with KEPT, the memory that a step frees is there for the next one.
    """
    set_limit = getattr(ctypes.CDLL(None), "mallopt", None)
    if set_limit:
        for option, value in limits.items():
            set_limit(option, value)


def default_generator() -> torch.Generator:
    """The device's own generator, seeded by torch.manual_seed: using it never waits."""
    if device().type == "cuda":
        return torch.cuda.default_generators[torch.cuda.current_device()]
    return torch.default_generator


def room(shape: tuple[int, ...]) -> Tensor:
    """An uint8 tensor to fill: in memory, or mapped from a temporary file if that is too small.

    The file has no name and vanishes with the tensor; training then streams from it.
    """
    size = math.prod(shape)
    if size <= SHARE * os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"):
        return torch.empty(shape, dtype=torch.uint8)
    with tempfile.NamedTemporaryFile(dir=artefacts.root()) as file:
        return torch.from_file(file.name, shared=True, size=size, dtype=torch.uint8).view(shape)


def resident(values: Tensor) -> Tensor:
    """`values` on the device if they fit there beside the networks, else where they are."""
    if device().type == "cpu" or values.nbytes > SHARE * torch.cuda.mem_get_info()[0]:
        return values
    return values.to(device())


def take(values: Tensor, batch: Tensor) -> Tensor:
    """values[batch] on the device, wherever `values` live (memory, memory map or device).

    This does not wait for the device if `batch` is on the CPU.
    """
    return values[batch.to(values.device, non_blocking=True)].to(device(), non_blocking=True)


def _as_float32(network: nn.Module, inputs: object, output: object) -> object:
    if isinstance(output, Tensor):
        return output.float()
    return type(output)(*(head.float() for head in output))  # type: ignore[misc, attr-defined]
