"""The independent VGG-16 that FCN-8s is compared with."""

import pytest
from torch import nn
from torchvision.models.vgg import VGG, make_layers

STAGES = ((1, 1), (2, 2), (4, 4, 4), (8, 8, 8), (8, 8, 8))


@pytest.fixture(scope="session")
def torchvision_vgg16():
    """torchvision's own VGG-16 with any width in place of 64."""

    def build(width):
        plan = [part for stage in STAGES for part in [*(width * count for count in stage), "M"]]
        model = VGG(make_layers(plan), init_weights=False)
        model.classifier[0] = nn.Linear(8 * width * 49, 64 * width)
        model.classifier[3] = nn.Linear(64 * width, 64 * width)
        return model

    return build
