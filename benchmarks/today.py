"""Steps and synthesis of today's methods, beside the recipes that MONAI's own pages show.

The networks are the same, so that only the way of training them differs. A GAN that inpaints has no
library: its plain recipe is ours in 32-bit numbers, in the order that PyTorch has by default.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import numpy as np
import torch
from monai.losses import DeepSupervisionLoss, DiceCELoss
from monai.networks.schedulers import RFlowScheduler
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.gan import CLASSES, flops, product
from benchmarks.measuring import Call, Recipe, alternate
from benchmarks.plain import Samples, batches
from benchmarks.rows import Row, beside
from benchmarks.sizes import Sizes
from benchmarks.slices import draw
from lcgan_core.generators import flow, inpaint
from lcgan_core.generators.inpaint import InpaintTask
from lcgan_core.generators.recipients import Heads
from lcgan_core.models.unet import UNet
from lcgan_core.models.velocity import Velocity
from lcgan_core.protocol.config import Flow, Lcgan, Unet
from lcgan_core.segmenters.unet import BATCH, Unet2d, UnetTask
from lcgan_core.training.pairs import Pairs
from lcgan_core.training.placing import device

IMAGES, MASKS, UNIT = 16, 4, "images/s"
MONAI, EAGER = "MONAI, eager float32, DataLoader", "eager float32, NCHW"


def unet(sizes: Sizes) -> list[Row]:
    """A step of the U-Net, without new copies, and what it takes to segment."""
    batch = sizes.unet_batch
    return [
        _row(f"U-Net step, batch {batch}", batch, MONAI, _unet, _plain_unet, sizes),
        _row(f"U-Net, {BATCH} slices segmented", BATCH, EAGER, _segment, _plain_segment, sizes),
    ]


def inpainting(sizes: Sizes) -> list[Row]:
    """A step of the inpainting GAN, and lesions painted one at a time."""
    plain = Lcgan(width=sizes.width, snapshots=(1,), precision="float32")
    ours = plain.model_copy(update={"precision": "auto"})
    steps, paints = ((partial(do, s) for s in (ours, plain)) for do in (_inpaint, _inpainted))
    return [
        _row("inpainting step, batch 1", 1, EAGER, *steps, sizes),
        _row("lesions inpainted, batch 1", MASKS, EAGER, *paints, sizes),
    ]


def rectified_flow(sizes: Sizes) -> list[Row]:
    """A step of the flow, and slices painted in as many steps as the settings say."""
    batch = sizes.flow_batch
    return [
        _row(f"flow step, batch {batch}", batch, MONAI, _flow, _plain_flow, sizes),
        _row(f"flow, {MASKS} slices painted", MASKS, MONAI, _painted, _plain_painted, sizes),
    ]


def _row(name: str, count: int, against: str, ours: Recipe, plain: Recipe, sizes: Sizes) -> Row:
    """Two rates, and the share of the limit that ours reaches."""
    recipes: Mapping[str, Recipe] = {
        "ours": partial(ours, sizes),
        "plain": partial(plain, sizes),
        "product": partial(product, sizes.matmul),
    }
    times = alternate(recipes, sizes)
    limit = 2 * sizes.matmul**3 / times["product"]
    rates = (count / times[each] for each in ("ours", "plain"))
    return beside(name, against, UNIT, *rates, flops(ours(sizes)) / times["ours"] / limit)


def _unet_settings(sizes: Sizes) -> Unet:
    return Unet(width=sizes.unet_width, batch=sizes.unet_batch, augmented=False)


def _unet(sizes: Sizes) -> Call:
    pairs = Pairs(*draw(IMAGES, sizes.image))
    task = UnetTask(_unet_settings(sizes), pairs, seed=1, classes=CLASSES)
    task.network.train()
    return partial(task.step, torch.arange(sizes.unet_batch))


def _plain_unet(sizes: Sizes) -> Call:
    network = UNet(CLASSES + 1, sizes.unet_width, sizes.image).to(device()).train()
    adam = torch.optim.AdamW(network.parameters(), lr=2e-3)
    of_map = DiceCELoss(include_background=False, to_onehot_y=True, softmax=True, batch=True)
    loss = DeepSupervisionLoss(of_map)
    samples = batches(Samples(*draw(IMAGES, sizes.image), _grey), sizes.unet_batch)

    def call() -> None:
        image, labels = next(samples)
        adam.zero_grad()
        loss(list(network(image).unbind(1)), labels[:, None]).backward()
        adam.step()

    return call


def _grey(image, labels) -> tuple[Tensor, Tensor]:
    return torch.from_numpy(image)[None].float() / 127.5 - 1, torch.from_numpy(labels).long()


def _segment(sizes: Sizes) -> Call:
    method = Unet2d.__new__(Unet2d)
    method.settings = _unet_settings(sizes)
    images, labels = draw(BATCH, sizes.image)
    method.network = UnetTask(method.settings, Pairs(images, labels), 1, CLASSES).network
    return partial(method.segment, images)


def _plain_segment(sizes: Sizes) -> Call:
    network = UNet(CLASSES + 1, sizes.unet_width, sizes.image).to(device()).eval()
    images, _ = draw(BATCH, sizes.image)

    @torch.no_grad()
    def call() -> Tensor:
        return network((images[:, None].float() / 127.5 - 1).to(device())).argmax(1).cpu()

    return call


def _inpaint(settings: Lcgan, sizes: Sizes) -> Call:
    task = InpaintTask(settings, *draw(IMAGES, sizes.image), seed=1, classes=CLASSES)
    _default_order(settings, *task.modules.values())
    return partial(task.step, torch.arange(1))


def _inpainted(settings: Lcgan, sizes: Sizes) -> Call:
    images, labels = draw(IMAGES, sizes.image)
    network = inpaint.generator(settings, sizes.image, CLASSES)
    _default_order(settings, network)
    heads = Heads.of(images, labels, np.arange(IMAGES))
    return partial(
        inpaint.paint_into, network, settings, heads, labels[:MASKS], seed=1, classes=CLASSES
    )


def _default_order(settings: Lcgan, *networks: nn.Module) -> None:
    """The plain recipe's networks in PyTorch's own order, channels first."""
    if settings.precision == "float32":
        for network in networks:
            network.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]


def _flow_settings(sizes: Sizes) -> Flow:
    return Flow(width=sizes.flow_width, batch=sizes.flow_batch)


def _flow(sizes: Sizes) -> Call:
    task = flow.FlowTask(_flow_settings(sizes), *draw(IMAGES, sizes.image), seed=1)
    return partial(task.step, torch.arange(sizes.flow_batch))


def _plain_flow(sizes: Sizes) -> Call:
    settings = _flow_settings(sizes)
    network = Velocity(CLASSES + 1, settings.width, settings.patch).to(device()).train()
    adam, scheduler = torch.optim.AdamW(network.parameters(), lr=5e-4), RFlowScheduler()
    samples = batches(Samples(*draw(IMAGES, sizes.image), _grey), settings.batch)

    def call() -> None:
        image, labels = next(samples)
        mask = F.one_hot(labels, CLASSES + 1).permute(0, 3, 1, 2).float()
        noise, times = torch.randn_like(image), scheduler.sample_timesteps(image)
        between = scheduler.add_noise(image, noise, times)
        adam.zero_grad()
        F.mse_loss(network(between, 1 - times / 1000, mask), image - noise).backward()
        adam.step()

    return call


def _painted(sizes: Sizes) -> Call:
    settings = _flow_settings(sizes)
    _, labels = draw(MASKS, sizes.image)
    network = flow.velocity(settings, CLASSES)
    return partial(flow.synthesise, network, settings, labels, seed=1)


def _plain_painted(sizes: Sizes) -> Call:
    settings = _flow_settings(sizes)
    network = Velocity(CLASSES + 1, settings.width, settings.patch).to(device()).eval()
    scheduler = RFlowScheduler()
    _, labels = draw(MASKS, sizes.image)
    mask = F.one_hot(labels.long(), CLASSES + 1).permute(0, 3, 1, 2).float().to(device())

    @torch.no_grad()
    def call() -> Tensor:
        scheduler.set_timesteps(settings.synthesis_steps)
        image = torch.randn(MASKS, 1, sizes.image, sizes.image, device=device())
        for time in scheduler.timesteps:
            at = torch.full((MASKS,), 1 - float(time) / 1000, device=device())
            told, untold = (network(image, at, given) for given in (mask, torch.zeros_like(mask)))
            guided = untold + settings.guidance * (told - untold)
            image, _ = scheduler.step(guided, time, image)
        return image.cpu()

    return call
