"""Where the compressed chunks of a single-part scanline EXR lie in its file.

From the description of the format, openexr.com "OpenEXR File Layout" (read November 2026): magic
number, version with flags, attributes up to an empty name, a table of 8-byte offsets, and chunks of
(first row, size, data), all little-endian.
"""

import mmap
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from faceplate.errors import BadImage, NotFound
from faceplate.io.frame import Window

__all__ = [
    "OWN_OF_A_FILE",
    "Attribute",
    "ExrLayout",
    "attribute_types",
    "chunk_header",
    "head_of",
    "layout_of",
    "mapped",
]

_MAGIC = b"\x76\x2f\x31\x01"
_VERSION, _LONG_NAMES = 2, 0x400
_OTHER_KINDS = {0x200: "tiled", 0x800: "deep", 0x1000: "in several parts"}
_SHORT_NAME = 31  # longer attribute names need a flag in the version
_INCREASING = 0
_PIXEL_TYPES = {0: "uint", 1: "half", 2: "float"}

OWN_OF_A_FILE = frozenset(
    {
        "channels", "chunkCount", "compression", "dataWindow", "dwaCompressionLevel", "lineOrder",
        "maxSamplesPerPixel", "name", "preview", "tiles", "type", "version",
    }
)  # fmt: skip
"""Attributes that say how a file is made, or show it: another file has its own, or none."""

# Name and rows of a chunk, by the number in the header.
_COMPRESSIONS = {
    0: ("none", 1),
    1: ("rle", 1),
    2: ("zips", 1),
    3: ("zip", 16),
    4: ("piz", 32),
    5: ("pxr24", 16),
    6: ("b44", 32),
    7: ("b44a", 32),
    8: ("dwaa", 32),
    9: ("dwab", 256),
}


class Attribute(NamedTuple):
    """One entry of a header, as it stands in the file."""

    type: str
    value: bytes


@dataclass(frozen=True, eq=False)
class ExrLayout:
    """What a header says, and where the chunks are."""

    attributes: dict[str, Attribute]
    compression: str
    rows_per_chunk: int
    channels: dict[str, str]
    """Type by name: ``half``, ``float`` or ``uint``."""
    window: Window
    """Data window."""
    chunks: NDArray[np.int64]
    """Begin and end in the file of each chunk with its own header, from the top, (N, 2)."""

    def rows_of(self, chunk: int) -> tuple[int, int]:
        """Return the rows of a chunk, half open, in plate pixels."""
        first = self.window.y0 + chunk * self.rows_per_chunk
        return first, min(first + self.rows_per_chunk, self.window.y1)

    def chunks_of(self, rows: tuple[int, int]) -> tuple[int, int]:
        """Return the chunks that hold these rows, half open; none for no rows."""
        first, last = (row - self.window.y0 for row in rows)
        if first == last:
            return 0, 0
        return first // self.rows_per_chunk, -(-last // self.rows_per_chunk)

    def rows_around(self, rows: tuple[int, int]) -> tuple[int, int]:
        """Return all rows of the chunks that hold these, half open, in plate pixels."""
        first, last = self.chunks_of(rows)
        return (self.rows_of(first)[0], self.rows_of(last - 1)[1]) if last > first else rows


@contextmanager
def mapped(path: Path) -> Iterator[memoryview]:
    """Map a file into memory, to be read.

    Raises:
        NotFound: There is no such file.
        BadImage: It is empty.
    """
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


def layout_of(content: memoryview) -> ExrLayout:
    """Find the chunks of an EXR file.

    Args:
        content: The bytes of the file; a memory map is read only where it must be.

    Raises:
        BadImage: It is no EXR, cut off, or of a kind whose chunks are laid out otherwise: tiled,
            deep, of several parts, not from top to bottom, subsampled, or its compression unknown.
    """
    attributes, at = _attributes(content)
    number = _one(attributes, "compression", "<B")
    if number not in _COMPRESSIONS:
        raise BadImage(f"its compression (number {number}) is not one whose chunks we know")
    if _one(attributes, "lineOrder", "<B") != _INCREASING:
        raise BadImage("its rows are not stored from top to bottom")
    x0, y0, x1, y1 = struct.unpack("<4i", _value(attributes, "dataWindow", 16))
    window = Window(x0, y0, x1 + 1, y1 + 1)
    compression, rows = _COMPRESSIONS[number]
    return ExrLayout(
        attributes=attributes,
        compression=compression,
        rows_per_chunk=rows,
        channels=_channels(_value(attributes, "channels")),
        window=window,
        chunks=_chunks(content, at, window, rows),
    )


def attribute_types(path: Path) -> dict[str, str]:
    """Return the names and types of the attributes of an EXR file of any kind, of its first part.

    Raises:
        NotFound: There is no such file.
        BadImage: It is no EXR, or its header is cut off.
    """
    with mapped(path) as content:
        attributes, _ = _attributes(content, any_kind=True)
    return {name: attribute.type for name, attribute in attributes.items()}


def head_of(attributes: dict[str, Attribute]) -> bytes:
    """Return magic number, version and header of a single-part scanline file."""
    long_names = any(len(name) > _SHORT_NAME for name in attributes)
    parts = [_MAGIC, struct.pack("<I", _VERSION | (_LONG_NAMES if long_names else 0))]
    for name, (kind, value) in attributes.items():
        parts += [name.encode(), b"\0", kind.encode(), b"\0", struct.pack("<I", len(value)), value]
    return b"".join([*parts, b"\0"])


def chunk_header(row: int, size: int) -> bytes:
    """Return what stands before the data of a chunk."""
    return struct.pack("<iI", row, size)


def _attributes(content: memoryview, *, any_kind: bool = False) -> tuple[dict[str, Attribute], int]:
    """Return the attributes and where the offset table begins."""
    if bytes(content[:4]) != _MAGIC:
        raise BadImage("it does not begin as an EXR does")
    if not any_kind:
        _require_known(int.from_bytes(content[4:8], "little"))
    attributes: dict[str, Attribute] = {}
    at = 8
    while True:
        name, at = _text(content, at)
        if not name:
            return attributes, at
        kind, at = _text(content, at)
        size = int.from_bytes(content[at : at + 4], "little")
        value = bytes(content[at + 4 : at + 4 + size])
        if len(value) != size:
            raise BadImage("its header is cut off")
        attributes[name] = Attribute(kind, value)
        at += 4 + size


def _require_known(flags: int) -> None:
    for flag, kind in _OTHER_KINDS.items():
        if flags & flag:
            raise BadImage(f"it is {kind}")
    if flags & 0xFF != _VERSION or flags & ~(0xFF | _LONG_NAMES):
        raise BadImage(f"its version {flags:#x} is not one that we know")


def _text(content: memoryview, at: int) -> tuple[str, int]:
    end = bytes(content[at : at + 256]).find(b"\0")
    if end < 0:
        raise BadImage("its header is cut off")
    return bytes(content[at : at + end]).decode("utf-8", "surrogateescape"), at + end + 1


def _value(attributes: dict[str, Attribute], name: str, size: int | None = None) -> bytes:
    value = attributes.get(name, Attribute("", b"")).value
    if not value or (size is not None and len(value) != size):
        raise BadImage(f"its header has no {name}, or one that cannot be")
    return value


def _one(attributes: dict[str, Attribute], name: str, form: str) -> int:
    number: int = struct.unpack(form, _value(attributes, name, struct.calcsize(form)))[0]
    return number


def _channels(value: bytes) -> dict[str, str]:
    channels: dict[str, str] = {}
    at, content = 0, memoryview(value)
    while True:
        name, at = _text(content, at)
        if not name:
            return channels
        if len(value) < at + 16:
            raise BadImage("its list of channels is cut off")
        kind, _, across, down = struct.unpack_from("<iIii", value, at)
        if (across, down) != (1, 1):
            raise BadImage(f"its channel {name} is subsampled")
        channels[name] = _PIXEL_TYPES.get(kind, "unknown")
        at += 16


def _chunks(content: memoryview, at: int, window: Window, rows: int) -> NDArray[np.int64]:
    """Return where each chunk begins and ends; the table of offsets must agree with them."""
    number = -(-window.height // rows)
    table = np.frombuffer(content[at : at + 8 * number], "<u8").astype(np.int64)
    if len(table) < number or (table < at + 8 * number).any():
        raise BadImage("its table of chunks is cut off: it was not written to its end")
    ends = np.empty_like(table)
    for index, begin in enumerate(table.tolist()):
        header = bytes(content[begin : begin + 8])
        row, size = struct.unpack("<iI", header) if len(header) == 8 else (None, 0)
        if row != window.y0 + index * rows or begin + 8 + size > len(content):
            raise BadImage(f"its chunk {index} is not where the table says, or cut off")
        ends[index] = begin + 8 + size
    return np.stack([table, ends], axis=1)
