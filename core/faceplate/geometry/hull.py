"""Mattes drawn from the 68 landmarks: the face, the eyes, the mouth.

Shapes keep the sub-pixel place of the landmarks: edges carry coverage (exact along eight lines to a
row of pixels), so a face that moves by a tenth of a pixel moves its matte by as much.
"""

import cv2
import numpy as np
import numpy.typing as npt

from faceplate.geometry.points import Points, as_points

__all__ = ["eyes_matte", "hull_matte", "mouth_matte", "raise_brows"]

Matte = npt.NDArray[np.float32]

_CIRCLE = 32  # corners of what a shape grows by

_BROWS = {range(17, 22): range(36, 42), range(22, 27): range(42, 48)}

# Convex pieces, because a face is not convex where the jaw meets a turned cheek.
_PIECES: tuple[tuple[int, ...], ...] = (
    (*range(9), 17),  # right jaw
    (*range(8, 17), 26),  # left jaw
    (17, 18, 19, 8),  # right cheek
    (24, 25, 26, 8),  # left cheek
    (19, 20, 21, 22, 23, 24, 8),  # ridge of the nose, brow to brow
    (*range(17, 22), 27, *range(31, 36), 8),  # right eye
    (*range(22, 27), 27, *range(31, 36), 8),  # left eye
    (*range(27, 36),),  # nose
)


def raise_brows(landmarks68: npt.ArrayLike, expand: float = 1.0) -> Points:
    """Move the brow points up the face, to take some of the forehead in.

    Each rises by 0.5 · expand times its height above the middle of its eye; up is from the chin (8)
    to the bridge of the nose (27).

    Args:
        landmarks68: 68x2 points.
        expand: 0 leaves the brows where they are.

    Returns:
        68x2 points.
    """
    points = as_points(landmarks68, 68, "landmarks68").copy()
    up = points[27] - points[8]
    length = float(np.hypot(*up))
    if length == 0:
        return points
    up /= length
    for brow, eye in _BROWS.items():
        heights = (points[list(brow)] - points[list(eye)].mean(axis=0)) @ up
        points[list(brow)] += 0.5 * expand * np.maximum(heights, 0)[:, None] * up
    return points


def hull_matte(
    landmarks68: npt.ArrayLike, shape: tuple[int, int], *, eyebrows_expand_mod: float = 1.0
) -> Matte:
    """Draw the face as the union of 8 convex hulls.

    Args:
        landmarks68: 68x2 points in pixels of the matte.
        shape: Height and width of the matte.
        eyebrows_expand_mod: How far the upper edge rises above the brows (see `raise_brows`).

    Returns:
        HxW float32 in 0..1.

    Raises:
        BadShape: Not 68 finite points.
    """
    points = raise_brows(landmarks68, eyebrows_expand_mod)
    return _draw([points[list(piece)] for piece in _PIECES], shape)


def eyes_matte(landmarks68: npt.ArrayLike, shape: tuple[int, int]) -> Matte:
    """Draw both eyes, grown by 1/64 of the height and blurred.

    Args:
        landmarks68: 68x2 points in pixels of the matte.
        shape: Height and width of the matte.

    Returns:
        HxW float32 in 0..1.

    Raises:
        BadShape: Not 68 finite points.
    """
    points = as_points(landmarks68, 68, "landmarks68")
    return _grown_and_blurred([points[36:42], points[42:48]], shape)


def mouth_matte(landmarks68: npt.ArrayLike, shape: tuple[int, int]) -> Matte:
    """Draw the inner mouth, grown and blurred as `eyes_matte` is.

    Args:
        landmarks68: 68x2 points in pixels of the matte.
        shape: Height and width of the matte.

    Returns:
        HxW float32 in 0..1.

    Raises:
        BadShape: Not 68 finite points.
    """
    points = as_points(landmarks68, 68, "landmarks68")
    return _grown_and_blurred([points[60:68]], shape)


def _grown_and_blurred(shapes: list[Points], shape: tuple[int, int]) -> Matte:
    matte = _draw(shapes, shape, grow_px=shape[0] / 64)
    sigma = 0.15 * (shape[0] / 16 - 1) + 0.35  # what OpenCV gives a kernel of height / 16
    blurred = cv2.GaussianBlur(matte, (0, 0), max(sigma, 0.3))
    return np.minimum(blurred, 1, dtype=np.float32)  # the filter's weights add up to a little more


def _draw(shapes: list[Points], shape: tuple[int, int], grow_px: float = 0.0) -> Matte:
    """Fill the convex hulls of `shapes`, computing only the pixels around them."""
    matte = np.zeros(shape, dtype=np.float32)
    corners = np.concatenate(shapes)
    low = np.maximum(np.floor(corners.min(axis=0) - grow_px).astype(int) - 1, 0)
    high = np.ceil(corners.max(axis=0) + grow_px).astype(int) + 2
    high = np.minimum(high, [shape[1], shape[0]])
    if (high <= low).any():
        return matte
    width, height = (int(side) for side in high - low)
    hulls = [_hull(points - low, grow_px) for points in shapes]
    ends = np.cumsum([len(hull) for hull in hulls])
    part = np.zeros((height, width), np.float32)
    from faceplate.geometry.hullkernels import cover  # loads a compiler; a sampler need not at once

    cover(part, np.concatenate(hulls), ends, np.empty((len(hulls), 2)))
    matte[low[1] : high[1], low[0] : high[0]] = part
    return matte


def _hull(points: Points, grow: float) -> Points:
    """Return the corners of the convex hull, grown by a disc."""
    if grow > 0:
        turns = 2 * np.pi * np.arange(_CIRCLE) / _CIRCLE
        circle = grow * np.stack([np.cos(turns), np.sin(turns)], axis=1)
        points = (points[:, None] + circle).reshape(-1, 2)
    hull = cv2.convexHull(points.astype(np.float32))
    return np.asarray(hull, np.float64).reshape(-1, 2)
