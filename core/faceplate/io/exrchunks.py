"""Chunks of scanline EXR files whose channels are of several types, without a detour per channel.

OpenImageIO converts pixels of mixed types value by value and channel by channel, which takes three
times as long as compressing them. The compressions none, RLE, ZIPS and ZIP, though, know nothing of
channels: they see the bytes of some rows, channel after channel. So a row of many channels goes to
OpenImageIO as one wide row of a single half channel, whose bytes are the same; the chunks that come
out are, byte for byte, those of the file that is wanted, which only needs a header of its own.
"""

import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from OpenImageIO import ImageOutput, ImageSpec, geterror

from faceplate.errors import InvalidInput
from faceplate.io.atomic import check_room
from faceplate.io.exrlayout import Attribute, ExrLayout, head_of, layout_of, mapped
from faceplate.io.frame import FloatArray, Frame, Window
from faceplate.io.imagespec import spec_for

__all__ = ["BYTEWISE", "STRIP", "encoded_chunks", "header_of", "wide_rows", "write_chunked"]

BYTEWISE = frozenset({"none", "rle", "zips", "zip"})
"""Compressions that do not know of channels."""

STRIP = 64
"""Rows of a strip, few enough to stay in the processor's cache: a whole number of chunks of every
compression but DWAB (16, 32; 256 there)."""

Halves = NDArray[np.uint16]
Rows = Callable[[int, int], FloatArray]
"""Gives the rows from one y to another, half open, in plate pixels: HxWxC."""


def wide_rows(pixels: FloatArray, names: Sequence[str], types: Sequence[str]) -> Halves:
    """Return rows as their chunks hold them before compression: channels by name, one by one.

    Args:
        pixels: HxWxC; fastest where each channel of a row lies in one piece. Values beyond the
            range of half are infinite in half channels.
        names: Of the channels.
        types: ``half`` or ``float`` of each.

    Returns:
        HxN; a float takes two of the N.
    """
    height, width = pixels.shape[:2]
    sizes = [width * (2 if kind == "float" else 1) for kind in types]
    wide = np.zeros((height, sum(sizes)), np.uint16)
    at = 0
    for index in _by_name(names):
        values = np.ascontiguousarray(pixels[..., index])
        place = wide[:, at : at + sizes[index]]
        at += sizes[index]
        if not values.view(np.uint32).any():  # most layers are zero nearly everywhere
            continue
        exact = values if types[index] == "float" else _to_half(values)
        place[:] = exact.view(np.uint16)
    return wide


def _to_half(values: FloatArray) -> NDArray[np.float16]:
    """Return values rounded to half as numpy rounds them, ten times as soon."""
    nothing = np.zeros(1, np.float32)
    half = cv2.subtract(values, nothing, dtype=cv2.CV_16F)  # not add: that makes -0 a 0
    return np.asarray(half, np.float16).reshape(values.shape)


def _handed_over(
    pixels: FloatArray, names: Sequence[str], types: Sequence[str]
) -> Halves | FloatArray:
    """Return wide rows as OpenImageIO is given them: floats where it can make all of them halves,
    which it does several times faster than numpy.
    """
    if "float" in types:
        return wide_rows(pixels, names, types)
    height, width = pixels.shape[:2]
    wide = np.empty((height, len(names), width), np.float32)
    for place, index in enumerate(_by_name(names)):
        wide[:, place] = pixels[..., index]
    return wide.reshape(height, -1)


def _by_name(names: Sequence[str]) -> list[int]:
    return sorted(range(len(names)), key=lambda index: names[index].encode())


def write_chunked(
    frame: Frame, rows: Rows, types: Sequence[str], compression: str, path: Path, file: Path
) -> None:
    """Write a single-part scanline file, the same bytes as OpenImageIO would.

    Args:
        frame: Its channels, windows and attributes; its pixels are not looked at.
        rows: Gives them, values beyond half already held.
        types: ``half`` or ``float`` of each channel.
        compression: One of `BYTEWISE`, perhaps with its level.
        path: What the file will be called, for messages.
        file: Where to write.

    Raises:
        InvalidInput: It cannot be written.
        DiskFull: No room.
    """
    wide_file = file.with_name(f"{file.name}.rows.exr")
    try:
        window = frame.data_window
        strips = (
            (y0, _handed_over(rows(y0, min(y0 + STRIP, window.y1)), frame.channels, types))
            for y0 in range(window.y0, window.y1, STRIP)
        )
        _write_wide(strips, window, compression, path, wide_file)
        attributes = header_of(frame, types, compression, path, wide_file.with_suffix(".head.exr"))
        with mapped(wide_file) as content, file.open("wb") as target:
            _write_under_header(target, attributes, layout_of(content), content)
    finally:
        wide_file.unlink(missing_ok=True)


def encoded_chunks(
    pixels: FloatArray, y0: int, layout: ExrLayout, names: Sequence[str], file: Path
) -> list[bytes]:
    """Return rows as the data of chunks of a file.

    Args:
        pixels: HxWxC, whole chunks of the layout; values beyond half already held.
        y0: Of the first row.
        layout: Of the file; its compression is one of `BYTEWISE`.
        names: Of the channels.
        file: A name in a folder that may be written to; nothing of it is left.
    """
    types = [layout.channels[name] for name in names]
    window = Window(layout.window.x0, y0, layout.window.x1, y0 + len(pixels))
    strips = (
        (y0 + row, _handed_over(pixels[row : row + STRIP], names, types))
        for row in range(0, len(pixels), STRIP)
    )
    try:
        _write_wide(strips, window, layout.compression, file, file)
        with mapped(file) as content:
            chunks = layout_of(content).chunks
            return [bytes(content[begin + 8 : end]) for begin, end in chunks.tolist()]
    finally:
        file.unlink(missing_ok=True)


def header_of(
    frame: Frame, types: Sequence[str], compression: str, path: Path, file: Path
) -> dict[str, Attribute]:
    """Return the header that OpenImageIO gives a frame: it writes one row of it.

    Args:
        frame: Its pixels are not looked at.
        types: Of its channels.
        compression: Any.
        path: What the file will be called, for messages.
        file: A name in a folder that may be written to; nothing of it is left.
    """
    window = frame.data_window
    row = Window(window.x0, window.y0, window.x1, window.y0 + 1)
    one = Frame(
        frame.number, frame.pixels[:1], frame.channels, row, frame.display_window,
        frame.pixel_aspect, frame.attributes, frame.channel_types,
    )  # fmt: skip
    zeros = np.zeros((1, window.width, len(frame.channels)), np.float32)
    try:
        with _output(spec_for(one, path, list(types), compression), path, file) as target:
            _require(target.write_scanlines(row.y0, row.y1, 0, zeros), target, path, file)
        with mapped(file) as content:
            attributes = layout_of(content).attributes
    finally:
        file.unlink(missing_ok=True)
    corners = struct.pack("<4i", window.x0, window.y0, window.x1 - 1, window.y1 - 1)
    return {**attributes, "dataWindow": Attribute("box2i", corners)}


def _write_wide(
    strips: Iterator[tuple[int, Halves | FloatArray]],
    window: Window,
    compression: str,
    path: Path,
    file: Path,
) -> None:
    """Write rows as those of one half channel, at the rows of this window."""
    y0, wide = next(strips)
    spec = ImageSpec(wide.shape[1], window.height, 1, "half")
    spec.y, spec.full_y = window.y0, window.y0
    spec.attribute("compression", compression)
    with _output(spec, path, file) as target:
        while True:
            values = wide.view(np.float16) if wide.dtype == np.uint16 else wide
            written = target.write_scanlines(y0, y0 + len(wide), 0, values[..., None])
            _require(written, target, path, file)
            following = next(strips, None)
            if following is None:
                break
            y0, wide = following


def _write_under_header(
    target: Any, attributes: dict[str, Attribute], layout: ExrLayout, content: memoryview
) -> None:
    head = head_of(attributes)
    first, last = int(layout.chunks[0, 0]), int(layout.chunks[-1, 1])
    places = layout.chunks[:, 0] - first + len(head) + 8 * len(layout.chunks)
    target.write(head)
    target.write(places.astype("<u8").tobytes())
    target.write(content[first:last])


@contextmanager
def _output(spec: ImageSpec, path: Path, file: Path) -> Iterator[Any]:
    """Open a file to write; it is closed, and what fails then is said."""
    target: Any = ImageOutput.create("openexr")
    _require(target.open(str(file), spec), target, path, file)
    try:
        yield target
    except BaseException:
        target.close()
        raise
    _require(target.close(), target, path, file)  # flushes, so it can fail where writing did not


def _require(done: bool, target: Any, path: Path, file: Path) -> None:
    if not done:
        reason = target.geterror() or geterror()
        check_room(file)
        raise InvalidInput(f"{path} cannot be written: {reason}")
