"""The recipe that people use today: eager float32, NCHW, a DataLoader of one sample at a time.

The networks are ours, so that only the way of training them differs.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from itertools import chain, repeat

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms.v2 import functional as TF

from lcgan_core.generators.jitter import enlarged
from lcgan_core.lesions import FIVE
from lcgan_core.models import Discriminator, Generator
from lcgan_core.training.placing import device

PLAIN = "eager float32, NCHW, DataLoader"
PALETTE = np.array(FIVE.colors, np.uint8)
Sample = tuple[Tensor, ...]


class Samples(Dataset):
    """Slices, each passed through `prepare(image, labels)` when it is requested; endless."""

    def __init__(self, images: Tensor, labels: Tensor, prepare: Callable[..., Sample]):
        self.images, self.labels, self.prepare = images.numpy(), labels.numpy(), prepare

    def __len__(self) -> int:
        return 1_000_000

    def __getitem__(self, index: int) -> Sample:
        at = index % len(self.images)
        return self.prepare(self.images[at], self.labels[at])


def batches(samples: Samples, batch: int) -> Iterator[list[Tensor]]:
    """Endless batches on the device; worker processes feed a GPU, a CPU has none to spare."""
    gpu = device().type == "cuda"
    loader = DataLoader(samples, batch, shuffle=True, num_workers=4 if gpu else 0, pin_memory=gpu)
    for tensors in chain.from_iterable(repeat(loader)):
        yield [tensor.to(device(), non_blocking=True) for tensor in tensors]


def as_network(picture: Image.Image) -> Tensor:
    """A picture as three channels in [-1, 1]."""
    return TF.to_dtype(TF.to_image(picture), torch.float32, scale=True) * 2 - 1


def jittered_pair(image: np.ndarray, labels: np.ndarray) -> Sample:
    """Mask and image in colours, enlarged, cut out and mirrored alike, with Pillow."""
    size, large = len(image), enlarged(len(image))
    top, left = (random.randint(0, large - size) for _ in "yx")
    flip = random.random() < 0.5
    pair = []
    for pixels, how in ((PALETTE[labels], Image.NEAREST), (image, Image.BICUBIC)):
        picture = Image.fromarray(pixels).convert("RGB").resize((large, large), how)
        picture = TF.crop(picture, top, left, size, size)
        pair.append(as_network(TF.horizontal_flip(picture) if flip else picture))
    return tuple(pair)


def image_and_labels(image: np.ndarray, labels: np.ndarray) -> Sample:
    """An image in colours with its label map."""
    return as_network(Image.fromarray(image).convert("RGB")), torch.from_numpy(labels).long()


def image_and_real(image: np.ndarray, labels: np.ndarray) -> Sample:
    """An image in colours and whether it is real."""
    return as_network(Image.fromarray(image).convert("RGB")), torch.tensor(labels[0, 0] % 2).long()


class PlainLcgan:
    """The two optimisers of pix2pix, one step each on a batch."""

    def __init__(self, images: Tensor, labels: Tensor, width: int, batch: int):
        self.G = Generator(3, 3, width=width, size=images.shape[-1]).to(device())
        self.D = Discriminator(6, width).to(device())
        self.adam_G, self.adam_D = (
            torch.optim.Adam(network.parameters(), lr=2e-4, betas=(0.5, 0.999))
            for network in (self.G, self.D)
        )
        self.batches = batches(Samples(images, labels, jittered_pair), batch)
        self.bce = nn.BCEWithLogitsLoss()

    def step(self) -> None:
        mask, real = next(self.batches)
        fake = self.G(mask)
        self.adam_D.zero_grad()
        on_real, on_fake = self.D(mask, real), self.D(mask, fake.detach())
        loss = self.bce(on_real, torch.ones_like(on_real))
        loss = loss + self.bce(on_fake, torch.zeros_like(on_fake))
        loss.backward()
        self.adam_D.step()
        self.D.requires_grad_(False)
        self.adam_G.zero_grad()
        judged = self.D(mask, fake)
        (self.bce(judged, torch.ones_like(judged)) + 100 * F.l1_loss(fake, real)).backward()
        self.adam_G.step()
        self.D.requires_grad_(True)


class PlainTask:
    """A network with one loss, Adam and `samples` of inputs and target."""

    def __init__(
        self, network: nn.Module, loss: Callable, rate: float, samples: Samples, batch: int
    ):
        self.network, self.loss = network.to(device()).train(), loss
        trained = [p for p in network.parameters() if p.requires_grad]
        self.adam = torch.optim.Adam(trained, lr=rate)
        self.batches = batches(samples, batch)

    def step(self) -> None:
        inputs, target = next(self.batches)
        self.adam.zero_grad()
        self.loss(self.network(inputs), target).backward()
        self.adam.step()
