"""A plate opened together with its colours."""

from collections.abc import Sequence
from dataclasses import dataclass

from faceplate.color.encodings import Encodings
from faceplate.color.ocio import load_config
from faceplate.errors import NotFound, UnknownColorSpace
from faceplate.extract.view import FrameShape, FrameView
from faceplate.io.frame import Frame, Window
from faceplate.io.plate import MissingPolicy, Plate, open_plate
from faceplate.io.tracked import PlateInfo

__all__ = ["Shot", "open_shot"]


@dataclass(frozen=True)
class Shot:
    """A plate and the ways out of its colour space."""

    plate: Plate
    encodings: Encodings

    def view(self, index: int) -> FrameView | None:
        """Read a frame by its index in the shot; None where it is skipped."""
        return self.view_of(self.plate.frames[index])

    def view_of(self, number: int) -> FrameView | None:
        """Read a frame by its number; None where it is skipped."""
        frame = self.plate.read(number)
        return None if frame is None else FrameView(frame, self.encodings)

    def later(self, shape: FrameShape) -> FrameView:
        """Return a frame whose pixels are read when somebody looks at them."""

        def read() -> Frame:
            frame = self.plate.read(shape.number)
            if frame is None:
                raise NotFound(f"{self.plate.pattern}: frame {shape.number} has gone")
            return frame

        return FrameView(read, self.encodings, shape)

    def info(self, display: Window, pixel_aspect: float) -> PlateInfo:
        """Return what a track file says about the plate.

        Args:
            display: The display window.
            pixel_aspect: Width of a pixel over its height.
        """
        return PlateInfo(
            pattern=self.plate.pattern,
            width=display.width,
            height=display.height,
            origin=(display.x0, display.y0),
            first=self.plate.frames[0],
            last=self.plate.frames[-1],
            fps=self.plate.fps,
            pixel_aspect=pixel_aspect,
            color_space=self.encodings.plate_space,
            ocio_config=self.encodings.config.name,
            ocio_hash=self.encodings.config.hash,
        )


def open_shot(
    path: str,
    *,
    frames: str | Sequence[int] | None,
    missing: MissingPolicy,
    color_space: str | None,
    ocio: str | None,
    ocio_sha256: str | None = None,
    working: str = "acescct",
) -> Shot:
    """Open a plate and its colours.

    Args:
        path: The plate (see `open_plate`).
        frames: Such as ``1001-1100``, or numbers; None takes all.
        missing: What to do about frames that are not there.
        color_space: The plate's space; None takes what its files say.
        ocio: Path or name of an OCIO config; None takes ``$OCIO`` or the built-in one.
        ocio_sha256: Of the config's file, where it must be that one.
        working: The working encoding.

    Raises:
        UnknownColorSpace: Neither the job nor the files say the space, or the config has no such.
        NotFound, MissingFrames, BadSequence, BadImage: The plate cannot be opened.
    """
    config = load_config(ocio, sha256=ocio_sha256)
    plate = open_plate(path, frames=frames, missing=missing)
    space = color_space or plate.color_space
    if not space:
        raise UnknownColorSpace(
            f"(none: {plate.pattern} does not say its colour space; name it with color_space)",
            config.name,
            ["ACEScg", "lin_rec709_scene", "srgb_rec709_scene"],
        )
    return Shot(plate, Encodings(config, space, working))
