"""On a GPU a step mixes no devices and never waits: seen on one that FakeTensorMode imagines.

Its tensors have shapes and devices and no values, so that asking for a value, which on a GPU waits
for everything before it, is an error, and so is an operation on tensors of two devices. Backward
passes need a driver; all else of a step runs.
"""

from types import SimpleNamespace

import pytest
import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.fx.experimental.symbolic_shapes import GuardOnDataDependentSymNode, ShapeEnv
from torch.utils._python_dispatch import TorchDispatchMode
from torchvision.transforms.v2 import functional

from lcgan_core.copies import traditional
from lcgan_core.criteria import realism
from lcgan_core.generators import jitter, l1_only, lcgan
from lcgan_core.protocol import profiles
from lcgan_core.segmenters import fcn8s
from lcgan_core.training import placing

GPU = torch.device("cuda", 0)
PROFILE = profiles.load("quick", segmentation_weights="none")


class NoWaiting(TorchDispatchMode):
    """Refuse a copy from one device to another for which somebody waits."""

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        if function is torch.ops.aten._to_copy.default and result.device != args[0].device:
            assert kwargs.get("non_blocking") and args[0].device.type == "cpu", "this copy waits"
        return result


@pytest.fixture
def gpu(monkeypatch):
    for module in (placing, lcgan, realism, fcn8s):
        monkeypatch.setattr(module, "device", lambda: GPU)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda: (80 << 30, 80 << 30))
    monkeypatch.setattr(lcgan, "default_generator", lambda: torch.default_generator)
    monkeypatch.setattr(jitter, "sample", lambda n, size, generator: drawn(n))
    monkeypatch.setattr(fcn8s, "start_at_frequencies", lambda fcn, labels: None)
    # FakeTensorMode does not know how many images it gets
    monkeypatch.setattr(functional, "gaussian_blur", lambda images, kernel, sigma: images)
    monkeypatch.setattr(nn.Module, "to", moved)
    losses: list[Tensor] = []
    monkeypatch.setattr(Tensor, "backward", lambda loss: losses.append(loss))
    with FakeTensorMode(shape_env=ShapeEnv()):
        images, labels = torch.zeros(2, 8, 64, 64, dtype=torch.uint8)
        yield SimpleNamespace(images=images, labels=labels, losses=losses)


def drawn(n: int) -> jitter.Jitter:
    """A jitter as a GPU's own generator draws it."""
    top, left, flip = torch.zeros(3, n, dtype=torch.long, device=GPU)
    return jitter.Jitter(top, left, flip.bool())


def moved(network: nn.Module, device: torch.device, memory_format: object = None) -> nn.Module:
    """nn.Module.to, which cannot move imagined weights."""
    for layer in network.modules():
        for name, weight in list(layer.named_parameters(recurse=False)):
            setattr(layer, name, nn.Parameter(weight.detach().to(device), weight.requires_grad))
        for name, buffer in list(layer.named_buffers(recurse=False)):
            setattr(layer, name, buffer.to(device))
    return network


TASKS = {
    "LcGAN": lambda *slices: lcgan.LcganTask(PROFILE.lcgan, *slices, seed=1),
    "LcGAN, indicators": lambda *slices: lcgan.LcganTask(
        PROFILE.lcgan.model_copy(update={"mask_encoding": "onehot"}), *slices, seed=1
    ),
    "L1 only": lambda *slices: l1_only.L1OnlyTask(PROFILE.lcgan, *slices, seed=1),
    "FCN-8s": lambda *slices: fcn8s.SegmentationTask(PROFILE.segmentation, *slices, seed=1),
    "FCN-8s, copies drawn anew": lambda *slices: fcn8s.RedrawnTask(
        PROFILE.segmentation, *slices, seed=1
    ),
    "classifier": lambda images, labels: realism.RealismTask(
        PROFILE.realism, images, labels[:, 0, 0] == 0, seed=1
    ),
}


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("name", TASKS)
def test_a_step_never_waits(gpu, monkeypatch, name, streamed):
    if streamed:
        monkeypatch.setattr(torch.cuda, "mem_get_info", lambda: (0, 0))
    task = TASKS[name](gpu.images, gpu.labels)
    assert task.images.device.type == ("cpu" if streamed else "cuda")
    with NoWaiting():
        losses = task.step(torch.arange(4))
    assert {each.device for each in [*losses.values(), *gpu.losses]} == {GPU}


def test_traditional_copies_are_made_on_the_device_and_nobody_waits(gpu):
    on_device = gpu.images.to(GPU), gpu.labels.to(GPU)
    with NoWaiting():
        copies = traditional.copies(*on_device, torch.default_generator)
    assert {each.device for each in copies} == {GPU}
    assert [each.shape for each in copies] == [gpu.images.shape] * 2


def test_results_come_back(gpu):
    gan, fcn, classifier = (TASKS[name](gpu.images, gpu.labels) for name in (
        "LcGAN", "FCN-8s", "classifier"
    ))  # fmt: skip
    results = [
        lcgan.synthesise(gan.G, gan.settings, gpu.labels, seed=1),
        fcn8s.segment(fcn.fcn, gpu.images),
        fcn8s.features(fcn.fcn, gpu.images),
        realism.probability_real(classifier.classifier, gpu.images),
    ]
    assert all(len(each) == len(gpu.images) and each.device.type == "cpu" for each in results)


def test_an_imagined_gpu_refuses_what_would_wait_or_mix_devices(gpu):
    there = gpu.images.to(GPU)
    with pytest.raises(GuardOnDataDependentSymNode):
        bool(there.any())
    with pytest.raises(RuntimeError, match="same device"):
        there + gpu.images
    with NoWaiting(), pytest.raises(AssertionError):
        there.cpu()
    with NoWaiting(), pytest.raises(AssertionError):
        torch.tensor([1.0], device=GPU)
