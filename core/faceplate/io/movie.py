"""Movies as plates, through PyAV: exact frames by number, decoded in float."""

import hashlib
import re
from bisect import bisect_right
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import av
import numpy as np

from faceplate.errors import BadImage, MissingFrames, NotFound
from faceplate.io.frame import FloatArray, Frame, Window
from faceplate.io.integers import decode
from faceplate.io.ycbcr import planar_to_rgb

__all__ = ["Movie"]

# Transfer tags (ITU-T H.273) that mean ordinary video, shown on an ordinary display.
_VIDEO_TRANSFERS = {1, 2, 4, 5, 6, 11, 13, 14, 15}
_LINEAR_TRANSFER = 8
_DEEP_RGB = re.compile(r"(gbra?p(9|10|12|14|16)|rgb48|rgba64)[lb]e")


class Movie:
    """The frames of one movie file, numbered from 1 in the order they are shown.

    A time code in the file does not change the numbers: it is an attribute. Frames are found by
    their presentation time in an index made of the packets, so variable frame rates and B-frames
    give the same frame every time. Colours are the stream's own R'G'B' by its matrix and range
    tags (untagged: Rec.709 from 720 lines up, else Rec.601; video range), 0..1 for black to white,
    excursions kept. Rotation tags are applied.

    Raises:
        NotFound: No such file.
        BadImage: Not a movie, empty, or without a video stream.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.is_file():
            raise NotFound(f"{path} does not exist or is no file")
        if path.stat().st_size == 0:
            raise BadImage(f"{path} is empty (0 bytes): it was not written to its end")
        with _container(path) as container:
            stream = _video(container, path)
            self._times, keys = _times(container, stream, path)
            self._fps = float(stream.average_rate) if stream.average_rate else None
            self._transfer = int(stream.codec_context.color_trc or 2)
            self._aspect = float(stream.sample_aspect_ratio or 1)
            self._metadata = {**container.metadata, **stream.metadata}
        self._reader = _Reader(path, self._times, keys)

    @property
    def pattern(self) -> str:
        """The path."""
        return str(self.path)

    @property
    def fps(self) -> float | None:
        """Mean frames per second."""
        return self._fps

    @property
    def color_space(self) -> str | None:
        """An sRGB-like space for ordinary and untagged video; None for PQ, HLG and the like.

        Video is graded on a display, so the display's curve is what its values mean to an artist;
        sRGB is the nearest to that in the built-in configs' scene spaces.
        """
        if self._transfer == _LINEAR_TRANSFER:
            return "lin_rec709_scene"
        return "srgb_rec709_scene" if self._transfer in _VIDEO_TRANSFERS else None

    @cached_property
    def size(self) -> tuple[int, int]:
        """Width and height of a frame as it is shown, rotation applied."""
        window = self.read(1).display_window
        return window.width, window.height

    def frames(self) -> list[int]:
        """Return 1 to the number of frames."""
        return list(range(1, len(self._times) + 1))

    def read(self, number: int) -> Frame:
        """Decode a frame.

        Raises:
            MissingFrames: The movie has no such frame.
            BadImage: The file is damaged at this frame.
        """
        if not 1 <= number <= len(self._times):
            raise MissingFrames(self.pattern, [number])
        decoded = self._reader.frame(self._times[number - 1])
        if decoded is None:
            raise BadImage(f"{self.path} is damaged at frame {number}; make it again")
        pixels, channels = _pixels(decoded)
        height, width = pixels.shape[:2]
        window = Window(0, 0, width, height)
        attributes = {f"movie:{key}": value for key, value in self._metadata.items()}
        return Frame(number, pixels, channels, window, window, self._aspect, attributes)

    def sha256(self, number: int) -> str:
        """Return the sha256 of the file's own sha256 and the frame's index."""
        return hashlib.sha256(f"{self._digest}#{number - 1}".encode()).hexdigest()

    def file(self, number: int) -> None:
        """Return None: no file is one frame of a movie."""

    @cached_property
    def _digest(self) -> str:
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


class _Reader:
    """Decodes by presentation time; seeks only where that saves decoding."""

    def __init__(self, path: Path, times: list[int], keys: list[int]) -> None:
        self._path = path
        self._times = times
        self._keys = keys
        self._open: Any = None
        self._frames: Iterator[Any] = iter(())
        self._last: Any = None

    def frame(self, time: int) -> Any:
        """Return the decoded frame shown at a time, or None if the file does not give it."""
        if self._last is not None and self._last.pts == time:
            return self._last
        if self._last is None or self._last.pts > time or self._skips_a_key(time):
            self._seek(time)
        return self._forward(time) or self._forward_after_seek(time)

    def _skips_a_key(self, time: int) -> bool:
        """Return whether a key frame lies between the last frame and one further than the next."""
        ahead = bisect_right(self._times, time) - bisect_right(self._times, self._last.pts)
        keys = bisect_right(self._keys, time) - bisect_right(self._keys, self._last.pts)
        return ahead > 1 and keys > 0

    def _forward_after_seek(self, time: int) -> Any:
        self._seek(time)
        return self._forward(time)

    def _seek(self, time: int) -> None:
        if self._open is None:
            self._open = _container(self._path)
        stream = self._open.streams.video[0]
        self._open.seek(time, stream=stream, backward=True)
        self._frames = self._open.decode(stream)
        self._last = None

    def _forward(self, time: int) -> Any:
        try:
            for frame in self._frames:
                self._last = frame
                if frame.pts is not None and frame.pts >= time:
                    return frame if frame.pts == time else None
        except av.FFmpegError:
            self._last = None
        return None


def _container(path: Path) -> Any:
    try:
        return av.open(str(path))
    except av.FFmpegError as error:
        raise BadImage(f"{path} cannot be read as a movie: {error.strerror}") from error


def _video(container: Any, path: Path) -> Any:
    if not container.streams.video:
        raise BadImage(f"{path} has no picture, only sound or data")
    return container.streams.video[0]


def _times(container: Any, stream: Any, path: Path) -> tuple[list[int], list[int]]:
    """Return the presentation times of all frames and of key frames, without decoding them."""
    packets = [packet for packet in container.demux(stream) if packet.size]
    whole = [packet for packet in packets if packet.pts is not None and not packet.is_corrupt]
    if not whole or len(whole) < stream.frames:
        raise BadImage(
            f"{path} is cut off: it promises {stream.frames} frames and holds {len(whole)}; "
            "make it again"
        )
    shown = [packet for packet in whole if not packet.is_discard]
    keys = {packet.pts for packet in shown if packet.is_keyframe}
    return sorted({packet.pts for packet in shown}), sorted(keys)


def _pixels(frame: Any) -> tuple[FloatArray, tuple[str, ...]]:
    pixels = planar_to_rgb(frame)
    if pixels is None:
        pixels = _rgb(frame)
    turned = np.rot90(pixels, round(frame.rotation / 90)) if frame.rotation else pixels
    return np.ascontiguousarray(turned), ("R", "G", "B", "A")[: turned.shape[-1]]


def _rgb(frame: Any) -> FloatArray:
    """Return a frame that is R'G'B' already, HxWx3 or x4, without libswscale's arithmetic."""
    layout = frame.format
    alpha = any(component.is_alpha for component in layout.components)
    bits = layout.components[0].bits
    if bits == 8 and (layout.is_rgb or layout.has_palette):  # the bytes are only rearranged
        return decode(frame.reformat(format="rgba" if alpha else "rgb24").to_ndarray())
    if _DEEP_RGB.fullmatch(layout.name):
        return np.asarray(frame.to_ndarray() / np.float32(2**bits - 1), np.float32)
    # Rare layouts, such as 4:1:1 or semi-planar: libswscale is within half a percent of white.
    floats = "gbrapf32le" if alpha else "gbrpf32le"
    return np.asarray(frame.reformat(format=floats, dst_color_range=2).to_ndarray(), np.float32)
