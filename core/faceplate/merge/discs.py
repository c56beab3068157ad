"""Erosion and dilation of soft mattes by discs, compiled by numba.

The minimum over a disc is the minimum over its rows, and that over a row of any length is the
minimum of two overlapping runs whose length is a power of two; those are made once. So a disc of
radius r costs 4 r comparisons a pixel, which stay in the cache, instead of 3 r².
"""

import math

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

__all__ = ["draw_in"]

Matte = NDArray[np.float32]

_CROSS = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
_SQUARE = cv2.getStructuringElement(cv2.MORPH_RECT, (3, 3))


def draw_in(matte: Matte, radius: float, aspect: float = 1.0) -> Matte:
    """Return the minimum over a disc around each pixel; beyond the border there is 0.

    Args:
        matte: float32 HxW in 0..1.
        radius: In rows; below 0 the matte grows: the maximum over the disc. Between whole radii the
            result goes evenly from one to the next.
        aspect: Width of a column over the height of a row.

    Returns:
        float32 HxW in 0..1.
    """
    if radius == 0 or not matte.size:
        return matte
    if radius < 0:
        return np.asarray(1 - _least(1 - matte, -radius, aspect, beyond=1.0), np.float32)
    return _least(matte, radius, aspect, beyond=0.0)


def _least(matte: Matte, radius: float, aspect: float, beyond: float) -> Matte:
    whole, part = math.floor(radius), radius % 1
    found = _whole_disc(matte, whole, aspect, beyond) if whole else matte
    if part == 0:
        return found
    # a step of one pixel: a cross is too small on the diagonal, a square by as much too large
    further = sum(
        cv2.erode(found, kernel, borderType=cv2.BORDER_CONSTANT, borderValue=beyond)
        for kernel in (_CROSS, _SQUARE)
    )
    return np.asarray((1 - part) * found + (part / 2) * further, np.float32)


def _whole_disc(matte: Matte, radius: int, aspect: float, beyond: float) -> Matte:
    rows = np.arange(radius + 1)
    halves = np.round(np.sqrt((radius + 0.25) ** 2 - rows**2) / aspect - 0.25).astype(np.int64)
    halves = np.maximum(halves, 0)
    reach = int(halves[0])
    padded = cv2.copyMakeBorder(
        matte, radius, radius, reach, reach, cv2.BORDER_CONSTANT, value=beyond
    )
    found = np.empty_like(matte)
    _disc_least(np.asarray(padded, np.float32), halves, found)
    return found


@njit(cache=True, fastmath={"nnan", "nsz"})
def _disc_least(padded, halves, found):  # type: ignore[no-untyped-def]  # numba
    radius, reach = len(halves) - 1, halves[0]
    height, width = padded.shape
    levels = 1
    while (1 << levels) <= 2 * reach + 1:
        levels += 1
    runs = np.empty((levels, height, width), np.float32)  # least of 2^level pixels from here on
    runs[0] = padded
    for level in range(1, levels):
        step = 1 << (level - 1)
        for y in range(height):
            before, row = runs[level - 1, y], runs[level, y]
            for x in range(width - step):
                row[x] = min(before[x], before[x + step])
            for x in range(width - step, width):
                row[x] = before[x]
    for y in range(found.shape[0]):
        row = found[y]
        row[:] = 1.0
        for dy in range(-radius, radius + 1):
            half = halves[abs(dy)]
            level = 0
            while (2 << level) <= 2 * half + 1:
                level += 1
            source = runs[level, y + radius + dy]
            first = reach - half
            second = reach + half + 1 - (1 << level)
            for x in range(row.shape[0]):
                row[x] = min(row[x], min(source[x + first], source[x + second]))
