"""Outer levels, by which a network doubles its resolution and keeps all it has learnt.

A level of an encoder sees the image at the doubled side and adds what it finds to the first
features of the level inside; a level of a decoder adds detail to the upsampled picture of the level
inside. Both are scaled by `fade`, which rises from 0 to 1 over some thousand steps after the
growth: a network that has just grown gives the upsampled picture of what it was, exactly.

Pictures of all sides are added up as in StyleGAN2's generator (arXiv 1912.04958, section 4.2), here
as logits before the sigmoid; the fading is that of Progressive Growing (arXiv 1710.10196). Each
level costs about as much as the one inside it, for its width is half.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from faceplate.models.layers import Activation, Down, Res, Up

__all__ = ["Outer", "OuterDown", "OuterUp", "halved", "upsampled"]


class Outer(nn.Module):
    """An outer level of an encoder or a decoder.

    Attributes:
        fade: How much of it counts, 0..1; saved with the weights.
    """

    fade: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("fade", torch.ones(()))


class OuterDown(Outer):
    """An outer level of an encoder.

    Args:
        dims: Width of the encoder.
        level: 1 for the first one, counted outwards.
        act: Activation.
    """

    def __init__(self, dims: int, level: int, act: Activation) -> None:
        super().__init__()
        width, inside = max(dims >> level, 4), max(dims >> (level - 1), 4)
        self.see = Down(3, width, act)
        self.join = Down(width, inside, act)

    def forward(self, image: Tensor, outside: Tensor | None) -> Tensor:
        """Return what is added to the first features inside.

        Args:
            image: (B, 3, 2R, 2R), R the side of the level inside.
            outside: The same of the level outside this one, (B, width, R, R); None for the last.
        """
        seen = self.see(image)
        joined: Tensor = self.join(seen if outside is None else seen + outside)
        return joined * self.fade


class OuterUp(Outer):
    """An outer level of a decoder.

    Args:
        features: Channels of the image's features inside.
        masks: Channels of the matte's features inside.
        kernels: Sides of the head's kernels: one, or four where the head doubles.
        act: Activation.
        res: Activation of residual blocks.
    """

    def __init__(
        self, features: int, masks: int, kernels: list[int], act: Activation, res: Activation
    ) -> None:
        super().__init__()
        self.features, self.masks = max(features // 2, 4), max(masks // 2, 2)
        self.up = Up(features, self.features, act)
        self.res = Res(self.features, res)
        self.head = nn.ModuleList(
            nn.Conv2d(self.features, 3, kernel, padding=kernel // 2) for kernel in kernels
        )
        self.mask_up = Up(masks, self.masks, act)
        self.mask_head = nn.Conv2d(self.masks, 1, 1)

    def image(
        self, features: Tensor, logits: Tensor, to_logits: Callable[[nn.ModuleList, Tensor], Tensor]
    ) -> tuple[Tensor, Tensor]:
        """Return the features of this level and its picture as logits.

        Args:
            features: Of the level inside, (B, C, F, F).
            logits: Picture of the level inside, (B, 3, R, R).
            to_logits: Applies a head.
        """
        own = self.res(self.up(features))
        return own, upsampled(logits) + self.fade * to_logits(self.head, own)

    def matte(self, features: Tensor, logits: Tensor) -> tuple[Tensor, Tensor]:
        """Return the matte's features of this level and its matte as logits."""
        own = self.mask_up(features)
        return own, upsampled(logits) + self.fade * self.mask_head(own).float()


def halved(image: Tensor) -> Tensor:
    """Return an image (B, C, 2R, 2R) as means of 2x2 pixels, (B, C, R, R)."""
    return functional.avg_pool2d(image, 2)


def upsampled(logits: Tensor) -> Tensor:
    """Return (B, C, R, R) at twice the side, linearly between pixel centres."""
    return functional.interpolate(logits, scale_factor=2, mode="bilinear", align_corners=False)
