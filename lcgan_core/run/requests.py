"""What a job asks of a machine, so that no machine takes more jobs than it can hold.

Results do not depend on it. Runtimes are for a cluster alone and stand in its profile.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lcgan_core.protocol.profiles import Config

TRAINS = ("training", "selection", "augmentation", "segmentation")
"""The stages that run networks."""
LIBRARIES_MB = 2000
READER_MB = 500
"""Each of the processes that read head CTs side by side."""
NETWORKS_MB = 8000
"""Weights, gradients, moments and activations at the paper's size."""
MOST_SLICES_MB = 16000
"""Larger cohorts are mapped from a file."""
COPIES = 3
"""The largest arm trains on 3N slices."""


def request(config: Config, stage: str) -> dict[str, int | Callable[..., int]]:
    """Snakemake's `mem_mb` and `gpu` of a stage; an attempt after a failure asks for more memory.

    >>> from lcgan_core import profiles
    >>> [request(profiles.load(name), "training")["gpu"] for name in profiles.names()]
    [0, 1, 0]
    """
    return {"mem_mb": _memory(config, stage), "gpu": int(stage in TRAINS and _needs_gpu(config))}


def _needs_gpu(config: Config) -> bool:
    """Networks of a few channels train on CPU cores, and several of them share a card."""
    return config.image_size >= 256


def _memory(config: Config, stage: str) -> Callable[..., int]:
    pixels = config.cohort.patients * config.cohort.slices * config.image_size**2
    slices = min(COPIES * 2 * pixels / 1e6, MOST_SLICES_MB)  # image and label, a byte each
    width = max(config.lcgan.width, config.segmentation.width) / 64
    networks = NETWORKS_MB * width**2 if stage in TRAINS else 0

    def mem_mb(wildcards: Any, threads: int, attempt: int) -> int:
        readers = READER_MB * threads if stage == "cohort" else 0
        return int(LIBRARIES_MB + slices + networks + readers) * attempt

    return mem_mb
