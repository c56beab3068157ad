"""TrueFace: a discriminator makes the codes of both people look alike.

It learns to tell the likeness's codes from the performer's; the model learns to make the
likeness's codes pass for the performer's. So the code keeps expression, pose and light and loses
who it is of, and the swapped face, which is decoded from the performer's code, looks more like the
likeness. With LIAE the codes are those of the Inter that both people share (AB), which are pulled
together.

Origin: DeepFaceLab (arXiv 2005.05535), section "TrueFace".
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from faceplate.models.net import TrainPass
from faceplate.train.losses import Target
from faceplate.train.opponent import Opponent
from faceplate.train.presets import TrainSettings

__all__ = ["SMALLEST_CODE", "CodeDiscriminator", "TrueFace"]

SMALLEST_CODE = 2
"""Side of the smallest code that the first convolution, 4x4 with a margin of one, can judge."""
_WIDTH = 256
_WIDEST = 8


class CodeDiscriminator(nn.Module):
    """Judges codes: 1 + side // 8 halving convolutions, the first 4x4, the others 3x3.

    Args:
        channels: Of the codes.
        side: Of the codes' map in pixels.
    """

    def __init__(self, channels: int, side: int) -> None:
        super().__init__()
        count = 1 + side // 8
        widths = [_WIDTH * min(2**level, _WIDEST) for level in range(count)]
        kernels = [4] + [3] * (count - 1)
        self.convs = nn.ModuleList(
            nn.Conv2d(a, b, kernel, stride=2, padding=1)
            for a, b, kernel in zip([channels, *widths], widths, kernels, strict=False)
        )
        self.head = nn.Conv2d(widths[-1], 1, 1)

    def forward(self, code: Tensor) -> Tensor:
        """Map codes (B, channels, L, L) to logits (B, 1, l, l)."""
        for conv in self.convs:
            code = functional.leaky_relu(conv(code), 0.1)
        logits: Tensor = self.head(code)
        return logits


class TrueFace(Opponent):
    """The code discriminator of a training; real are the performer's codes.

    Args:
        code: One batch of codes (B, C, L, L), for their shape.
        settings: Of the training.
        schedule_steps: Length of the schedule of the learning rate.
        device: Where it runs.
        seed: Of its weights.
    """

    def __init__(
        self,
        code: Tensor,
        settings: TrainSettings,
        schedule_steps: int,
        device: torch.device,
        seed: int,
    ) -> None:
        net = CodeDiscriminator(code.shape[1], code.shape[-1])
        power = settings.true_face_power
        super().__init__("true_face", power, net, settings, schedule_steps, device, seed)

    def pair(self, passed: TrainPass, targets: Sequence[Target]) -> tuple[Tensor, Tensor]:
        """Return the performer's codes and the likeness's."""
        return passed.codes[1], passed.codes[0]
