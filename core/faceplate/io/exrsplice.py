"""Write a changed frame as its own file with only the changed rows made anew.

Where a plate is a single-part scanline EXR and the result has the same channels, all compressed
chunks without a changed row are copied byte for byte: that costs a fraction of a full write, and a
lossy plate stays bit-exact there. In files of a lossy compression the changed chunks are stored as
they are, uncompressed (a chunk as large as its pixels is not compressed: every reader of the format
knows that), so that beside the face and in it nothing is lost either.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np

from faceplate.errors import BadImage, NotFound
from faceplate.io.atomic import atomic_file
from faceplate.io.exrchunks import BYTEWISE, encoded_chunks, header_of, wide_rows
from faceplate.io.exrlayout import (
    Attribute,
    ExrLayout,
    chunk_header,
    head_of,
    layout_of,
    mapped,
)
from faceplate.io.frame import FloatArray, Frame, Window
from faceplate.io.image import compare_header, held_to_half, write_frame
from faceplate.io.imagespec import facts_asked

__all__ = ["SpliceResult", "layout_to_splice", "splice_frame"]

logger = logging.getLogger(__name__)

_LOSSLESS = BYTEWISE | {"piz"}
_LOSSLESS_IN_HALF = {"pxr24"}
# What the file must keep from its source, whatever the frame's attributes say.
_STRUCTURE = {
    "channels", "chunkCount", "compression", "dataWindow", "dwaCompressionLevel", "lineOrder",
    "type",
}  # fmt: skip


@dataclass(frozen=True)
class SpliceResult:
    """What became of an attempt."""

    written: bool
    """Whether the file is there; if not, nothing is, and it takes a full write."""
    reason: str = ""
    """Why not."""
    chunks: int = 0
    """Chunks of the file."""
    encoded: int = 0
    """Those that were made anew; the others are the source's bytes."""


def splice_frame(
    frame: Frame,
    source: Path,
    path: Path,
    rows: tuple[int, int],
    *,
    stored: bool = False,
    without: frozenset[str] = frozenset(),
) -> SpliceResult:
    """Write a frame as its source file with some rows changed, atomically.

    The file has the source's channels, types and compression, and the frame's attributes; those of
    the source that OpenImageIO does not carry stay too.

    Args:
        frame: The result, with the channels of the source; it may hold no more than the chunks of
            `rows`, and all of their columns.
        source: The file that the frame was made from, unchanged since.
        path: Where to write.
        rows: First and last changed row, half open, in plate pixels; equal where nothing changed.
        stored: Do not compress the changed chunks: sooner there, and larger.
        without: Attributes of the source that do not stay.

    Returns:
        Whether it was written; if not, why. Both are logged.

    Raises:
        NotFound: There is no source, or no folder to write to.
        DiskFull: No room; nothing half-written is kept.
        Damaged: What was read back is not what was written.
    """
    try:
        with mapped(Path(source)) as content:
            layout = _less(layout_of(content), without)
            result = _splice(frame, content, layout, Path(path), rows, stored)
    except BadImage as error:
        result = SpliceResult(False, str(error))
    if result.written:
        logger.info(
            "%s: %d of %d chunks made anew, the others copied from %s",
            path, result.encoded, result.chunks, source,
        )  # fmt: skip
    else:
        logger.info("%s is written in full: %s: %s", path, source, result.reason)
    return result


def layout_to_splice(source: Path) -> ExrLayout | None:
    """Return how a file is laid out, where it is of the kind that can be spliced, else None."""
    try:
        with mapped(source) as content:
            return layout_of(content)
    except (BadImage, NotFound):
        return None


def _less(layout: ExrLayout, without: frozenset[str]) -> ExrLayout:
    kept = {name: each for name, each in layout.attributes.items() if name not in without}
    return replace(layout, attributes=kept)


def _splice(
    frame: Frame,
    content: memoryview,
    layout: ExrLayout,
    path: Path,
    rows: tuple[int, int],
    stored: bool,
) -> SpliceResult:
    reason = _misfit(frame, layout, rows)
    if reason:
        return SpliceResult(False, reason)
    first, last = layout.chunks_of(rows)
    types = [layout.channels[name] for name in frame.channels]
    with atomic_file(path) as part:
        # named after the part, which has a name of its own: two tasks may write the same frame
        made = part.with_name(f"{part.name}.rows.exr")
        own = header_of(frame, types, _compression(layout), path, made)
        new = _encoded(frame, layout, (first, last), made, stored) if last > first else []
        with part.open("wb") as file:
            _write(file, content, layout, _merged(layout, own), first, new)
        asked = facts_asked(frame, path, types, layout.compression)
        compare_header([asked | {"data window": layout.window}], path, part)
    return SpliceResult(True, "", len(layout.chunks), last - first)


def _misfit(frame: Frame, layout: ExrLayout, rows: tuple[int, int]) -> str:
    """Return why a frame cannot be spliced into a file, or nothing."""
    held, window = frame.data_window, layout.window
    if set(frame.channels) != set(layout.channels):
        return "its channels are not those of the result"
    if "uint" in layout.channels.values() or "unknown" in layout.channels.values():
        return "it has channels of integers"
    first, last = rows
    if not window.y0 <= first <= last <= window.y1:
        return f"the changed rows {first} to {last} are not all in its data window"
    top, bottom = layout.rows_around(rows)
    if (held.x0, held.x1) != (window.x0, window.x1) or (
        top < bottom and not held.y0 <= top < bottom <= held.y1
    ):
        return "its data window is not that of the result"
    return ""


def _merged(layout: ExrLayout, own: dict[str, Attribute]) -> dict[str, Attribute]:
    """Return a header: the source's structure, and the attributes of both, the result's first."""
    attributes = {**layout.attributes, **own}
    attributes |= {n: a for n, a in layout.attributes.items() if n in _STRUCTURE}
    return {n: a for n, a in attributes.items() if n in layout.attributes or n not in _STRUCTURE}


def _encoded(
    frame: Frame, layout: ExrLayout, chunks: tuple[int, int], made: Path, stored: bool
) -> list[bytes]:
    """Encode some chunks; in a lossy compression, or on demand, they are stored as they are."""
    top, bottom = layout.rows_of(chunks[0])[0], layout.rows_of(chunks[1] - 1)[1]
    y0, types = frame.data_window.y0, [layout.channels[name] for name in frame.channels]
    pixels = held_to_half(frame.pixels[top - y0 : bottom - y0], types, frame.channels)
    if layout.compression in BYTEWISE and not stored:
        return encoded_chunks(pixels, top, layout, frame.channels, made)
    if _keeps_all(layout) and not stored:
        return _by_channel(frame, pixels, top, layout, made)
    each = layout.rows_per_chunk
    wide = wide_rows(pixels, frame.channels, types)
    return [wide[row : row + each].tobytes() for row in range(0, len(wide), each)]


def _by_channel(
    frame: Frame, pixels: FloatArray, top: int, layout: ExrLayout, made: Path
) -> list[bytes]:
    """Encode rows in a compression that looks at each channel, by writing them as an image."""
    window = Window(layout.window.x0, top, layout.window.x1, top + len(pixels))
    rows = replace(frame, pixels=np.ascontiguousarray(pixels), data_window=window)
    try:
        write_frame(rows, made, compression=layout.compression, per_channel_types=layout.channels)
        with mapped(made) as content:
            return [bytes(content[a + 8 : b]) for a, b in layout_of(content).chunks.tolist()]
    finally:
        made.unlink(missing_ok=True)


def _keeps_all(layout: ExrLayout) -> bool:
    if layout.compression in _LOSSLESS_IN_HALF:
        return set(layout.channels.values()) == {"half"}
    return layout.compression in _LOSSLESS


def _compression(layout: ExrLayout) -> str:
    """Return what a header can be asked for in; the source's own name of it is put back later."""
    return layout.compression if _keeps_all(layout) else "none"


def _write(
    file: BinaryIO,
    content: memoryview,
    layout: ExrLayout,
    attributes: dict[str, Attribute],
    first: int,
    new: list[bytes],
) -> None:
    """Write header, table and chunks, from the top."""
    head = head_of(attributes)
    sizes = layout.chunks[:, 1] - layout.chunks[:, 0]
    sizes[first : first + len(new)] = [8 + len(data) for data in new]
    ends = len(head) + 8 * len(sizes) + np.cumsum(sizes)
    file.write(head)
    file.write((ends - sizes).astype("<u8").tobytes())
    _copy(file, content, layout, range(first))
    for index, data in enumerate(new, start=first):
        file.write(chunk_header(layout.rows_of(index)[0], len(data)))
        file.write(data)
    _copy(file, content, layout, range(first + len(new), len(sizes)))


def _copy(file: BinaryIO, content: memoryview, layout: ExrLayout, chunks: range) -> None:
    """Copy chunks as they are, those that lie one after the other at once."""
    for begin, end in _runs(layout.chunks[chunks.start : chunks.stop].tolist()):
        file.write(content[begin:end])


def _runs(places: list[list[int]]) -> Iterator[tuple[int, int]]:
    begin = end = 0
    for start, stop in places:
        if start != end:
            if end > begin:
                yield begin, end
            begin = start
        end = stop
    if end > begin:
        yield begin, end
