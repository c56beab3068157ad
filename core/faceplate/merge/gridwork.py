"""The rows at work in a pass of the multigrid solver (gridpasses.py), compiled by numba.

A pass keeps some rows of each colour in slots, row y in slot y modulo their number, with 0 outside
the domain. What is done to them is told from the grid's fields and its table of spans: where the
work on a row starts and how many numbers it takes, its first and its last cell (-1: none).

The neighbours of a red cell (y, j) are the black cells (y, j), (y - 1, j), (y + 1, j) and, at its
side, (y, j - 1) in even rows, (y, j + 1) in odd ones; for a black cell it is the other way round.
"""

import numpy as np
from numpy.typing import NDArray

from faceplate.merge.gridplan import (
    BLACK,
    BLACK_WEIGHT,
    HEIGHT,
    LEFT,
    LINES,
    PITCH,
    RED,
    RED_WEIGHT,
    SLOTS,
    SOLUTION,
    SPAN,
    WIDTH,
)
from faceplate.merge.gridrows import (
    Floats,
    Weights,
    add_row,
    bare,
    clear_row,
    combine_row,
    gather_row,
    relax_free_row,
    relax_row,
    share_row,
)

__all__ = [
    "Doubles",
    "Frame",
    "Integers",
    "clear_around",
    "combine",
    "gather",
    "join",
    "near_of",
    "relax",
    "slot",
]

Integers = NDArray[np.int64]
Doubles = NDArray[np.float64]
Frame = tuple[int, int, int, int, int, int]
"""Channels, where the slots start, and whether the domain goes on to the array's top, bottom, left
and right edge."""


@bare
def slot(level: Integers, frame: Frame, first: int, y: int) -> int:
    """Return where row y of a colour (`first`: its first slot) is at work."""
    pitch: int = level[PITCH]
    return frame[1] + (first + (y & (SLOTS - 1))) * pitch


@bare
def near_of(
    level: Integers, spans: Integers, frame: Frame, first: int, y: int
) -> tuple[int, int, int, int]:
    """Return the neighbours of row y in the colour whose first slot is given."""
    start = spans[level[SPAN] + y, 0]
    here = slot(level, frame, first, y) + start
    above = slot(level, frame, first, y - 1) + start
    below = slot(level, frame, first, y + 1) + start
    # black neighbours are at the left in even rows, red ones in odd rows
    back = (y & 1 == 0) == (first == SLOTS)
    return here, above, below, here - frame[0] if back else here + frame[0]


@bare
def clear_around(pool: Floats, level: Integers, spans: Integers, row: int, y: int) -> None:
    """Fill a row at work with 0 outside the span of row y; all of it beyond the grid."""
    if y >= level[HEIGHT]:
        clear_row(pool, row, level[PITCH])
        return
    start, number = spans[level[SPAN] + y, 0], spans[level[SPAN] + y, 1]
    clear_row(pool, row, start)
    clear_row(pool, row + start + number, level[PITCH] - start - number)


@bare
def relax(
    pool: Floats, weights: Weights, spans: Integers, level: Integers, frame: Frame, whole: float,
    y: int, red: bool, free: bool,
) -> None:  # fmt: skip
    """Relax row y of a colour; `free`: its right-hand side is 0."""
    if y < 0 or y >= level[HEIGHT]:
        return
    start, number = spans[level[SPAN] + y, 0], spans[level[SPAN] + y, 1]
    first, other = (0, SLOTS) if red else (SLOTS, 0)
    near = near_of(level, spans, frame, other, y)
    out = slot(level, frame, first, y) + start
    along = y * level[PITCH] + start
    at = (level[RED_WEIGHT] if red else level[BLACK_WEIGHT]) + along
    if free:
        relax_free_row(pool, out, near, weights, at, whole, number)
    else:
        rhs = (level[RED] if red else level[BLACK]) + along
        relax_row(pool, out, near, rhs, weights, at, whole, number)


@bare
def gather(
    pool: Floats, spans: Integers, level: Integers, below: Integers, frame: Frame, row: int
) -> None:
    """Fill a row of the coarse right-hand side from what is left: the transpose of `spread_row`."""
    channels, pitch = frame[0], level[PITCH]
    if row < 0 or row >= below[HEIGHT]:
        return
    first, last = spans[below[SPAN] + row, 2], spans[below[SPAN] + row, 3]
    if last < 0:
        return
    even = frame[1] + LINES * pitch
    odd, line = even + pitch, even + 2 * pitch
    start, number = channels * first, channels * (last - first + 3)
    top = 1.0 if row == 0 and frame[2] else 0.75
    end = 1.0 if 2 * row + 2 == level[HEIGHT] and frame[3] else 0.75
    up, down = slot(level, frame, LEFT, 2 * row), slot(level, frame, LEFT, 2 * row + 1)
    before = slot(level, frame, LEFT, 2 * row - 1)
    after = slot(level, frame, LEFT, 2 * row + 2)
    combine_row(pool, even + start, up + start, after + start, (top, 0.25), number)
    combine_row(pool, odd + start, down + start, before + start, (end, 0.25), number)
    beyond = channels * (below[WIDTH] + 1)
    for c in range(channels):
        if first == 0 and frame[4]:
            pool[odd + c] = pool[even + channels + c]
        if last == below[WIDTH] - 1 and frame[5] and level[WIDTH] % 2 == 0:
            pool[even + beyond + c] = pool[odd + beyond - channels + c]
    start += channels
    number -= 2 * channels
    gather_row(pool, line + start, even + start, odd + start, channels, number)
    rows = (
        below[RED] if row & 1 == 0 else below[BLACK],
        below[BLACK] if row & 1 == 0 else below[RED],
    )
    along = row * below[PITCH]
    part(pool, line, rows[0] + along, rows[1] + along, first // 2, last // 2 + 1, channels)


@bare
def part(
    pool: Floats, line: int, even: int, odd: int, first: int, last: int, channels: int
) -> None:
    """Part a row of cells by colour."""
    three = np.uint64(3)
    if channels == 3:  # known when compiled: three times as fast
        a, e, o = np.uint64(line + 3), np.uint64(even + 3), np.uint64(odd + 3)
        for k in range(np.uint64(first), np.uint64(last)):
            for c in range(three):
                pool[e + three * k + c] = pool[a + three * (k + k) + c]
                pool[o + three * k + c] = pool[a + three * (k + k) + three + c]
        return
    for k in range(first, last):
        for c in range(channels):
            pool[even + (k + 1) * channels + c] = pool[line + (2 * k + 1) * channels + c]
            pool[odd + (k + 1) * channels + c] = pool[line + (2 * k + 2) * channels + c]


@bare
def join(
    pool: Floats, line: int, even: int, odd: int, first: int, last: int, channels: int
) -> None:
    """Bring the colours of a row together."""
    three = np.uint64(3)
    if channels == 3:
        a, e, o = np.uint64(line + 3), np.uint64(even + 3), np.uint64(odd + 3)
        for k in range(np.uint64(first), np.uint64(last)):
            for c in range(three):
                pool[a + three * (k + k) + c] = pool[e + three * k + c]
                pool[a + three * (k + k) + three + c] = pool[o + three * k + c]
        return
    for k in range(first, last):
        for c in range(channels):
            pool[line + (2 * k + 1) * channels + c] = pool[even + (k + 1) * channels + c]
            pool[line + (2 * k + 2) * channels + c] = pool[odd + (k + 1) * channels + c]


@bare
def combine(
    pool: Floats, spans: Integers, level: Integers, frame: Frame, shares: Doubles, y: int
) -> None:
    """Bring row y of the solutions kept, each by its share, to work."""
    start, number = spans[level[SPAN] + y, 0], spans[level[SPAN] + y, 1]
    out, plane = slot(level, frame, 0, y) + start, level[HEIGHT] * level[PITCH]
    row = level[SOLUTION] + y * level[PITCH] + start
    share_row(pool, out, row, shares[0], number)
    for i in range(1, len(shares)):
        add_row(pool, out, row + i * plane, shares[i], number)
