"""The one training loop of every network: steps, data order, checkpoints, loss history."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import pandas as pd
import torch
from torch import Tensor, nn
from tqdm import tqdm

from lcgan_core.errors import UserError, memory_is_full
from lcgan_core.seeds import seed_of
from lcgan_core.training import checkpoint, placing
from lcgan_core.training.curves import draw_losses
from lcgan_core.training.placing import device

CHECKPOINT = "checkpoint.safetensors"
LOSSES = "losses.png"
SECONDS_BETWEEN_CHECKPOINTS = 10.0
LOST = 1e-4
"""Mean discriminator loss of an epoch below which the generator has nothing left to learn from."""
LOST_EPOCHS = 3


class Task(Protocol):
    """A network to train: what it is made of, and one optimiser step on a batch."""

    @property
    def settings(self) -> Any:
        """The group of the profile that it follows from; None if there is none."""

    @property
    def modules(self) -> Mapping[str, nn.Module]: ...

    @property
    def optimizers(self) -> Mapping[str, torch.optim.Optimizer]: ...

    @property
    def smaller(self) -> str:
        """The setting to lower if the device's memory is too small."""

    def step(self, batch: Tensor) -> dict[str, Tensor]:
        """One optimiser step on the samples with indices `batch`; returns scalar losses."""
        ...


class Schedule(NamedTuple):
    """How long a network trains: epochs, samples per step, and whether the learning rates fall in
    equal steps from their value at the first step to zero after the last."""

    epochs: int
    batch: int
    falling_rate: bool = False


def fit(
    task: Task,
    samples: int,
    schedule: Schedule,
    seed: int,
    work: Path,
    label: str,
    after_epoch: Callable[[int], None] | None = None,
) -> pd.DataFrame:
    """Train `task` over `samples` samples; returns the mean losses, one row per epoch.

    Resumes from the last checkpoint in `work`, at the exact step: the random numbers of a step
    follow only from (seed, epoch, step), so an interrupted training ends bitwise like an
    uninterrupted one. `after_epoch(epoch)` is called with 1..epochs, after an interruption perhaps
    twice. While it runs, `work` contains the loss curves so far. Raises UserError if a loss is not
    finite, the discriminator wins outright, the device's memory is full or the checkpoint belongs
    to another training run, and on Ctrl-C.
    """
    epochs, batch = schedule.epochs, schedule.batch
    training = _Training(task, samples, schedule, seed, work, label)
    training.go_on()
    left = (epochs - len(training.history)) * samples - training.done * batch
    # a bar where there is a terminal; never in a notebook, whose outputs nbval reads
    with tqdm(
        total=left, desc=label, unit="image", file=sys.__stderr__, disable=None, leave=False,
        mininterval=1,
    ) as bar:  # fmt: skip
        try:
            while len(training.history) < epochs:
                training.epoch(bar, after_epoch)
            training.save()
        except KeyboardInterrupt:
            raise UserError(
                f"Interrupted: {label} stopped in epoch {len(training.history) + 1} of {epochs}; "
                "run the same command again to resume "
                f"{_where(checkpoint.notes_of(training.path))}."
            ) from None
        except RuntimeError as error:
            if not memory_is_full(error):
                raise
            raise UserError(
                f"{label}: the memory of {placing.name()} is too small; "
                f"lower {task.smaller} in the profile."
            ) from None
    return pd.DataFrame(training.history)


def clean(work: Path) -> None:
    """Remove what only an unfinished training needs; the losses are in its history."""
    for path in (work / CHECKPOINT, checkpoint.previous(work / CHECKPOINT), work / LOSSES):
        path.unlink(missing_ok=True)


def _where(notes: dict | None) -> str:
    if notes is None:
        return "from its start"
    epochs, steps = len(notes["history"]), notes["done"]
    return f"after step {steps} of epoch {epochs + 1}" if steps else f"after epoch {epochs}"


class _Training:
    """A training run in progress: losses of complete epochs, steps done of the current one."""

    def __init__(
        self,
        task: Task,
        samples: int,
        schedule: Schedule,
        seed: int,
        work: Path,
        label: str,
    ):
        self.task, self.samples, self.batch, self.seed = task, samples, schedule.batch, seed
        self.path, self.label = work / CHECKPOINT, label
        self.history: list[dict[str, float]] = []
        self.done = 0
        self.sums: dict[str, Tensor] = {}
        self.saved = time.monotonic()
        self.identity = {
            "settings": task.settings.model_dump(mode="json") if task.settings else None,
            "samples": samples,
            "batch": schedule.batch,
            "seed": seed,
            "rate falls over": schedule.epochs if schedule.falling_rate else None,
        }
        self.falls_over = self.identity["rate falls over"]
        self.rates = [group["lr"] for group in self.groups()]

    def groups(self) -> list[dict[str, Any]]:
        return [g for optimizer in self.task.optimizers.values() for g in optimizer.param_groups]

    def go_on(self) -> None:
        notes = checkpoint.load_last(self.path, self.task.modules, self.task.optimizers)
        if notes is None:
            return
        if notes["identity"] != self.identity:
            raise UserError(
                f"The checkpoint {self.path} belongs to another training run (other settings, data "
                "or seed); delete it to start again."
            )
        self.history, self.done = notes["history"], notes["done"]
        self.sums = {
            name: torch.tensor(sum_, device=device()) for name, sum_ in notes["sums"].items()
        }

    def save(self) -> None:
        notes = {
            "identity": self.identity,
            "history": self.history,
            "done": self.done,
            # JSON's decimal number restores a float32 exactly
            "sums": {name: float(sum_) for name, sum_ in self.sums.items()},
        }
        checkpoint.save_beside(self.path, self.task.modules, self.task.optimizers, notes)
        self.saved = time.monotonic()

    def save_now_and_then(self) -> None:
        if time.monotonic() - self.saved > SECONDS_BETWEEN_CHECKPOINTS:
            self.check({name: float(sum_) for name, sum_ in self.sums.items()})
            self.save()
            if self.history:
                draw_losses(pd.DataFrame(self.history), self.path.with_name(LOSSES))

    def epoch(self, bar: tqdm, after_epoch: Callable[[int], None] | None) -> None:
        epoch = len(self.history) + 1
        order = torch.Generator().manual_seed(seed_of(self.seed, "order", epoch))
        batches = torch.randperm(self.samples, generator=order).split(self.batch)
        for module in self.task.modules.values():
            module.train()
        for step, indices in enumerate(batches[self.done :], start=self.done):
            torch.manual_seed(seed_of(self.seed, "noise", epoch, step))
            if self.falls_over:
                left = 1 - ((epoch - 1) + step / len(batches)) / self.falls_over
                for group, rate in zip(self.groups(), self.rates, strict=True):
                    group["lr"] = rate * left
            for name, loss in self.task.step(indices).items():
                # summed on the device: reading a loss would make the device wait at every step
                self.sums[name] = self.sums.get(name, torch.zeros((), device=device())) + (
                    loss.detach()
                )
            self.done = step + 1
            bar.update(len(indices))
            if self.done < len(batches):
                self.save_now_and_then()
        means = {name: float(total) / len(batches) for name, total in self.sums.items()}
        self.check(means)
        self.history.append({"epoch": epoch, **means})
        self.done, self.sums = 0, {}
        self.check_discriminator()
        if after_epoch:
            after_epoch(epoch)
        self.save_now_and_then()

    def check(self, losses: Mapping[str, float]) -> None:
        bad = [name for name, loss in losses.items() if not math.isfinite(loss)]
        if bad:
            raise UserError(
                f"{self.label}: {', '.join(bad)} loss is NaN or infinite in epoch "
                f"{len(self.history) + 1}; lower the learning rate of this network in the profile."
            )

    def check_discriminator(self) -> None:
        last = [row.get("discriminator", 1.0) for row in self.history[-LOST_EPOCHS:]]
        if len(last) == LOST_EPOCHS and max(last) < LOST:
            raise UserError(
                f"{self.label}: the discriminator recognises every synthetic slice in epoch "
                f"{len(self.history)} (loss below {LOST:g} for {LOST_EPOCHS} epochs), so the "
                "generator learns from L1 alone; lower lcgan_learning_rate or stop at an earlier "
                "snapshot."
            )
