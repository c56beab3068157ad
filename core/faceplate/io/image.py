"""Images in and out through OpenImageIO: channels by name, windows and attributes kept.

What does not survive a read and a write, because OpenImageIO does not carry it: attributes of the
types ``uint8[]``, ``double`` and ``bytes``, tiling and mip levels (scanlines are written), and
several parts (they become one). 32-bit integer channels become float, exact up to 2**24.
"""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO as oiio

from faceplate.errors import BadImage, Damaged, InvalidInput, NotFound
from faceplate.io.atomic import atomic_file, check_room
from faceplate.io.frame import HALF_MAX, FloatArray, Frame, Typed, Window

__all__ = ["read_frame", "write_frame"]

logger = logging.getLogger(__name__)

_FORMATS = {
    ".exr": "openexr",
    ".dpx": "dpx",
    ".tif": "tiff",
    ".tiff": "tiff",
    ".png": "png",
    ".jpg": "jpeg",
    ".jpeg": "jpeg",
}
_PLAIN_TYPES = {"string", "int", "float"}
_OWN_TYPES = {"half", "float", "uint8", "uint10", "uint12", "uint16"}

# Said by the frame or by the writer itself, hence not carried as attributes.
_STRUCTURE = {
    "PixelAspectRatio",
    "compression",
    "oiio:BitsPerSample",
    "oiio:RowsPerChunk",
    "oiio:subimages",
    "openexr:chunkCount",
    "openexr:dwaCompressionLevel",
    "openexr:levelmode",
    "openexr:roundingmode",
    "planarconfig",
    "tiff:Compression",
    "tiff:PhotometricInterpretation",
    "tiff:PlanarConfiguration",
    "tiff:RowsPerStrip",
}


def read_frame(path: Path, number: int = 0, channels: Sequence[str] | None = None) -> Frame:
    """Read an EXR, DPX, TIFF, PNG or JPEG file.

    Integers become 0..1, nothing else is done to the colours: no transfer curve, no multiplication
    by alpha. NaN and infinity stay. The parts of a multi-part EXR after the first give their
    channels as ``part.channel`` unless they already carry a layer name; where their window
    differs, they are cut to that of the first part, and filled with zeros.

    Args:
        path: The file.
        number: The frame number to put into the frame.
        channels: Full names of the channels wanted; None reads all of them.

    Raises:
        NotFound: There is no such file.
        BadImage: It is empty, cut off, not an image, deep, or has no such channel.
    """
    path = Path(path)
    source = _open(path)
    try:
        frame = _read_part(source, path, number)
        part = 1
        while path.suffix.lower() == ".exr" and source.seek_subimage(part, 0):
            frame = _join(frame, _read_part(source, path, number), part)
            part += 1
    finally:
        source.close()
    return frame if channels is None else _only(frame, channels, path)


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
    channel was float in its file (depth, identifiers), else `pixel_type`. In the other formats all
    channels have one type: `pixel_type` where it is an integer one, else 16 bits (JPEG: 8, DPX:
    10, TIFF with ``float``: float). Finite values beyond the range of half are held at +-65504.
    Where the frame has no ``DateTime``, none is written, so that equal frames give equal files.

    Args:
        frame: What to write.
        path: An existing folder and a name whose extension says the format.
        compression: For EXR ``none``, ``rle``, ``zips``, ``zip``, ``piz``, ``pxr24``, ``b44``,
            ``b44a``, ``dwaa:45``, ``dwab:45``; for JPEG and the others the format's own.
        pixel_type: ``half``, ``float``, ``uint8``, ``uint10``, ``uint12`` or ``uint16``.
        per_channel_types: ``half`` or ``float`` by channel name (EXR only).

    Raises:
        InvalidInput: Unknown extension, type or channel; windows that the format cannot hold.
        NotFound: The folder does not exist.
        DiskFull: No room; nothing half-written is kept.
        Damaged: What was read back differs from what was asked for, as with an unknown compression.
    """
    path = Path(path)
    types = _types_to_write(frame, path, pixel_type, per_channel_types or {})
    spec = _spec_to_write(frame, path, types, compression)
    with atomic_file(path) as part:
        _write_pixels(spec, _pixels_to_write(frame, types), path, part)
        _compare(frame, path, part, types, compression)


def _open(path: Path) -> Any:
    if not path.is_file():
        raise NotFound(f"{path} does not exist or is no file")
    if path.stat().st_size == 0:
        raise BadImage(f"{path} is empty (0 bytes): it was not written to its end; make it again")
    if path.suffix.lower() not in _FORMATS:
        raise BadImage(f"{path} is no image that we read; expected {', '.join(_FORMATS)}")
    wish = oiio.ImageSpec()
    wish.attribute("oiio:UnassociatedAlpha", 1)  # else 8-bit colours come multiplied by alpha
    source = oiio.ImageInput.open(str(path), wish)
    if source is None:
        reason = oiio.geterror().splitlines() or ["unknown format"]
        raise BadImage(
            f"{path} cannot be read as an image: {reason[0]}; is it cut off? Make it again"
        )
    if source.spec().deep:
        source.close()
        raise BadImage(f"{path} holds deep pixels; flatten it first (in Nuke: DeepToImage)")
    return source


def _read_part(source: Any, path: Path, number: int) -> Frame:
    spec = source.spec()
    names = tuple(spec.channelnames)
    if len(set(names)) != len(names):
        raise BadImage(f"{path} repeats a channel name: {', '.join(names)}; write it again")
    types = _types_read(spec)
    pixels = _pixels_read(source, path, types)
    attributes = {
        item.name: _value(item) for item in spec.extra_attribs if item.name not in _STRUCTURE
    }
    return Frame(
        number=number,
        pixels=pixels,
        channels=names,
        data_window=Window(spec.x, spec.y, spec.x + spec.width, spec.y + spec.height),
        display_window=Window(
            spec.full_x, spec.full_y, spec.full_x + spec.full_width, spec.full_y + spec.full_height
        ),
        pixel_aspect=float(spec.get_float_attribute("PixelAspectRatio", 1.0)) or 1.0,
        attributes=attributes,
        channel_types=dict(zip(names, types, strict=True)),
    )


def _types_read(spec: Any) -> list[str]:
    formats = spec.channelformats or (spec.format,) * spec.nchannels
    bits = spec.get_int_attribute("oiio:BitsPerSample", 16)
    types = [str(item) for item in formats]
    return [f"uint{bits}" if kind == "uint16" and bits in (10, 12) else kind for kind in types]


def _pixels_read(source: Any, path: Path, types: list[str]) -> FloatArray:
    pixels = source.read_image(source.current_subimage(), 0, 0, len(types), "float")
    if pixels is None:
        reason = source.geterror() or "its pixels cannot be decoded"
        raise BadImage(f"{path} is cut off or damaged: {reason}; make it again")
    pixels = np.ascontiguousarray(pixels, np.float32).reshape(*pixels.shape[:2], len(types))
    for index, kind in enumerate(types):
        if kind == "uint":  # identifiers: their number counts, not its share of the largest one
            subimage = source.current_subimage()
            numbers = source.read_image(subimage, 0, index, index + 1, "uint")
            pixels[..., index] = numbers.reshape(pixels.shape[:2])
            if numbers.max() > 1 << 24:
                logger.warning("%s: channel %d holds integers beyond 2**24", path, index)
    return pixels


def _value(item: Any) -> Any:
    kind = str(item.type)
    return item.value if kind in _PLAIN_TYPES else Typed(kind, item.value)


def _join(first: Frame, other: Frame, part: int) -> Frame:
    layer = str(other.attribute("oiio:subimagename") or other.attribute("name") or f"part{part}")
    names = [name if "." in name else f"{layer}.{name}" for name in other.channels]
    pixels = _fit(other, first.data_window)
    added = {name: pixels[..., index] for index, name in enumerate(names)}
    repeated = [name for name in added if name in first.channels]
    if repeated:
        raise BadImage(f"two parts both have the channels {', '.join(repeated)}; rename a part")
    kinds = dict(zip(names, (other.channel_types[name] for name in other.channels), strict=True))
    joined = first.with_channels(added)
    return Frame(**{**joined.__dict__, "channel_types": {**first.channel_types, **kinds}})


def _fit(frame: Frame, window: Window) -> FloatArray:
    """Return the pixels of a frame over another window, zeros where it has none."""
    if frame.data_window == window:
        return frame.pixels
    own = frame.data_window
    fitted = np.zeros((window.height, window.width, len(frame.channels)), np.float32)
    x0, y0 = max(own.x0, window.x0), max(own.y0, window.y0)
    x1, y1 = min(own.x1, window.x1), min(own.y1, window.y1)
    if x1 > x0 and y1 > y0:
        fitted[y0 - window.y0 : y1 - window.y0, x0 - window.x0 : x1 - window.x0] = frame.pixels[
            y0 - own.y0 : y1 - own.y0, x0 - own.x0 : x1 - own.x0
        ]
    return fitted


def _only(frame: Frame, channels: Sequence[str], path: Path) -> Frame:
    missing = [name for name in channels if name not in frame.channels]
    if missing:
        there = ", ".join(frame.channels)
        raise BadImage(f"{path} has no channel {', '.join(missing)}; it has {there}")
    return frame.only_channels(channels)


def _types_to_write(
    frame: Frame, path: Path, pixel_type: str, chosen: Mapping[str, str]
) -> list[str]:
    suffix = path.suffix.lower()
    if suffix not in _FORMATS:
        raise InvalidInput(f"{path}: cannot write {suffix!r}; expected {', '.join(_FORMATS)}")
    if pixel_type not in _OWN_TYPES:
        known = ", ".join(sorted(_OWN_TYPES))
        raise InvalidInput(f"no pixel type is called {pixel_type!r}; there are: {known}")
    if suffix != ".exr":
        return [_integer_type(suffix, pixel_type)] * len(frame.channels)
    unknown = sorted(set(chosen) - set(frame.channels))
    if unknown or not {pixel_type, *chosen.values()} <= {"half", "float"}:
        raise InvalidInput(
            f"{path}: EXR channels are half or float, by names of the frame; got pixel type "
            f"{pixel_type!r}, per channel {dict(chosen)}"
        )
    return [
        chosen.get(name) or ("float" if _was_float(frame, name) else pixel_type)
        for name in frame.channels
    ]


def _was_float(frame: Frame, name: str) -> bool:
    return frame.channel_types.get(name) in {"float", "uint"}


def _integer_type(suffix: str, pixel_type: str) -> str:
    if suffix in {".jpg", ".jpeg"}:
        return "uint8"
    if suffix == ".dpx":
        return pixel_type if pixel_type.startswith("uint") else "uint10"
    if suffix in {".tif", ".tiff"} and pixel_type in {"half", "float", "uint8"}:
        return {"half": "uint16"}.get(pixel_type, pixel_type)
    return "uint8" if pixel_type == "uint8" else "uint16"


def _spec_to_write(frame: Frame, path: Path, types: list[str], compression: str) -> Any:
    exr = path.suffix.lower() == ".exr"
    window, display = frame.data_window, frame.display_window
    if not exr and window != display:
        raise InvalidInput(f"{path}: only EXR holds a data window apart from the display window")
    bits = {"uint10": 10, "uint12": 12}.get(types[0])
    formats = [oiio.TypeDesc("uint16" if kind in {"uint10", "uint12"} else kind) for kind in types]
    spec = oiio.ImageSpec(window.width, window.height, len(types), formats[0])
    spec.channelnames = frame.channels
    if len(set(types)) > 1:
        spec.channelformats = tuple(formats)
    spec.x, spec.y = window.x0, window.y0
    spec.full_x, spec.full_y = display.x0, display.y0
    spec.full_width, spec.full_height = display.width, display.height
    spec.attribute("DateTime", "")  # else the writer puts the time of day in
    for name, value in frame.attributes.items():
        if name not in _STRUCTURE:
            _set_attribute(spec, name, value)
    if bits:
        spec.attribute("oiio:BitsPerSample", bits)
    if exr:
        spec.attribute("compression", compression)
    spec.attribute("oiio:UnassociatedAlpha", 1)
    spec.attribute("PixelAspectRatio", float(frame.pixel_aspect))
    return spec


def _set_attribute(spec: Any, name: str, value: Any) -> None:
    if isinstance(value, Typed):
        spec.attribute(name, oiio.TypeDesc(value.type), value.value)
    elif isinstance(value, str | int | float):
        spec.attribute(name, value)
    else:
        raise InvalidInput(
            f"attribute {name!r}: expected a text, a number or Typed(type, value), got {value!r}"
        )


def _pixels_to_write(frame: Frame, types: list[str]) -> FloatArray:
    pixels = frame.pixels
    for index, kind in enumerate(types):
        if kind != "half":
            continue
        values = pixels[..., index]
        over = np.isfinite(values) & (np.abs(values) > HALF_MAX)
        if over.any():
            logger.warning("channel %s: values beyond half are held", frame.channels[index])
            pixels = pixels.copy() if pixels is frame.pixels else pixels
            pixels[..., index][over] = np.copysign(HALF_MAX, values[over])
    return np.ascontiguousarray(pixels)


def _write_pixels(spec: Any, pixels: FloatArray, path: Path, part: Path) -> None:
    target = oiio.ImageOutput.create(_FORMATS[path.suffix.lower()])
    written = target.open(str(part), spec) and target.write_image(pixels)
    # Closing flushes, so it can fail where writing did not; it must run in any case.
    if not (target.close() and written):
        check_room(part)
        raise InvalidInput(f"{path} cannot be written: {target.geterror() or oiio.geterror()}")


def _compare(frame: Frame, path: Path, part: Path, types: list[str], compression: str) -> None:
    """Read the header back: OpenImageIO replaces what it does not know without a word."""
    source = oiio.ImageInput.open(str(part))
    if source is None:
        check_room(part)
        raise Damaged(f"{path} cannot be read back: {oiio.geterror()}; nothing was kept")
    spec = source.spec()
    source.close()
    got: dict[str, Any] = {"size": (spec.width, spec.height)}
    asked: dict[str, Any] = {"size": (frame.data_window.width, frame.data_window.height)}
    if path.suffix.lower() == ".exr":
        got |= _facts(spec)
        asked |= {
            "windows": (frame.data_window, frame.display_window),
            "compression": compression.split(":")[0],
            "channels": dict(zip(frame.channels, types, strict=True)),
        }
    for what, value in asked.items():
        if got[what] != value:
            raise Damaged(
                f"{path}: {what} asked for {value}, written {got[what]}; nothing was kept"
            )


def _facts(spec: Any) -> dict[str, Any]:
    return {
        "windows": (
            Window(spec.x, spec.y, spec.x + spec.width, spec.y + spec.height),
            Window(
                spec.full_x,
                spec.full_y,
                spec.full_x + spec.full_width,
                spec.full_y + spec.full_height,
            ),
        ),
        "compression": spec.get_string_attribute("compression"),
        "channels": dict(zip(spec.channelnames, _types_read(spec), strict=True)),
    }
