"""The layers of the paper's autoencoders (DeepFaceLab, arXiv 2005.05535).

Tensors are (batch, channels, rows, columns). Upsampling trades channels for pixels in the order of
`torch.nn.functional.pixel_shuffle`: the input channel of output channel c at block row y and block
column x is ``4 * c + 2 * y + x``. Weights of TensorFlow origin, whose order is
``(2 * y + x) * C + c``, are permuted when they are imported; nothing else differs.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from faceplate.models.smallmap import is_small_map, small_map_conv

__all__ = ["Activation", "Down", "Res", "Up", "activation_of", "pixel_norm"]

Activation = Callable[[Tensor], Tensor]


def leaky(x: Tensor, slope: float = 0.1) -> Tensor:
    """Return max(x, slope * x)."""
    return functional.leaky_relu(x, slope)


def leaky_res(x: Tensor) -> Tensor:
    """Return the steeper leak that residual blocks use."""
    return leaky(x, 0.2)


def cosine(x: Tensor) -> Tensor:
    """Return x * cos(x), the activation of option ``c``."""
    return x * torch.cos(x)


def activation_of(options: str, residual: bool = False) -> Activation:
    """Return the activation that `options` ask for; residual blocks leak twice as much."""
    if "c" in options:
        return cosine
    return leaky_res if residual else leaky


def pixel_norm(code: Tensor) -> Tensor:
    """Scale every flat code of a batch (B, N) to a mean square of one (option ``u``)."""
    wide = code.float()
    return (wide * torch.rsqrt(wide.square().mean(1, keepdim=True) + 1e-6)).to(code.dtype)


def convolved(conv: nn.Conv2d, x: Tensor) -> Tensor:
    """Convolve in the layout of the weights, channels last or not; large ones want to be left."""
    last = conv.weight.is_contiguous(memory_format=torch.channels_last)
    layout = torch.channels_last if last else torch.contiguous_format
    x = x.contiguous(memory_format=layout)
    y: Tensor = small_map_conv(conv, x) if is_small_map(conv, x) else conv(x)
    return y


class Down(nn.Module):
    """Halve the size: 5x5 convolution of stride two, then the activation."""

    def __init__(self, inputs: int, outputs: int, act: Activation) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 5, stride=2, padding=2)
        self.act = act

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, inputs, 2H, 2W) to (B, outputs, H, W)."""
        return self.act(convolved(self.conv, x))


class Up(nn.Module):
    """Double the size: 3x3 convolution to four times the channels, activation, depth to space."""

    def __init__(self, inputs: int, outputs: int, act: Activation) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs * 4, 3, padding=1)
        self.act = act

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, inputs, H, W) to (B, outputs, 2H, 2W)."""
        return functional.pixel_shuffle(self.act(convolved(self.conv, x)), 2)


class Res(nn.Module):
    """Add two 3x3 convolutions to their input."""

    def __init__(self, channels: int, act: Activation) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)
        self.act = act

    def forward(self, x: Tensor) -> Tensor:
        """Keep the shape (B, channels, H, W)."""
        inner = self.act(convolved(self.conv1, x))
        return self.act(x + convolved(self.conv2, inner))
