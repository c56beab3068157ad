"""Stops: light on a logarithmic scale that is linear around black, so that it has room below 0.

asinh(light / knee): far above the knee it is ln(2 light / knee), far below it is light / knee.
"""

import numpy as np
from numpy.typing import NDArray

__all__ = ["knee_of", "scaled", "to_stops"]

FloatArray = NDArray[np.float32]

_SHARE = 1 / 32
_DARKEST = 1e-6  # scene-linear


def knee_of(plate: FloatArray) -> float:
    """Return where the scale turns linear: 1/32 of the median of some finite plate pixels.

    It goes with the exposure, so that a plate two stops up gives a result two stops up.
    """
    return max(float(np.median(np.abs(plate))) * _SHARE, _DARKEST)


def to_stops(light: FloatArray, knee: float) -> FloatArray:
    """Return asinh(light / knee)."""
    return np.asarray(np.arcsinh(light / np.float32(knee)), np.float32)


def scaled(light: FloatArray, stops: FloatArray, knee: float) -> FloatArray:
    """Return light that many stops (as of `to_stops`) up, without a logarithm for each pixel."""
    up = np.exp(stops)
    down = 1 / up
    flat = np.float32(knee)
    root = np.sqrt(light * light + flat * flat)
    return np.asarray(0.5 * (light * (up + down) + root * (up - down)), np.float32)
