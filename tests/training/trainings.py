"""Tiny trainings of the paper's networks, the same wherever they run."""

import os
import signal
import sys
from pathlib import Path

import torch

from lcgan_core.generators.lcgan import LcganTask
from lcgan_core.protocol.config import Lcgan, Segmentation
from lcgan_core.segmenters.fcn8s import SegmentationTask
from lcgan_core.training import engine
from lcgan_core.training.engine import Schedule
from lcgan_core.training.pairs import Pairs

NOISE = torch.Generator().manual_seed(0)
IMAGES = torch.randint(256, (6, 64, 64), generator=NOISE, dtype=torch.uint8)
LABELS = torch.randint(6, (6, 64, 64), generator=NOISE, dtype=torch.uint8)
LCGAN = Lcgan(width=2, snapshots=(3,), precision="float32")
FCN = Segmentation(
    width=2, border=1, steps=9, batch=2, batch_norm=True, optimizer="adam", learning_rate=1e-3,
    precision="float32",
)  # fmt: skip
TASKS = {
    "lcgan": lambda: LcganTask(LCGAN, IMAGES, LABELS, seed=1),
    "fcn": lambda: SegmentationTask(FCN, Pairs(IMAGES, LABELS), seed=1),
}


def train(task, work: Path, epochs=3, **options):
    schedule = Schedule(2, epochs=epochs, falling_rate="fcn" in task.modules)
    return engine.fit(task, len(IMAGES), schedule, 7, work, "test", **options)


def weights(task) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for m in task.modules.values() for p in m.parameters()])


def train_to_the_end(work: Path, epochs: int, last: int | None = None) -> None:
    """LcGAN in a process of its own: saves after every step, leaves its weights in `work`.

    With `last` the process kills itself before that act; acts are the steps and whatever opens,
    renames or removes a file in `work`.
    """
    torch.set_num_threads(1)
    engine.pause_after = lambda saving: -1.0
    engine.draw_losses = lambda history, path: None  # would take longer than all the rest
    task = TASKS["lcgan"]()
    if last is not None:
        die_before(last, work, task)
    history = train(task, work, epochs)
    history.to_csv(work / "history.csv", index=False)
    torch.save(weights(task), work / "weights.writing")
    (work / "weights.writing").rename(work / "weights")


def die_before(last: int, work: Path, task: LcganTask) -> None:
    left, step = last, task.step

    def act() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def counted(batch: torch.Tensor) -> dict[str, torch.Tensor]:
        act()
        return step(batch)

    def on_files(event: str, arguments: tuple) -> None:
        if event in ("open", "os.rename", "os.remove") and str(arguments[0]).startswith(str(work)):
            act()

    task.step = counted
    sys.addaudithook(on_files)
