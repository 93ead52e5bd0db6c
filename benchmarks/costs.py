"""Memory and time of a training step of each profile, each in its own process."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import torch

from benchmarks.measuring import seconds
from benchmarks.rows import Row
from benchmarks.sizes import Sizes
from benchmarks.slices import draw
from lcgan_core.generators.lcgan import LcganTask
from lcgan_core.protocol import profiles
from lcgan_core.segmenters.fcn8s import SegmentationTask
from lcgan_core.training.pairs import Pairs
from lcgan_core.training.placing import device

STEPS = 3


def costs(sizes: Sizes) -> list[Row]:
    """One row per profile and network: image size, batch, seconds per step, peak memory in MiB."""
    return [
        json.loads(subprocess.check_output([sys.executable, "-m", __name__, profile, network]))
        for profile in sizes.profiles
        for network in ("LcGAN", "FCN-8s")
    ]


def cost(profile: str, network: str) -> Row:
    """Train a few steps, in a fresh process, whose peak memory is part of the row."""
    config = profiles.load(profile, segmentation_weights="none")
    slices = draw(16, config.image_size)
    if network == "LcGAN":
        settings, task = config.lcgan, LcganTask(config.lcgan, *slices, seed=1)
    else:
        settings = config.segmentation
        task = SegmentationTask(settings, Pairs(*slices), seed=1)
    for module in task.modules.values():
        module.train()
    batch = torch.arange(settings.batch)
    seconds(lambda: task.step(batch), 1)
    return {
        "profile": profile,
        "network": network,
        "image_size": config.image_size,
        "width": settings.width,
        "batch": settings.batch,
        "seconds": seconds(lambda: task.step(batch), STEPS),
        "peak_mib": _peak() / 2**20,
    }


def _peak() -> int:
    """Bytes: of the GPU where there is one, else of this process, libraries included."""
    if device().type == "cuda":
        return torch.cuda.max_memory_allocated()
    # not getrusage, whose peak a process inherits from the one that started it
    status = Path("/proc/self/status").read_text()
    return 1024 * int(re.search(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)[1])


if __name__ == "__main__":
    print(json.dumps(cost(*sys.argv[1:])))
