"""A rectified flow from noise to the slice of a mask (Liu et al. 2023), in pixels.

A network learns the straight line from white noise to a slice; painting follows it in a few equal
steps. It is preferred to a diffusion model because nothing has to be tuned but the network, neither
a schedule of noise nor its weights, and because straight lines need only 10 to 50 steps. It is
trained without the mask now and then, so that in painting the mask's share of the velocity can be
enlarged (classifier-free guidance). The candidates are running means of the weights.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lcgan_core.cohort.slices import Slices
from lcgan_core.generators import snapshots
from lcgan_core.generators.lcgan import sample_masks
from lcgan_core.protocol.config import Config, Flow
from lcgan_core.seeds import seed_of
from lcgan_core.training import checkpoint
from lcgan_core.training.encoding import encode_mask, to_image, to_network
from lcgan_core.training.placing import device, place, resident, take

if TYPE_CHECKING:
    from lcgan_core.models.velocity import Velocity

UNTOLD = 0.1
"""Proportion of training slices whose mask is not told."""
NEW, LEAST = 9.0, 1e-3
"""The running mean takes NEW / (10 + n) of the weights after step n, and never less than LEAST: so
it soon forgets the first ones."""
LONGEST = 1.0
"""Greatest norm of a gradient."""
BATCH = 16
"""Slices painted at once."""


class RectifiedFlow:
    """Running means of one training, under the profile's `flow`."""

    def __init__(self, config: Config, size: int, classes: int) -> None:
        self.settings, self.size, self.classes = config.flow, size, classes

    def fit(self, slices: Slices, seed: int, work: Path, label: str) -> Sequence[int]:
        """Train for as many steps as the profile names, in whole epochs; see `base.Generator`."""
        task = FlowTask(self.settings, slices.images, slices.labels, seed, self.classes)
        few = slices.labels[sample_masks(slices.labels)]
        steps = math.ceil(len(slices.images) / self.settings.batch)
        return snapshots.train_generator(
            task, task.mean,
            lambda: synthesise(task.mean, self.settings, few, seed, self.classes),
            len(slices.images), self.settings.batch,
            {math.ceil(after / steps) for after in self.settings.steps}, seed, work, label,
        )  # fmt: skip

    def paint(self, folder: Path, candidate: int, labels: Tensor, seed: int) -> Tensor:
        """Paint with the running mean of epoch `candidate`; see `base.Generator.paint`."""
        network = velocity(self.settings, self.classes)
        checkpoint.load(snapshots.file(folder, candidate), {"generator": network})
        return synthesise(network, self.settings, labels, seed, self.classes)


class FlowTask:
    """The network, the running mean of its weights, and its optimiser.

    `images` (N, H, W) uint8 windowed slices, `labels` (N, H, W) uint8 0..`classes`.
    """

    smaller = "flow_batch, flow_width or image_size"

    def __init__(self, settings: Flow, images: Tensor, labels: Tensor, seed: int, classes: int = 5):
        self.settings, self.classes = settings, classes
        self.images, self.labels = resident(images), resident(labels)
        torch.manual_seed(seed_of(seed, "weights"))
        self.network, self.mean = (velocity(settings, classes) for _ in "nm")
        self.mean.load_state_dict(self.network.state_dict())
        self.modules: dict[str, nn.Module] = {"generator": self.network, "mean": self.mean}
        self.optimizers = {
            "adam": torch.optim.AdamW(
                self.network.parameters(), lr=settings.learning_rate, fused=True
            )
        }

    def step(self, batch: Tensor) -> dict[str, Tensor]:
        """Squared error of the velocity at a random time, of slices half of which are mirrored."""
        count, side = len(batch), (len(batch), 1, 1)
        mirrored, untold = torch.rand(2, *side) < torch.tensor([0.5, UNTOLD])[:, None, None, None]
        time = torch.randn(count).sigmoid().to(device(), non_blocking=True)
        images, labels = (
            torch.where(mirrored.to(part.device, non_blocking=True), part.flip(2), part)
            for part in (take(self.images, batch), take(self.labels, batch))
        )
        mask = encode_mask(labels, "onehot", self.classes)
        mask = mask * ~untold.to(mask.device, non_blocking=True)[:, None]
        real = to_network(images, 1)
        noise = torch.randn_like(real)
        between = torch.lerp(noise, real, time[:, None, None, None])
        loss = F.mse_loss(self.network(between, time, mask), real - noise)
        self.optimizers["adam"].zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), LONGEST)
        self.optimizers["adam"].step()
        self.average()
        return {"velocity": loss}

    @torch.no_grad()
    def average(self) -> None:
        """Let the running mean follow the weights; the optimiser counts the steps."""
        weights = list(self.network.parameters())
        steps = self.optimizers["adam"].state[weights[0]]["step"]
        share = (NEW / (10 + steps)).clip(min=LEAST)
        for mean, weight in zip(self.mean.parameters(), weights, strict=True):
            mean.lerp_(weight, share)


def velocity(settings: Flow, classes: int) -> Velocity:
    """A network on the device, its weights sampled with torch's global seed."""
    from lcgan_core.models.velocity import Velocity  # takes seconds to import

    return place(Velocity(classes + 1, settings.width, settings.patch), settings.precision)


@torch.no_grad()
def synthesise(
    network: Velocity, settings: Flow, labels: Tensor, seed: int, classes: int = 5
) -> Tensor:
    """One synthetic slice for each mask: `labels` (N, H, W) uint8 -> (N, H, W) uint8 on the CPU.

    The noise of BATCH masks follows only from (seed, the number of the first).
    """
    images = []
    for start in range(0, len(labels), BATCH):
        torch.manual_seed(seed_of(seed, "synthesis", start))
        some = labels[start : start + BATCH].to(device())
        mask = encode_mask(some, "onehot", classes)
        image = torch.randn(len(some), 1, *some.shape[1:], device=some.device)
        for step in range(settings.synthesis_steps):
            time = torch.full((len(some),), step / settings.synthesis_steps, device=some.device)
            told = guided(network, image, time, mask, settings.guidance)
            image = image + told / settings.synthesis_steps
        images.append(to_image(image).cpu())
    return torch.cat(images)


def guided(
    network: nn.Module, image: Tensor, time: Tensor, mask: Tensor, guidance: float
) -> Tensor:
    """The velocity without the mask, plus `guidance` times what the mask changes of it."""
    both = torch.cat([mask, torch.zeros_like(mask)])
    told, untold = network(image.repeat(2, 1, 1, 1), time.repeat(2), both).chunk(2)
    return untold + guidance * (told - untold)
