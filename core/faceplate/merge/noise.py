"""White noise that is a function of its place: a pixel of a frame always has the same.

So tiles, data windows, machines and repeated renders agree, and each frame has grain of its own.
"""

from functools import cache
from statistics import NormalDist

import numpy as np
from numba import njit
from numpy.typing import NDArray

from faceplate.geometry.points import Box

__all__ = ["white_noise"]

_LEVELS = 1 << 16


def white_noise(box: Box, frame: int, layer: int, seed: int = 0) -> NDArray[np.float32]:
    """Return independent normal values, mean 0, deviation 1.

    Args:
        box: x0, y0, x1, y1 in plate pixels, half-open.
        frame: Number of the frame.
        layer: Which of the noises of that frame.
        seed: Another one gives other noises.

    Returns:
        float32 HxW.
    """
    x0, y0, x1, y1 = box
    found = np.empty((y1 - y0, x1 - x0), np.float32)
    key = _mixed(np.uint32(seed & 0xFFFFFFFF))
    for part in (frame, layer):
        key = _mixed(np.uint32(key ^ np.uint32(part & 0xFFFFFFFF)))
    _fill(found, x0, y0, key, _quantiles())
    return found


@cache
def _quantiles() -> NDArray[np.float32]:
    """Return the normal value of each of 65536 equal shares."""
    shares = (np.arange(_LEVELS // 2) + 0.5) / _LEVELS
    low = np.array([NormalDist().inv_cdf(share) for share in shares.tolist()])
    table = np.concatenate([low, -low[::-1]])
    return np.asarray(table / table.std(), np.float32)


@njit(cache=True)
def _mixed(value):  # type: ignore[no-untyped-def]  # numba
    """Mix the bits of 32: the finaliser "lowbias32" of C. Wellons' hash prospector."""
    value = np.uint32(value)
    value ^= value >> np.uint32(16)
    value = np.uint32(value * np.uint32(0x7FEB352D))
    value ^= value >> np.uint32(15)
    value = np.uint32(value * np.uint32(0x846CA68B))
    value ^= value >> np.uint32(16)
    return value


@njit(cache=True)
def _fill(found, x0, y0, key, quantiles):  # type: ignore[no-untyped-def]  # numba
    for y in range(found.shape[0]):
        row = _mixed(np.uint32(key ^ np.uint32((y0 + y) & 0xFFFFFFFF)))
        for x in range(found.shape[1]):
            bits = _mixed(np.uint32(row ^ np.uint32((x0 + x) & 0xFFFFFFFF)))
            found[y, x] = quantiles[bits >> np.uint32(16)]
