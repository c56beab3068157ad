"""The layers that a swap makes of a frame: always the same set, with or without a face.

They are held only where a face lies, and handed out row by row: a frame at 8K need not exist once
more for every layer.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from faceplate.geometry.points import Box, Matrix
from faceplate.geometry.warp import st_map
from faceplate.io.exrparts import ImagePart, empty_frame
from faceplate.io.frame import Frame, Window

__all__ = [
    "CHANNEL_TYPES",
    "LAYER_CHANNELS",
    "Layers",
    "Region",
    "SeenCrop",
    "box_slices",
    "part_of",
]

FloatArray = NDArray[np.float32]

CHANNEL_TYPES = {"fp_st.R": "float", "fp_st.G": "float"}
"""Channels that are never written as half: 11 bits cannot address a pixel of a 4K plate."""

LAYER_CHANNELS = (
    "fp.R", "fp.G", "fp.B", "fp.A", "fp_mask.A", "fp_learned.A", "fp_occ.A", "fp_conf.A", "fp_st.R",
    "fp_st.G",
)  # fmt: skip
"""What is made beside the result, in the order in which it is written."""

_RESULT = ("R", "G", "B", "A")


@dataclass(frozen=True, eq=False)
class SeenCrop:
    """Where a network's crop lies."""

    plate_to_crop: Matrix
    """2x3."""
    size: int
    """Side of the crop in pixels."""
    roi: Box
    """Plate pixels that may see it: x0, y0, x1, y1, half open."""


@dataclass(frozen=True, eq=False)
class Region:
    """The layers of a part of a frame; arrays of its size, written into while a frame is made."""

    box: Box
    """x0, y0, x1, y1 in plate pixels, half open."""
    rgb: FloatArray
    """HxWx3, scene-linear: the result."""
    face: FloatArray
    """HxWx3, scene-linear, premultiplied: what is laid over the plate. With its matte and the plate
    alone, ``plate * (1 - face_matte) + face``, any compositor makes the result."""
    face_matte: FloatArray
    """HxW: the matte that `face` is premultiplied with."""
    matte: FloatArray
    """HxW: the matte of the recipe (times the plate's alpha, where it has one). Not `face_matte`
    only where the mode lays in the whole square."""
    learned: FloatArray
    """HxW: the network's likeness matte times its performer matte, neither eroded nor feathered."""
    occlusion: FloatArray
    """HxW: how much of the face something in front of it covers, as the recipe has it measured."""
    confidence: FloatArray
    """HxW: the track's confidence in the face where `face_matte` is above 0, else 0."""
    crops: list[SeenCrop] = field(default_factory=list)
    """Of the faces that are laid in, each over those before it."""

    @classmethod
    def of_plate(cls, frame: Frame, box: Box) -> "Region":
        """Return the layers of a part without a face: the plate, and zeros."""
        part = part_of(frame, box)
        shape = part.pixels.shape[:2]

        def zeros(*channels: int) -> FloatArray:
            return np.zeros((*shape, *channels), np.float32)

        return cls(box, part.rgb(), zeros(3), zeros(), zeros(), zeros(), zeros(), zeros())

    @cached_property
    def st(self) -> FloatArray:
        """HxWx2: where in the network's crop a pixel comes from, as Nuke's STMap reads it; 0 where
        there is no crop. Made when it is first asked for: a picture for the eye needs none.
        """
        found = np.zeros((*self.matte.shape, 2), np.float32)
        for crop in self.crops:
            st = st_map(crop.plate_to_crop, crop.roi, crop.size)
            u, v = st[..., 0], st[..., 1]
            inside = (u >= 0) & (u <= 1) & (v >= 0) & (v <= 1)
            np.copyto(found[box_slices(crop.roi, self.box)], st, where=inside[..., None])
        return found

    def channel(self, name: str) -> FloatArray | None:
        """Return a channel by the name that it is written under, or None where it has none."""
        layer, _, channel = name.rpartition(".")
        if layer in ("", "fp", "fp_st") and channel in "RGB":
            # by name: the ST map is made where it is asked for, and a result alone never does
            color = getattr(self, {"": "rgb", "fp": "face", "fp_st": "st"}[layer])
            return np.asarray(color[..., "RGB".index(channel)], np.float32)
        return {
            "fp.A": self.face_matte,
            "fp_mask.A": self.matte,
            "fp_learned.A": self.learned,
            "fp_occ.A": self.occlusion,
            "fp_conf.A": self.confidence,
        }.get(name)


class Layers:
    """All that a swap makes of one frame.

    Args:
        frame: What the face was laid into.
        region: Where there is a face; None: nowhere.
    """

    def __init__(self, frame: Frame, region: Region | None = None) -> None:
        self.frame, self.region = frame, region

    @property
    def swapped(self) -> bool:
        """Whether a face was laid in anywhere."""
        return self.region is not None and bool(self.region.face_matte.any())

    @property
    def changed_rows(self) -> tuple[int, int]:
        """First and last row, half open, in plate pixels, that are not the frame's own."""
        y0 = self.frame.data_window.y0
        if self.region is None or not self.swapped:
            return (y0, y0)
        rows = np.flatnonzero(self.region.face_matte.any(axis=1))
        top = self.region.box[1]
        return (top + int(rows[0]), top + int(rows[-1]) + 1)

    def names(self, *, keep_layers: bool = False) -> tuple[str, ...]:
        """Return the channels that are written, in their order.

        Args:
            keep_layers: With the frame's other channels, untouched, at the end.
        """
        names = (*_RESULT, *LAYER_CHANNELS)
        others = (name for name in self.frame.channels if name not in names)
        return (*names, *others) if keep_layers else names

    def rows(self, names: Sequence[str], y0: int, y1: int) -> FloatArray:
        """Return rows of these channels, HxWxC.

        Args:
            names: Of `names(keep_layers=True)`, or channels of the frame.
            y0: First row in plate pixels.
            y1: The row after the last one.
        """
        window = self.frame.data_window
        return self._within(names, (window.x0, y0, window.x1, y1))

    def _within(self, names: Sequence[str], box: Box) -> FloatArray:
        """Return a part of these channels, HxWxC; each channel of a row lies in one piece."""
        x0, y0, x1, y1 = box
        rows = np.zeros((y1 - y0, len(names), x1 - x0), np.float32)
        for index, name in enumerate(names):
            self._fill(rows[:, index], name, x0, y0)
        return rows.transpose(0, 2, 1)

    def rgb_of(self, box: Box) -> FloatArray:
        """Return R, G and B of a part of the result, HxWx3."""
        return self._within(("R", "G", "B"), box)

    def full(self, name: str) -> FloatArray:
        """Return a whole channel, HxW of the data window."""
        window = self.frame.data_window
        return self.rows([name], window.y0, window.y1)[..., 0]

    def part(self, names: Sequence[str], name: str = "", box: Box | None = None) -> ImagePart:
        """Return these channels as a part of an EXR file.

        Args:
            names: Of the channels.
            name: Of the part.
            box: What its data window covers, inside the frame's; None: all of it.
        """
        header = empty_frame(self.frame, names)
        if box is None:
            return ImagePart(header, lambda y0, y1: self.rows(names, y0, y1), name)
        x0, _, x1, _ = box
        cut = Frame(
            header.number, header.pixels[: box[3] - box[1], : x1 - x0], header.channels,
            Window(*box), header.display_window, header.pixel_aspect, header.attributes,
            header.channel_types,
        )  # fmt: skip
        return ImagePart(cut, lambda y0, y1: self._within(names, (x0, y0, x1, y1)), name)

    def to_frame(self, *, keep_layers: bool = False, names: tuple[str, ...] | None = None) -> Frame:
        """Return all layers as one frame, with the plate's windows and attributes.

        Args:
            keep_layers: With the frame's other channels.
            names: Only these channels.
        """
        names = names or self.names(keep_layers=keep_layers)
        window = self.frame.data_window
        header = empty_frame(self.frame, names)
        return Frame(
            header.number, self._stacked(*names), names, window, header.display_window,
            header.pixel_aspect, header.attributes, header.channel_types,
        )  # fmt: skip

    @property
    def rgb(self) -> FloatArray:
        """HxWx3: the result. Where `face_matte` is 0, the plate bit for bit."""
        return self._stacked("R", "G", "B")

    @property
    def alpha(self) -> FloatArray:
        """HxW: the plate's own, or 1 where the plate has none."""
        return self.full("A")

    @property
    def face(self) -> FloatArray:
        """HxWx3: see `Region.face`."""
        return self._stacked("fp.R", "fp.G", "fp.B")

    @property
    def face_matte(self) -> FloatArray:
        """HxW: see `Region.face_matte`."""
        return self.full("fp.A")

    @property
    def matte(self) -> FloatArray:
        """HxW: see `Region.matte`."""
        return self.full("fp_mask.A")

    @property
    def learned(self) -> FloatArray:
        """HxW: see `Region.learned`."""
        return self.full("fp_learned.A")

    @property
    def occlusion(self) -> FloatArray:
        """HxW: see `Region.occlusion`."""
        return self.full("fp_occ.A")

    @property
    def confidence(self) -> FloatArray:
        """HxW: see `Region.confidence`."""
        return self.full("fp_conf.A")

    @property
    def st(self) -> FloatArray:
        """HxWx2: see `Region.st`."""
        return self._stacked("fp_st.R", "fp_st.G")

    def _stacked(self, *names: str) -> FloatArray:
        window = self.frame.data_window
        return np.ascontiguousarray(self.rows(names, window.y0, window.y1))

    def _fill(self, target: FloatArray, name: str, x0: int, y0: int) -> None:
        """Write one channel from (x0, y0) on into `target`, which is zero."""
        window = self.frame.data_window
        below = self._plate_channel(name)
        if below is not None:
            here = (x0, y0, x0 + target.shape[1], y0 + target.shape[0])
            target[:] = below[box_slices(here, window)]
        elif name == "A":
            target[:] = 1
        above = None if self.region is None else self.region.channel(name)
        if self.region is None or above is None:
            return
        left, top, right, bottom = self.region.box
        ax0, ay0 = max(left, x0), max(top, y0)
        ax1, ay1 = min(right, x0 + target.shape[1]), min(bottom, y0 + target.shape[0])
        if ax0 < ax1 and ay0 < ay1:
            shared = (ax0, ay0, ax1, ay1)
            there = box_slices(shared, self.region.box)
            target[box_slices(shared, (x0, y0, x0, y0))] = above[there]

    def _plate_channel(self, name: str) -> FloatArray | None:
        frame = self.frame
        if name in LAYER_CHANNELS:  # those of an earlier swap are not this one's
            return None
        if name in "RGB" and name not in frame.channels and "Y" in frame.channels:
            return frame.channel("Y")
        return frame.channel(name) if name in frame.channels or name in "RGB" else None


def part_of(frame: Frame, box: Box) -> Frame:
    """Return a part of a frame; its pixels are a view."""
    place = box_slices(box, frame.data_window)
    return Frame(
        frame.number, frame.pixels[place], frame.channels, Window(*box), frame.display_window,
        frame.pixel_aspect, frame.attributes, frame.channel_types,
    )  # fmt: skip


def box_slices(box: Box, within: Box | Window) -> tuple[slice, slice]:
    """Return the rows and columns of a box in an array that covers `within`."""
    left, top = (within.x0, within.y0) if isinstance(within, Window) else within[:2]
    x0, y0, x1, y1 = box
    return slice(y0 - top, y1 - top), slice(x0 - left, x1 - left)
