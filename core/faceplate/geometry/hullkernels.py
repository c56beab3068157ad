"""What convex shapes cover of each pixel, compiled."""

import numba
import numpy as np

__all__ = ["cover"]

_LINES = 8  # to a row of pixels
_SEAM = 1e-4  # pixels: shapes so near each other touch


@numba.njit(cache=True, nogil=True)
def cover(matte, corners, ends, spans):  # type: ignore[no-untyped-def]  # numba
    """Add what convex shapes cover of each pixel, where they overlap once."""
    height, width = matte.shape
    share = np.float32(1 / _LINES)
    for y in range(height):
        for line in range(_LINES):
            count = _spans(y - 0.5 + (line + 0.5) / _LINES, corners, ends, spans)
            k = 0
            while k < count:
                left, right = spans[k, 0] + 0.5, spans[k, 1] + 0.5
                k += 1
                while k < count and spans[k, 0] + 0.5 <= right + _SEAM:
                    right = max(right, spans[k, 1] + 0.5)
                    k += 1
                left, right = max(left, 0.0), min(right, width)
                if right > left:
                    _add(matte[y], left, right, share)
        for x in range(width):
            matte[y, x] = min(matte[y, x], np.float32(1))


@numba.njit(cache=True, nogil=True)
def _spans(y, corners, ends, spans):  # type: ignore[no-untyped-def]  # numba
    """Find where a line crosses each shape, from the left; return how many shapes it does."""
    count = begin = 0
    for end in ends:
        low, high = np.inf, -np.inf
        for i in range(begin, end):
            j = i + 1 if i + 1 < end else begin
            y0, y1 = corners[i, 1], corners[j, 1]
            if (y0 <= y) != (y1 <= y):
                x = corners[i, 0] + (y - y0) / (y1 - y0) * (corners[j, 0] - corners[i, 0])
                low, high = min(low, x), max(high, x)
        begin = end
        if high > low:
            k = count
            while k > 0 and spans[k - 1, 0] > low:
                spans[k] = spans[k - 1]
                k -= 1
            spans[k, 0], spans[k, 1] = low, high
            count += 1
    return count


@numba.njit(cache=True, nogil=True)
def _add(row, left, right, share):  # type: ignore[no-untyped-def]  # numba
    """Add a share to all that lies between two places of a row, whose first pixel is 0 to 1."""
    first, last = int(left), int(right)
    if first == last:
        row[first] += share * np.float32(right - left)
        return
    row[first] += share * np.float32(first + 1 - left)
    for x in range(first + 1, last):
        row[x] += share
    if last < row.shape[0]:
        row[last] += share * np.float32(right - last)
