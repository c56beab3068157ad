"""The building blocks of the paper's autoencoders (DeepFaceLab, arXiv 2005.05535).

Tensors are (batch, channels, rows, columns). Upsampling trades channels for pixels in the order of
`torch.nn.functional.pixel_shuffle`: the input channel of output channel c at block row y and block
column x is ``4 * c + 2 * y + x``. Weights of TensorFlow origin, whose order is
``(2 * y + x) * C + c``, are permuted when they are imported; nothing else differs.
"""

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = [
    "Activation",
    "Decoder",
    "Down",
    "Encoder",
    "Inter",
    "Res",
    "Up",
    "activation_of",
    "glorot",
    "pixel_norm",
]

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


def glorot(module: nn.Module) -> None:
    """Initialise a convolution or a dense layer: Glorot uniform kernel, zero bias."""
    if isinstance(module, nn.Conv2d | nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def convolved(conv: nn.Conv2d, x: Tensor) -> Tensor:
    """Convolve in the layout of the weights, channels last or not; large ones want to be left."""
    last = conv.weight.is_contiguous(memory_format=torch.channels_last)
    layout = torch.channels_last if last else torch.contiguous_format
    y: Tensor = conv(x.contiguous(memory_format=layout))
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


class Encoder(nn.Module):
    """Fold an image into a flat code before the bottleneck.

    Args:
        resolution: Side of the square image in pixels.
        dims: Channels of the first level.
        options: Letters of the variant; ``t`` deepens it, ``u`` normalises the code, ``c`` changes
            the activation.
    """

    def __init__(self, resolution: int, dims: int, options: str) -> None:
        super().__init__()
        act, res = activation_of(options), activation_of(options, residual=True)
        widths = [dims, dims * 2, dims * 4, dims * 8]
        layers: list[nn.Module] = [Down(3, dims, act)]
        if "t" in options:
            layers.append(Res(dims, res))
            widths.append(dims * 8)
        layers += [Down(a, b, act) for a, b in pairwise(widths)]
        if "t" in options:
            layers.append(Res(dims * 8, res))
        self.layers = nn.Sequential(*layers)
        self.normalise = "u" in options
        self.size = dims * 8 * (resolution // 2 ** len(widths)) ** 2

    def forward(self, image: Tensor) -> Tensor:
        """Map (B, 3, R, R) to (B, size); flattened in channel-first order."""
        code: Tensor = self.layers(image).flatten(1)
        return pixel_norm(code) if self.normalise else code


class Inter(nn.Module):
    """The bottleneck: two dense layers, then a small feature map.

    Args:
        inputs: Length of the encoder's code.
        dims: Length of the bottleneck.
        outputs: Channels of the feature map.
        resolution: Side of the model's image in pixels.
        options: With ``d`` the map starts at half the size; with ``t`` it is not upsampled.
    """

    def __init__(self, inputs: int, dims: int, outputs: int, resolution: int, options: str) -> None:
        super().__init__()
        self.side = resolution // (32 if "d" in options else 16)
        self.outputs = outputs
        self.dense1 = nn.Linear(inputs, dims)
        self.dense2 = nn.Linear(dims, self.side**2 * outputs)
        self.up = None if "t" in options else Up(outputs, outputs, activation_of(options))

    def forward(self, code: Tensor) -> Tensor:
        """Map (B, inputs) to (B, outputs, L, L), L the side, doubled without ``t``."""
        x = self.dense2(self.dense1(code)).unflatten(1, (self.outputs, self.side, self.side))
        upsampled: Tensor = x if self.up is None else self.up(x)
        return upsampled


class Decoder(nn.Module):
    """Unfold a feature map into a face and its matte.

    Args:
        inputs: Channels of the feature map.
        dims: Channels of the last level are twice this.
        mask_dims: The same for the matte's branch.
        options: ``d`` doubles the image in its head, ``t`` adds a level.
    """

    def __init__(self, inputs: int, dims: int, mask_dims: int, options: str) -> None:
        super().__init__()
        act, res = activation_of(options), activation_of(options, residual=True)
        factors = [8, 8, 4, 2] if "t" in options else [8, 4, 2]
        self.image = nn.Sequential(*_image_layers(inputs, [f * dims for f in factors], act, res))
        masks = [f * mask_dims for f in factors] + ([mask_dims] if "d" in options else [])
        ups = [Up(a, b, act) for a, b in pairwise([inputs, *masks])]
        self.matte = nn.Sequential(*ups, nn.Conv2d(masks[-1], 1, 1))
        kernels = [1, 3, 3, 3] if "d" in options else [1]
        self.head = nn.ModuleList(nn.Conv2d(dims * 2, 3, k, padding=k // 2) for k in kernels)

    def forward(self, code: Tensor) -> tuple[Tensor, Tensor]:
        """Map (B, inputs, L, L) to an image (B, 3, R, R) and a matte (B, 1, R, R), both 0..1."""
        return self.to_image(code), self.to_matte(code)

    def to_image(self, code: Tensor) -> Tensor:
        """Return the image alone, float32."""
        features = self.image(code)
        if len(self.head) == 1:
            return torch.sigmoid(self.head[0](features).float())
        return torch.sigmoid(functional.pixel_shuffle(self._four_heads(features).float(), 2))

    def _four_heads(self, features: Tensor) -> Tensor:
        # Each head gives one pixel of every 2x2 block. As one convolution they cost a third: the
        # 1x1 kernel is padded with zeros, and channel 4 * c + k holds colour c of head k.
        convs = [conv for conv in self.head if isinstance(conv, nn.Conv2d)]
        weights = [functional.pad(convs[0].weight, (1, 1, 1, 1)), *(c.weight for c in convs[1:])]
        weight = torch.stack(weights, dim=1).flatten(0, 1)  # (3, 4, C, 3, 3) -> (12, C, 3, 3)
        biases = [conv.bias for conv in convs if conv.bias is not None]
        bias = torch.stack(biases, dim=1).flatten()  # (3, 4) -> (12)
        return functional.conv2d(features, weight, bias, padding=1)

    def to_matte(self, code: Tensor) -> Tensor:
        """Return the matte alone, float32, for the swap that needs no more."""
        return torch.sigmoid(self.matte(code).float())


def _image_layers(
    inputs: int, widths: list[int], act: Activation, res: Activation
) -> list[nn.Module]:
    layers: list[nn.Module] = []
    for a, b in pairwise([inputs, *widths]):
        layers += [Up(a, b, act), Res(b, res)]
    return layers
