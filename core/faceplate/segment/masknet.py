"""The contract of networks that are trained to tell a face from what covers it."""

from abc import abstractmethod
from dataclasses import dataclass

from torch import Tensor, nn

from faceplate.errors import BadSettings

__all__ = ["MaskNet", "MaskNetConfig"]

_SIDES, _WIDTHS = (64, 1024), (4, 128)


@dataclass(frozen=True)
class MaskNetConfig:
    """Shape of a mask network.

    Raises:
        BadSettings: A value that makes no network.
    """

    resolution: int = 256
    """Side of its picture in pixels, 64..1024, a multiple of 64."""
    width: int = 32
    """Channels of its first level, 4..128, a multiple of 4; the memory and time of a step grow with
    its square."""

    def __post_init__(self) -> None:
        low, high = _SIDES
        if not low <= self.resolution <= high or self.resolution % 64:
            raise BadSettings(
                f"resolution {self.resolution}: expected a multiple of 64 from {low} to {high}"
            )
        low, high = _WIDTHS
        if not low <= self.width <= high or self.width % 4:
            raise BadSettings(f"width {self.width}: expected a multiple of 4 from {low} to {high}")


class MaskNet(nn.Module):
    """A network from a face to the logits of its matte.

    Args:
        config: Its shape.
    """

    full_width: int
    """Channels of the first level as it is published."""

    def __init__(self, config: MaskNetConfig) -> None:
        super().__init__()
        self.config = config

    @abstractmethod
    def forward(self, view: Tensor) -> Tensor:
        """Return logits, (B, 1, R, R), for faces in the view encoding, (B, 3, R, R) in 0..1."""
