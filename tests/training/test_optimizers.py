"""Steps over weights as they lie in memory are the steps of torch's plain optimisers."""

from copy import deepcopy

import pytest
import torch
from torch import nn

from lcgan_core.training import optimizers

SETTINGS = {
    "Adam": {"lr": 0.01, "betas": (0.5, 0.999)},
    "SGD": {"lr": 0.01, "momentum": 0.99, "weight_decay": 5e-4},
}


def network(memory_format):
    torch.manual_seed(0)
    layers = nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 4, 1), nn.ConvTranspose2d(4, 5, 2),
        nn.Flatten(), nn.LazyLinear(2),
    )  # fmt: skip
    layers(torch.zeros(1, 3, 6, 6))
    return layers.to(memory_format=memory_format)


def groups(layers):
    """Two groups as FCN-8s has them: biases at twice the rate; the first layer is frozen."""
    layers[0].requires_grad_(False)
    named = list(layers.named_parameters())
    return [
        {"params": [p for name, p in named if not name.endswith("bias")]},
        {"params": [p for name, p in named if name.endswith("bias")], "lr": 0.02},
    ]


def trained(layers, optimizer, steps=3):
    torch.manual_seed(1)
    for _ in range(steps):
        optimizer.zero_grad()
        layers(torch.randn(2, 3, 6, 6)).square().sum().backward()
        optimizer.step()
    return {name: p.detach().clone() for name, p in layers.named_parameters()}


@pytest.mark.parametrize("name", SETTINGS)
def test_steps_are_those_of_the_plain_optimiser(name):
    ours, plain = network(torch.channels_last), network(torch.contiguous_format)
    before = {key: p.detach().clone() for key, p in plain.named_parameters()}
    found = trained(ours, getattr(optimizers, name)(groups(ours), **SETTINGS[name]))
    expected = trained(
        plain, getattr(torch.optim, name)(groups(plain), **SETTINGS[name], foreach=False)
    )
    for key, weight in expected.items():
        torch.testing.assert_close(found[key], weight, rtol=1e-5, atol=1e-6)
        assert torch.equal(weight, before[key]) == key.startswith("0."), key


def test_state_goes_on_in_another_optimiser():
    ours = network(torch.channels_last)
    first = optimizers.Adam(groups(ours), **SETTINGS["Adam"])
    trained(ours, first)
    second = optimizers.Adam(groups(ours), **SETTINGS["Adam"])
    second.load_state_dict(deepcopy(first.state_dict()))
    copied = {key: p.detach().clone() for key, p in ours.named_parameters()}
    whole = trained(ours, first, steps=1)
    for key, p in ours.named_parameters():
        p.data.copy_(copied[key])
    for key, weight in trained(ours, second, steps=1).items():
        assert torch.equal(weight, whole[key])
