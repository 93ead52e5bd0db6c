"""All benchmarks by name, and one run of them as the JSON that the book shows."""

from __future__ import annotations

import gc
import importlib.metadata
import sys
import time
from typing import Any

import pandas as pd
import rich
from rich.table import Table

from benchmarks import augmentation, evaluation, gan, ingest, others, today
from benchmarks.measuring import device_name, file_name
from benchmarks.sizes import FULL, Sizes
from lcgan_core.training.placing import has_bf16

__all__ = ["ALL", "file_name", "measure", "show"]

ALL = {
    "lcgan": ("rows", gan.training),
    "large-batch": ("rows", gan.large_batch),
    "compile": ("rows", gan.compiled),
    "synthesis": ("rows", gan.synthesis),
    "fcn": ("rows", others.segmentation),
    "classifier": ("rows", others.realism),
    "unet": ("rows", today.unet),
    "inpaint": ("rows", today.inpainting),
    "flow": ("rows", today.rectified_flow),
    "augmentation": ("rows", augmentation.augmentation),
    "evaluation": ("rows", evaluation.evaluation),
    "reading": ("rows", ingest.reading),
    "growing": ("cohorts", ingest.growing),
}
"""Name -> the list of the result that its rows belong to, and what measures them."""
LIBRARIES = ("torch", "torchvision", "monai", "SimpleITK", "pydicom")


def measure(names: list[str], sizes: Sizes = FULL) -> dict[str, Any]:
    """Run the named benchmarks one after another; returns their rows, the device and versions."""
    found: dict[str, list] = {kind: [] for kind, _ in ALL.values()}
    for name in names:
        kind, benchmark = ALL[name]
        started = time.monotonic()
        found[kind] += benchmark(sizes)
        print(f"{name}: {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
        gc.collect()  # gigabytes of networks and moments
    return {
        "device": device_name(),
        "precision": "bfloat16" if has_bf16() else "float32",
        "versions": {name: version for name in LIBRARIES if (version := _version(name))},
        **found,
    }


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def show(title: str, table: pd.DataFrame) -> None:
    """Print a table of texts, as wide as it needs."""
    picture = Table(*table.columns, title=title, title_justify="left")
    for row in table.itertuples(index=False):
        picture.add_row(*row)
    rich.print(picture)
