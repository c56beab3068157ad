"""EXR files of one part or several, written strip by strip, so that no whole frame need exist.

The layers of a swap are zero nearly everywhere: at 8K their fourteen channels would be 1.9 GB. Here
their rows are asked for as they are written.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from OpenImageIO import ImageOutput, geterror

from faceplate.errors import InvalidInput
from faceplate.io.atomic import atomic_file, check_room
from faceplate.io.exrchunks import BYTEWISE, STRIP, Rows, write_chunked
from faceplate.io.frame import FloatArray, Frame
from faceplate.io.image import compare_header, held_to_half
from faceplate.io.imagespec import facts_asked, spec_for, types_for

__all__ = ["ImagePart", "empty_frame", "write_parts"]


@dataclass(frozen=True, eq=False)
class ImagePart:
    """One part of an EXR file."""

    frame: Frame
    """Its channels, windows and attributes; its pixels are not looked at (see `empty_frame`)."""
    rows: Rows
    """Gives the rows from one y to another, half open, in plate pixels: HxWxC."""
    name: str = ""
    """Of the part, where there are several."""
    compression: str | None = None
    """Of the part, where it is not the file's."""


def empty_frame(like: Frame, channels: Sequence[str]) -> Frame:
    """Return a frame with the windows and attributes of another and these channels of zeros.

    All of its pixels are one and the same zero: they take no memory.
    """
    shape = (like.data_window.height, like.data_window.width, len(channels))
    kinds = {name: kind for name, kind in like.channel_types.items() if name in channels}
    return Frame(
        like.number, np.broadcast_to(np.float32(0), shape), tuple(channels), like.data_window,
        like.display_window, like.pixel_aspect, like.attributes, kinds,
    )  # fmt: skip


def write_parts(
    parts: Sequence[ImagePart],
    path: Path,
    *,
    compression: str = "zip",
    pixel_type: str = "half",
    per_channel_types: Mapping[str, str] | None = None,
) -> None:
    """Write an EXR file atomically, strip by strip, read its headers back and compare them.

    Settings mean what they mean in `faceplate.io.image.write_frame`.

    Args:
        parts: At least one; several have names that differ.
        path: A ``.exr`` in an existing folder.
        compression: Of every part that has none of its own.
        pixel_type: ``half`` or ``float``.
        per_channel_types: ``half`` or ``float`` by channel name; names of other parts do not harm.

    Raises:
        InvalidInput: No part, parts of one name, or what `write_frame` refuses.
        NotFound: The folder does not exist.
        DiskFull: No room; nothing half-written is kept.
        Damaged: What was read back is not what was asked for.
    """
    names = [part.name for part in parts]
    if not parts or len(set(names)) != len(names) or path.suffix.lower() != ".exr":
        raise InvalidInput(f"{path}: expected an .exr with parts of different names, got {names}")
    chosen = per_channel_types or {}
    types = [types_for(part.frame, path, pixel_type, _own(chosen, part)) for part in parts]
    packed = [part.compression or compression for part in parts]
    asked = [
        facts_asked(part.frame, path, kinds, own)
        for part, kinds, own in zip(parts, types, packed, strict=True)
    ]
    with atomic_file(path) as file:
        if len(parts) == 1 and packed[0].split(":")[0] in BYTEWISE:
            rows = partial(_held, parts[0], types[0])
            write_chunked(parts[0].frame, rows, types[0], packed[0], path, file)
        else:
            specs = [
                _spec(part, path, kinds, own)
                for part, kinds, own in zip(parts, types, packed, strict=True)
            ]
            _write(parts, types, specs, path, file)
        compare_header(asked, path, file)


def _own(chosen: Mapping[str, str], part: ImagePart) -> dict[str, str]:
    return {name: kind for name, kind in chosen.items() if name in part.frame.channels}


def _spec(part: ImagePart, path: Path, types: list[str], compression: str) -> Any:
    spec = spec_for(part.frame, path, types, compression)
    if part.name:
        spec.attribute("oiio:subimagename", part.name)
    return spec


def _write(
    parts: Sequence[ImagePart], types: list[list[str]], specs: list[Any], path: Path, file: Path
) -> None:
    target: Any = ImageOutput.create("openexr")
    several = len(parts) > 1
    written = target.open(str(file), tuple(specs)) if several else target.open(str(file), specs[0])
    for number, (part, kinds) in enumerate(zip(parts, types, strict=True)):
        if written and number:
            written = target.open(str(file), specs[number], "AppendSubimage")
        written = written and _write_strips(target, part, kinds)
    closed = target.close()  # flushes, so it can fail where writing did not; it must always run
    reason = target.geterror() or geterror()
    if not (written and closed):
        check_room(file)
        raise InvalidInput(f"{path} cannot be written: {reason}")


def _write_strips(target: Any, part: ImagePart, types: list[str]) -> bool:
    window = part.frame.data_window
    for y0 in range(window.y0, window.y1, STRIP):
        y1 = min(y0 + STRIP, window.y1)
        pixels = np.ascontiguousarray(_held(part, types, y0, y1))
        if not target.write_scanlines(y0, y1, 0, pixels):
            return False
    return True


def _held(part: ImagePart, types: list[str], y0: int, y1: int) -> FloatArray:
    return held_to_half(part.rows(y0, y1), types, part.frame.channels)
