"""How large every benchmark is: as people would run it, or just large enough for a test."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    """Pixels, channels, images and slices; ours and the plain recipe take turns `rounds` times."""

    rounds: int
    seconds: float
    """Least time of one measurement: faster calls are repeated."""
    apart: bool
    """Whether each recipe has its own process."""
    image: int
    width: int
    border: int
    matmul: int
    batches: tuple[int, int]
    large_batch: int
    """Where there is a GPU."""
    classifier_batch: int
    maps: int
    """Label maps that MONAI gets too; it is slow."""
    all_maps: int
    matrix: int
    series: int
    slices: int
    small_matrix: int
    cohorts: tuple[int, ...]
    """Slices of the cohorts that show what a slice costs as they grow."""
    profiles: tuple[str, ...]


FULL = Sizes(
    rounds=5, seconds=2.0, apart=True, image=256, width=64, border=100, matmul=4096, batches=(8, 1),
    large_batch=32, classifier_batch=32, maps=128, all_maps=6000, matrix=512, series=24, slices=32,
    small_matrix=128, cohorts=(1000, 4000, 16000), profiles=("quick", "compact", "paper"),
)  # fmt: skip
TINY = Sizes(
    rounds=1, seconds=0.0, apart=False, image=64, width=2, border=1, matmul=64, batches=(2, 1),
    large_batch=4, classifier_batch=2, maps=4, all_maps=8, matrix=64, series=2, slices=4,
    small_matrix=64, cohorts=(8,), profiles=(),
)  # fmt: skip
