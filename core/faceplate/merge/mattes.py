"""The mattes of one face in one frame, in plate pixels, over the part of the plate that it covers.

What the network says of its crop is combined there and brought to the plate once; hulls are drawn,
edges shaped and external mattes read at the plate's own resolution, inside the crop's region only.
Every matte is exactly 0 from the border of the crop on: a paste can never show the square.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from faceplate.errors import BadSettings, BadShape
from faceplate.geometry.hull import hull_matte
from faceplate.geometry.points import Box, Matrix, Points, invert, transform
from faceplate.geometry.warp import roi_of, warp_back, warp_crop
from faceplate.io.frame import Frame
from faceplate.merge.edges import Edge, Grid, shape_edge
from faceplate.merge.recipe import Recipe, matte_terms

__all__ = [
    "FaceMattes",
    "MatteSources",
    "build_mattes",
    "clean_matte",
    "external_matte",
    "needs_segmenter",
    "output_matrix",
    "resize_matte",
]

Matte = NDArray[np.float32]

_SMALLEST, _LARGEST = 256, 512
_NOISE = 0.02  # a sigmoid never quite reaches 0 or 1; what lies beyond these ends is meant as them
_FROM_CROP = {
    "learned": ("likeness", "performer"),
    "product": ("likeness", "performer"),
    "learned-likeness": ("likeness",),
    "learned-performer": ("performer",),
}


@dataclass(frozen=True, eq=False)
class MatteSources:
    """What mattes are made of."""

    landmarks: NDArray[np.floating]
    """68x2 plate pixels."""
    plate_to_crop: Matrix
    """2x3, of the crop that the network saw."""
    face_ratio: float
    """Side of the crop over the face width (`Framing.ratio` of its face type)."""
    likeness: Matte
    """SxS in 0..1: the network's matte of the face that it made."""
    performer: Matte
    """SxS in 0..1: the network's matte of the face that it saw."""
    pixel_aspect: float = 1.0
    """Width of a plate pixel over its height."""
    segmented: Mapping[Literal["likeness", "performer"], Matte] = field(default_factory=dict)
    """SxS each: what a segmenter finds in the predicted face and in the plate's crop; needed where
    `needs_segmenter` says so."""
    external: Frame | None = None
    """Where external mattes are read from: the job's files of mattes, else the plate."""

    @property
    def size(self) -> int:
        """Side of the crop in pixels."""
        return int(self.likeness.shape[0])


@dataclass(frozen=True, eq=False)
class FaceMattes:
    """The mattes of one face; each float32 HxW of `roi`, in 0..1."""

    roi: Box
    """x0, y0, x1, y1 in plate pixels, half-open."""
    matte: Matte
    """What the face is laid in with, but for the recipe's opacity."""
    learned: Matte
    """The network's likeness matte times its performer matte, as they are."""
    occlusion: Matte
    """What covers the face; zeros where the recipe does not measure it."""

    def in_crop(self, plate_to_crop: Matrix, size: int) -> Matte:
        """Return `matte` in the pixels of a crop, 0 where the crop leaves the plate."""
        if not self.matte.size:
            return np.zeros((size, size), np.float32)
        crop = warp_crop(
            self.matte, plate_to_crop, size, origin=self.roi[:2], interpolation="linear",
            border="zero",
        )  # fmt: skip
        return np.asarray(np.clip(crop, 0, 1), np.float32)


def build_mattes(sources: MatteSources, recipe: Recipe, roi: Box) -> FaceMattes:
    """Make the mattes of one face.

    Args:
        sources: What they are made of.
        recipe: At this frame.
        roi: The plate pixels that are asked for: x0, y0, x1, y1, half-open. What lies around them
            counts as it would if they were all.

    Raises:
        BadSettings: The recipe asks for an external layer that is not there.
        BadShape: Mattes of another size than the crop, or a segmenter's that are missing.
    """
    return _Builder(sources, recipe, roi).build()


def output_matrix(plate_to_crop: Matrix, size: int, output_scale: float) -> Matrix:
    """Return where a crop goes back to when it comes back larger (> 0) or smaller, in per cent.

    The middle of the crop stays where it is.
    """
    factor = 1 / (1 + output_scale / 100)
    scaled = np.asarray(plate_to_crop, np.float64) * factor
    scaled[:, 2] += (1 - factor) * (size - 1) / 2
    return scaled


def needs_segmenter(recipe: Recipe) -> bool:
    """Return whether a recipe asks for `MatteSources.segmented`."""
    terms = matte_terms(recipe.matte)
    return recipe.occlusion == "segmented" or any(term.startswith("segmented") for term in terms)


def external_matte(frame: Frame, layer: str, roi: Box) -> Matte:
    """Return one channel of a frame over a region; 0 beyond its data window, NaN as 0.

    A frame of one channel gives that, whatever its name.

    Raises:
        BadSettings: No such channel; the message lists those that there are.
    """
    if layer not in frame.channels and len(frame.channels) > 1:
        raise BadSettings(
            f"recipe: frame {frame.number} has no layer {layer!r} for an external matte; it has "
            f"{', '.join(frame.channels)}"
        )
    channel = frame.channel(layer) if layer in frame.channels else frame.pixels[..., 0]
    x0, y0, x1, y1 = roi
    window, found = frame.data_window, np.zeros((y1 - y0, x1 - x0), np.float32)
    ax0, ay0 = max(x0, window.x0), max(y0, window.y0)
    ax1, ay1 = min(x1, window.x1), min(y1, window.y1)
    if ax1 > ax0 and ay1 > ay0:
        part = channel[ay0 - window.y0 : ay1 - window.y0, ax0 - window.x0 : ax1 - window.x0]
        clean = np.clip(np.nan_to_num(part, nan=0.0), 0, 1)
        found[ay0 - y0 : ay1 - y0, ax0 - x0 : ax1 - x0] = clean
    return found


def clean_matte(matte: NDArray[np.floating]) -> Matte:
    """Return a network's matte as float32 in 0..1, its noise near both ends cut off, NaN as 0."""
    finite = np.nan_to_num(np.asarray(matte, np.float32), nan=0.0, posinf=1.0, neginf=0.0)
    return np.asarray(np.clip((finite - _NOISE) / (1 - 2 * _NOISE), 0, 1), np.float32)


def resize_matte(matte: Matte, size: int) -> Matte:
    """Resize a square matte; smaller by area, larger by cubic, clamped to 0..1."""
    if matte.shape == (size, size):
        return matte
    method = cv2.INTER_AREA if size < matte.shape[0] else cv2.INTER_CUBIC
    resized = cv2.resize(matte, (size, size), interpolation=method)
    return np.asarray(np.clip(resized, 0, 1), np.float32)


class _Builder:
    """The mattes of one face on their way."""

    def __init__(self, sources: MatteSources, recipe: Recipe, wanted: Box) -> None:
        size = sources.size
        for matte in (sources.likeness, sources.performer, *sources.segmented.values()):
            if matte.shape != (size, size):
                raise BadShape("matte of a crop", matte.shape, f"{size}x{size}, as the crop")
        self.sources, self.recipe, self.wanted = sources, recipe, wanted
        self.back = output_matrix(sources.plate_to_crop, size, recipe.output_scale)
        self.edge = self._edge()
        down, (x0, y0, x1, y1) = self.edge.reach, wanted
        across = math.ceil(down / sources.pixel_aspect)
        around = (x0 - across, y0 - down, x1 + across, y1 + down)
        self.roi = roi_of(self.back, size, around, reach=0.0)
        """What is worked on: all of the crop that can matter to what is wanted."""
        self.shape = (self.roi[3] - self.roi[1], self.roi[2] - self.roi[0])
        self._made: dict[str, Matte] = {}

    def build(self) -> FaceMattes:
        if 0 in self.shape:
            return FaceMattes(self.wanted, *(self._cut(np.zeros(self.shape)) for _ in range(3)))
        occlusion = self._occlusion()
        base = self._once("framed")
        for term in matte_terms(self.recipe.matte):
            base = base * self._term(term)
        if self.recipe.occlusion_holdout:
            base = base * (1 - self.recipe.occlusion_holdout / 100 * occlusion)
        within = self._inside(max(self.edge.blur) / 2) if self._grows() else None
        shaped = shape_edge(np.asarray(base, np.float32), self.edge, self._grid(), within)
        return FaceMattes(self.wanted, *map(self._cut, (shaped, self._once("learned"), occlusion)))

    def _term(self, term: str) -> Matte:
        if term == "segmented":
            return self._once("segmented-likeness") * self._once("segmented-performer")
        return self._once("learned" if term == "product" else term)

    def _once(self, name: str) -> Matte:
        if name not in self._made:
            self._made[name] = self._make(name)
        return self._made[name]

    def _make(self, name: str) -> Matte:
        makers: dict[str, Callable[[], Matte]] = {
            "framed": lambda: self._inside(0.0),
            "full": lambda: self._once("framed"),
            "hull": self._hull,
            "external": lambda: self._external(self.recipe.matte_layer),
            "sum": lambda: self._from_crop(self.sources.likeness + self.sources.performer),
            "segmented-likeness": lambda: self._from_crop(self._segmented("likeness")),
            "segmented-performer": lambda: self._from_crop(self._segmented("performer")),
        }
        if name in makers:
            return makers[name]()
        sides = [getattr(self.sources, side) for side in _FROM_CROP[name]]
        return self._from_crop(np.prod(sides, axis=0))

    def _from_crop(self, matte: Matte) -> Matte:
        large = min(max(self.sources.size, _SMALLEST), _LARGEST)
        zoom = large / self.sources.size
        to_large = self.back * zoom
        to_large[:, 2] += (zoom - 1) / 2
        clean = resize_matte(clean_matte(matte), large)
        back = warp_back(clean, to_large, self.roi, interpolation="linear")
        return np.asarray(np.clip(back, 0, 1), np.float32)

    def _hull(self) -> Matte:
        in_crop = transform(self.sources.landmarks, self.sources.plate_to_crop)
        points: Points = transform(in_crop, invert(self.back)) - self.roi[:2]
        return hull_matte(points, self.shape)

    def _segmented(self, side: Literal["likeness", "performer"]) -> Matte:
        if side not in self.sources.segmented:
            raise BadShape(f"segmented matte of the {side}", "none", "one, as the recipe asks")
        return self.sources.segmented[side]

    def _external(self, layer: str) -> Matte:
        if self.sources.external is None:
            raise BadSettings("recipe: an external matte is asked for, and there is no plate")
        return external_matte(self.sources.external, layer, self.roi)

    def _occlusion(self) -> Matte:
        kind = self.recipe.occlusion
        if kind == "none":
            return np.zeros(self.shape, np.float32)
        if kind == "external":
            covered = self._external(self.recipe.occlusion_layer)
        else:
            seen = "learned-performer" if kind == "learned" else "segmented-performer"
            covered = self._once("hull") * (1 - self._once(seen))
        return np.asarray(covered * self._once("framed"), np.float32)

    def _edge(self) -> Edge:
        recipe = self.recipe
        crop_pixels = np.sqrt(abs(np.linalg.det(self.back[:, :2])) / self.sources.pixel_aspect)
        percent = self.sources.size / self.sources.face_ratio / 100 / float(crop_pixels)  # pixels
        unit = percent if recipe.edge_unit == "face" else 1.0
        sides = ("top", "bottom", "left", "right")
        erode = [unit * getattr(recipe, f"erode_{side}") for side in sides]
        blur = [unit * max(recipe.blur + getattr(recipe, f"blur_{side}"), 0) for side in sides]
        feather = [
            unit * max(recipe.feather + getattr(recipe, f"feather_{side}"), 0) for side in sides
        ]
        return Edge(unit * recipe.erode, _four(erode), _four(blur), _four(feather))

    def _grows(self) -> bool:
        edge = self.edge
        return max(edge.blur) > 0 or edge.erode < 0 or min(edge.erode_sides) < 0

    def _grid(self) -> Grid:
        middle = transform(self.sources.landmarks, self.sources.plate_to_crop)
        to_face = self.back.copy()
        to_face[:, 2] += to_face[:, :2] @ self.roi[:2] - (middle.min(0) + middle.max(0)) / 2
        return Grid(to_face, self.sources.pixel_aspect)

    def _inside(self, inset: float) -> Matte:
        """Return 1 inside the crop, falling to 0 within a pixel, `inset` square pixels inside."""
        crop_pixels = float(np.sqrt(abs(np.linalg.det(self.back[:, :2]))))
        to_crop = self.back.copy()
        to_crop[:, 2] += to_crop[:, :2] @ self.roi[:2]
        middle = (self.sources.size - 1) / 2
        across, down = Grid(to_crop).places(self.shape)
        for each in (across, down):
            each -= np.float32(middle)
            np.abs(each, out=each)
        furthest = np.maximum(across, down, out=across)
        nearest = (self.sources.size / 2 - furthest) * np.float32(1 / crop_pixels)
        nearest -= np.float32(inset)
        return np.asarray(np.clip(nearest, 0, 1, out=nearest), np.float32)

    def _cut(self, matte: NDArray[np.floating]) -> Matte:
        x0, y0, x1, y1 = self.roi
        wx0, wy0, wx1, wy1 = self.wanted
        cut = np.zeros((wy1 - wy0, wx1 - wx0), np.float32)
        ax0, ay0, ax1, ay1 = max(x0, wx0), max(y0, wy0), min(x1, wx1), min(y1, wy1)
        if ax1 > ax0 and ay1 > ay0:
            part = matte[ay0 - y0 : ay1 - y0, ax0 - x0 : ax1 - x0]
            cut[ay0 - wy0 : ay1 - wy0, ax0 - wx0 : ax1 - wx0] = part
        return cut


def _four(values: list[float]) -> tuple[float, float, float, float]:
    top, bottom, left, right = values
    return (top, bottom, left, right)
