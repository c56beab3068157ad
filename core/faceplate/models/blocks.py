"""The encoder, the bottleneck and the decoder of the paper's autoencoders (arXiv 2005.05535).

A network can grow: outer levels, see `growth`, double the resolution around an encoder and a
decoder, which keep their weights.
"""

from itertools import islice, pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from faceplate.models.growth import OuterDown, OuterUp, halved
from faceplate.models.layers import Activation, Down, Res, Up, activation_of, pixel_norm

__all__ = ["Decoder", "Encoder", "Inter"]


class Encoder(nn.Module):
    """Fold an image into a flat code before the bottleneck.

    Args:
        resolution: Side of the square image in pixels, without the outer levels.
        dims: Channels of the first level.
        options: Letters of the variant; ``t`` deepens it, ``u`` normalises the code, ``c`` changes
            the activation.
        grown: Outer levels; each doubles the side of the image.
    """

    def __init__(self, resolution: int, dims: int, options: str, grown: int = 0) -> None:
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
        self.outer = nn.ModuleList(OuterDown(dims, level, act) for level in range(1, grown + 1))
        self.normalise = "u" in options
        self.size = dims * 8 * (resolution // 2 ** len(widths)) ** 2

    def forward(self, image: Tensor) -> Tensor:
        """Map (B, 3, R, R) to (B, size); flattened in channel-first order."""
        code = self._features(image).flatten(1)
        return pixel_norm(code) if self.normalise else code

    def _features(self, image: Tensor) -> Tensor:
        added: Tensor | None = None
        for outer in reversed(self.outer):
            added = outer(image, added)
            image = halved(image)
        features: Tensor = self.layers[0](image)
        if added is not None:
            features = features + added
        for layer in islice(self.layers, 1, None):
            features = layer(features)
        return features


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
        x = self.dense2(self.dense1(code)).reshape(-1, self.outputs, self.side, self.side)
        upsampled: Tensor = x if self.up is None else self.up(x)
        return upsampled


class Decoder(nn.Module):
    """Unfold a feature map into a face and its matte.

    Args:
        inputs: Channels of the feature map.
        dims: Channels of the last level are twice this.
        mask_dims: The same for the matte's branch.
        options: ``d`` doubles the image in its head, ``t`` adds a level.
        grown: Outer levels; each doubles the side of the image.
    """

    def __init__(
        self, inputs: int, dims: int, mask_dims: int, options: str, grown: int = 0
    ) -> None:
        super().__init__()
        act, res = activation_of(options), activation_of(options, residual=True)
        factors = [8, 8, 4, 2] if "t" in options else [8, 4, 2]
        self.image = nn.Sequential(*_image_layers(inputs, [f * dims for f in factors], act, res))
        masks = [f * mask_dims for f in factors] + ([mask_dims] if "d" in options else [])
        ups = [Up(a, b, act) for a, b in pairwise([inputs, *masks])]
        self.matte = nn.Sequential(*ups, nn.Conv2d(masks[-1], 1, 1))
        kernels = [1, 3, 3, 3] if "d" in options else [1]
        self.head = nn.ModuleList(nn.Conv2d(dims * 2, 3, k, padding=k // 2) for k in kernels)
        self.outer = nn.ModuleList()
        features, last = dims * 2, masks[-1]
        for _ in range(grown):
            outer = OuterUp(features, last, kernels, act, res)
            features, last = outer.features, outer.masks
            self.outer.append(outer)

    def forward(self, code: Tensor) -> tuple[Tensor, Tensor]:
        """Map (B, inputs, L, L) to an image (B, 3, R, R) and a matte (B, 1, R, R), both 0..1."""
        return self.to_image(code), self.to_matte(code)

    def to_image(self, code: Tensor) -> Tensor:
        """Return the image alone, float32."""
        features = self.image(code)
        logits = to_logits(self.head, features)
        for outer in self.outer:
            assert isinstance(outer, OuterUp)
            features, logits = outer.image(features, logits, to_logits)
        return torch.sigmoid(logits)

    def to_matte(self, code: Tensor) -> Tensor:
        """Return the matte alone, float32, for the swap that needs no more."""
        features = code
        for layer in islice(self.matte, len(self.matte) - 1):
            features = layer(features)
        logits = self.matte[-1](features).float()
        for outer in self.outer:
            assert isinstance(outer, OuterUp)
            features, logits = outer.matte(features, logits)
        return torch.sigmoid(logits)


def to_logits(head: nn.ModuleList, features: Tensor) -> Tensor:
    """Return the picture of a head before its sigmoid, float32; four kernels double the side.

    Each of four heads gives one pixel of every 2x2 block. As one convolution they cost a third: the
    1x1 kernel is padded with zeros, and channel 4 * c + k holds colour c of head k.
    """
    convs = [conv for conv in head if isinstance(conv, nn.Conv2d)]
    if len(convs) == 1:
        single: Tensor = convs[0](features)
        return single.float()
    weights = [functional.pad(convs[0].weight, (1, 1, 1, 1)), *(c.weight for c in convs[1:])]
    weight = torch.stack(weights, dim=1).flatten(0, 1)  # (3, 4, C, 3, 3) -> (12, C, 3, 3)
    biases = [conv.bias for conv in convs if conv.bias is not None]
    bias = torch.stack(biases, dim=1).flatten()  # (3, 4) -> (12)
    blocks = functional.conv2d(features, weight, bias, padding=1).float()
    return functional.pixel_shuffle(blocks, 2)


def _image_layers(
    inputs: int, widths: list[int], act: Activation, res: Activation
) -> list[nn.Module]:
    layers: list[nn.Module] = []
    for a, b in pairwise([inputs, *widths]):
        layers += [Up(a, b, act), Res(b, res)]
    return layers
