"""What the networks look at: parts of a frame in the view encoding, in square pixels.

Everything in this package that is not yet in a track is in *square* pixels of the plate:
X = (x + 0.5) · pixel_aspect - 0.5, Y = y. For square pixels these are plate pixels. A part is cut
and made smaller before it is converted, because converting a whole plate for one face is the most
expensive thing that could be done with it.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from faceplate.color.encodings import Encodings
from faceplate.io.frame import Frame, Window, sanitize

__all__ = [
    "FrameShape",
    "FrameView",
    "Patch",
    "SquareBox",
    "SquarePoints",
    "plate_to_square",
    "square_to_plate",
]

SquareBox = tuple[float, float, float, float]
"""x0, y0, x1, y1 in square pixels."""
SquarePoints = NDArray[np.float64]

_HIGHLIGHT = 64.0
"""Scene-linear values above this would only bleed into their neighbours when a part is shrunk."""


def square_to_plate(points: NDArray[np.floating], aspect: float) -> SquarePoints:
    """Return ...x2 square pixels as plate pixels."""
    half = np.array([0.5, 0.0])
    return np.asarray((np.asarray(points, np.float64) + half) / [aspect, 1.0] - half)


def plate_to_square(points: NDArray[np.floating], aspect: float) -> SquarePoints:
    """Return ...x2 plate pixels as square pixels."""
    half = np.array([0.5, 0.0])
    return np.asarray((np.asarray(points, np.float64) + half) * [aspect, 1.0] - half)


@dataclass(frozen=True, eq=False)
class Patch:
    """A part of a frame as a network sees it."""

    image: NDArray[np.float32]
    """HxWx3, view encoding, square pixels (perhaps fewer than the plate's)."""
    scale: tuple[float, float]
    """Square pixels per pixel of the image."""
    origin: tuple[float, float]
    """The outer corner of the image's first pixel, in square pixels."""

    def to_square(self, points: NDArray[np.floating]) -> SquarePoints:
        """Return ...x2 points of the image as square pixels."""
        return (np.asarray(points, np.float64) + 0.5) * self.scale + self.origin

    def from_square(self, points: NDArray[np.floating]) -> SquarePoints:
        """Return ...x2 square pixels as points of the image."""
        return (np.asarray(points, np.float64) - self.origin) / self.scale - 0.5

    def box_to_square(self, box: SquareBox) -> SquareBox:
        """Return a box of the image in square pixels."""
        return _as_box(self.to_square(np.array(box).reshape(2, 2)))

    def box_from_square(self, box: SquareBox) -> SquareBox:
        """Return a box in square pixels as a box of the image."""
        return _as_box(self.from_square(np.array(box).reshape(2, 2)))


@dataclass(frozen=True)
class FrameShape:
    """All of a frame but its pixels."""

    number: int
    aspect: float
    """Width of a pixel over its height."""
    data_window: Window
    display_window: Window

    @classmethod
    def of(cls, frame: Frame) -> "FrameShape":
        """Return the shape of a frame."""
        aspect = float(frame.pixel_aspect)
        return cls(frame.number, aspect, frame.data_window, frame.display_window)


class FrameView:
    """One frame, ready to be looked at in parts.

    Args:
        frame: The plate's pixels, or what reads them when somebody looks.
        encodings: The way to the view encoding.
        shape: Of the frame; needed where the pixels are not read yet.
    """

    def __init__(
        self,
        frame: Frame | Callable[[], Frame],
        encodings: Encodings,
        shape: FrameShape | None = None,
    ) -> None:
        self._source = frame
        self.shape = FrameShape.of(self.frame) if shape is None else shape
        self.number = self.shape.number
        self.aspect = self.shape.aspect
        self._encodings = encodings

    @cached_property
    def frame(self) -> Frame:
        """The plate's pixels."""
        return self._source if isinstance(self._source, Frame) else self._source()

    @property
    def bounds(self) -> SquareBox:
        """The data window in square pixels, outer edges."""
        window = self.shape.data_window
        return (
            window.x0 * self.aspect - 0.5,
            window.y0 - 0.5,
            window.x1 * self.aspect - 0.5,
            window.y1 - 0.5,
        )

    @property
    def display_size(self) -> tuple[int, int]:
        """Width and height of the display window in plate pixels."""
        return self.shape.display_window.width, self.shape.display_window.height

    def whole(self, long_side: int = 0) -> Patch:
        """Return the whole frame, shrunk where its longer side is over `long_side` (0: not)."""
        return self._patch(self.frame.data_window, long_side)

    def glimpse(self, long_side: int = 64) -> NDArray[np.uint8]:
        """Return the frame at thumbnail size, HxWx3, in the view encoding, 0..255.

        Rows and columns are left out before the rest is averaged, so that it costs next to nothing.
        """
        window = self.shape.data_window
        step = max(max(window.width, window.height) // (4 * long_side), 1)
        pixels = np.ascontiguousarray(self.frame.pixels[::step, ::step])
        part = Window(0, 0, pixels.shape[1], pixels.shape[0])
        rgb = np.minimum(
            _finite_rgb(replace(self.frame, pixels=pixels, data_window=part)), _HIGHLIGHT
        )
        width, height = window.width * self.aspect, float(window.height)
        shrink = long_side / max(width, height)
        size = max(round(width * shrink), 4), max(round(height * shrink), 4)
        small = self._encodings.to_view(
            np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.float32)
        )
        return np.rint(np.clip(small, 0, 1) * 255).astype(np.uint8)

    def part(self, box: SquareBox, long_side: int = 0) -> Patch | None:
        """Return what of a box lies inside the frame; None where nothing does."""
        window = self.shape.data_window
        x0 = max(int(np.floor(box[0] / self.aspect)), window.x0)
        x1 = min(int(np.ceil(box[2] / self.aspect)) + 1, window.x1)
        y0, y1 = max(int(np.floor(box[1])), window.y0), min(int(np.ceil(box[3])) + 1, window.y1)
        if x1 - x0 < 2 or y1 - y0 < 2:
            return None
        return self._patch(Window(x0, y0, x1, y1), long_side)

    def to_plate(self, points: NDArray[np.floating]) -> SquarePoints:
        """Return ...x2 square pixels as plate pixels."""
        return square_to_plate(points, self.aspect)

    def from_plate(self, points: NDArray[np.floating]) -> SquarePoints:
        """Return ...x2 plate pixels as square pixels."""
        return plate_to_square(points, self.aspect)

    def rgb(self, window: Window) -> NDArray[np.float32]:
        """Return the finite plate colours of a window inside the data window, HxWx3."""
        if window == self.frame.data_window:
            return self._whole_rgb
        outer = self.frame.data_window
        rows = slice(window.y0 - outer.y0, window.y1 - outer.y0)
        columns = slice(window.x0 - outer.x0, window.x1 - outer.x0)
        pixels = self.frame.pixels[rows, columns]
        return _finite_rgb(replace(self.frame, pixels=pixels, data_window=window))

    @cached_property
    def _whole_rgb(self) -> NDArray[np.float32]:
        return _finite_rgb(self.frame)

    def _patch(self, window: Window, long_side: int) -> Patch:
        rgb = self.rgb(window)
        width, height = window.width * self.aspect, float(window.height)
        shrink = min(1.0, long_side / max(width, height)) if long_side else 1.0
        size = max(round(width * shrink), 1), max(round(height * shrink), 1)
        if size != (window.width, window.height):
            shrunk = cv2.resize(np.minimum(rgb, _HIGHLIGHT), size, interpolation=cv2.INTER_AREA)
            rgb = np.asarray(shrunk, np.float32)
        return Patch(
            self._encodings.to_view(rgb),
            (width / size[0], height / size[1]),
            (window.x0 * self.aspect - 0.5, window.y0 - 0.5),
        )


def _finite_rgb(frame: Frame) -> NDArray[np.float32]:
    # Three channels alone need no copy, and a finite sum proves that all values are finite.
    plain = frame.channels == ("R", "G", "B")
    rgb = frame.pixels if plain else frame.rgb()
    with np.errstate(invalid="ignore", over="ignore"):
        finite = np.isfinite(rgb.sum())
    return rgb if finite else sanitize(rgb)[0]


def _as_box(corners: SquarePoints) -> SquareBox:
    (x0, y0), (x1, y1) = corners.tolist()
    return x0, y0, x1, y1
