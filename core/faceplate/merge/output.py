"""How the layers of a frame become files."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from faceplate.errors import BadSettings
from faceplate.geometry.points import Box
from faceplate.io.exrparts import ImagePart, write_parts
from faceplate.io.frame import Frame, Window
from faceplate.io.sequence import Sequence
from faceplate.merge.layers import CHANNEL_TYPES, LAYER_CHANNELS, Layers

__all__ = ["LayersWhere", "Output", "beside", "write_layers"]

logger = logging.getLogger(__name__)

LayersWhere = Literal["inside", "beside", "none"]

# The lossless ones: any other would alter the plate outside the matte, and the ST map.
_COMPRESSIONS = ("none", "rle", "zips", "zip", "piz")


@dataclass(frozen=True)
class Output:
    """What the files of a shot are like."""

    layers: LayersWhere = "inside"
    """Where the layers go: `inside` the result's file; `beside` it, in a file of their own that
    covers no more than the face; or `none`. Beside and none leave the result with the plate's own
    channels, so that its unchanged rows can be copied as they are."""
    multipart: bool = False
    """One part for each layer; those beside the result cover no more than the face."""
    keep_layers: bool = False
    """Keep the plate's other channels in the result."""
    pixel_type: Literal["half", "float"] = "half"
    """Type of all channels but the ST map."""
    compression: str = "zip"
    """EXR compression, lossless: none, rle, zips, zip or piz."""

    def __post_init__(self) -> None:
        if self.compression not in _COMPRESSIONS:
            known = ", ".join(_COMPRESSIONS)
            raise BadSettings(
                f"compression: expected a lossless one ({known}), got {self.compression!r}: others "
                "alter the plate outside the matte and the ST map"
            )
        if self.multipart and self.layers != "inside":
            raise BadSettings(f"multipart: layers are {self.layers}, so there is but one part")


def beside(out: Sequence) -> Sequence:
    """Return where the layers of a result go that are beside it: ``shot_fp.%04d.exr``.

    Example:
        >>> beside(Sequence.parse("shot.%04d.exr")).pattern
        'shot_fp.%04d.exr'
    """
    if out.padding is None:
        name = Path(out.head)
        return replace(out, head=f"{name.stem}_fp{name.suffix}")
    stem = out.head.rstrip("._-")
    return replace(out, head=f"{stem}_fp{out.head[len(stem) :]}")


def write_layers(
    layers: Layers,
    strings: Mapping[str, str],
    path: Path,
    layers_path: Path,
    output: Output,
) -> None:
    """Write a frame.

    Args:
        layers: What was made.
        strings: For every header.
        path: The result.
        layers_path: The layers, where they go beside the result.
        output: What the files are like.

    Raises:
        DiskFull: No room; nothing half-written is kept.
        Damaged: A file does not read back as it should.
        NotFound: A folder does not exist.
    """
    marked = Layers(layers.frame.with_attributes(strings), layers.region)
    if output.layers == "inside":
        parts = _parts(marked, output) if output.multipart else [_whole(marked, output)]
        return _write(parts, path, output)
    if output.layers == "beside":  # first: whoever sees the result finds its layers
        _write([marked.part(LAYER_CHANNELS, box=_box(marked))], layers_path, output)
    _write_result(marked, path, output)
    return None


def _whole(layers: Layers, output: Output) -> ImagePart:
    return layers.part(layers.names(keep_layers=output.keep_layers))


def _parts(layers: Layers, output: Output) -> list[ImagePart]:
    """Return a part for the result, one for each layer, and those of the plate's own layers."""
    groups: dict[str, list[str]] = {}
    for name in layers.names(keep_layers=output.keep_layers):
        groups.setdefault(name.rpartition(".")[0] or "rgba", []).append(name)
    made = {name.rpartition(".")[0] for name in LAYER_CHANNELS}
    box = _box(layers)
    return [
        layers.part(names, group, box if group in made else None) for group, names in groups.items()
    ]


def _write_result(layers: Layers, path: Path, output: Output) -> None:
    _write([layers.part(_result_names(layers.frame))], path, output)


def _result_names(frame: Frame) -> tuple[str, ...]:
    own = frame.channels
    return own if {"R", "G", "B"} <= set(own) else ("R", "G", "B", "A")


def _write(parts: list[ImagePart], path: Path, output: Output) -> None:
    write_parts(
        parts,
        path,
        compression=output.compression,
        pixel_type=output.pixel_type,
        per_channel_types=CHANNEL_TYPES,
    )


def _box(layers: Layers) -> Box:
    """Return what the layers cover; where there is no face, one pixel, as no file is empty."""
    if layers.region is not None:
        return layers.region.box
    window: Window = layers.frame.data_window
    return (window.x0, window.y0, window.x0 + 1, window.y0 + 1)
