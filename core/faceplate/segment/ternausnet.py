"""TernausNet: a U-Net whose encoder is VGG11.

V. Iglovikov and A. Shvets, "TernausNet: U-Net with VGG11 Encoder Pre-Trained on ImageNet for Image
Segmentation", 2018, https://arxiv.org/abs/1801.05746. The encoder is VGG11 with batch
normalisation, because it is trained from the start here: no ImageNet weights come with Faceplate.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import max_pool2d

from faceplate.segment.masknet import MaskNet, MaskNetConfig

__all__ = ["TernausNet"]

_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class TernausNet(MaskNet):
    """A U-Net with the five levels of VGG11.

    Args:
        config: Its shape; a width of 64 is VGG11's.

    Example:
        >>> net = TernausNet(MaskNetConfig(resolution=64, width=8)).eval()
        >>> tuple(net(torch.zeros(1, 3, 64, 64)).shape)
        (1, 1, 64, 64)
    """

    full_width = 64

    def __init__(self, config: MaskNetConfig) -> None:
        super().__init__(config)
        w, half = config.width, config.width // 2
        self.levels = nn.ModuleList(
            [
                _level(3, w, 1),
                _level(w, 2 * w, 1),
                _level(2 * w, 4 * w, 2),
                _level(4 * w, 8 * w, 2),
                _level(8 * w, 8 * w, 2),
            ]
        )
        self.centre = _up(8 * w, 8 * w, 8 * half)
        self.ups = nn.ModuleList(
            [
                _up(8 * w + 8 * half, 16 * half, 8 * half),
                _up(8 * w + 8 * half, 16 * half, 4 * half),
                _up(4 * w + 4 * half, 8 * half, 2 * half),
                _up(2 * w + 2 * half, 4 * half, half),
            ]
        )
        self.last = nn.Sequential(_conv(w + half, half), nn.Conv2d(half, 1, 1))
        self.mean: Tensor
        self.std: Tensor
        self.register_buffer("mean", torch.tensor(_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(_STD).view(1, 3, 1, 1), persistent=False)

    def forward(self, view: Tensor) -> Tensor:
        """Return logits, (B, 1, R, R)."""
        features, seen = (view - self.mean) / self.std, []
        for level in self.levels:
            features = level(features)
            seen.append(features)
            features = max_pool2d(features, 2)
        features = self.centre(features)  # (B, 4w, R / 16, R / 16)
        for up in self.ups:
            features = up(torch.cat([features, seen.pop()], 1))
        return torch.as_tensor(self.last(torch.cat([features, seen.pop()], 1)))


def _conv(channels_in: int, channels_out: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, 3, padding=1, bias=False),
        nn.BatchNorm2d(channels_out),
        nn.ReLU(inplace=True),
    )


def _level(channels_in: int, channels_out: int, convolutions: int) -> nn.Sequential:
    more = [_conv(channels_out, channels_out) for _ in range(convolutions - 1)]
    return nn.Sequential(_conv(channels_in, channels_out), *more)


def _up(channels_in: int, between: int, channels_out: int) -> nn.Sequential:
    return nn.Sequential(
        _conv(channels_in, between),
        nn.ConvTranspose2d(between, channels_out, 3, stride=2, padding=1, output_padding=1),
        nn.ReLU(inplace=True),
    )
