"""How large every benchmark is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    """Pixels, channels, images and slices, by default as people would run it."""

    rounds: int = 5
    """Turns that ours and the plain recipe take."""
    seconds: float = 2.0
    """Least time of one measurement: faster calls are repeated."""
    apart: bool = True
    """Whether each recipe has its own process."""
    image: int = 256
    width: int = 64
    border: int = 100
    matmul: int = 4096
    batches: tuple[int, int] = (8, 1)
    large_batch: int = 32
    """Where there is a GPU."""
    classifier_batch: int = 32
    unet_width: int = 32
    unet_batch: int = 4
    flow_width: int = 32
    flow_batch: int = 4
    maps: int = 128
    """Label maps that MONAI gets too; it is slow."""
    all_maps: int = 6000
    matrix: int = 512
    series: int = 24
    slices: int = 32
    small_matrix: int = 128
    cohorts: tuple[int, ...] = (1000, 4000, 16000)
    """Slices of the cohorts that show what a slice costs as they grow."""


FULL = Sizes()
