"""One frame of a plate: named float channels, windows and attributes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceplate.errors import BadImage, BadShape, InvalidInput

__all__ = ["BoolArray", "FloatArray", "Frame", "Typed", "Window", "sanitize"]

FloatArray = NDArray[np.float32]
BoolArray = NDArray[np.bool_]

HALF_MAX = 65504.0


@dataclass(frozen=True)
class Window:
    """A rectangle of pixels, half open: x0 <= x < x1, y down."""

    x0: int
    y0: int
    x1: int
    y1: int

    def __post_init__(self) -> None:
        if self.x1 <= self.x0 or self.y1 <= self.y0:
            raise InvalidInput(f"a window needs x0 < x1 and y0 < y1, got {self}")

    @property
    def width(self) -> int:
        """Columns."""
        return self.x1 - self.x0

    @property
    def height(self) -> int:
        """Rows."""
        return self.y1 - self.y0


@dataclass(frozen=True)
class Typed:
    """An attribute whose file type cannot be told from its value, such as a time code."""

    type: str
    """OpenImageIO's name of the type: ``timecode``, ``rational``, ``matrix``, ``float[8]``, ..."""
    value: Any
    """A number, a text or a tuple of them."""


@dataclass(frozen=True, eq=False)
class Frame:
    """The pixels of the data window of one frame, with everything else that its file says."""

    number: int
    """Frame number in the shot."""
    pixels: FloatArray
    """HxWxC float32, in the encoding of the file."""
    channels: tuple[str, ...]
    """Full channel names, such as ``R`` or ``fp_mask.A``, in the order of the pixels."""
    data_window: Window
    """What the pixels cover; may be larger or smaller than the display window."""
    display_window: Window
    """What the viewer shows."""
    pixel_aspect: float = 1.0
    """Width of a pixel over its height."""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    """Attributes by OpenImageIO's names; plain values, or `Typed` where the type matters."""
    channel_types: Mapping[str, str] = field(default_factory=dict)
    """The type that a channel had in its file, such as ``half``, ``float``, ``uint8``."""

    def __post_init__(self) -> None:
        expected = (self.data_window.height, self.data_window.width, len(self.channels))
        if self.pixels.shape != expected or self.pixels.dtype != np.float32:
            got = f"{self.pixels.dtype} {self.pixels.shape}"
            raise BadShape("pixels of a frame", got, f"float32 {expected} (H, W, channels)")
        repeated = sorted({name for name in self.channels if self.channels.count(name) > 1})
        if repeated:
            raise InvalidInput(f"channel names must be unique, repeated: {', '.join(repeated)}")

    def channel(self, name: str) -> FloatArray:
        """Return one channel, HxW (a view). Raises BadImage, which lists those that there are."""
        if name not in self.channels:
            raise BadImage(
                f"frame {self.number} has no channel {name!r}; it has {', '.join(self.channels)}"
            )
        return self.pixels[..., self.channels.index(name)]

    def rgb(self) -> FloatArray:
        """Return R, G, B as a contiguous HxWx3 copy; a luminance plate (Y) is repeated."""
        names = ("Y", "Y", "Y") if "Y" in self.channels and "R" not in self.channels else "RGB"
        return np.stack([self.channel(name) for name in names], axis=-1)

    def alpha(self) -> FloatArray | None:
        """Return A as an HxW copy, or None where the frame has none."""
        return self.channel("A").copy() if "A" in self.channels else None

    def attribute(self, name: str, default: Any = None) -> Any:
        """Return the plain value of an attribute, or the default."""
        value = self.attributes.get(name, default)
        return value.value if isinstance(value, Typed) else value

    def with_channels(self, channels: Mapping[str, FloatArray]) -> "Frame":
        """Return a frame with these HxW channels replaced or added; all others stay.

        Raises:
            BadShape: A channel is not HxW of the data window.
        """
        shape = self.pixels.shape[:2]
        names = list(self.channels) + [name for name in channels if name not in self.channels]
        pixels = np.empty((*shape, len(names)), np.float32)
        pixels[..., : len(self.channels)] = self.pixels
        for name, values in channels.items():
            if values.shape != shape:
                raise BadShape(f"channel {name!r}", values.shape, f"{shape} (H, W)")
            pixels[..., names.index(name)] = values
        return replace(self, pixels=pixels, channels=tuple(names))

    def only_channels(self, names: Sequence[str]) -> "Frame":
        """Return a frame with these channels alone, in this order. Raises BadImage."""
        pixels = np.stack([self.channel(name) for name in names], axis=-1)
        types = {name: kind for name, kind in self.channel_types.items() if name in names}
        return replace(self, pixels=pixels, channels=tuple(names), channel_types=types)

    def with_attributes(self, attributes: Mapping[str, Any]) -> "Frame":
        """Return a frame with these attributes replaced or added; all others stay."""
        return replace(self, attributes={**self.attributes, **attributes})


def sanitize(rgb: FloatArray) -> tuple[FloatArray, BoolArray]:
    """Make pixels finite for networks and filters.

    NaN and negative infinity become 0, positive infinity the largest half float (65504). The plate
    itself keeps its values: only what a network sees goes through here.

    Args:
        rgb: HxWxC float32.

    Returns:
        The finite pixels (the same array where nothing was bad) and the HxW mask of bad pixels.
    """
    finite = np.isfinite(rgb)
    if finite.all():  # the rule; a look at each pixel's channels takes ten times as long
        return rgb, np.zeros(rgb.shape[:-1], np.bool_)
    mask: BoolArray = np.any(~finite, axis=-1)
    return np.nan_to_num(rgb, nan=0.0, posinf=HALF_MAX, neginf=0.0), mask
