"""Checkpoints: tensors and notes come back exactly; a damaged file is named; no pickle is read."""

import pickle

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from lcgan_core.errors import UserError
from lcgan_core.training import checkpoint


def network_and_adam(layout=torch.contiguous_format, fused=False):
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 2, 3), nn.BatchNorm2d(2)).to(memory_format=layout)
    return network, torch.optim.Adam(network.parameters(), lr=0.1, fused=fused)


def step(network, adam):
    network(torch.arange(150.0).view(2, 3, 5, 5).sin()).pow(3).sum().backward()
    adam.step()
    adam.zero_grad()


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("fused", [False, True])
def test_network_optimizer_and_notes_come_back(tmp_path, layout, fused):
    network, adam = network_and_adam(layout, fused)
    step(network, adam)
    path = tmp_path / "a.safetensors"
    checkpoint.save(path, {"n": network}, {"a": adam}, {"epoch": 3, "history": [{"L1": 0.25}]})
    other, other_adam = network_and_adam(layout, fused)
    notes = checkpoint.load(path, {"n": other}, {"a": other_adam})
    assert notes == {"epoch": 3, "history": [{"L1": 0.25}]}
    step(network, adam)
    step(other, other_adam)
    for key, value in network.state_dict().items():
        assert torch.equal(value, other.state_dict()[key]), key
    assert list(tmp_path.iterdir()) == [path], "no temporary file stays"


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(path.read_bytes()[:100]),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(pickle.dumps({"weights": 1})),
        lambda path: save_file({"n/weight": torch.zeros(1)}, path),
        lambda path: save_file({}, path, {"notes": "[" * 100_000}),
    ],
    ids=["truncated", "empty", "a pickle", "no notes", "nested notes"],
)
def test_a_damaged_file_is_named_with_the_remedy(tmp_path, damage):
    network, _ = network_and_adam()
    path = tmp_path / "a.safetensors"
    checkpoint.save(path, {"n": network}, {}, {})
    damage(path)
    with pytest.raises(UserError, match="is damaged .* delete it to start again"):
        checkpoint.load(path, {"n": network})


def test_a_checkpoint_of_another_network_is_refused(tmp_path):
    network, _ = network_and_adam()
    path = tmp_path / "a.safetensors"
    checkpoint.save(path, {"n": network}, {}, {})
    with pytest.raises(UserError, match="belongs to another network"):
        checkpoint.load(path, {"n": nn.Linear(2, 2)})
