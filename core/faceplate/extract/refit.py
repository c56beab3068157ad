"""One correction repairs a stretch: the frames around a corrected face are pulled after it.

How far the artist's points lie from what the landmarker saw there is taken in the face's own frame
(the similarity of its stable points), so that it turns and grows with the head. Between two
corrections it goes linearly from one to the other; beyond the outer ones it fades out. It never
reaches into another camera shot.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from faceplate.errors import BadSettings
from faceplate.geometry.shape import to_shape

__all__ = ["check_reach", "pull"]

FloatArray = NDArray[np.float64]


def check_reach(reach: int) -> None:
    """Raise BadSettings for a reach below 0."""
    if reach < 0:
        raise BadSettings(f"reach must be 0 or more frames, got {reach}")


def pull(
    points: FloatArray,
    at: Sequence[int],
    corrected: Mapping[int, FloatArray],
    reach: int,
    shots: Sequence[int] | None = None,
) -> FloatArray:
    """Return a person's points, those around corrected faces pulled after them.

    Args:
        points: N x 68 x 2 square pixels, as found.
        at: Numbers of their frames, rising.
        corrected: The artist's 68 points, by row of `points`; these rows become exactly them.
        reach: Frames beyond the outer corrections over which the pull fades out; 0 pulls nothing.
        shots: Number of the camera shot of each row; None: all are of one.

    Returns:
        N x 68 x 2.
    """
    check_reach(reach)
    pulled = np.array(points, np.float64)
    where = [0] * len(at) if shots is None else list(shots)
    offsets = {row: _in_face(points[row], corrected[row]) for row in sorted(corrected)}
    for row in range(len(at)):
        known = {k: offset for k, offset in offsets.items() if where[k] == where[row]}
        offset = _offset(row, at, known, reach)
        if offset is not None:
            pulled[row] += offset @ _linear(points[row]).T
    for row, artist in corrected.items():
        pulled[row] = artist
    return pulled


def _offset(
    row: int, at: Sequence[int], offsets: Mapping[int, FloatArray], reach: int
) -> FloatArray | None:
    """Return the offset of one row in its face's frame, or None."""
    if reach == 0 or not offsets or row in offsets:
        return None
    before = max((k for k in offsets if k < row), default=None)
    after = min((k for k in offsets if k > row), default=None)
    if before is not None and after is not None:
        share = (at[row] - at[before]) / (at[after] - at[before])
        return (1 - share) * offsets[before] + share * offsets[after]
    (nearest,) = [k for k in (before, after) if k is not None]
    away = abs(at[row] - at[nearest]) / (reach + 1)
    return 0.5 * (1 + math.cos(math.pi * away)) * offsets[nearest] if away < 1 else None


def _in_face(found: FloatArray, artist: FloatArray) -> FloatArray:
    return np.asarray((artist - found) @ np.linalg.inv(_linear(found)).T)


def _linear(points: FloatArray) -> FloatArray:
    a, b = to_shape(points)[1][:2]
    return np.array([[a, -b], [b, a]])
