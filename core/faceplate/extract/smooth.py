"""Landmarks without jitter and without lag.

Each frame's points are a similarity (where the face is) applied to a shape (what it does). Both are
smoothed with filters that look as far ahead as back, so that nothing lags, over the frames of one
run and never across a gap or a cut.

``adaptive``: the place by a Savitzky-Golay filter of second order, which follows a head that
speeds up; the shape by a Gaussian; lids and lips, which move by themselves and fast, by a
Savitzky-Golay filter over half as many frames. A change that is larger than what a landmarker
jitters is motion and is left alone: it fades out as 1 / (1 + (change / jitter)^2), for lids and
lips sooner. ``savgol`` and ``gaussian`` are those filters alone, for all points alike.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.signal import savgol_filter

from faceplate.errors import BadSettings
from faceplate.geometry.shape import TEMPLATE_EYE_DISTANCE, from_shape, to_shape

__all__ = ["SmoothMethod", "Smoothing", "check_smoothing", "runs_of"]

SmoothMethod = Literal["adaptive", "savgol", "gaussian", "none"]

FloatArray = NDArray[np.float64]

_PLACE_JITTER = 0.04
_SHAPE_JITTER = 0.03
_SOFT_JITTER = 0.02
"""Of a landmarker, in eye distances: the scale from which on a change counts as motion."""
_SOFT = slice(36, 68)
"""Lids and lips."""


@dataclass(frozen=True)
class Smoothing:
    """How the points of a run of neighbouring frames are smoothed."""

    window: int = 9
    """Frames that take part, odd; 1 leaves the points alone."""
    method: SmoothMethod = "adaptive"

    def smooth(self, points: FloatArray) -> FloatArray:
        """Return the points of one run, N x 68 x 2 square pixels, smoothed.

        Raises:
            BadSettings: A window or method that means nothing.
        """
        check_smoothing(self.window, self.method)
        window = min(self.window, len(points) - 1 + len(points) % 2)  # the largest odd one there is
        if window < 3 or self.method == "none":
            return np.array(points, np.float64)
        parts = [to_shape(frame) for frame in points]
        shapes, places = np.array([one for one, _ in parts]), np.array([one for _, one in parts])
        if self.method == "adaptive":
            shapes, places = _adapted_shapes(shapes, window), _adapted_places(places, window)
        else:
            run = _savgol if self.method == "savgol" else _gaussian
            shapes, places = run(shapes, window), run(places, window)
        return np.array([from_shape(shape, at) for shape, at in zip(shapes, places, strict=True)])


def check_smoothing(window: int, method: str) -> None:
    """Raise BadSettings for a window that is even or below 1, or an unknown method."""
    if window < 1 or window % 2 == 0:
        raise BadSettings(f"smooth_window must be an odd number of frames from 1, got {window}")
    if method not in get_args(SmoothMethod):
        choices = ", ".join(get_args(SmoothMethod))
        raise BadSettings(f"smooth_method must be one of {choices}, got {method!r}")


def runs_of(frames: Sequence[int], shots: Sequence[int] | None = None) -> list[slice]:
    """Return the runs of neighbouring numbers as slices.

    Args:
        frames: Rising numbers.
        shots: The camera shot of each: a run never reaches into another one.

    Example:
        >>> runs_of([1, 2, 3, 7, 8])
        [slice(0, 3, None), slice(3, 5, None)]
        >>> runs_of([1, 2, 3, 4], [0, 0, 1, 1])
        [slice(0, 2, None), slice(2, 4, None)]
    """
    breaks = [
        i
        for i in range(1, len(frames))
        if frames[i] != frames[i - 1] + 1 or (shots is not None and shots[i] != shots[i - 1])
    ]
    ends = [*breaks, len(frames)]
    return [slice(start, end) for start, end in zip([0, *breaks], ends, strict=True) if end > start]


def _adapted_places(places: FloatArray, window: int) -> FloatArray:
    change = _savgol(places, window) - places
    size = np.hypot(places[:, 0], places[:, 1]) * TEMPLATE_EYE_DISTANCE
    # What moves furthest: the centre, or the template's corner by turn and scale.
    moved = np.hypot(change[:, 2], change[:, 3]) + 0.7 * np.hypot(change[:, 0], change[:, 1])
    return np.asarray(places + change * _trust(moved / size / _PLACE_JITTER)[:, None])


def _adapted_shapes(shapes: FloatArray, window: int) -> FloatArray:
    change = _gaussian(shapes, window) - shapes
    change[:, _SOFT] = _savgol(shapes[:, _SOFT], window // 2 | 1) - shapes[:, _SOFT]
    jitter = np.full(68, _SHAPE_JITTER)
    jitter[_SOFT] = _SOFT_JITTER
    moved = np.linalg.norm(change, axis=-1) / TEMPLATE_EYE_DISTANCE
    return np.asarray(shapes + change * _trust(moved / jitter)[..., None])


def _savgol(values: FloatArray, window: int) -> FloatArray:
    if window < 3:
        return values
    order = 2 if window > 3 else 1
    return np.asarray(savgol_filter(values, window, order, axis=0, mode="interp"))


def _gaussian(values: FloatArray, window: int) -> FloatArray:
    reach = window // 2
    smooth = gaussian_filter1d(values, reach / 2, axis=0, mode="nearest", radius=reach)
    return np.asarray(smooth)


def _trust(moved: FloatArray) -> FloatArray:
    return np.asarray(1 / (1 + moved**2))
