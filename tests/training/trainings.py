"""Tiny trainings of the three networks, the same wherever they run."""

from pathlib import Path

import torch

from lcgan_core.generators.lcgan import LcganTask
from lcgan_core.protocol.profiles import Lcgan, Segmentation
from lcgan_core.segmenters.fcn8s import SegmentationTask
from lcgan_core.training import engine

NOISE = torch.Generator().manual_seed(0)
IMAGES = torch.randint(256, (6, 64, 64), generator=NOISE, dtype=torch.uint8)
LABELS = torch.randint(6, (6, 64, 64), generator=NOISE, dtype=torch.uint8)
LCGAN = Lcgan(width=2, snapshots=(3,), precision="float32")
FCN = Segmentation(
    width=2, border=1, epochs=3, batch=2, batch_norm=True, optimizer="adam", learning_rate=1e-3,
    precision="float32",
)  # fmt: skip
TASKS = {
    "lcgan": lambda: LcganTask(LCGAN, IMAGES, LABELS, seed=1),
    "fcn": lambda: SegmentationTask(FCN, IMAGES, LABELS, seed=1),
}


def train(task, work: Path, epochs=3, **options):
    return engine.fit(
        task, len(IMAGES), epochs=epochs, batch=2, seed=7, work=work, label="test",
        falling_rate="fcn" in task.modules, **options,
    )  # fmt: skip


def weights(task) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for m in task.modules.values() for p in m.parameters()])


def train_to_the_end(work: Path, name: str, epochs: int) -> None:
    """For a process of its own: checkpoints all the time, the weights in `work` at the end."""
    torch.set_num_threads(1)
    engine.SECONDS_BETWEEN_CHECKPOINTS = -1.0
    engine.draw_losses = lambda history, path: None  # would take longer than all the rest
    task = TASKS[name]()
    history = train(task, work, epochs)
    history.to_csv(work / "history.csv", index=False)
    torch.save(weights(task), work / "weights.writing")
    (work / "weights.writing").rename(work / "weights")
