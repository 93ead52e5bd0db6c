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
from lcgan_core.run.progress import show_progress
from lcgan_core.seeds import seed_of
from lcgan_core.training import checkpoint, placing
from lcgan_core.training.curves import draw_losses
from lcgan_core.training.placing import device

CHECKPOINT = "checkpoint.safetensors"
BEST = "best.safetensors"
"""The weights that a monitor has kept so far."""
LOSSES = "losses.png"
LOST = 1e-4
"""Mean discriminator loss of an epoch below which the generator has nothing left to learn from."""
LOST_EPOCHS = 3


def pause_after(saving: float) -> float:
    """Seconds until the next checkpoint, where the last took `saving` seconds: at least ten, and so
    many that a twentieth of the time at most goes into saving.

    >>> pause_after(0.1), pause_after(2.0)
    (10.0, 40.0)
    """
    return max(10.0, 20 * saving)


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
    """How long a network trains: optimiser steps or epochs, one of the two; samples per step; and
    whether the learning rates fall in equal steps from their value at the first step to zero after
    the last."""

    batch: int
    epochs: int = 0
    steps: int = 0
    falling_rate: bool = False


class Monitor(NamedTuple):
    """What is measured on the way: `measure()` -> values, `checks` times, evenly spread.

    The weights of the check with the highest value of `decides` are kept: the first of equal ones.
    """

    measure: Callable[[], Mapping[str, float]]
    decides: str
    checks: int


def fit(
    task: Task,
    samples: int,
    schedule: Schedule,
    seed: int,
    work: Path,
    label: str,
    after_epoch: Callable[[int], None] | None = None,
    monitor: Monitor | None = None,
) -> pd.DataFrame:
    """Train `task` over `samples` samples; returns the mean losses, one row per round.

    A round is an epoch, and its row begins with `epoch`; with a monitor it ends at a check, and its
    row begins with `step` and ends with the monitor's values. With a monitor the networks of `task`
    end with the weights that it kept.

    Resumes from the last checkpoint in `work`, at the exact step: the random numbers of a step
    follow only from (seed, epoch, step), so an interrupted training ends bitwise like an
    uninterrupted one. `after_epoch(epoch)` is called with 1..epochs, after an interruption perhaps
    twice. While it runs, `work` contains the loss curves so far. Raises UserError if a loss is not
    finite, the discriminator wins outright, the device's memory is full or the checkpoint belongs
    to another training run, and on Ctrl-C.
    """
    training = _Training(task, samples, schedule, seed, work, label, monitor)
    training.go_on()
    # a bar where there is a terminal; never in a notebook, whose outputs nbval reads
    with tqdm(
        total=training.total, initial=training.done, desc=label, unit="step", file=sys.__stderr__,
        disable=None, leave=False, mininterval=1,
    ) as bar:  # fmt: skip
        try:
            while training.done < training.total:
                training.round(bar, after_epoch)
            training.save()
        except KeyboardInterrupt:
            raise UserError(
                f"Interrupted: {label} stopped in {training.where()}; run the same command again "
                f"to resume {training.saved_where()}."
            ) from None
        except RuntimeError as error:
            if not memory_is_full(error):
                raise
            raise UserError(
                f"{label}: the memory of {placing.name()} is too small; "
                f"lower {task.smaller} in the profile."
            ) from None
    if monitor:
        checkpoint.load(work / BEST, task.modules)
    return pd.DataFrame(training.history)


def clean(work: Path) -> None:
    """Remove what only an unfinished training needs; the losses are in its history."""
    unfinished = work / CHECKPOINT
    for path in (unfinished, checkpoint.previous(unfinished), work / BEST, work / LOSSES):
        path.unlink(missing_ok=True)


class _Training:
    """A training run in progress: its rows so far, and the steps that are done."""

    def __init__(
        self,
        task: Task,
        samples: int,
        schedule: Schedule,
        seed: int,
        work: Path,
        label: str,
        monitor: Monitor | None,
    ):
        self.task, self.samples, self.batch, self.seed = task, samples, schedule.batch, seed
        self.path, self.label, self.monitor = work / CHECKPOINT, label, monitor
        self.epoch = math.ceil(samples / schedule.batch)
        """Steps of an epoch."""
        self.total = schedule.steps or schedule.epochs * self.epoch
        self.falling = schedule.falling_rate
        self.ends = self._ends()
        self.history: list[dict[str, float]] = []
        self.done = 0
        self.sums: dict[str, Tensor] = {}
        self.order: tuple[int, tuple[Tensor, ...]] = (0, ())
        self.saved, self.pause = time.monotonic(), pause_after(0.0)
        self.identity = {
            "settings": task.settings.model_dump(mode="json") if task.settings else None,
            "samples": samples,
            "batch": schedule.batch,
            "seed": seed,
            "rate falls over": self.total if schedule.falling_rate else None,
            "rounds": self.ends if monitor else None,
        }
        self.rates = [group["lr"] for group in self.groups()]

    def _ends(self) -> list[int]:
        """After which steps a round ends."""
        if self.monitor:
            checks = min(self.monitor.checks, self.total)
            return [round(self.total * k / checks) for k in range(1, checks + 1)]
        return [*range(self.epoch, self.total, self.epoch), self.total]

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
        self.sums = {k: torch.tensor(v, device=device()) for k, v in notes["sums"].items()}

    def save(self) -> None:
        notes = {
            "identity": self.identity,
            "history": self.history,
            "done": self.done,
            # JSON's decimal number restores a float32 exactly
            "sums": {name: float(sum_) for name, sum_ in self.sums.items()},
        }
        began = time.monotonic()
        checkpoint.save_beside(self.path, self.task.modules, self.task.optimizers, notes)
        self.saved = time.monotonic()
        self.pause = pause_after(self.saved - began)

    def save_now_and_then(self) -> None:
        if time.monotonic() - self.saved > self.pause:
            self.check({name: float(sum_) for name, sum_ in self.sums.items()})
            self.save()
            if self.history:
                draw_losses(pd.DataFrame(self.history), self.path.with_name(LOSSES))

    def where(self) -> str:
        return f"step {self.done + 1} of {self.total}"

    def saved_where(self) -> str:
        notes = checkpoint.notes_of(self.path)
        return f"after step {notes['done']}" if notes and notes["done"] else "from its start"

    def round(self, bar: tqdm, after_epoch: Callable[[int], None] | None) -> None:
        """Train to the end of the round."""
        number = len(self.history)
        start, end = (self.ends[number - 1] if number else 0), self.ends[number]
        for module in self.task.modules.values():
            module.train()
        for step in range(self.done, end):
            for name, loss in self.step(step).items():
                # summed on the device: reading a loss would make the device wait at every step
                self.sums[name] = self.sums.get(name, torch.zeros((), device=device())) + (
                    loss.detach()
                )
            self.done = step + 1
            show_progress(bar, step // self.epoch + 1, self.sums, self.done - start)
            bar.update()
            if self.done < end:
                self.save_now_and_then()
        means = {name: float(total) / (end - start) for name, total in self.sums.items()}
        self.check(means)
        when = {"step": end} if self.monitor else {"epoch": number + 1}
        self.history.append({**when, **means, **self.measured()})
        self.sums = {}
        self.check_discriminator()
        if after_epoch:
            after_epoch(number + 1)
        self.save_now_and_then()

    def step(self, step: int) -> dict[str, Tensor]:
        """One step, counted from 0; its samples and its noise follow from its epoch."""
        epoch, within = step // self.epoch + 1, step % self.epoch
        torch.manual_seed(seed_of(self.seed, "noise", epoch, within))
        if self.falling:
            for group, rate in zip(self.groups(), self.rates, strict=True):
                group["lr"] = rate * (1 - step / self.total)
        return self.task.step(self.batches(epoch)[within])

    def batches(self, epoch: int) -> tuple[Tensor, ...]:
        """The samples of each step of an epoch, in its random order."""
        if self.order[0] != epoch:
            order = torch.Generator().manual_seed(seed_of(self.seed, "order", epoch))
            batches = torch.randperm(self.samples, generator=order).split(self.batch)
            self.order = epoch, batches
        return self.order[1]

    def measured(self) -> Mapping[str, float]:
        """The monitor's values now; the weights are kept where none so far were better."""
        if self.monitor is None:
            return {}
        values = self.monitor.measure()
        every = (row[self.monitor.decides] for row in (*self.history, values))
        *earlier, now = (-math.inf if math.isnan(value) else value for value in every)
        if now >= max(earlier, default=now):
            checkpoint.save(self.path.with_name(BEST), self.task.modules, {}, {})
        return values

    def check(self, losses: Mapping[str, float]) -> None:
        bad = [name for name, loss in losses.items() if not math.isfinite(loss)]
        if bad:
            raise UserError(
                f"{self.label}: {', '.join(bad)} loss is NaN or infinite by {self.where()}; "
                "lower the learning rate of this network in the profile."
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
