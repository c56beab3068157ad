"""How a frame is described to OpenImageIO, and how its description is read back."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from OpenImageIO import ImageSpec, TypeDesc

from faceplate.errors import InvalidInput
from faceplate.io.frame import Frame, Typed, Window

__all__ = [
    "FORMATS",
    "attributes_of",
    "channel_types",
    "facts_asked",
    "facts_of",
    "spec_for",
    "types_for",
    "windows_of",
]

FORMATS = {
    ".exr": "openexr",
    ".dpx": "dpx",
    ".tif": "tiff",
    ".tiff": "tiff",
    ".png": "png",
    ".jpg": "jpeg",
    ".jpeg": "jpeg",
}
"""File extensions that we read and write, with OpenImageIO's names of the formats."""

_TYPES = {"half", "float", "uint8", "uint10", "uint12", "uint16"}
_PLAIN = {"string", "int", "float"}
_SHORT_BITS = {"uint10": 10, "uint12": 12}

# Said by the frame or by the writer itself, hence not carried as attributes.
_STRUCTURE = {
    "PixelAspectRatio",
    "compression",
    "oiio:BitsPerSample",
    "oiio:RowsPerChunk",
    "oiio:UnassociatedAlpha",
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


def windows_of(spec: Any) -> tuple[Window, Window]:
    """Return the data window and the display window."""
    full_x1, full_y1 = spec.full_x + spec.full_width, spec.full_y + spec.full_height
    return (
        Window(spec.x, spec.y, spec.x + spec.width, spec.y + spec.height),
        Window(spec.full_x, spec.full_y, full_x1, full_y1),
    )


def channel_types(spec: Any) -> list[str]:
    """Return the type of each channel; 10 and 12 bits in a 16-bit word are told apart."""
    formats = spec.channelformats or (spec.format,) * spec.nchannels
    bits = spec.get_int_attribute("oiio:BitsPerSample", 16)
    types = [str(item) for item in formats]
    return [f"uint{bits}" if kind == "uint16" and bits in (10, 12) else kind for kind in types]


def attributes_of(spec: Any) -> dict[str, Any]:
    """Return the attributes that a frame carries."""
    return {
        item.name: item.value if str(item.type) in _PLAIN else Typed(str(item.type), item.value)
        for item in spec.extra_attribs
        if item.name not in _STRUCTURE
    }


def types_for(frame: Frame, path: Path, pixel_type: str, chosen: Mapping[str, str]) -> list[str]:
    """Return the type to write each channel in (see `write_frame`). Raises InvalidInput."""
    suffix = path.suffix.lower()
    if suffix not in FORMATS:
        raise InvalidInput(f"{path}: cannot write {suffix!r}; expected {', '.join(FORMATS)}")
    if pixel_type not in _TYPES:
        known = ", ".join(sorted(_TYPES))
        raise InvalidInput(f"no pixel type is called {pixel_type!r}; there are: {known}")
    if suffix != ".exr":
        return [_one_type(suffix, pixel_type)] * len(frame.channels)
    unknown = sorted(set(chosen) - set(frame.channels))
    if unknown or not {pixel_type, *chosen.values()} <= {"half", "float"}:
        raise InvalidInput(
            f"{path}: EXR channels are half or float, by the frame's own names; got pixel type "
            f"{pixel_type!r} and per channel {dict(chosen)}"
        )
    was_float = {name for name, kind in frame.channel_types.items() if kind in {"float", "uint"}}
    return [
        chosen.get(name) or ("float" if name in was_float else pixel_type)
        for name in frame.channels
    ]


def spec_for(frame: Frame, path: Path, types: list[str], compression: str) -> ImageSpec:
    """Return the description of a file to write. Raises InvalidInput."""
    exr = path.suffix.lower() == ".exr"
    window, display = frame.data_window, frame.display_window
    if not exr and window != display:
        raise InvalidInput(f"{path}: only EXR holds a data window apart from the display window")
    formats = [TypeDesc("uint16" if kind in _SHORT_BITS else kind) for kind in types]
    spec = ImageSpec(window.width, window.height, len(types), formats[0])
    spec.channelnames = frame.channels
    if len(set(types)) > 1:
        spec.channelformats = tuple(formats)
    spec.x, spec.y = window.x0, window.y0
    spec.full_x, spec.full_y = display.x0, display.y0
    spec.full_width, spec.full_height = display.width, display.height
    spec.attribute("DateTime", "")  # else the writer puts the time of day in
    spec.attribute("jpeg:subsampling", "4:4:4")  # else red lips bleed by two pixels
    for name, value in frame.attributes.items():
        if name not in _STRUCTURE:
            _set(spec, name, value)
    if types[0] in _SHORT_BITS:
        spec.attribute("oiio:BitsPerSample", _SHORT_BITS[types[0]])
    spec.attribute("compression", _compression(path, compression))
    spec.attribute("oiio:UnassociatedAlpha", 1)  # else colours are divided by alpha
    spec.attribute("PixelAspectRatio", float(frame.pixel_aspect))
    return spec


def facts_asked(frame: Frame, path: Path, types: list[str], compression: str) -> dict[str, object]:
    """Return what `facts_of` must give for a file written from these."""
    if path.suffix.lower() != ".exr":
        return {"size": (frame.data_window.width, frame.data_window.height)}
    return {
        "data window": frame.data_window,
        "display window": frame.display_window,
        "compression": compression.split(":")[0],
        "channels": dict(zip(frame.channels, types, strict=True)),
    }


def facts_of(spec: Any) -> dict[str, object]:
    """Return what a header says about windows, compression and channels."""
    data_window, display_window = windows_of(spec)
    return {
        "size": (spec.width, spec.height),
        "data window": data_window,
        "display window": display_window,
        "compression": spec.get_string_attribute("compression"),
        "channels": dict(zip(spec.channelnames, channel_types(spec), strict=True)),
    }


def _one_type(suffix: str, pixel_type: str) -> str:
    if suffix in {".jpg", ".jpeg"}:
        return "uint8"
    if suffix == ".dpx":
        return pixel_type if pixel_type.startswith("uint") else "uint10"
    if suffix in {".tif", ".tiff"} and pixel_type == "float":
        return "float"
    return "uint8" if pixel_type == "uint8" else "uint16"


def _compression(path: Path, compression: str) -> str:
    if path.suffix.lower() in {".jpg", ".jpeg"}:
        return compression if compression.startswith("jpeg") else "jpeg:95"
    return "zip" if path.suffix.lower() in {".tif", ".tiff"} else compression


def _set(spec: ImageSpec, name: str, value: Any) -> None:
    if isinstance(value, Typed):
        spec.attribute(name, TypeDesc(value.type), value.value)
    elif isinstance(value, str | int | float):
        spec.attribute(name, value)
    else:
        raise InvalidInput(
            f"attribute {name!r}: expected a text, a number or Typed(type, value), got {value!r}"
        )
