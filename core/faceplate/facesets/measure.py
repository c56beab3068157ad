"""What is measured of one face, so that a hundred thousand can be sorted without their pictures.

All but the size is taken from the picture in the view encoding, inside the face's matte: what a
working encoding does to contrasts must not change an order.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from faceplate.color.encodings import Encodings
from faceplate.color.ocio import BUILTIN_CONFIG, load_config
from faceplate.errors import BadShape
from faceplate.extract.appearance import sign
from faceplate.facesets.expression import expression_of
from faceplate.io.faceset import Face

__all__ = ["METHOD", "Features", "measure", "plate_side", "view_of"]

METHOD = 2
"""Version of the measuring; figures of another one are measured again."""

_BINS = 64
_HASH_SIDE = 32
_STRONG_CONTRAST = 50
_NOTICED_PX, _NOTICED_AT_STRONG_PX = 5.0, 3.0
"""Width from which a blurred edge is just noticed, as published."""

_BLOCK_PX = 64
_EDGE_SHARE = 0.9
_LEAST_EDGE = 16.0
_NO_EDGE = 99.0
"""The blur of a face without any edge."""

_BLACK = 4
"""Of 255, in every channel."""

Grey = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Features:
    """The figures of one face."""

    size: float
    """Side of the crop in the plate, pixels."""
    blur: float
    """Mean width of the edges against that at which blur is noticed: below 1 is sharp."""
    motion_blur: float
    """How much weaker fine detail is in one direction than across it, 0..1."""
    brightness: float
    """Mean of the largest channel, 0..1."""
    hue: float
    """Mean hue, degrees 0..360, weighted by how colourful a pixel is."""
    black: float
    """Share of black pixels in the whole crop."""
    mouth_open: float
    """Gap of the lips, in template units; about 0 closed, 0.1 and more open."""
    mouth_wide: float
    """Width of the mouth, in template units; 0.47 in the mean face."""
    eyes_open: float
    """Gap of the lids, in template units; 0.07 in the mean face, below 0.03 shut."""
    brows_up: float
    """Height of the brows over the eyes, in template units."""
    fingerprint: NDArray[np.uint64]
    """One number: 64 bits of a perceptual hash."""
    histogram: NDArray[np.float32]
    """3 x 64: square roots of the shares of each channel's levels."""
    look: NDArray[np.float32]
    """193 numbers: turn of the head, then 8 x 8 x 3 of `faceplate.extract.appearance`."""


def measure(face: Face, view: NDArray[np.float32]) -> Features:
    """Measure one face.

    Args:
        face: As it lies in the faceset.
        view: `view_of` its picture.
    """
    pixels = np.rint(view * 255).astype(np.uint8)
    inside = face.mask > 0.5
    if not inside.any():
        inside = np.ones_like(inside)
    grey = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), np.uint8)
    brightness, hue = _colour(view, inside)
    expression = expression_of(face.landmarks)
    return Features(
        size=plate_side(face),
        blur=_blur(grey, inside),
        motion_blur=_motion_blur(grey, inside),
        brightness=brightness,
        hue=hue,
        black=float((pixels.max(axis=-1) < _BLACK).mean()),
        mouth_open=expression.mouth_open,
        mouth_wide=expression.mouth_wide,
        eyes_open=expression.eyes_open,
        brows_up=expression.brows_up,
        fingerprint=_fingerprint(grey),
        histogram=_histogram(pixels, inside),
        look=_look(view, face),
    )


def view_of(face: Face, encoding: str) -> NDArray[np.float32]:
    """Return the picture of a face as a display shows it, S x S x 3 in 0..1.

    Args:
        face: The face.
        encoding: The faceset's working encoding.
    """
    ways = _ways(encoding)
    return ways.to_view(ways.from_working(face.image))


@cache
def _ways(encoding: str) -> Encodings:
    return Encodings(load_config(BUILTIN_CONFIG), "srgb_rec709_scene", encoding)


def plate_side(face: Face) -> float:
    """Return the side of a face's crop in its plate, in square pixels."""
    area = abs(float(np.linalg.det(face.plate_to_crop[:, :2])))
    return face.size / area**0.5 if area > 0 else 0.0


def _look(view: NDArray[np.float32], face: Face) -> NDArray[np.float32]:
    try:
        found = sign(view, np.asarray(face.landmarks, np.float64))
    except BadShape:  # points that are no face
        return np.zeros(193, np.float32)
    return np.concatenate([[found.turn], found.cells.ravel()]).astype(np.float32)


def _colour(view: NDArray[np.float32], inside: NDArray[np.bool_]) -> tuple[float, float]:
    """Return mean value and mean hue; hues are directions, so their mean is one of vectors."""
    hsv = cv2.cvtColor(view, cv2.COLOR_RGB2HSV)[inside]  # hue in degrees
    turn, weight = np.deg2rad(hsv[:, 0]), hsv[:, 1] * hsv[:, 2]
    along, across = float((np.cos(turn) * weight).sum()), float((np.sin(turn) * weight).sum())
    return float(hsv[:, 2].mean()), float(np.rad2deg(np.arctan2(across, along))) % 360


def _blur(grey: Grey, inside: NDArray[np.bool_]) -> float:
    """Return how wide the edges are against the width at which a viewer sees them as blurred.

    After the just noticeable blur of Narvekar and Karam (2011), whose measure does not tell strong
    blurs apart: an edge is as wide as the stretch of its row, or column, over which the light keeps
    rising or falling.
    """
    contrast = _contrast(grey)
    wide = [
        *_edge_widths(grey, contrast, inside),
        *_edge_widths(np.ascontiguousarray(grey.T), contrast.T, inside.T),
    ]
    return float(np.mean(wide)) if wide else _NO_EDGE


def _edge_widths(
    grey: Grey, contrast: Grey, inside: NDArray[np.bool_]
) -> Iterable[np.floating[Any]]:
    """Return the widths of the upright edges, relative to those that are just noticed."""
    strength = np.where(inside, np.abs(cv2.Sobel(grey, cv2.CV_32F, 1, 0)), 0)
    edges = strength > max(float(np.quantile(strength[inside], _EDGE_SHARE)), _LEAST_EDGE)
    # of a stretch of one edge only its steepest pixel counts
    edges &= (strength >= np.roll(strength, 1, 1)) & (strength >= np.roll(strength, -1, 1))
    strong = contrast[edges] > _STRONG_CONTRAST
    noticed = np.where(strong, _NOTICED_AT_STRONG_PX, _NOTICED_PX)
    return np.asarray(_stretches(grey)[edges] / noticed)


def _stretches(grey: Grey) -> NDArray[np.float32]:
    """Return for each pixel how long the run of rising or falling light is that it lies in."""
    steps = np.sign(np.diff(grey.astype(np.int16), axis=1))
    flat = np.pad(steps, ((0, 0), (0, 1)), constant_values=2).ravel()  # 2 ends each row
    starts = np.flatnonzero(np.diff(flat, prepend=3))
    lengths = np.diff(np.append(starts, flat.size))
    runs = np.repeat(lengths, lengths).reshape(grey.shape).astype(np.float32)
    return np.maximum(runs, np.roll(runs, 1, 1))  # a pixel ends one run and begins the next


def _contrast(grey: Grey) -> Grey:
    """Return for each pixel the range of light in the block around it."""
    block = np.ones((_BLOCK_PX // 2, _BLOCK_PX // 2), np.uint8)
    return np.asarray(cv2.dilate(grey, block) - cv2.erode(grey, block), np.uint8)


def _motion_blur(grey: Grey, inside: NDArray[np.bool_]) -> float:
    """Return how one-sided the fine detail is: 1 - the weaker axis of its gradients over the other.

    What moves while the shutter is open keeps its detail across the path and loses it along it;
    what is out of focus loses both. Only the finest detail counts: brows, lids and lips are
    one-sided themselves, the more so in coarser detail.
    """
    light = grey.astype(np.float32)
    fine = light - cv2.GaussianBlur(light, (0, 0), 1)
    x = cv2.Sobel(fine, cv2.CV_32F, 1, 0)[inside]
    y = cv2.Sobel(fine, cv2.CV_32F, 0, 1)[inside]
    xx, yy, xy = float(x @ x), float(y @ y), float(x @ y)
    spread = ((xx - yy) ** 2 + 4 * xy**2) ** 0.5
    return 1 - (xx + yy - spread) / (xx + yy + spread) if xx + yy > 0 else 0.0


def _fingerprint(grey: Grey) -> NDArray[np.uint64]:
    """Return 64 bits that hardly change when a picture is scaled, stored anew or graded."""
    small = cv2.resize(grey, (_HASH_SIDE, _HASH_SIDE), interpolation=cv2.INTER_AREA)
    waves = cv2.dct(small.astype(np.float32))[:8, :8].ravel()
    bits = waves > np.median(waves[1:])  # the first is the mean light
    return np.packbits(bits).view(np.uint64)


def _histogram(pixels: Grey, inside: NDArray[np.bool_]) -> NDArray[np.float32]:
    levels = pixels[inside] // (256 // _BINS)
    counts = np.stack([np.bincount(levels[:, c], minlength=_BINS) for c in range(3)])
    return np.asarray(np.sqrt(counts / len(levels)), np.float32)
