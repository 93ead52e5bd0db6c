"""LcGAN's training step and synthesis, compared with the plain recipe and the device's limit."""

from __future__ import annotations

import shutil
from functools import partial

import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.measuring import Call, Recipe, alternate
from benchmarks.plain import PLAIN, PlainLcgan
from benchmarks.rows import Row, alone, beside, skipped
from benchmarks.sizes import Sizes
from benchmarks.slices import draw
from lcgan_core.generators.lcgan import LcganTask, generator, synthesise
from lcgan_core.lesions import FIVE
from lcgan_core.models import Generator
from lcgan_core.protocol.config import Lcgan
from lcgan_core.training.encoding import encode_mask, to_image
from lcgan_core.training.placing import device, has_bf16

IMAGES, MASKS, UNIT = 64, 8, "images/s"
CLASSES = len(FIVE)


def training(sizes: Sizes) -> list[Row]:
    """A step at each batch size, ours and the plain one; the limit in the same run."""
    rows = []
    for batch in sizes.batches:
        times, share, limit = _beside_limit(sizes, batch, plain_batch=batch)
        name = f"LcGAN step, batch {batch}"
        rows.append(beside(name, PLAIN, UNIT, batch / times["ours"], batch / times["plain"], share))
    rows.append(alone("matrix product, the limit", "TFLOP/s", limit / 1e12))
    return rows


def large_batch(sizes: Sizes) -> list[Row]:
    """What a GPU is for: a large batch, compared with the plain recipe at the paper's batch."""
    batch = sizes.large_batch
    name = f"LcGAN step, batch {batch}"
    if device().type == "cpu":
        return [skipped(name, "a CPU gains nothing from it")]
    times, share, _ = _beside_limit(sizes, batch, plain_batch=1)
    return [
        beside(name, f"{PLAIN}, batch 1", UNIT, batch / times["ours"], 1 / times["plain"], share)
    ]


def _beside_limit(sizes: Sizes, batch: int, plain_batch: int) -> tuple[dict, float, float]:
    """Seconds of our step and of the plain one, the fraction of the limit that ours reaches, and
    the limit in FLOP/s."""
    recipes: dict[str, Recipe] = {
        "ours": partial(step, sizes, batch),
        "plain": partial(_plain, sizes, plain_batch),
        "product": partial(product, sizes.matmul),
    }
    times = alternate(recipes, sizes)
    limit = 2 * sizes.matmul**3 / times["product"]
    return times, flops(step(sizes, batch)) / times["ours"] / limit, limit


def product(n: int) -> Call:
    """A product of two n x n matrices in the precision that training uses: 2 n^3 FLOPs."""
    precision = torch.bfloat16 if has_bf16() else torch.float32
    a, b = torch.randn(2, n, n, device=device()).to(precision)
    return partial(torch.mm, a, b, out=torch.empty_like(a))


def flops(call: Call) -> float:
    """Floating-point operations of the matrix products and convolutions in a call."""
    with FlopCounterMode(display=False) as counter:
        call()
    return float(counter.get_total_flops())


def compiled(sizes: Sizes) -> list[Row]:
    """Whether torch.compile pays: the same step with and without it."""
    batch = sizes.batches[0]
    name = f"LcGAN step, batch {batch}, torch.compile"
    if not any(map(shutil.which, ("c++", "g++", "clang++"))):
        return [skipped(name, "no C++ compiler is installed")]
    recipes = {
        "compiled": partial(step, sizes, batch, compile=True),
        "ours": partial(step, sizes, batch),
    }
    times = alternate(recipes, sizes)
    rates = (batch / times[each] for each in ("compiled", "ours"))
    return [beside(name, "ours without it", UNIT, *rates)]


def synthesis(sizes: Sizes) -> list[Row]:
    """Slices from masks, one at a time as in the paper."""
    recipes: dict[str, Recipe] = {
        "ours": partial(_synthesis, sizes),
        "plain": partial(_plain_synthesis, sizes),
    }
    times = alternate(recipes, sizes)
    rates = (MASKS / times[name] for name in recipes)
    return [beside("synthesis, batch 1", "eager float32, NCHW", UNIT, *rates)]


def step(sizes: Sizes, batch: int, compile: bool = False) -> Call:
    """A training step of LcGAN at full size, as in stage 2."""
    settings = Lcgan(width=sizes.width, snapshots=(1,), batch=batch)
    task = LcganTask(settings, *draw(IMAGES, sizes.image), seed=1)
    if compile:
        for network in task.modules.values():
            network.compile()
    return partial(task.step, torch.arange(batch))


def _plain(sizes: Sizes, batch: int) -> Call:
    return PlainLcgan(*draw(IMAGES, sizes.image), sizes.width, batch).step


def _synthesis(sizes: Sizes) -> Call:
    settings = Lcgan(width=sizes.width, snapshots=(1,))
    _, labels = draw(MASKS, sizes.image)
    return partial(synthesise, generator(settings, sizes.image, CLASSES), settings, labels, seed=1)


def _plain_synthesis(sizes: Sizes) -> Call:
    _, labels = draw(MASKS, sizes.image)
    network = Generator(3, 3, sizes.width, sizes.image).to(device())

    @torch.no_grad()
    def call() -> None:
        for each in labels:
            mask = encode_mask(each[None].to(device()), "rgb", CLASSES)
            to_image(network(mask.contiguous())).cpu()

    return call
