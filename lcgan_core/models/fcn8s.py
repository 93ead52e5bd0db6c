"""FCN-8s "at once": the segmentation network and, trained on everything, the judge.

    image   (N, 3, H, W)          in [-1, 1], any H and W
    pool3   (N, 4w, ~H/8,  ~W/8)  w = width, 64 in the paper; pools round up, as Caffe's do
    pool4   (N, 8w, ~H/16, ~W/16)
    fc7     (N, 64w, ~H/32, ~W/32)
    logits  (N, classes, H, W)

With border b, pixel i of pool3 is centred on image pixel 8i + 3.5 - (b - 1); the crops below keep
every score on the pixels that it was computed from. Source: paper 4.1 and its reference [19], in
the authors' Caffe reference implementation.
"""

import torch
from torch import Tensor, nn

from lcgan_core.errors import UserError

TRUNK = ((1, 1), (2, 2), (4, 4, 4), (8, 8, 8), (8, 8, 8))
"""VGG-16: channels of each 3 x 3 convolution in units of `width`; a pool ends each stage."""


def bilinear_upsampling(classes: int, factor: int) -> nn.ConvTranspose2d:
    """Frozen upsampling of (N, classes, h, w) by `factor` (even), class by class.

    The result has (h + 1) * factor rows: factor / 2 beyond each end, fading to 0.

    >>> bilinear_upsampling(1, 2)(torch.ones(1, 1, 1, 1))[0, 0, 0].tolist()
    [0.0625, 0.1875, 0.1875, 0.0625]
    """
    layer = nn.ConvTranspose2d(classes, classes, 2 * factor, stride=factor, bias=False)
    hat = 1 - (torch.arange(2 * factor) - (factor - 0.5)).abs() / factor
    with torch.no_grad():
        # Full kernels with zeros between classes: the reference's parameters, 10,368 in all.
        layer.weight.copy_(torch.eye(classes)[:, :, None, None] * hat[:, None] * hat)
    layer.weight.requires_grad_(False)
    return layer


def crop(x: Tensor, offset: int, like: Tensor) -> Tensor:
    """The part of x (N, C, h, w) that starts at row and column `offset` and has the size of like.

    >>> crop(torch.arange(5.0).expand(1, 1, 5, 5), 1, torch.empty(1, 1, 3, 3))[0, 0, 0].tolist()
    [1.0, 2.0, 3.0]
    """
    return x[:, :, offset : offset + like.shape[2], offset : offset + like.shape[3]]


class FCN8s(nn.Module):
    """Map images (N, 3, H, W) in [-1, 1] to class logits (N, classes, H, W).

    `border=100` is the reference: conv1_1 pads by 100, fc6 not at all. That border would be most of
    a small image, so `border=1` pads every layer so as to keep its size.
    `batch_norm` is for training without VGG-16 weights: a norm after every hidden convolution,
    scores initialised from N(0, .01), pool3 and pool4 unscaled. Without it, scores start at 0 and
    the pools are scaled by .0001 and .01, which suits pretrained features but learns slowly
    from random weights.
    `mean` and `std` (3,) normalise the image; they are stored with the weights (`load_vgg16`).

    Raises UserError if `border` is neither 1 nor 100.

    >>> with torch.device("meta"):
    ...     model = FCN8s()
    >>> sum(p.numel() for p in model.parameters() if p.requires_grad)
    134289746
    >>> sum(p.numel() for p in model.parameters() if not p.requires_grad)
    10368
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self, classes: int = 6, width: int = 64, border: int = 100, batch_norm: bool = False
    ) -> None:
        super().__init__()
        if border not in (1, 100):
            raise UserError(f"The FCN's border is {border}; set it to 100 (reference) or 1.")
        self.border = border
        self.scale_pool3, self.scale_pool4 = (1.0, 1.0) if batch_norm else (0.0001, 0.01)
        self.register_buffer("mean", torch.zeros(3))
        self.register_buffer("std", torch.ones(3))

        def hidden(before: int, after: int, kernel: int, padding: int) -> list[nn.Module]:
            norm = [nn.BatchNorm2d(after)] if batch_norm else []
            return [nn.Conv2d(before, after, kernel, padding=padding), *norm, nn.ReLU()]

        channels = 3
        self.trunk = nn.ModuleList()
        for stage, counts in enumerate(TRUNK):
            layers: list[nn.Module] = []
            for layer, count in enumerate(counts):
                padding = border if stage == layer == 0 else 1
                layers += hidden(channels, count * width, 3, padding)
                channels = count * width
            self.trunk.append(nn.Sequential(*layers, nn.MaxPool2d(2, ceil_mode=True)))
        self.fc6 = nn.Sequential(
            *hidden(channels, 64 * width, 7, 3 if border == 1 else 0), nn.Dropout()
        )
        self.fc7 = nn.Sequential(*hidden(64 * width, 64 * width, 1, 0), nn.Dropout())

        self.score_pool3 = nn.Conv2d(4 * width, classes, 1)
        self.score_pool4 = nn.Conv2d(8 * width, classes, 1)
        self.score_fc7 = nn.Conv2d(64 * width, classes, 1)
        self.double_fc7 = bilinear_upsampling(classes, 2)
        self.double_pool4 = bilinear_upsampling(classes, 2)
        self.enlarge = bilinear_upsampling(classes, 8)
        self._initialise(batch_norm)

    def _initialise(self, batch_norm: bool) -> None:
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight)
                if layer.bias is not None:
                    nn.init.zeros_(layer.bias)
        for score in (self.score_pool3, self.score_pool4, self.score_fc7):
            nn.init.normal_(score.weight, 0.0, 0.01 if batch_norm else 0.0)

    def forward(self, image: Tensor) -> Tensor:
        """Logits (N, classes, H, W)."""
        x = (image - self.mean[:, None, None]) / self.std[:, None, None]
        pools = []
        for stage in self.trunk:
            x = stage(x)
            pools.append(x)
        deep = self.fc7(self.fc6(x))
        # In bfloat16 the backward pass of the scores of 4,096 channels writes past its memory where
        # a CPU has AMX (oneDNN 3.13, two threads). In float32 so few channels cost nothing.
        with torch.autocast(image.device.type, enabled=False):
            return self._scores(image, pools[2].float(), pools[3].float(), deep.float())

    def _scores(self, image: Tensor, pool3: Tensor, pool4: Tensor, deep: Tensor) -> Tensor:
        pool3 = self.score_pool3(self.scale_pool3 * pool3)
        pool4 = self.score_pool4(self.scale_pool4 * pool4)
        fc7 = self.double_fc7(self.score_fc7(deep))
        if self.border == 100:
            # The unpadded fc6 leaves the deep maps smaller, so the shallow ones are cropped.
            x = fc7 + crop(pool4, 5, fc7)
            x = self.double_pool4(x)
            x = x + crop(pool3, 9, x)
            return crop(self.enlarge(x), 31, image)
        x = crop(fc7, 1, pool4) + pool4
        x = crop(self.double_pool4(x), 1, pool3) + pool3
        return crop(self.enlarge(x), 4, image)
