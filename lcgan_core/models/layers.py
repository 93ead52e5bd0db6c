"""What generator and discriminator share: the batch-statistics norm and the initial weights.

    N images, C channels, H x W pixels; all tensors float.

Source: the TensorFlow port of pix2pix that the paper names (its reference [25]).
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SLOPE = 0.2
"""Slope of every leaky ReLU of the port."""


class BatchNorm(nn.Module):
    """Normalise each channel by the batch's own mean and variance, in training and synthesis.

    (N, C, H, W) -> (N, C, H, W). There are no running statistics, because the port never updates
    or uses them, so `.train()` and `.eval()` make no difference. The variance is the biased one.

    >>> BatchNorm(1)(torch.tensor([[[[1.0, 3.0]]]])).round(decimals=3).flatten().tolist()
    [-1.0, 1.0]
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise x (N, C, H, W), of any size, even a single value per channel."""
        if x.shape[0] * x.shape[2] * x.shape[3] == 1:
            # One value is its own mean: the result is the bias, and no gradient passes. PyTorch's
            # batch_norm refuses this case, which the port meets at every step of batch size 1.
            return (x - x) * self.weight[:, None, None] + self.bias[:, None, None]
        y = F.batch_norm(x, None, None, self.weight, self.bias, training=True, eps=1e-5)
        if y.requires_grad:
            # A skip connection's gradient is a slice of the concatenation's. With such gaps the
            # norm's backward pass is 30 times slower on the CPU, and sums bfloat16 in bfloat16.
            last = x.is_contiguous(memory_format=torch.channels_last)
            layout = torch.channels_last if last else torch.contiguous_format
            y.register_hook(lambda gradient: gradient.contiguous(memory_format=layout))
        return y


def initialise(module: nn.Module) -> None:
    """Set the port's initial weights in place: kernels N(0, .02), norm gains N(1, .02), biases 0.

    Uses torch's global random numbers.
    """
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(layer.weight, 0.0, 0.02)
        elif isinstance(layer, BatchNorm):
            nn.init.normal_(layer.weight, 1.0, 0.02)
        else:
            continue
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
