"""A discriminator that judges patches of the likeness's face, for detail that no mean error gives.

Origin: DeepFaceLab's U-Net patch discriminator, with its total variation along rows and columns
of the picture (there: of whatever the second and third axis hold).
"""

from collections.abc import Sequence
from functools import lru_cache
from itertools import product

import torch
from torch import Tensor, nn
from torch.nn import functional

from faceplate.models.net import TrainPass
from faceplate.train.losses import FaceLoss, Target
from faceplate.train.opponent import Opponent
from faceplate.train.presets import TrainSettings

__all__ = ["Gan", "PatchDiscriminator", "receptive_field", "strides_for"]

_MOST_LAYERS = 9
_WIDEST = 512


def receptive_field(strides: Sequence[int]) -> int:
    """Return how many pixels one output of 3x3 convolutions sees along one axis.

    Example:
        >>> receptive_field([2, 2, 1, 2])
        23
    """
    field = step = 1
    for stride in strides:
        field += 2 * step
        step *= stride
    return field


@lru_cache(maxsize=64)
def strides_for(patch_size: int) -> tuple[int, ...]:
    """Return the strides of 3x3 convolutions that see about `patch_size` pixels.

    Of all with a first stride of two and at most nine layers: the nearest receptive field, then
    the fewest layers, then the most strides of two, early ones first.
    """
    candidates = (
        (2, *rest) for count in range(_MOST_LAYERS) for rest in product((2, 1), repeat=count)
    )
    return min(candidates, key=lambda s: (abs(receptive_field(s) - patch_size), len(s), -sum(s)))


class PatchDiscriminator(nn.Module):
    """Judges patches at the bottleneck of a U-Net, and every pixel at its end.

    Args:
        patch_size: Pixels that one judgement at the bottleneck rests on, nearly.
        dims: Channels of the first level; each further one has twice as many, at most 512.
    """

    def __init__(self, patch_size: int, dims: int) -> None:
        super().__init__()
        strides = strides_for(patch_size)
        widths = [min(dims * 2**level, _WIDEST) for level in range(len(strides) + 1)]
        self.first = nn.Conv2d(3, dims, 1)
        self.down = nn.ModuleList(
            nn.Conv2d(a, b, 3, stride=stride, padding=1)
            for a, b, stride in zip(widths, widths[1:], strides, strict=False)
        )
        self.middle = nn.Conv2d(widths[-1], 1, 1)
        # What comes from below is as wide as what it is joined with.
        inputs = [2 * width for width in widths[1:-1]] + [widths[-1]]
        self.up = nn.ModuleList(
            nn.ConvTranspose2d(a, b, 3, stride=stride, padding=1)
            for a, b, stride in reversed(list(zip(inputs, widths, strides, strict=False)))
        )
        self.last = nn.Conv2d(2 * dims, 1, 1)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Map images (B, 3, H, W) to logits of patches (B, 1, h, w) and of pixels (B, 1, H, W)."""
        x = _leaky(self.first(image))
        skips = []
        for down in self.down:
            skips.append(x)
            x = _leaky(down(x))
        patches = self.middle(x)
        for up, skip in zip(self.up, reversed(skips), strict=True):
            x = torch.cat([_leaky(up(x, output_size=skip.shape[-2:])), skip], dim=1)
        return patches, self.last(x)


def _leaky(x: Tensor) -> Tensor:
    return functional.leaky_relu(x, 0.2)


class Gan(Opponent):
    """The patch discriminator of a training; real are the targets.

    Args:
        resolution: Side of the model's face in pixels.
        settings: Of the training.
        schedule_steps: Length of the schedule of the learning rate.
        device: Where it runs.
        seed: Of its weights.
    """

    def __init__(
        self,
        resolution: int,
        settings: TrainSettings,
        schedule_steps: int,
        device: torch.device,
        seed: int,
    ) -> None:
        net = PatchDiscriminator(settings.gan_patch_size or resolution // 8, settings.gan_dims)
        super().__init__("gan", settings.gan_power, net, settings, schedule_steps, device, seed)
        self._sides = 2 if settings.gan_on == "both" else 1
        self._loss = FaceLoss(settings.mask_form, settings.masked_training)

    def pair(self, passed: TrainPass, targets: Sequence[Target]) -> tuple[Tensor, Tensor]:
        """Return the targets and the rebuilt faces, as the loss weighs them."""
        sides = list(zip(targets, passed.decoded, strict=True))[: self._sides]
        real = [self._loss.weighed(target.image, target.mask) for target, _ in sides]
        fake = [self._loss.weighed(decoded.image, target.mask) for target, decoded in sides]
        return torch.cat(real), torch.cat(fake)
