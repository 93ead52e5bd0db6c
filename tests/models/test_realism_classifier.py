"""RealismClassifier: torchvision's GoogLeNet for two classes, from random weights."""

import pytest
import torch

from lcgan_core.models import RealismClassifier


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return RealismClassifier()


def test_parameter_count(model):
    aux = sum(p.numel() for name, p in model.named_parameters() if name.startswith("aux"))
    total = sum(p.numel() for p in model.parameters())
    assert (total, total - aux) == (9_936_038, 5_601_954)


def test_outputs_with_and_without_auxiliary_heads(model):
    images = torch.rand(2, 3, 64, 64)
    logits, aux2, aux1 = model.train()(images)
    assert logits.shape == aux2.shape == aux1.shape == (2, 2)
    assert model.eval()(images).shape == (2, 2)


def test_initial_weights(model):
    kernels = torch.cat([p.flatten() for p in model.parameters() if p.dim() > 1])
    assert kernels.std().item() == pytest.approx(0.01, rel=0.01)
    assert kernels.abs().max() < 2, "torchvision's cut at 2 would never act"
    assert not model.transform_input
