"""Methods that lie outside the package, as CONTRIBUTING tells a stranger to write them."""

import pandas as pd
import torch
from torch import nn
from torch.nn import functional as F

from lcgan_core.segmenters.base import WEIGHTS
from lcgan_core.training import checkpoint
from lcgan_core.training.engine import Schedule


def mirrored(originals, generator, config):
    """A kind of copy: every slice mirrored left to right."""
    return originals.images.flip(2), originals.labels.flip(2)


class Grey:
    """A generator: one grey level for the background, one for every lesion."""

    def __init__(self, config, size, classes):
        self.classes = classes

    def fit(self, slices, seed, work, label):
        inside = slices.labels > 0
        levels = [slices.images[~inside].float().mean(), slices.images[inside].float().mean()]
        checkpoint.save(work / "grey.safetensors", {"grey": _Levels(levels)}, {}, {})
        pd.DataFrame({"epoch": [1], "L1": [0.0]}).to_csv(work / "history.csv", index=False)
        return [1]

    def paint(self, folder, candidate, labels, seed):
        kept = _Levels([0.0, 0.0])
        checkpoint.load(folder / "grey.safetensors", {"grey": kept})
        noise = torch.randint(0, 9, labels.shape, generator=torch.Generator().manual_seed(seed))
        return (kept.levels[(labels > 0).long()] + noise).clip(0, 255).to(torch.uint8)


class _Levels(nn.Module):
    def __init__(self, levels):
        super().__init__()
        self.register_buffer("levels", torch.tensor([float(level) for level in levels]))


class Pointwise:
    """A segmenter: every pixel by its own grey level, through one 1 x 1 convolution."""

    initialisation = "The weights were drawn at random."

    def __init__(self, config, classes):
        self.network = nn.Conv2d(1, classes + 1, 1)

    def schedule(self, fraction):
        return Schedule(batch=4, steps=3)

    def task(self, pairs, seed):
        torch.manual_seed(seed % 2**32)
        nn.init.normal_(self.network.weight)
        return _PointwiseTask(self.network, pairs)

    def load(self, folder):
        checkpoint.load(folder / WEIGHTS, {"pointwise": self.network})

    @torch.no_grad()
    def segment(self, images):
        return self.network(images[:, None].float() / 255).argmax(1).to(torch.uint8)

    def features(self, images):
        return images.flatten(1).float().mean(1, keepdim=True)


class _PointwiseTask:
    settings = None
    smaller = "image_size"

    def __init__(self, network, pairs):
        self.network, self.pairs = network, pairs
        self.modules = {"pointwise": network}
        self.optimizers = {"sgd": torch.optim.SGD(network.parameters(), lr=0.1)}

    def step(self, batch):
        images, labels = self.pairs[batch]
        loss = F.cross_entropy(self.network(images[:, None].float() / 255), labels.long())
        self.optimizers["sgd"].zero_grad()
        loss.backward()
        self.optimizers["sgd"].step()
        return {"cross-entropy": loss}


class Lazy:
    """No segmenter: it cannot tell its features."""

    def __init__(self, config, classes): ...
    def schedule(self, fraction): ...
    def task(self, pairs, seed): ...
    def load(self, folder): ...
    def segment(self, images): ...
