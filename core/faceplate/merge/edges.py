"""The edge of a matte at plate resolution: drawn in or grown, blurred, feathered, side by side.

All of it is grey-scale, so a soft edge (hair, motion) stays soft and only moves. Lengths are
*square* pixels, as high as the plate's; with a pixel aspect they are fewer columns wide. Fractions
of a pixel count, so that an animated edge glides.

An erosion is the minimum over a disc, at one side that along a line. A softening is one pass with a
quadratic B-spline, which has a finite reach: a feather of n pixels is n pixels wide, and no wider.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from faceplate.geometry.points import Matrix, invert
from faceplate.merge.bounds import bounds_of
from faceplate.merge.discs import draw_in

__all__ = ["Edge", "Grid", "shape_edge"]

Matte = NDArray[np.float32]
Pair = tuple[float, float]

_ROUND = np.float32(1 + 1e-6)  # sums of float32 weights fall short of 1 by less
_LEAST = 0.01  # pixels: a softening below this is none


@dataclass(frozen=True)
class Edge:
    """Lengths in square pixels at the four sides of a face: top, bottom, left, right."""

    erode: float = 0.0
    """At every side; below 0 the matte grows."""
    erode_sides: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    """Added to `erode`."""
    blur: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    """Whole width of a softening to both sides, >= 0."""
    feather: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    """Whole width of a softening that stays inside, >= 0."""

    @property
    def reach(self) -> int:
        """How far from a pixel others can matter to it, in square pixels, rounded up."""
        sides = max(abs(side) for side in self.erode_sides)
        return math.ceil(abs(self.erode) + sides + max(self.blur) + max(self.feather)) + 2


@dataclass(frozen=True, eq=False)
class Grid:
    """Where the pixels of a matte lie in a face."""

    to_face: Matrix
    """2x3: column and row to a place in the face, in any unit: x along the face's own horizontal,
    y towards its chin, (0, 0) in its middle."""
    aspect: float = 1.0
    """Width of a column over the height of a row."""

    @property
    def axes(self) -> tuple[Pair, Pair]:
        """One square pixel along the face's horizontal, and its vertical, in columns and rows."""
        ways = invert(self.to_face)[:, :2].T
        lengths = [math.hypot(x * self.aspect, y) for x, y in ways]
        (right, down) = (way / length for way, length in zip(ways, lengths, strict=True))
        return (float(right[0]), float(right[1])), (float(down[0]), float(down[1]))

    def places(self, shape: tuple[int, int]) -> tuple[Matte, Matte]:
        """Return where each pixel lies in the face: across and down, HxW each."""
        columns, rows = np.arange(shape[1]), np.arange(shape[0])[:, None]
        across, down = (
            (along * columns).astype(np.float32) + (over * rows + start).astype(np.float32)
            for along, over, start in self.to_face
        )
        return across, down

    def part(self, place: tuple[slice, slice]) -> "Grid":
        """Return the grid of these rows and columns."""
        moved = self.to_face.copy()
        moved[:, 2] += moved[:, :2] @ [place[1].start, place[0].start]
        return replace(self, to_face=moved)


def shape_edge(matte: Matte, edge: Edge, grid: Grid, within: Matte | None = None) -> Matte:
    """Erode, blur and feather a matte, in this order. Beyond its border there is nothing: 0.

    Args:
        matte: float32 HxW in 0..1.
        edge: The lengths.
        grid: Where its pixels lie in the face.
        within: HxW in 0..1; before it is softened the matte is held below this.

    Returns:
        float32 HxW in 0..1. Where `blur` is 0 and nothing grows, it is nowhere above `matte`.
    """
    result = np.zeros_like(matte)
    place = bounds_of(matte, edge.reach, grid.aspect)
    if place is not None:
        limit = None if within is None else within[place]
        result[place] = _shaped(matte[place], edge, grid.part(place), limit)
    return result


def _shaped(matte: Matte, edge: Edge, grid: Grid, within: Matte | None) -> Matte:
    aspect = grid.aspect
    shaped = draw_in(matte, edge.erode, aspect)
    for length, outward in zip(edge.erode_sides, _outward(grid), strict=True):
        shaped = _eroded_at_side(shaped, length, outward)
    if within is not None:
        shaped = np.minimum(shaped, within)
    shaped = _by_side(shaped, edge.blur, grid, lambda part, width: _soft(part, width, aspect))
    return _by_side(shaped, edge.feather, grid, lambda part, width: _feather(part, width, aspect))


def _outward(grid: Grid) -> tuple[Pair, Pair, Pair, Pair]:
    (rx, ry), (bx, by) = grid.axes
    return (-bx, -by), (bx, by), (-rx, -ry), (rx, ry)


def _by_side(
    matte: Matte,
    widths: tuple[float, float, float, float],
    grid: Grid,
    soften: Callable[[Matte, float], Matte],
) -> Matte:
    """Soften with a width that goes from side to side as the cosine squared of the direction."""
    if len(set(widths)) == 1:
        return soften(matte, widths[0])
    across, down = grid.places(matte.shape)
    square = across**2 + down**2
    sideways = np.divide(across**2, square, out=np.full_like(matte, 0.5), where=square > 0)
    upright = 1 - sideways
    shares = (
        upright * (down < 0), upright * (down >= 0), sideways * (across < 0),
        sideways * (across >= 0),
    )  # fmt: skip
    done = {width: soften(matte, width) for width in set(widths)}
    parts = [share * done[width] for share, width in zip(shares, widths, strict=True)]
    return np.asarray(np.sum(parts, axis=0), np.float32)


def _feather(matte: Matte, width: float, aspect: float) -> Matte:
    if width < _LEAST:
        return matte
    inner = _soft(draw_in(matte, width / 2, aspect), width, aspect)
    return np.asarray(np.minimum(inner, matte), np.float32)


def _soft(matte: Matte, width: float, aspect: float) -> Matte:
    if width < _LEAST:
        return matte
    soft = cv2.sepFilter2D(
        matte, -1, _spline(width / aspect), _spline(width), borderType=cv2.BORDER_CONSTANT
    )
    return np.asarray(np.clip(soft * _ROUND, 0, 1), np.float32)


def _spline(width: float) -> Matte:
    """Return a quadratic B-spline of this support as weights of pixels; they add up to 1."""
    reach = max(math.ceil((width - 1) / 2), 0)
    edges = (np.arange(-reach, reach + 2, dtype=np.float64) - 0.5) / (width / 3)  # in knots

    def below(t: NDArray[np.float64]) -> NDArray[np.float64]:
        """Integrate the spline from its beginning: a sum of truncated cubes."""
        knots = ((-1.5, 1), (-0.5, -3), (0.5, 3), (1.5, -1))
        total = sum(factor * np.maximum(t - at, 0) ** 3 / 6 for at, factor in knots)
        return np.asarray(total, np.float64)

    weights = np.diff(below(edges))
    return np.asarray(weights / weights.sum(), np.float32)


def _eroded_at_side(matte: Matte, length: float, outward: Pair) -> Matte:
    """Draw in the edge that looks `outward`: the minimum of what lies that way."""
    if length == 0:
        return matte
    pick, sign = (cv2.min, 1) if length > 0 else (cv2.max, -1)
    whole, part = math.floor(abs(length)), abs(length) % 1

    def drawn(steps: int) -> Matte:
        vector = (round(sign * steps * outward[0]), round(sign * steps * outward[1]))
        return _along(matte, vector, pick)

    if part == 0:
        return drawn(whole)
    return np.asarray((1 - part) * drawn(whole) + part * drawn(whole + 1), np.float32)


def _along(matte: Matte, vector: tuple[int, int], pick: Callable[..., Any]) -> Matte:
    """Return the least (or most) of all pixels from each one to `vector` away from it.

    Runs of pixels are doubled, so a line takes log2 of its length steps.
    """
    steps = max(abs(vector[0]), abs(vector[1]))
    if steps == 0:
        return matte
    unit = (vector[0] / steps, vector[1] / steps)
    found, have = matte, 1
    while have < steps + 1:
        step = min(have, steps + 1 - have)
        found = pick(found, _shifted(found, (round(step * unit[0]), round(step * unit[1]))))
        have += step
    return np.asarray(found, np.float32)


def _shifted(matte: Matte, by: tuple[int, int]) -> Matte:
    """Return the matte that shows at each pixel what is `by` columns and rows further."""
    dx, dy = by
    height, width = matte.shape
    shifted = np.zeros_like(matte)
    if abs(dx) < width and abs(dy) < height:
        here = (slice(max(-dy, 0), height - max(dy, 0)), slice(max(-dx, 0), width - max(dx, 0)))
        there = (slice(max(dy, 0), height + min(dy, 0)), slice(max(dx, 0), width + min(dx, 0)))
        shifted[here] = matte[there]
    return shifted
