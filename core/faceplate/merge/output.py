"""How the layers of a frame become files."""

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from faceplate.errors import BadSettings
from faceplate.geometry.points import Box
from faceplate.io.exrlayout import ExrLayout
from faceplate.io.exrparts import ImagePart, write_parts
from faceplate.io.exrsplice import layout_to_splice, splice_frame
from faceplate.io.frame import Frame, Window
from faceplate.io.image import read_frame
from faceplate.io.sequence import Sequence as FramePattern
from faceplate.merge.layers import CHANNEL_TYPES, LAYER_CHANNELS, Layers
from faceplate.provenance.header import PREFIX, SOFTWARE, software_history

__all__ = ["LayersWhere", "Output", "Source", "beside", "source_of", "write_layers"]

logger = logging.getLogger(__name__)

LayersWhere = Literal["inside", "beside", "none"]

_COMPRESSIONS = ("none", "rle", "zips", "zip", "piz")
"""The lossless ones."""
# DWA with its level. It alters channels whose names end in R, G, B or Y, and no others: mattes
# (.A) come through, an ST map or the numbers of a cryptomatte must not go in.
_DWA = re.compile(r"dwa[ab](:\d{1,5}(\.\d+)?)?")
_ALTERED = {"R", "G", "B", "Y", "RY", "BY"}
_LOSSLESS = "zip"
_SOURCE, _STORED = "source", "none"
_PICTURES = {"rgba", "fp"}
"""Parts that may be compressed with loss."""
_MARGIN = 64  # rows around a face that filters may look at


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
    """EXR compression, lossless: none, rle, zips, zip or piz; or `source`, the plate's own, where
    its chunks can be copied, else zip. `none` copies chunks too, and stores the others as they
    are. dwaa and dwab, with a level such as dwaa:45, alter colours everywhere a little; mattes and
    ST map stay exact, so they need layers beside or none, or several parts."""

    def __post_init__(self) -> None:
        if self.compression == _SOURCE and self.layers == "inside":
            raise BadSettings(
                "compression: the plate's own can be kept only where its chunks are copied: with "
                "layers beside or none"
            )
        if not self.lossy and self.compression not in (*_COMPRESSIONS, _SOURCE):
            known = ", ".join(_COMPRESSIONS)
            raise BadSettings(
                f"compression: expected a lossless one ({known}), source, or dwaa or dwab with a "
                f"level such as dwaa:45, got {self.compression!r}"
            )
        if self.lossy and self.layers == "inside" and not self.multipart:
            raise BadSettings(
                f"compression: {self.compression} would alter the ST map: choose --layers beside "
                "or none, or --multipart"
            )
        if self.multipart and self.layers != "inside":
            raise BadSettings(f"multipart: layers are {self.layers}, so there is but one part")

    @property
    def lossy(self) -> bool:
        """Whether the compression alters colours."""
        return _DWA.fullmatch(self.compression) is not None


def beside(out: FramePattern) -> FramePattern:
    """Return where the layers of a result go that are beside it: ``shot_fp.%04d.exr``.

    Example:
        >>> beside(FramePattern.parse("shot.%04d.exr")).pattern
        'shot_fp.%04d.exr'
    """
    if out.padding is None:
        name = Path(out.head)
        return replace(out, head=f"{name.stem}_fp{name.suffix}")
    stem = out.head.rstrip("._-")
    return replace(out, head=f"{stem}_fp{out.head[len(stem) :]}")


@dataclass(frozen=True, eq=False)
class Source:
    """The plate's file, where the result can be made by copying most of it."""

    path: Path
    layout: ExrLayout

    def rows(self, boxes: Sequence[Box]) -> tuple[int, int]:
        """Return the rows to read for faces in these boxes: whole chunks, and some more."""
        window, each = self.layout.window, self.layout.rows_per_chunk
        if not boxes:
            return (window.y0, min(window.y0 + each, window.y1))
        first = max(min(box[1] for box in boxes) - _MARGIN - window.y0, 0) // each * each
        last = -(-(max(box[3] for box in boxes) + _MARGIN - window.y0) // each) * each
        return (window.y0 + first, min(window.y0 + last, window.y1))


def source_of(path: Path | None, output: Output) -> Source | None:
    """Return a plate's file where a result may be spliced into it, else None; says so in the log.

    Args:
        path: The file behind a frame, or None.
        output: What the result is like.
    """
    if output.layers == "inside":
        return None
    layout = layout_to_splice(path) if path is not None and path.suffix == ".exr" else None
    if path is None or layout is None:
        logger.info("%s has no chunks that could be copied: results are written in full", path)
        return None
    kinds = set(layout.channels.values())
    if output.compression.split(":")[0] not in (_SOURCE, _STORED, layout.compression):
        logger.info(
            "%s is compressed as %s: results in %s are written in full",
            path, layout.compression, output.compression,
        )  # fmt: skip
        return None
    if not {"R", "G", "B"} <= set(layout.channels) or (
        output.pixel_type == "float" and kinds != {"float"}
    ):
        logger.info("%s has channels %s: results are written in full", path, layout.channels)
        return None
    return Source(path, layout)


def write_layers(
    layers: Layers,
    strings: Mapping[str, str],
    paths: tuple[Path, Path],
    output: Output,
    source: Source | None = None,
) -> None:
    """Write a frame.

    Args:
        layers: What was made.
        strings: For every header.
        paths: The result, and the layers where they go beside it.
        output: What the files are like.
        source: The plate's file, if the result may be spliced into it; then the frame of the
            layers may hold no more than the rows that it asks for.

    Raises:
        DiskFull: No room; nothing half-written is kept.
        Damaged: A file does not read back as it should.
        NotFound: A folder does not exist.
    """
    frame = layers.frame
    strings = {**strings, SOFTWARE: software_history(frame.attribute(SOFTWARE))}
    marked = Layers(_marked(frame, strings), layers.region)
    if output.layers == "inside":
        parts = _parts(marked, output) if output.multipart else [_whole(marked, output)]
        return _write(parts, paths[0], output)
    if output.layers == "beside":  # first: whoever sees the result finds its layers
        layers_part = marked.part(LAYER_CHANNELS, box=_box(marked))
        _write([_exact(layers_part, output)], paths[1], output)
    stored = output.compression == _STORED
    if source is None or not _spliced(marked, source, paths[0], stored):
        _write_result(_whole_frame(marked, source, strings), paths[0], output)
    return None


def _marked(frame: Frame, strings: Mapping[str, str]) -> Frame:
    """Return a frame with our strings, and none that an earlier swap of its plate has left."""
    kept = {
        name: value
        for name, value in frame.attributes.items()
        if not name.startswith(PREFIX) or name in strings
    }
    return replace(frame, attributes=kept).with_attributes(strings)


def _spliced(layers: Layers, source: Source, path: Path, stored: bool) -> bool:
    """Write a result by copying its source; return whether that could be done."""
    frame, changed = layers.frame, layers.changed_rows
    stale = frozenset(
        name
        for name in source.layout.attributes
        if name.startswith(PREFIX) and name not in frame.attributes
    )
    if changed[0] == changed[1]:
        return splice_frame(frame, source.path, path, changed, without=stale).written
    top, bottom = source.layout.rows_around(changed)
    window = replace(frame.data_window, y0=top, y1=bottom)
    pixels = layers.rows(frame.channels, top, bottom)
    result = replace(frame, pixels=pixels, data_window=window)
    return splice_frame(result, source.path, path, changed, stored=stored, without=stale).written


def _whole_frame(layers: Layers, source: Source | None, strings: Mapping[str, str]) -> Layers:
    """Return layers over all of their frame, where only some rows of it had been read."""
    if source is None or layers.frame.data_window == source.layout.window:
        return layers
    whole = read_frame(source.path, layers.frame.number)
    return Layers(_marked(whole, strings), layers.region)


def _whole(layers: Layers, output: Output) -> ImagePart:
    return layers.part(layers.names(keep_layers=output.keep_layers))


def _parts(layers: Layers, output: Output) -> list[ImagePart]:
    """Return a part for the result, one for each layer, and those of the plate's own layers."""
    groups: dict[str, list[str]] = {}
    for name in layers.names(keep_layers=output.keep_layers):
        groups.setdefault(name.rpartition(".")[0] or "rgba", []).append(name)
    made = {name.rpartition(".")[0] for name in LAYER_CHANNELS}
    box = _box(layers)
    parts = [
        layers.part(names, group, box if group in made else None) for group, names in groups.items()
    ]
    return [part if part.name in _PICTURES else _exact(part, output) for part in parts]


def _exact(part: ImagePart, output: Output) -> ImagePart:
    """Return a part whose numbers must come through, whatever the compression of the pictures."""
    return replace(part, compression=_LOSSLESS) if output.lossy else part


def _write_result(layers: Layers, path: Path, output: Output) -> None:
    names = _result_names(layers.frame)
    numbers = [
        name for name in names if "." in name and name.rpartition(".")[2].upper() in _ALTERED
    ]
    if output.lossy and numbers:
        raise BadSettings(
            f"compression: {output.compression} would alter {', '.join(numbers[:6])} of the plate, "
            "which may be numbers of a cryptomatte: choose zip, source, or --multipart"
        )
    _write([layers.part(names)], path, output)


def _result_names(frame: Frame) -> tuple[str, ...]:
    own = frame.channels
    return own if {"R", "G", "B"} <= set(own) else ("R", "G", "B", "A")


def _write(parts: list[ImagePart], path: Path, output: Output) -> None:
    write_parts(
        parts,
        path,
        compression="zip" if output.compression == _SOURCE else output.compression,
        pixel_type=output.pixel_type,
        per_channel_types=CHANNEL_TYPES,
    )


def _box(layers: Layers) -> Box:
    """Return what the layers cover; where there is no face, one pixel, as no file is empty."""
    if layers.region is not None:
        return layers.region.box
    window: Window = layers.frame.data_window
    return (window.x0, window.y0, window.x0 + 1, window.y0 + 1)
