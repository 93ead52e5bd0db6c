"""What a job requests of a machine, so that no machine gets more jobs than it can hold.

Results do not depend on it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lcgan_core.protocol import methods
from lcgan_core.protocol.arms import ARMS
from lcgan_core.protocol.config import Config
from lcgan_core.run.plan import Job

LIBRARIES_MB = 2000
READER_MB = 500
"""For each of the processes that read head CTs in parallel."""
NETWORKS_MB = 8000
"""Weights, gradients, moments and activations at the paper's size."""
MOST_SLICES_MB = 16000
"""The most that slices take: larger cohorts are mapped from a file."""
MINUTES = {"training": 1440, "segmentation": 720}
"""Runtime limit of a job on a cluster; jobs of the other stages get 240."""


def request(config: Config, job: Job) -> dict[str, int | Callable[..., int]]:
    """Snakemake's `mem_mb`, `gpu` and `runtime` (minutes); an attempt after a failure asks for
    more memory.

    >>> from lcgan_core.protocol import profiles
    >>> job = Job("training", "lcgan", 1.0)
    >>> [request(profiles.load(name), job)["gpu"] for name in ("compact", "paper", "quick")]
    [0, 1, 0]
    """
    return {
        "mem_mb": _memory(config, job),
        "gpu": int(_runs_networks(job) and _needs_gpu(config)),
        "runtime": MINUTES.get(job.stage, 240),
    }


def _runs_networks(job: Job) -> bool:
    if job.stage == "augmentation":
        how = methods.painted(job.what)
        return how is not None and not how.noise
    return job.stage in ("training", "selection", "segmentation")


def _needs_gpu(config: Config) -> bool:
    """Networks of a few channels train on CPU cores, and several of them may share a GPU."""
    return config.image_size >= 256


def _memory(config: Config, job: Job) -> Callable[..., int]:
    pixels = config.cohort.patients * config.cohort.slices * config.image_size**2
    copies = len(ARMS[job.what].copies) if job.stage == "segmentation" else 1
    held = 2 * (1 + copies) * pixels / 1e6 * (job.fraction or 1.0)  # image and label, one byte each
    width = max(config.lcgan.width, config.segmentation.width) / 64
    networks = NETWORKS_MB * width**2 if _runs_networks(job) else 0

    def mem_mb(wildcards: Any, threads: int, attempt: int) -> int:
        readers = READER_MB * threads if job.stage == "cohort" else 0
        return int(LIBRARIES_MB + min(held, MOST_SLICES_MB) + networks + readers) * attempt

    return mem_mb
