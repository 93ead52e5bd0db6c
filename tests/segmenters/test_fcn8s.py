"""FCN-8s as a segmenter: how its training starts and steps, and what its saved network does."""

import pytest
import torch

from lcgan_core.models import FCN8s
from lcgan_core.protocol import profiles
from lcgan_core.protocol.config import Traditional
from lcgan_core.segmenters import base
from lcgan_core.segmenters.fcn8s import SegmentationTask, optimizer, scores, start_at_frequencies
from lcgan_core.training.pairs import Pairs, Redrawn
from tests.training.trainings import FCN, IMAGES, LABELS, train, weights


@pytest.mark.parametrize("classes", [1, 5])
def test_a_saved_network_segments_as_the_trained_one(tmp_path, classes):
    config = profiles.load("quick", segmentation_width=2)
    method = base.segmenter("fcn8s", config, classes)
    task = method.task(Pairs(IMAGES, LABELS.clip(max=classes)), seed=1)
    train(task, tmp_path)
    base.save(task, tmp_path)
    again = base.trained("fcn8s", config, classes, tmp_path)
    labels, features = method.segment(IMAGES), method.features(IMAGES)
    assert labels.shape == IMAGES.shape and labels.dtype == torch.uint8
    assert labels.max() <= classes
    assert features.shape == (len(IMAGES), 64 * 2) and features.dtype == torch.float32
    assert torch.equal(again.segment(IMAGES), labels)
    assert torch.equal(again.features(IMAGES), features)


def test_segmenting_a_slice_does_not_depend_on_the_others():
    method = base.segmenter("fcn8s", profiles.load("quick", segmentation_width=2), 5)
    method.task(Pairs(IMAGES, LABELS), seed=1)
    features = method.features(IMAGES)
    alone = torch.cat([method.features(image[None]) for image in IMAGES])
    torch.testing.assert_close(alone, features, rtol=1e-4, atol=1e-5)


def test_the_arms_of_a_fraction_start_from_the_same_weights():
    arms = (Pairs(IMAGES, LABELS), Redrawn(IMAGES, LABELS, Traditional()))
    assert torch.equal(*(weights(SegmentationTask(FCN, arm, seed=1)) for arm in arms))


def test_the_first_prediction_is_how_common_each_class_is():
    fcn = FCN8s(6, 1).eval()
    labels = torch.tensor([0, 0, 0, 0, 0, 0, 1, 1, 1, 3] * 1000)
    start_at_frequencies(fcn, labels)
    with torch.no_grad():
        scores = fcn(torch.rand(1, 3, 192, 192))[0, :, 96, 96]  # far from the edges
    assert scores.softmax(0).tolist() == pytest.approx([0.6, 0.3, 0, 0.1, 0, 0], abs=2e-3)


def test_the_caffe_solver_steps_as_its_formula_says():
    """Momentum .99; weights decay by 5e-4; biases do not, and learn at twice the rate."""
    settings = FCN.model_copy(update={"optimizer": "sgd", "learning_rate": 0.01})
    torch.manual_seed(0)
    fcn = FCN8s(2, 1)
    solver = optimizer(fcn, settings)
    expected = {name: p.detach().clone() for name, p in fcn.named_parameters()}
    velocity = {name: torch.zeros_like(p) for name, p in expected.items()}
    for step in range(3):
        generator = torch.Generator().manual_seed(step)
        for name, p in fcn.named_parameters():
            if not p.requires_grad:
                continue
            p.grad = torch.randn(p.shape, generator=generator)
            bias = name.endswith("bias")
            gradient = p.grad + (0 if bias else 5e-4) * expected[name]
            velocity[name] = 0.99 * velocity[name] + gradient
            expected[name] -= (0.02 if bias else 0.01) * velocity[name]
        solver.step()
    for name, p in fcn.named_parameters():
        torch.testing.assert_close(p.detach(), expected[name], rtol=1e-5, atol=1e-6, msg=name)


class Stripes(torch.nn.Module):
    """A network with as many scores as its input has pixels: the grey level itself."""

    def forward(self, image):
        self.seen = image.shape
        return image[:, :2]


def test_an_enlarged_input_gives_scores_of_the_slice_s_size():
    network = Stripes()
    images = torch.randint(256, (2, 8, 8), generator=torch.Generator().manual_seed(1)).byte()
    at_one, at_two = scores(network, images, 1), scores(network, images, 2)
    assert network.seen == (2, 3, 16, 16)
    assert at_one.shape == at_two.shape == (2, 2, 8, 8)
    # bilinear samples at -1/4 and +1/4 of a pixel take 1/4 of a neighbour and 3/4 of the pixel;
    # their mean takes 1/8 of each neighbour
    row = torch.tensor([1 / 8, 3 / 4, 1 / 8])
    kernel = (row[:, None] * row).expand(2, 1, 3, 3)
    wanted = torch.nn.functional.conv2d(at_one, kernel, groups=2)
    torch.testing.assert_close(at_two[:, :, 1:-1, 1:-1], wanted)


def test_the_scale_changes_no_parameter():
    pairs, larger = Pairs(IMAGES, LABELS), FCN.model_copy(update={"scale": 2})
    tasks = [SegmentationTask(settings, pairs, seed=1) for settings in (FCN, larger)]
    assert torch.equal(*map(weights, tasks))
