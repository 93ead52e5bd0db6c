"""The realism classifier: can a network tell a synthetic slice from a real one?

    image   (N, 3, H, W)   in [-1, 1], at least 15 x 15 pixels
    logits  (N, 2)         class 0 synthetic, class 1 real

Source: paper 3.2.3, which names GoogLeNet; the architecture is torchvision's.
"""

from torch import nn
from torchvision.models import GoogLeNet


class RealismClassifier(GoogLeNet):
    """GoogLeNet for two classes, from random weights.

    `.eval()` gives logits (N, 2). `.train()` gives a named tuple (logits, aux_logits2,
    aux_logits1), each (N, 2), whose auxiliary losses count .3 each in the original.
    """

    def __init__(self) -> None:
        super().__init__(num_classes=2, aux_logits=True, init_weights=False)
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d | nn.Linear):
                # torchvision samples N(0, .01) cut at +-2, that is at 200 sigma, by a slow inverse;
                # the plain normal is the same distribution.
                nn.init.normal_(layer.weight, 0.0, 0.01)
