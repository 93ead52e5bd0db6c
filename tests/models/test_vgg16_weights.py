"""load_vgg16: what it copies, what it says, what it refuses."""

import pickle

import pytest
import safetensors.torch
import torch
from torchvision.models import VGG16_Weights

from lcgan_core.errors import UserError
from lcgan_core.models import FCN8s, load_vgg16

WIDTH = 4


@pytest.fixture
def state(torchvision_vgg16):
    torch.manual_seed(0)
    return torchvision_vgg16(WIDTH).state_dict()


def test_none_leaves_the_model_and_says_so():
    model = FCN8s(width=1)
    before = [p.clone() for p in model.parameters()]
    assert "random weights" in load_vgg16(model, "none")
    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))
    assert torch.equal(model.std, torch.ones(3))


@pytest.mark.parametrize("suffix", ["pth", "safetensors"])
def test_a_local_file_fills_every_layer_and_sets_the_normalisation(tmp_path, state, suffix):
    path = tmp_path / f"vgg.{suffix}"
    (torch.save if suffix == "pth" else safetensors.torch.save_file)(state, path)
    model = FCN8s(width=WIDTH)
    assert path.name in load_vgg16(model, str(path))
    hidden = [*model.trunk.parameters(), *model.fc6.parameters(), *model.fc7.parameters()]
    theirs = [value for name, value in state.items() if not name.startswith("classifier.6")]
    assert len(hidden) == len(theirs) == 30
    for ours, value in zip(hidden, theirs, strict=True):
        assert torch.equal(ours.flatten(), value.flatten())
    # An image of ImageNet's mean colour, in [-1, 1], must come out as 0.
    mean = torch.tensor([0.485, 0.456, 0.406])
    assert torch.allclose((2 * mean - 1 - model.mean) / model.std, torch.zeros(3), atol=1e-6)
    assert "mean" in model.state_dict(), "a checkpoint keeps its normalisation"


def test_imagenet_is_torchvisions_enum_loaded_without_code(monkeypatch, state):
    asked = {}

    def fetch(self, **options):
        asked.update(options, weights=self)
        return state

    monkeypatch.setattr(VGG16_Weights, "get_state_dict", fetch)
    assert "ImageNet" in load_vgg16(FCN8s(width=WIDTH), "imagenet")
    assert asked["weights"] is VGG16_Weights.IMAGENET1K_V1
    assert asked["weights_only"] and asked["check_hash"]


def test_no_network_names_the_remedy(monkeypatch):
    def fail(*args, **options):
        raise OSError("no route to host")

    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", fail)
    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", fail)
    with pytest.raises(UserError, match="path of a local vgg16 state dict"):
        load_vgg16(FCN8s(width=1), "imagenet")


def test_unfit_weights_are_refused_and_leave_the_model_alone(tmp_path, state, torchvision_vgg16):
    model = FCN8s(width=WIDTH)
    before = model.trunk[0][0].weight.clone()
    bad = {
        "missing": {k: v for k, v in state.items() if k != "classifier.3.bias"},
        "not-finite": state | {"classifier.0.bias": state["classifier.0.bias"] * torch.nan},
        "wide": torchvision_vgg16(2 * WIDTH).state_dict(),
        "text": state | {"features.0.weight": "none"},
    }
    for name, weights in bad.items():
        torch.save(weights, tmp_path / name)
        with pytest.raises(UserError, match="full state dict"):
            load_vgg16(model, tmp_path / name)
    assert torch.equal(model.trunk[0][0].weight, before)
    safetensors.torch.save_file(state, tmp_path / "good.safetensors")
    with pytest.raises(UserError, match="without batch norm"):
        load_vgg16(FCN8s(width=WIDTH, batch_norm=True), tmp_path / "good.safetensors")


class Harmful:
    def __reduce__(self):
        return print, ("code ran",)


def test_broken_and_harmful_files_are_refused(tmp_path, capsys):
    (tmp_path / "broken.safetensors").write_bytes(b"not tensors")
    (tmp_path / "harmful.pth").write_bytes(pickle.dumps(Harmful(), protocol=2))
    torch.save([Harmful()], tmp_path / "harmful2.pth")
    torch.save(torch.zeros(2), tmp_path / "tensor.pth")
    for name, words in {
        "absent.pth": "is not a file",
        "broken.safetensors": "cannot be read",
        "harmful.pth": "cannot be read",
        "harmful2.pth": "cannot be read",
        "tensor.pth": "no state dict",
    }.items():
        with pytest.raises(UserError, match=words):
            load_vgg16(FCN8s(width=1), tmp_path / name)
    assert "code ran" not in capsys.readouterr().out
