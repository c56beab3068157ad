"""Images in and out through OpenImageIO: channels by name, windows and attributes kept.

What does not survive a read and a write, because OpenImageIO does not carry it: attributes of the
types ``uint8[]``, ``double`` and ``bytes``, tiling and mip levels (scanlines are written), and
several parts (they become one). 32-bit integer channels become float, exact up to 2**24.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from OpenImageIO import ImageInput, ImageOutput, ImageSpec, geterror

from faceplate.errors import BadImage, Damaged, InvalidInput, NotFound
from faceplate.io.atomic import atomic_file, check_room
from faceplate.io.frame import HALF_MAX, FloatArray, Frame, Window
from faceplate.io.imagespec import (
    FORMATS,
    attributes_of,
    channel_types,
    facts_asked,
    facts_of,
    spec_for,
    types_for,
    windows_of,
)
from faceplate.io.integers import encode

__all__ = ["compare_header", "held_to_half", "read_frame", "write_frame"]

logger = logging.getLogger(__name__)


def read_frame(
    path: Path,
    number: int = 0,
    channels: Sequence[str] | None = None,
    rows: tuple[int, int] | None = None,
) -> Frame:
    """Read an EXR, DPX, TIFF, PNG or JPEG file.

    Integers become 0..1, nothing else is done to the colours: no transfer curve, no multiplication
    by alpha. NaN and infinity stay. The parts of a multi-part EXR after the first give their
    channels as ``part.channel`` unless these already carry a layer name; where their window
    differs, they are cut to that of the first part, and filled with zeros.

    Args:
        path: The file.
        number: The frame number to put into the frame.
        channels: Full names of the channels wanted; None reads all of them; an empty sequence
            reads the header alone (the frame then has no channel, but all types).
        rows: First and last row, half open, in plate pixels: reads no others, and they are the
            frame's data window. For files of one part.

    Raises:
        NotFound: There is no such file.
        BadImage: It is empty, cut off, not an image, deep, or has no such channel.
    """
    path = Path(path)
    source = _open(path)
    header_only = channels is not None and not channels
    try:
        frame = _read_part(source, path, number, header_only, rows)
        part = 1
        while rows is None and path.suffix.lower() == ".exr" and source.seek_subimage(part, 0):
            frame = _join(frame, _read_part(source, path, number, header_only), path, part)
            part += 1
    finally:
        source.close()
    return _only(frame, channels, path) if channels else frame


def write_frame(
    frame: Frame,
    path: Path,
    *,
    compression: str = "zip",
    pixel_type: str = "half",
    per_channel_types: Mapping[str, str] | None = None,
) -> None:
    """Write a frame atomically, read its header back and compare it.

    The type of an EXR channel is the one that `per_channel_types` names, else float where the
    channel was float in its file (a float plate, depth, identifiers), else `pixel_type`. In the
    other formats all channels have one type: `pixel_type` where the format has it, else 16 bits
    (JPEG 8, DPX 10). Finite values beyond the range of half are held at +-65504; integers at
    0 and 1. Where the frame has no ``DateTime``, none is written: equal frames give equal files.

    Args:
        frame: What to write.
        path: A name in an existing folder; its extension says the format.
        compression: For EXR ``none``, ``rle``, ``zips``, ``zip``, ``piz``, ``pxr24``, ``b44``,
            ``b44a``, ``dwaa:45``, ``dwab:45``; for JPEG ``jpeg:95``; the others have their own.
        pixel_type: ``half``, ``float``, ``uint8``, ``uint10``, ``uint12`` or ``uint16``.
        per_channel_types: ``half`` or ``float`` by channel name (EXR only).

    Raises:
        InvalidInput: Unknown extension, type or channel; windows that the format cannot hold.
        NotFound: The folder does not exist.
        DiskFull: No room; nothing half-written is kept.
        Damaged: What was read back is not what was asked for, as with an unknown compression.
    """
    path = Path(path)
    types = types_for(frame, path, pixel_type, per_channel_types or {})
    spec = spec_for(frame, path, types, compression)
    with atomic_file(path) as part:
        _write_pixels(spec, _pixels_to_write(frame, types), path, part)
        compare_header([facts_asked(frame, path, types, compression)], path, part)


def _open(path: Path) -> Any:
    if not path.is_file():
        raise NotFound(f"{path} does not exist or is no file")
    if path.stat().st_size == 0:
        raise BadImage(f"{path} is empty (0 bytes): it was not written to its end; make it again")
    if path.suffix.lower() not in FORMATS:
        raise BadImage(f"{path} is no image that we read; expected {', '.join(FORMATS)}")
    wish = ImageSpec()
    wish.attribute("oiio:UnassociatedAlpha", 1)  # else 8-bit colours come multiplied by alpha
    source = ImageInput.open(str(path), wish)
    if source is None:
        reason = (geterror().splitlines() or ["unknown format"])[0]
        raise BadImage(f"{path} is cut off or no image: {reason}; make it again")
    if source.spec().deep:
        source.close()
        raise BadImage(f"{path} holds deep pixels; flatten it first (in Nuke: DeepToImage)")
    return source


def _read_part(
    source: Any,
    path: Path,
    number: int,
    header_only: bool,
    rows: tuple[int, int] | None = None,
) -> Frame:
    spec = source.spec()
    names = tuple(spec.channelnames)
    if len(set(names)) != len(names):
        raise BadImage(f"{path} repeats a channel name: {', '.join(names)}; write it again")
    types = channel_types(spec)
    data_window, display_window = windows_of(spec)
    if rows is not None:
        y0, y1 = max(rows[0], data_window.y0), min(rows[1], data_window.y1)
        data_window = Window(data_window.x0, y0, data_window.x1, y1)
        pixels = _rows_read(source, path, data_window, len(types))
    elif header_only:
        pixels = np.empty((data_window.height, data_window.width, 0), np.float32)
    else:
        pixels = _pixels_read(source, path, types)
    return Frame(
        number=number,
        pixels=pixels,
        channels=() if header_only else names,
        data_window=data_window,
        display_window=display_window,
        pixel_aspect=float(spec.get_float_attribute("PixelAspectRatio", 1.0)) or 1.0,
        attributes=attributes_of(spec),
        channel_types=dict(zip(names, types, strict=True)),
    )


def _pixels_read(source: Any, path: Path, types: list[str]) -> FloatArray:
    part = source.current_subimage()
    read = source.read_image(part, 0, 0, len(types), "float")
    if read is None:
        reason = source.geterror() or "its pixels cannot be decoded"
        raise BadImage(f"{path} is cut off or damaged: {reason}; make it again")
    pixels: FloatArray = np.ascontiguousarray(read, np.float32).reshape(*read.shape[:2], len(types))
    for index, kind in enumerate(types):
        if kind == "uint":  # identifiers: their number counts, not its share of the largest one
            numbers = source.read_image(part, 0, index, index + 1, "uint")
            pixels[..., index] = numbers.reshape(pixels.shape[:2])
            if numbers.max() > 1 << 24:
                logger.warning("%s: channel %d holds integers beyond 2**24", path, index)
    return pixels


def _rows_read(source: Any, path: Path, window: Window, channels: int) -> FloatArray:
    read = source.read_scanlines(window.y0, window.y1, 0, 0, channels, "float")
    if read is None:
        reason = source.geterror() or "its pixels cannot be decoded"
        raise BadImage(f"{path} is cut off or damaged: {reason}; make it again")
    return np.ascontiguousarray(read, np.float32).reshape(window.height, window.width, channels)


def _join(first: Frame, other: Frame, path: Path, part: int) -> Frame:
    layer = other.attribute("oiio:subimagename") or other.attribute("name") or f"part{part}"
    names = {name: name if "." in name else f"{layer}.{name}" for name in other.channel_types}
    repeated = [name for name in names.values() if name in first.channel_types]
    if repeated:
        raise BadImage(f"{path}: two parts hold {', '.join(repeated)}; rename one of the parts")
    if other.data_window != first.data_window:
        logger.warning("%s: the window of part %s is fitted to the first part's", path, layer)
    pixels = _fit(other, first.data_window)
    added = {names[name]: pixels[..., index] for index, name in enumerate(other.channels)}
    types = {names[name]: kind for name, kind in other.channel_types.items()}
    return replace(first.with_channels(added), channel_types={**first.channel_types, **types})


def _fit(frame: Frame, window: Window) -> FloatArray:
    """Return the pixels of a frame over another window, zeros where it has none."""
    own = frame.data_window
    if own == window:
        return frame.pixels
    fitted = np.zeros((window.height, window.width, len(frame.channels)), np.float32)
    x0, y0 = max(own.x0, window.x0), max(own.y0, window.y0)
    x1, y1 = min(own.x1, window.x1), min(own.y1, window.y1)
    if x1 > x0 and y1 > y0:
        there = fitted[y0 - window.y0 : y1 - window.y0, x0 - window.x0 : x1 - window.x0]
        there[:] = frame.pixels[y0 - own.y0 : y1 - own.y0, x0 - own.x0 : x1 - own.x0]
    return fitted


def _only(frame: Frame, channels: Sequence[str], path: Path) -> Frame:
    missing = [name for name in channels if name not in frame.channels]
    if missing:
        there = ", ".join(frame.channels)
        raise BadImage(f"{path} has no channel {', '.join(missing)}; it has {there}")
    return frame.only_channels(channels)


def _pixels_to_write(frame: Frame, types: list[str]) -> NDArray[Any]:
    if types[0].startswith("uint"):
        bits = int(types[0].removeprefix("uint"))
        numbers = encode(frame.pixels, bits)
        # OpenImageIO takes short words in the upper bits of 16, the lower ones repeating them.
        return numbers if bits in (8, 16) else numbers << (16 - bits) | numbers >> (2 * bits - 16)
    return np.ascontiguousarray(held_to_half(frame.pixels, types, frame.channels))


def held_to_half(pixels: FloatArray, types: Sequence[str], names: Sequence[str]) -> FloatArray:
    """Return pixels, finite values beyond half held at its ends in half channels.

    Args:
        pixels: HxWxC.
        types: ``half`` or ``float`` of each channel.
        names: Of the channels, for the log.

    Returns:
        The very array where nothing had to be held.
    """
    if not pixels.size or "half" not in types:
        return pixels
    if pixels.max() <= HALF_MAX and pixels.min() >= -HALF_MAX:  # so no NaN is there either
        return pixels
    held = pixels.copy()
    for index, kind in enumerate(types):
        values = held[..., index]
        over = np.isfinite(values) & (np.abs(values) > HALF_MAX)
        if kind == "half" and over.any():
            logger.warning("channel %s: values beyond half are held", names[index])
            values[over] = np.copysign(HALF_MAX, values[over])
    return held


def _write_pixels(spec: ImageSpec, pixels: NDArray[Any], path: Path, part: Path) -> None:
    target: Any = ImageOutput.create(FORMATS[path.suffix.lower()])
    written = target.open(str(part), spec) and target.write_image(pixels)
    closed = target.close()  # flushes, so it can fail where writing did not; it must always run
    reason = target.geterror() or geterror()
    if not (written and closed):
        check_room(part)
        raise InvalidInput(f"{path} cannot be written: {reason}")


def compare_header(asked: Sequence[Mapping[str, object]], path: Path, part: Path) -> None:
    """Compare the header read back: OpenImageIO replaces what it does not know without a word.

    Args:
        asked: `facts_asked` of each part of the file.
        path: What the file will be called, for the message.
        part: The file.

    Raises:
        Damaged: It cannot be read back, or says something else.
        DiskFull: There was no room for it.
    """
    source = ImageInput.open(str(part))
    if source is None:
        check_room(part)
        raise Damaged(f"{path} cannot be read back: {geterror()}; nothing was kept")
    try:
        for number, facts in enumerate(asked):
            got = facts_of(source.spec()) if source.seek_subimage(number, 0) else {}
            for what, value in facts.items():
                if got.get(what) != value:
                    raise Damaged(
                        f"{path}: {what} asked for {value}, got {got.get(what)}; nothing was kept"
                    )
    finally:
        source.close()
