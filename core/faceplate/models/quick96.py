"""Quick96: DF with options ``ud`` at 96 pixels, small enough to learn within hours.

Origin: DeepFaceLab's model of that name, which asks for no option. Its loss form and its optimiser
are those of the preset ``quick96``.
"""

from dataclasses import dataclass
from typing import ClassVar

from faceplate.errors import BadSettings
from faceplate.models.df import DF
from faceplate.models.net import NetConfig

__all__ = ["Quick96", "Quick96Config"]

_RESOLUTION = 96


@dataclass(frozen=True)
class Quick96Config(NetConfig):
    """The shape of a Quick96 network: resolution and options are given, widths may be smaller."""

    resolution: int = _RESOLUTION
    """Side of the square face in pixels: 96."""
    options: str = "ud"
    """Letters of the variant: ``ud``."""
    ae_dims: int = 128
    """Length of the bottleneck, 8..1024."""
    d_mask_dims: int = 16
    """Width of the decoders' matte branch, 4..256."""

    OWN: ClassVar[tuple[str, ...]] = ("resolution", "options")

    def __post_init__(self) -> None:
        """Refuse what is no Quick96. Raises BadSettings."""
        super().__post_init__()
        if self.core != _RESOLUTION or set(self.options) != set("ud"):
            raise BadSettings(
                f"quick96 is 96 pixels with options 'ud', got {self.resolution} with "
                f"{self.options!r}: use --architecture df for another shape"
            )


class Quick96(DF):
    """The network of a likeness and a performer.

    Args:
        config: Its shape.
        seed: Of the initial weights.
        initialisation: How they are drawn.
    """

    Config = Quick96Config
