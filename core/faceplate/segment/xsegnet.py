"""XSeg: a U-Net with a dense bottleneck, filter response normalisation and blurred pooling.

Laid out as the segmenter of DeepFaceLab is, from a description of it. FRN and TLU: S. Singh and
S. Krishnan, "Filter Response Normalization Layer", CVPR 2020. Blurred pooling: R. Zhang, "Making
Convolutional Networks Shift-Invariant Again", ICML 2019.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, conv2d, pad

from faceplate.segment.masknet import MaskNet, MaskNetConfig

__all__ = ["XSegNet"]

_EPSILON = 1e-6
_LEVELS = ((1, 2, 4), (2, 2, 3), (4, 2, 2), (8, 3, 2), (8, 3, 2), (8, 3, 2))
"""Width of each level in widths of the first, its convolutions, the taps of its pooling."""
_UPS = (4, 4, 4, 4, 2, 1)
"""Channels that come up into each level, from the deepest, in widths of the first."""
_CODE = 16
"""Numbers of the bottleneck, in widths of the first level."""


class XSegNet(MaskNet):
    """The network of XSeg.

    Args:
        config: Its shape; a width of 32 is the published one.

    Example:
        >>> net = XSegNet(MaskNetConfig(resolution=64, width=8))
        >>> tuple(net(torch.zeros(1, 3, 64, 64)).shape)
        (1, 1, 64, 64)
    """

    full_width = 32

    def __init__(self, config: MaskNetConfig) -> None:
        super().__init__(config)
        w, channels = config.width, 3
        downs, ups = [], []
        for (times, convolutions, _), up in zip(_LEVELS, reversed(_UPS), strict=True):
            downs.append(_block(channels, times * w, convolutions))
            ups.append(_block((times + up) * w, times * w, convolutions))
            channels = times * w
        self.downs = nn.ModuleList(downs)
        self.pools = nn.ModuleList(BlurPool(taps) for _, _, taps in _LEVELS)
        self._bottom = config.resolution // 2 ** len(_LEVELS)
        flat = self._bottom**2 * channels
        self.code = nn.Linear(flat, _CODE * w)
        self.decode = nn.Linear(_CODE * w, flat)
        ups.reverse()
        below = [channels, *(times * w for times, _, _ in reversed(_LEVELS))]
        self.ups = nn.ModuleList(
            _Up(channels_in, times * w) for channels_in, times in zip(below, _UPS, strict=False)
        )
        self.blocks = nn.ModuleList(ups)
        self.last = nn.Conv2d(w, 1, 3, padding=1)

    def forward(self, view: Tensor) -> Tensor:
        """Return logits, (B, 1, R, R)."""
        features, seen = view, []
        for down, pool in zip(self.downs, self.pools, strict=True):
            features = down(features)
            seen.append(features)
            features = pool(features)
        code = self.code(features.flatten(1))  # (B, 16 w)
        features = self.decode(code).view(-1, features.shape[1], self._bottom, self._bottom)
        for up, block in zip(self.ups, self.blocks, strict=True):
            features = block(torch.cat([up(features), seen.pop()], 1))
        return torch.as_tensor(self.last(features))


class BlurPool(nn.Module):
    """Halves a picture after a binomial blur.

    Args:
        taps: Length of the blur: 2, 3 or 4.
    """

    def __init__(self, taps: int) -> None:
        super().__init__()
        row = torch.tensor({2: [1.0, 1.0], 3: [1.0, 2.0, 1.0], 4: [1.0, 3.0, 3.0, 1.0]}[taps])
        kernel = row[:, None] * row[None]
        self._taps = taps
        self.kernel: Tensor
        self.register_buffer("kernel", (kernel / kernel.sum())[None, None], persistent=False)

    def forward(self, image: Tensor) -> Tensor:
        """Return (B, C, H / 2, W / 2)."""
        if self._taps == 2:
            return avg_pool2d(image, 2)
        before, after = (self._taps - 1) // 2, (self._taps - 2) // 2
        padded = pad(image, (before, after, before, after), mode="replicate")
        channels = image.shape[1]
        kernel = self.kernel.to(image.dtype).expand(channels, 1, -1, -1)
        return conv2d(padded, kernel, stride=2, groups=channels)


class FRN(nn.Module):
    """Filter response normalisation with its thresholded linear unit.

    Args:
        channels: Of the picture.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        shape = (1, channels, 1, 1)
        self.gain = nn.Parameter(torch.ones(shape))
        self.bias = nn.Parameter(torch.zeros(shape))
        self.threshold = nn.Parameter(torch.zeros(shape))
        self.epsilon = nn.Parameter(torch.full((1,), _EPSILON))

    def forward(self, image: Tensor) -> Tensor:
        """Return the picture, normalised and cut from below."""
        power = image.float().square().mean((2, 3), keepdim=True)
        scale = self.gain * torch.rsqrt(power + self.epsilon.abs() + _EPSILON)
        return torch.maximum(image * scale.to(image.dtype) + self.bias, self.threshold)


class _Up(nn.Sequential):
    """A picture doubled by a transposed convolution."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__(
            nn.ConvTranspose2d(channels_in, channels_out, 3, 2, 1, output_padding=1),
            FRN(channels_out),
        )


def _block(channels_in: int, channels_out: int, convolutions: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for number in range(convolutions):
        first = channels_in if number == 0 else channels_out
        layers += [nn.Conv2d(first, channels_out, 3, padding=1), FRN(channels_out)]
    return nn.Sequential(*layers)
