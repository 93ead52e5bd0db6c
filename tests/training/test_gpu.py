"""On a GPU a training step never waits for the device, and results come back to the CPU."""

from contextlib import contextmanager

import pytest
import torch

from lcgan_core.copies import traditional
from lcgan_core.criteria.realism import RealismTask, probability_real
from lcgan_core.generators.l1_only import L1OnlyTask
from lcgan_core.generators.lcgan import LcganTask, synthesise
from lcgan_core.protocol import profiles
from lcgan_core.segmenters.fcn8s import Fcn8s, SegmentationTask
from lcgan_core.training.pairs import Pairs, Redrawn

from .trainings import IMAGES, LABELS

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device"),
]
CONFIG = profiles.load("quick", segmentation_weights="none")
ONEHOT = CONFIG.lcgan.model_copy(update={"mask_encoding": "onehot"})
REAL = torch.arange(len(IMAGES)) % 2 == 0
TASKS = {
    "LcGAN": lambda: LcganTask(CONFIG.lcgan, IMAGES, LABELS, seed=1),
    "LcGAN, indicators": lambda: LcganTask(ONEHOT, IMAGES, LABELS, seed=1),
    "L1 only": lambda: L1OnlyTask(CONFIG.lcgan, IMAGES, LABELS, seed=1),
    "FCN-8s": lambda: SegmentationTask(CONFIG.segmentation, Pairs(IMAGES, LABELS), seed=1),
    "FCN-8s, redrawn": lambda: SegmentationTask(
        CONFIG.segmentation, Redrawn(IMAGES, LABELS), seed=1
    ),
    "classifier": lambda: RealismTask(CONFIG.realism, IMAGES, REAL, seed=1),
}


@contextmanager
def no_waiting():
    """Whatever waits for the GPU is an error of torch's."""
    torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode("default")


@pytest.mark.parametrize("free", ["enough", "none"])
@pytest.mark.parametrize("name", TASKS)
def test_a_step_never_waits(monkeypatch, name, free):
    if free == "none":  # so that slices are streamed from the computer's memory
        monkeypatch.setattr(torch.cuda, "mem_get_info", lambda: (0, 0))
    task = TASKS[name]()
    task.step(torch.arange(4))  # the first step sets libraries up, and may wait
    with no_waiting():
        losses = task.step(torch.arange(2, 6))
    assert {loss.device.type for loss in losses.values()} == {"cuda"}
    assert all(loss.isfinite() for loss in losses.values())


def test_traditional_copies_are_made_on_the_gpu_without_waiting():
    on_gpu, noise = (IMAGES.cuda(), LABELS.cuda()), torch.default_generator
    drawn = traditional.sample(len(IMAGES), noise)
    traditional.transformed(*on_gpu, drawn)
    with no_waiting():
        copies = traditional.transformed(*on_gpu, drawn)
    assert {each.device.type for each in copies} == {"cuda"}


def test_results_come_back_to_the_cpu():
    gan, classifier = TASKS["LcGAN"](), TASKS["classifier"]()
    segmenter = Fcn8s(CONFIG, 5)
    segmenter.task(Pairs(IMAGES, LABELS), seed=1)
    results = [
        synthesise(gan.G, gan.settings, LABELS, seed=1),
        segmenter.segment(IMAGES),
        segmenter.features(IMAGES),
        probability_real(classifier.classifier, IMAGES),
    ]
    assert all(len(each) == len(IMAGES) and each.device.type == "cpu" for each in results)
