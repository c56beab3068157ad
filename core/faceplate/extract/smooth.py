"""Landmarks without jitter and without lag.

Each frame's points are a similarity (where the face is) applied to a shape (what it does). Both are
smoothed with zero-phase filters over the frames of one run and never across a gap: the similarity
with a Savitzky-Golay filter of second order, which follows a head that speeds up, the shape with a
Gaussian. A correction that is larger than what a landmarker jitters is motion and is left alone:
it fades out as 1 / (1 + (correction / jitter)^2).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.signal import savgol_filter

from faceplate.errors import BadSettings
from faceplate.geometry.shape import TEMPLATE_EYE_DISTANCE, from_shape, to_shape

__all__ = ["check_window", "runs_of", "smooth_points"]

FloatArray = NDArray[np.float64]

_PLACE_JITTER = 0.04
_SHAPE_JITTER = 0.03
"""Of a landmarker, in eye distances: the scale from which on a correction counts as motion."""


def runs_of(frames: Sequence[int]) -> list[slice]:
    """Return the runs of neighbouring numbers as slices.

    Example:
        >>> runs_of([1, 2, 3, 7, 8])
        [slice(0, 3, None), slice(3, 5, None)]
    """
    breaks = [i for i in range(1, len(frames)) if frames[i] != frames[i - 1] + 1]
    ends = [*breaks, len(frames)]
    return [slice(start, end) for start, end in zip([0, *breaks], ends, strict=True) if end > start]


def check_window(window: int) -> None:
    """Raise BadSettings for a window that is even or below 1."""
    if window < 1 or window % 2 == 0:
        raise BadSettings(f"smooth must be an odd number of frames from 1, got {window}")


def smooth_points(points: FloatArray, window: int) -> FloatArray:
    """Smooth the landmarks of one run of neighbouring frames.

    Args:
        points: N x 68 x 2, square pixels.
        window: Frames that take part, odd; 1 leaves the points alone.

    Returns:
        N x 68 x 2.

    Raises:
        BadSettings: A window that is even or below 1.
    """
    check_window(window)
    window = min(window, len(points) - 1 + len(points) % 2)  # the largest odd one that fits
    if window < 3:
        return np.array(points, np.float64)
    parts = [to_shape(frame) for frame in points]
    shapes = _smooth_shapes(np.array([shape for shape, _ in parts]), window)
    places = _smooth_places(np.array([place for _, place in parts]), window)
    return np.array([from_shape(shape, at) for shape, at in zip(shapes, places, strict=True)])


def _smooth_places(places: FloatArray, window: int) -> FloatArray:
    order = 2 if window > 3 else 1
    change = savgol_filter(places, window, order, axis=0, mode="interp") - places
    size = np.hypot(places[:, 0], places[:, 1]) * TEMPLATE_EYE_DISTANCE
    # What moves furthest: the centre, or the template's corner by turn and scale.
    moved = np.hypot(change[:, 2], change[:, 3]) + 0.7 * np.hypot(change[:, 0], change[:, 1])
    return np.asarray(places + change * _trust(moved / size / _PLACE_JITTER)[:, None])


def _smooth_shapes(shapes: FloatArray, window: int) -> FloatArray:
    reach = window // 2
    smooth = gaussian_filter1d(shapes, reach / 2, axis=0, mode="nearest", radius=reach)
    change = smooth - shapes
    moved = np.linalg.norm(change, axis=-1) / TEMPLATE_EYE_DISTANCE
    return np.asarray(shapes + change * _trust(moved / _SHAPE_JITTER)[..., None])


def _trust(moved: FloatArray) -> FloatArray:
    return np.asarray(1 / (1 + moved**2))
