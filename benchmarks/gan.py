"""LcGAN's training step and synthesis, beside the plain recipe and the device's limit."""

from __future__ import annotations

import shutil
from functools import partial

import torch

from benchmarks import limits
from benchmarks.measuring import Call, alternate
from benchmarks.plain import PLAIN, PlainLcgan
from benchmarks.rows import Row, alone, beside, skipped
from benchmarks.sizes import Sizes
from benchmarks.slices import draw
from lcgan_core.loops.lcgan import LcganTask, generator, synthesise
from lcgan_core.loops.placing import device
from lcgan_core.models import Generator
from lcgan_core.profiles import Lcgan
from lcgan_core.transforms.encoding import encode_mask, to_image

IMAGES, UNIT = 64, "images/s"


def training(sizes: Sizes) -> list[Row]:
    """A step of either batch beside the plain one of the same batch; the limit in the same run."""
    product, product_flops = limits.matmul(sizes.matmul)
    rows = []
    for batch in sizes.batches:
        step = _step(sizes, batch)
        calls = {"ours": step, "plain": _plain(sizes, batch), "product": product}
        times = alternate(calls, sizes)
        limit = product_flops / times["product"]
        share = limits.flops(step) / times["ours"] / limit
        name = f"LcGAN step, batch {batch}"
        rows.append(beside(name, PLAIN, UNIT, batch / times["ours"], batch / times["plain"], share))
    rows.append(alone("matrix product, the limit", "TFLOP/s", limit / 1e12))
    return rows


def large_batch(sizes: Sizes) -> list[Row]:
    """What a GPU is for: a large batch beside the plain recipe at the paper's batch of one."""
    name = f"LcGAN step, batch {sizes.large_batch}"
    if device().type == "cpu":
        return [skipped(name, "a CPU gains nothing from it")]
    product, product_flops = limits.matmul(sizes.matmul)
    step = _step(sizes, sizes.large_batch)
    times = alternate({"ours": step, "plain": _plain(sizes, 1), "product": product}, sizes)
    share = limits.flops(step) / times["ours"] * times["product"] / product_flops
    ours = sizes.large_batch / times["ours"]
    return [beside(name, f"{PLAIN}, batch 1", UNIT, ours, 1 / times["plain"], share)]


def compiled(sizes: Sizes) -> list[Row]:
    """Whether torch.compile pays: the same step with and without it."""
    batch = sizes.batches[0]
    name = f"LcGAN step, batch {batch}, torch.compile"
    if not any(map(shutil.which, ("c++", "g++", "clang++"))):
        return [skipped(name, "no C++ compiler is installed")]
    calls = {"compiled": _step(sizes, batch, compile=True), "ours": _step(sizes, batch)}
    times = alternate(calls, sizes)
    rates = (batch / times[each] for each in ("compiled", "ours"))
    return [beside(name, "ours without it", UNIT, *rates)]


def synthesis(sizes: Sizes) -> list[Row]:
    """Slices from masks, one at a time as in the paper."""
    _, labels = draw(8, sizes.image)
    settings = Lcgan(width=sizes.width, snapshots=(1,))
    ours, plain = generator(settings, sizes.image), Generator(3, 3, sizes.width, sizes.image)
    plain.to(device())

    @torch.no_grad()
    def plainly() -> None:
        for each in labels:
            to_image(plain(encode_mask(each[None].to(device()), "rgb"))).cpu()

    calls: dict[str, Call] = {
        "ours": partial(synthesise, ours, settings, labels, seed=1),
        "plain": plainly,
    }
    times = alternate(calls, sizes)
    rates = (len(labels) / times[name] for name in calls)
    return [beside("synthesis, batch 1", "eager float32, NCHW", UNIT, *rates)]


def _step(sizes: Sizes, batch: int, compile: bool = False) -> Call:
    settings = Lcgan(width=sizes.width, snapshots=(1,), batch=batch)
    task = LcganTask(settings, *draw(IMAGES, sizes.image), seed=1)
    if compile:
        for network in task.modules.values():
            network.compile()
    return partial(task.step, torch.arange(batch, device=device()))


def _plain(sizes: Sizes, batch: int) -> Call:
    return PlainLcgan(*draw(IMAGES, sizes.image), sizes.width, batch).step
