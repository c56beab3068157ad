"""A plate: the frames of a shot, from a sequence or a movie, with a policy for those missing."""

import hashlib
import logging
from collections.abc import Sequence as Frames
from dataclasses import replace
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Literal, Protocol, get_args

import numpy as np

from faceplate.errors import BadSequence, BadSettings, MissingFrames, NotFound
from faceplate.io.frame import Frame
from faceplate.io.image import read_frame
from faceplate.io.movie import Movie
from faceplate.io.sequence import MOVIE_SUFFIXES, Sequence, parse_frames

__all__ = ["MissingPolicy", "Plate", "Source", "open_plate", "require_space"]

logger = logging.getLogger(__name__)

MissingPolicy = Literal["error", "hold", "black", "skip"]

# Chromaticities (red, green, blue, white; x and y of each) of the linear spaces that EXR files are
# in, under names of the OCIO interop forum, which the configs know as aliases.
_PRIMARIES = {
    "lin_ap1_scene": (0.713, 0.293, 0.165, 0.830, 0.128, 0.044, 0.32168, 0.33767),
    "lin_ap0_scene": (0.7347, 0.2653, 0.0, 1.0, 0.0001, -0.077, 0.32168, 0.33767),
    "lin_rec709_scene": (0.64, 0.33, 0.30, 0.60, 0.15, 0.06, 0.3127, 0.3290),
    "lin_rec2020_scene": (0.708, 0.292, 0.170, 0.797, 0.131, 0.046, 0.3127, 0.3290),
    "lin_p3d65_scene": (0.680, 0.320, 0.265, 0.690, 0.150, 0.060, 0.3127, 0.3290),
}

# OpenImageIO's word for a log that no space of a config stands for.
_NO_SPACE = "KodakLog"


# Attributes that say which frame it is: a stand-in must not carry those of another one.
_OF_ONE_FRAME = {"smpte:TimeCode", "dpx:TimeCode", "dpx:FramePosition", "imageNumber"}


class Source(Protocol):
    """Where a plate gets its frames from."""

    @property
    def pattern(self) -> str:
        """The path, with a printf token where it is a sequence."""

    @property
    def fps(self) -> float | None:
        """Frames per second, or None where the files do not say."""

    @property
    def color_space(self) -> str | None:
        """The space that the files are in as far as they say, else None."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the display window, in pixels."""

    def frames(self) -> list[int]:
        """Return the numbers of all frames that are there, in order."""

    def read(self, number: int) -> Frame:
        """Read one of them."""

    def sha256(self, number: int) -> str:
        """Return the hash (hex) of what one of them is made of."""

    def file(self, number: int) -> Path | None:
        """Return the file that is one of them and nothing else, or None."""


class Plate:
    """The frames of a shot that a job works on. Not safe to share between threads.

    Args:
        source: Where the frames come from.
        frames: Those wanted, in order.
        missing: What stands in for wanted frames that are not there.
    """

    def __init__(self, source: Source, frames: list[int], missing: MissingPolicy) -> None:
        self.frames = frames
        """The frames wanted, the missing ones among them."""
        self._source = source
        self._there = source.frames()
        self._known = frozenset(self._there)
        self._missing = missing

    @property
    def pattern(self) -> str:
        """The path, with a printf token where it is a sequence."""
        return self._source.pattern

    @property
    def fps(self) -> float | None:
        """Frames per second, or None where the files do not say."""
        return self._source.fps

    @property
    def color_space(self) -> str | None:
        """The space that the files say they are in, as a name for OCIO; None where unknown."""
        return self._source.color_space

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the display window of the first frame that is there, in pixels."""
        return self._source.size

    @property
    def missing(self) -> list[int]:
        """The wanted frames that are not there."""
        return [number for number in self.frames if number not in self._known]

    def read(self, number: int) -> Frame | None:
        """Read a frame, or what stands in for it.

        Returns:
            The frame under its own number: where it is missing, with ``hold`` the pixels of the
            nearest earlier frame (else of the nearest later one), with ``black`` zeros in the
            shape of that frame, both without that frame's time code; with ``skip`` None.

        Raises:
            MissingFrames: It was not there at the opening, and the policy is ``error``.
            NotFound: It has gone since.
            BadImage: Its file cannot be read.
        """
        stand_in = self._stand_in(number)
        if stand_in is None:
            return None
        frame = self._source.read(stand_in)
        if stand_in == number:
            return frame
        if self._missing == "black":
            frame = replace(frame, pixels=np.zeros_like(frame.pixels))
        attributes = {
            name: value for name, value in frame.attributes.items() if name not in _OF_ONE_FRAME
        }
        return replace(frame, number=number, attributes=attributes)

    def sha256(self, number: int) -> str | None:
        """Return the hash (hex) of the file behind a frame; None where no file stands behind it.

        For a movie it is that of the file's bytes and the frame's index.
        """
        stand_in = self._stand_in(number)
        if stand_in is None or (stand_in != number and self._missing == "black"):
            return None
        return self._source.sha256(stand_in)

    def file(self, number: int) -> Path | None:
        """Return the file of a frame; None for one of a movie, and for what stands in for one."""
        return self._source.file(number) if number in self._known else None

    def _stand_in(self, number: int) -> int | None:
        """Return the frame to read for a number; None to skip it."""
        if number in self._known:
            return number
        if self._missing == "error":
            raise MissingFrames(self.pattern, [number])
        if self._missing == "skip":
            return None
        earlier = [there for there in self._there if there < number]
        return earlier[-1] if earlier else self._there[0]


class ImageSequence:
    """Frames of a plate that are files of their own."""

    def __init__(self, sequence: Sequence) -> None:
        self.sequence = sequence
        self._frames = sequence.existing()

    @property
    def pattern(self) -> str:
        """The sequence in one text."""
        return self.sequence.pattern

    @cached_property
    def size(self) -> tuple[int, int]:
        """Width and height of the first file's display window."""
        window = self._first.display_window
        return window.width, window.height

    @cached_property
    def _first(self) -> Frame:
        return read_frame(self.sequence.path(self._frames[0]), self._frames[0], channels=())

    @property
    def fps(self) -> float | None:
        """Frames per second as the first file says, or None."""
        value = self._first.attribute("framesPerSecond") or self._first.attribute("FramesPerSecond")
        if isinstance(value, tuple):
            return float(Fraction(value[0], value[1])) if value[1] else None
        return float(value) if value else None

    @property
    def color_space(self) -> str | None:
        """The space that the first file says, else that of its type, else None."""
        return color_space_of(self._first, Path(self.pattern).suffix.lower())

    def frames(self) -> list[int]:
        """Return the numbers of the files that are there."""
        return self._frames

    def read(self, number: int) -> Frame:
        """Read the file of a frame."""
        return read_frame(self.sequence.path(number), number)

    def file(self, number: int) -> Path:
        """Return the file of a frame."""
        return self.sequence.path(number)

    def sha256(self, number: int) -> str:
        """Return the sha256 of the bytes of the file."""
        with self.sequence.path(number).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


def open_plate(
    path: str | Path,
    *,
    frames: str | Frames[int] | None = None,
    missing: MissingPolicy = "error",
) -> Plate:
    """Open a sequence, a single image, a folder with one sequence, or a movie.

    Args:
        path: See `Sequence.parse`; a movie's frames are numbered from 1.
        frames: A text such as ``1001-1100x2`` or numbers; None takes all from the first to the
            last that is there.
        missing: What to do about frames that are not there.

    Raises:
        NotFound: Nothing is there; the message names similar files.
        BadSequence: A pattern or range that means nothing, or files with another padding.
        MissingFrames: With ``error``: all frames that are missing.
        BadImage: A movie that cannot be read.
    """
    if missing not in get_args(MissingPolicy):
        choices = ", ".join(get_args(MissingPolicy))
        raise BadSettings(f"missing: expected one of {choices}, got {missing!r}")
    source = _source(path)
    there = source.frames()
    plate = Plate(source, _wanted(frames, there), missing)
    if missing == "error" and plate.missing:
        raise MissingFrames(plate.pattern, plate.missing)
    return plate


def color_space_of(frame: Frame, suffix: str) -> str | None:
    """Return the OCIO name of the space that an image says it is in; None where it does not say.

    Order: ``colorInteropID``, the chromaticities of an EXR, OpenImageIO's reading of other tags,
    then sRGB for 8- and 16-bit PNG, JPEG and TIFF. An EXR without a word is not guessed: plates
    come in any linear space.
    """
    named = frame.attribute("colorInteropID")
    if named:
        return str(named)
    if suffix == ".exr":
        return _by_primaries(frame)
    tagged = str(frame.attribute("oiio:ColorSpace", ""))
    if tagged == _NO_SPACE:
        return None
    integers = all(kind in {"uint8", "uint16"} for kind in frame.channel_types.values())
    encoded = integers and suffix in {".png", ".jpg", ".jpeg", ".tif", ".tiff"}
    return tagged or ("srgb_rec709_scene" if encoded else None)


def _by_primaries(frame: Frame) -> str | None:
    said = frame.attribute("chromaticities")
    if not said:
        return None
    for name, primaries in _PRIMARIES.items():
        if np.allclose(said, primaries, atol=2e-3):
            return name
    return None


def _source(path: str | Path) -> Source:
    sequence = Sequence.parse(path)
    if Path(sequence.pattern).suffix.lower() in MOVIE_SUFFIXES:
        return Movie(Path(sequence.pattern))
    if not sequence.existing():
        error = BadSequence if sequence.other_paddings() else NotFound
        raise error(sequence.why_empty())
    if sequence.other_paddings():
        logger.warning("%s: other files have another padding: %s", path, sequence.other_paddings())
    return ImageSequence(sequence)


def _wanted(frames: str | Frames[int] | None, there: list[int]) -> list[int]:
    if frames is None:
        return list(range(there[0], there[-1] + 1))
    wanted = parse_frames(frames) if isinstance(frames, str) else sorted(set(frames))
    if not wanted:
        raise BadSequence("no frame is asked for; leave frames out to take all of them")
    return wanted


def require_space(space: str | None, plate: Plate) -> str:
    """Return the space that a plate is in. Raises BadSettings where nobody says which."""
    if not space:
        raise BadSettings(
            f"the files of {plate.pattern} do not say which colour space they are in; name it with "
            "--color-space"
        )
    return space
