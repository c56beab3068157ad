"""Write a changed frame as its own file with only the changed rows made anew.

Where a plate is a single-part scanline EXR and the result has the same channels, all compressed
chunks without a changed row are copied byte for byte: that costs a fraction of a full write, and a
lossy plate stays bit-exact there. In files of a lossy compression the changed chunks are stored as
they are, uncompressed (a chunk as large as its pixels is not compressed: every reader of the format
knows that), so that beside the face and in it nothing is lost either.
"""

import logging
import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np

from faceplate.errors import BadImage, NotFound
from faceplate.io.atomic import atomic_file
from faceplate.io.exrlayout import Attribute, ExrLayout, chunk_header, head_of, layout_of
from faceplate.io.frame import Frame, Window
from faceplate.io.image import compare_header, write_frame
from faceplate.io.imagespec import facts_asked

__all__ = ["SpliceResult", "layout_to_splice", "splice_frame"]

logger = logging.getLogger(__name__)

_LOSSLESS = {"none", "rle", "zips", "zip", "piz"}
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


def splice_frame(frame: Frame, source: Path, path: Path, rows: tuple[int, int]) -> SpliceResult:
    """Write a frame as its source file with some rows changed, atomically.

    The file has the source's channels, types and compression, and the frame's attributes; those of
    the source that OpenImageIO does not carry stay too.

    Args:
        frame: The result, with the channels of the source; only `rows` of its pixels are read.
        source: The file that the frame was made from, unchanged since.
        path: Where to write.
        rows: First and last changed row, half open, in plate pixels; equal where nothing changed.

    Returns:
        Whether it was written; if not, why. Both are logged.

    Raises:
        NotFound: There is no source, or no folder to write to.
        DiskFull: No room; nothing half-written is kept.
        Damaged: What was read back is not what was written.
    """
    try:
        with _mapped(Path(source)) as content:
            result = _splice(frame, content, layout_of(content), Path(path), rows)
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
        with _mapped(source) as content:
            return layout_of(content)
    except (BadImage, NotFound):
        return None


def _splice(
    frame: Frame, content: memoryview, layout: ExrLayout, path: Path, rows: tuple[int, int]
) -> SpliceResult:
    reason = _misfit(frame, layout, rows)
    if reason:
        return SpliceResult(False, reason)
    first, last = _chunks_of(layout, rows)
    with atomic_file(path) as part:
        # named after the part, which has a name of its own: two tasks may write the same frame
        made = part.with_name(f"{part.name}.rows.exr")
        try:
            attributes, new = _encoded(frame, layout, (first, last), made)
        finally:
            made.unlink(missing_ok=True)
        with part.open("wb") as file:
            _write(file, content, layout, attributes, first, new)
        asked = facts_asked(frame, path, [layout.channels[c] for c in frame.channels],
                            layout.compression)  # fmt: skip
        compare_header([asked], path, part)
    return SpliceResult(True, "", len(layout.chunks), last - first)


def _misfit(frame: Frame, layout: ExrLayout, rows: tuple[int, int]) -> str:
    """Return why a frame cannot be spliced into a file, or nothing."""
    if set(frame.channels) != set(layout.channels):
        return "its channels are not those of the result"
    if "uint" in layout.channels.values() or "unknown" in layout.channels.values():
        return "it has channels of integers"
    if frame.data_window != layout.window:
        return "its data window is not that of the result"
    first, last = rows
    if not layout.window.y0 <= first <= last <= layout.window.y1:
        return f"the changed rows {first} to {last} are not all in its data window"
    return ""


def _chunks_of(layout: ExrLayout, rows: tuple[int, int]) -> tuple[int, int]:
    """Return the chunks that hold these rows, half open."""
    first, last = (row - layout.window.y0 for row in rows)
    if first == last:
        return 0, 0
    return first // layout.rows_per_chunk, -(-last // layout.rows_per_chunk)


def _encoded(
    frame: Frame, layout: ExrLayout, chunks: tuple[int, int], made: Path
) -> tuple[dict[str, Attribute], list[bytes]]:
    """Encode some chunks by writing their rows as an image; return the header for the whole too."""
    first, last = chunks
    top, bottom = layout.rows_of(first)[0], layout.rows_of(max(last - 1, first))[1]
    window = frame.data_window
    lossless = _keeps_all(layout)
    write_frame(
        replace(
            frame,
            pixels=frame.pixels[top - window.y0 : bottom - window.y0],
            data_window=Window(window.x0, top, window.x1, bottom),
        ),
        made,
        compression=layout.compression if lossless else "none",
        per_channel_types=layout.channels,
    )
    with _mapped(made) as content:
        there = layout_of(content)
        data = [bytes(content[begin + 8 : end]) for begin, end in there.chunks.tolist()]
    attributes = {**layout.attributes, **there.attributes}
    attributes |= {n: a for n, a in layout.attributes.items() if n in _STRUCTURE}
    attributes = {
        n: a for n, a in attributes.items() if n in layout.attributes or n not in _STRUCTURE
    }
    if not lossless:  # one row to a chunk there, all rows of a chunk one after the other here
        each = layout.rows_per_chunk
        data = [b"".join(data[i : i + each]) for i in range(0, len(data), each)]
    return attributes, data[: last - first]


def _keeps_all(layout: ExrLayout) -> bool:
    if layout.compression in _LOSSLESS_IN_HALF:
        return set(layout.channels.values()) == {"half"}
    return layout.compression in _LOSSLESS


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


@contextmanager
def _mapped(path: Path) -> Iterator[memoryview]:
    if not path.is_file():
        raise NotFound(f"{path} does not exist or is no file")
    if path.stat().st_size == 0:
        raise BadImage("it is empty")
    with (
        path.open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content,
        memoryview(content) as view,
    ):
        yield view
