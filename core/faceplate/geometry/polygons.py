"""Polygons into mattes and back."""

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from faceplate.errors import BadShape
from faceplate.geometry.points import Points, as_points

__all__ = ["draw_polygons", "outlines"]

Matte = npt.NDArray[np.float32]

_SAMPLES = 4  # of a pixel's side, where a polygon is drawn
_FINE = 8  # parts of a pixel's side, where an outline is looked for
_SMALLEST_PX = 4.0  # what covers less is noise of a matte


def draw_polygons(
    includes: Sequence[Points],
    excludes: Sequence[Points],
    size: int,
    base: Matte | None = None,
) -> Matte:
    """Draw polygons as a matte: includes first, then excludes.

    Args:
        includes: N x 2 each, crop pixels; may reach beyond the crop.
        excludes: Likewise.
        size: Side of the crop.
        base: S x S matte that excludes are cut out of where nothing is included; None is all ones.

    Returns:
        S x S float32 in 0..1; a pixel's value is the share of it that is covered.

    Raises:
        BadShape: A base of another size, or points that are none.

    Example:
        >>> square = np.array([[-0.5, -0.5], [1.5, -0.5], [1.5, 3.5], [-0.5, 3.5]])
        >>> draw_polygons([square], [], 4)[0].tolist()
        [1.0, 1.0, 0.0, 0.0]
    """
    if base is not None and base.shape != (size, size):
        raise BadShape("matte that polygons are cut out of", base.shape, f"{size}x{size}")
    if includes:
        matte = np.zeros((size, size), np.float32)
    else:
        matte = np.ones((size, size), np.float32) if base is None else base.copy()
    for points in includes:
        matte = np.maximum(matte, _covered(points, size))
    for points in excludes:
        matte = np.minimum(matte, 1 - _covered(points, size))
    return matte


def outlines(matte: Matte, tolerance_px: float = 0.5) -> tuple[list[Points], list[Points]]:
    """Return the polygons that draw a matte cut at one half: includes and excludes.

    A hole becomes an exclude, unless something lies inside it that excludes would cut away: then
    the outline runs into the hole and back.

    Args:
        matte: H x W in 0..1.
        tolerance_px: How far a polygon may run beside the outline.
    """
    small = np.pad(np.asarray(matte, np.float32), 1)
    height, width = small.shape
    fine = cv2.resize(small, (width * _FINE, height * _FINE), interpolation=cv2.INTER_LINEAR)
    cut = (fine >= 0.5).astype(np.uint8)
    contours, tree = cv2.findContours(cut, cv2.RETR_TREE, cv2.CHAIN_APPROX_NONE)
    if tree is None:
        return [], []
    found = [np.asarray(contour[:, 0], np.int32) for contour in contours]
    includes, excludes = [], []
    for place, contour in enumerate(found):
        if _depth(tree[0], place) % 2:
            continue
        outline, holes = contour, _children(tree[0], place)
        for hole in holes:
            if _children(tree[0], hole):
                outline = _joined(outline, found[hole])
            else:
                excludes.append(_simple(found[hole], tolerance_px))
        includes.append(_simple(outline, tolerance_px))
    return [one for one in includes if one is not None], [
        one for one in excludes if one is not None
    ]


def _covered(points: Points, size: int) -> Matte:
    """Return the share of each pixel inside a polygon, by the even-odd rule, from 4 x 4 samples."""
    fine = (as_points(points, None, "polygon") + 0.5) * _SAMPLES - 0.5
    count = size * _SAMPLES
    rows = np.arange(count)
    start, end = fine, np.roll(fine, -1, axis=0)
    low, high = np.minimum(start[:, 1], end[:, 1]), np.maximum(start[:, 1], end[:, 1])
    edge, row = np.nonzero((low[:, None] <= rows) & (rows < high[:, None]))
    (x0, y0), (x1, y1) = start[edge].T, end[edge].T
    crossing = x0 + (rows[row] - y0) * (x1 - x0) / (y1 - y0)
    toggles = np.zeros((count, count + 1), np.int32)
    np.add.at(toggles, (row, np.clip(np.ceil(crossing), 0, count).astype(np.intp)), 1)
    inside = np.cumsum(toggles[:, :-1], axis=1) & 1
    return np.asarray(inside.reshape(size, _SAMPLES, size, _SAMPLES).mean(axis=(1, 3)), np.float32)


def _simple(fine: npt.NDArray[np.int32], tolerance_px: float) -> Points | None:
    area = abs(cv2.contourArea(fine.astype(np.float32))) / _FINE**2
    if area < _SMALLEST_PX:
        return None
    kept = cv2.approxPolyDP(fine.astype(np.float32), tolerance_px * _FINE, True)[:, 0]
    if len(kept) < 3:
        return None
    return np.asarray((kept + 0.5) / _FINE - 0.5 - 1, np.float64)  # 1: the margin


def _joined(outline: npt.NDArray[np.int32], hole: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """Return an outline that runs into a hole at the nearest point and back again."""
    start = hole[0].astype(np.int64)
    at = int(((outline - start) ** 2).sum(axis=1).argmin())
    return np.concatenate([outline[: at + 1], hole, hole[:1], outline[at:]])


def _children(tree: npt.NDArray[np.int32], place: int) -> list[int]:
    return [int(child) for child in np.flatnonzero(tree[:, 3] == place)]


def _depth(tree: npt.NDArray[np.int32], place: int) -> int:
    depth = 0
    while tree[place, 3] >= 0:
        place, depth = int(tree[place, 3]), depth + 1
    return depth
