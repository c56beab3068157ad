"""Grids of the multigrid solver (multigrid.py): masks, degrees and right-hand sides.

Masks are uint8 with one cell of padding around the grid: 1 unknown, 0 known (the plate), 2 beyond
the frame, where there is neither. A coarse cell covers 2 x 2 cells and is unknown where all of them
are, those beyond the frame left aside. The known value next to it then lies 3/4 to 5/4 of a coarse
cell away, or elsewhere in it; `sides` keeps the reciprocal of that distance for each side, and the
degree of the cell is the sum of them. Without it the boundary would be off by a fraction of a cell
on every grid and the solver would take half as many iterations again.
"""

import numpy as np
from numpy.typing import NDArray

from faceplate.merge.gridplan import (
    AT_ONCE,
    BLACK,
    BLACK_WEIGHT,
    HEIGHT,
    PITCH,
    RED,
    RED_WEIGHT,
    SPAN,
    WHOLE,
    WIDTH,
)
from faceplate.merge.gridrows import Floats, Weights, bare, compiled

__all__ = [
    "Mask",
    "add_boundary",
    "choose",
    "coarsen",
    "dense_inverse",
    "lay_coarse",
    "lay_fine",
    "ring_of",
]

Mask = NDArray[np.uint8]
Integers = NDArray[np.int64]

_NEAREST, _FARTHEST = 0.5, 2.0  # where a boundary may lie, in cells from a centre


@bare
def _paint(weights: Weights, start: int, number: int, value: float) -> None:
    o = np.uint64(start)
    for j in range(np.uint64(number)):
        weights[o + j] = value


@bare
def _lay(
    weights: Weights, value: float, mask: Mask, spans: Integers, level: Integers, channels: int
) -> int:
    """Store one weight for all unknowns of a grid, and where they are; return their number."""
    height, width, pitch = level[HEIGHT], level[WIDTH], level[PITCH]
    total = 0
    for y in range(height):
        planes = level[RED_WEIGHT] + y * pitch, level[BLACK_WEIGHT] + y * pitch
        even, odd = planes[y & 1] + channels, planes[1 - (y & 1)] + channels
        _paint(weights, planes[0], pitch, 0)
        _paint(weights, planes[1], pitch, 0)
        x, first, last = 0, -1, -1
        while x < width:
            if mask[y + 1, x + 1] != 1:
                x += 1
                continue
            start = x
            while mask[y + 1, x + 1] == 1:
                x += 1
            first, last = start if first < 0 else first, x - 1
            total += x - start
            half = (start + 1) // 2
            _paint(weights, even + channels * half, channels * ((x + 1) // 2 - half), value)
            half = start // 2
            _paint(weights, odd + channels * half, channels * (x // 2 - half), value)
        number = channels * (last // 2 + 1 - first // 2) if last >= 0 else 0
        row = level[SPAN] + y
        spans[row, 0] = channels * (first // 2 + 1) if last >= 0 else channels
        spans[row, 1] = (number + AT_ONCE - 1) // AT_ONCE * AT_ONCE
        spans[row, 2], spans[row, 3] = first, last
    return total


@bare
def _weigh(weights: Weights, level: Integers, channels: int, y: int, x: int, value: float) -> None:
    plane = level[BLACK_WEIGHT] if (x + y) & 1 else level[RED_WEIGHT]
    _paint(weights, plane + y * level[PITCH] + channels * (x // 2 + 1), channels, value)


@bare
def lay_fine(weights: Weights, mask: Mask, spans: Integers, level: Integers, channels: int) -> None:
    """Store 12 / degree of the finest grid: each neighbour counts 1, none beyond the frame.

    Args:
        weights: Filled; red and black as in gridplan.py.
        mask: (H + 2, W + 2).
        spans: Of each row filled: where the work starts and how many numbers, whole vectors of
            them (beyond the last cell weights are 0), first and last cell.
        level: Fields of the grid (gridplan.py).
        channels: Weights of a cell, all the same.
    """
    _lay(weights, WHOLE // 4, mask, spans, level, channels)
    height, width = level[HEIGHT], level[WIDTH]
    for y in range(height):
        at_edge = y == 0 or y == height - 1
        for x in range(0, width, 1 if at_edge else max(width - 1, 1)):
            if mask[y + 1, x + 1] == 1:
                beyond = (mask[y + 1, x + 2] == 2) + (mask[y + 1, x] == 2)
                beyond += (mask[y + 2, x + 1] == 2) + (mask[y, x + 1] == 2)
                _weigh(weights, level, channels, y, x, WHOLE // max(4 - beyond, 1))


@bare
def _distance(mask: Mask, sides: Floats, y: int, x: int, side: int) -> float:
    """Return how far the boundary is from the centre of a cell, in cells; 0 for never."""
    dy, dx = (0, 0, 1, -1)[side], (1, -1, 0, 0)[side]
    gone = 0.0
    for _ in range(3):
        there = mask[y + dy, x + dx]
        if there == 2:
            return 0.0
        if there == 0:
            return gone + (1 / sides[side, y, x] if sides.shape[1] > 1 else 1.0)
        gone += 1
        y, x = y + dy, x + dx
    return gone + 1


@bare
def _side(mask: Mask, sides: Floats, y: int, x: int, side: int) -> float:
    """Return 1 / distance of the boundary of coarse cell (y, x), in coarse cells; 0 for never."""
    total, lines = 0.0, 0
    for across in range(2):
        along = 1 - (side & 1)  # the child next to the boundary
        cy = 2 * y - 1 + (across if side < 2 else along)
        cx = 2 * x - 1 + (along if side < 2 else across)
        if mask[cy, cx] != 1:
            continue
        lines += 1
        distance = _distance(mask, sides, cy, cx, side)
        if distance > 0:
            total += min(max(2 / (0.5 + distance), 1 / _FARTHEST), 1 / _NEAREST)
    return total / lines if lines else 0.0


@compiled
def coarsen(mask: Mask) -> tuple[Mask, int]:
    """Return the mask of the next coarser grid and the number of its unknowns."""
    height, width = (mask.shape[0] - 1) // 2, (mask.shape[1] - 1) // 2
    coarse = np.zeros((height + 2, width + 2), np.uint8)
    coarse[0, :], coarse[-1, :] = mask[0, 1], mask[-1, 1]
    coarse[:, 0], coarse[:, -1] = mask[1, 0], mask[1, -1]
    number = 0
    for y in range(1, height + 1):
        for x in range(1, width + 1):
            above = (mask[2 * y - 1, 2 * x - 1] != 0) & (mask[2 * y - 1, 2 * x] != 0)
            if above & (mask[2 * y, 2 * x - 1] != 0) & (mask[2 * y, 2 * x] != 0):
                coarse[y, x] = 1
                number += 1
    return coarse, number


@compiled
def lay_coarse(
    pool: Floats, coarse: Mask, mask: Mask, sides: Floats, spans: Integers, level: Integers,
    channels: int,
) -> Floats:  # fmt: skip
    """Store 1 / degree of a coarse grid.

    Args:
        pool: Filled where `level` says.
        coarse: Its mask, (Hc + 2, Wc + 2).
        mask: That of the next finer grid, (H + 2, W + 2).
        sides: 1 / distance of the boundary to the right, left, bottom and top of the cells of that,
            (4, H + 2, W + 2), read next to the boundary only; of shape (4, 1, 1) on the finest
            grid, where all are 1.
        spans: As for `lay_fine`.
        level: As for `lay_fine`.
        channels: As for `lay_fine`.

    Returns:
        The sides of this grid.
    """
    _lay(pool, 0.25, coarse, spans, level, channels)
    height, width = level[HEIGHT], level[WIDTH]
    found = np.empty((4, height + 2, width + 2), np.float32)
    for y in range(1, height + 1):
        for x in range(1, width + 1):
            inside = (coarse[y, x + 1] == 1) & (coarse[y, x - 1] == 1)
            inside &= (coarse[y + 1, x] == 1) & (coarse[y - 1, x] == 1)
            if inside or coarse[y, x] != 1:
                continue
            degree = 0.0
            for side in range(4):
                there = coarse[y + (0, 0, 1, -1)[side], x + (1, -1, 0, 0)[side]]
                if there == 1:
                    degree += 1
                elif there == 0:
                    found[side, y, x] = max(_side(mask, sides, y, x, side), 1 / _FARTHEST)
                    degree += found[side, y, x]
            _weigh(pool, level, channels, y - 1, x - 1, 1 / max(degree, 1e-3))
    return found


@compiled
def dense_inverse(
    pool: Floats, mask: Mask, level: Integers, channels: int
) -> tuple[Integers, Floats]:
    """Return the unknowns (N, 2) of a small grid and the inverse (N, N) of its operator.

    By Gauss-Jordan elimination; the operator is symmetric and positive, so there is no pivoting.
    """
    height, width = level[HEIGHT], level[WIDTH]
    index = np.full((height + 2, width + 2), -1, np.int64)
    cells = np.argwhere(mask[1:-1, 1:-1] == 1)
    number = len(cells)
    for i in range(number):
        index[cells[i, 0] + 1, cells[i, 1] + 1] = i
    matrix = np.zeros((number, number), np.float64)
    for i in range(number):
        y, x = cells[i, 0], cells[i, 1]
        plane = level[BLACK_WEIGHT] if (x + y) & 1 else level[RED_WEIGHT]
        matrix[i, i] = 1 / pool[plane + y * level[PITCH] + channels * (x // 2 + 1)]
        for other in (index[y, x + 1], index[y + 2, x + 1], index[y + 1, x], index[y + 1, x + 2]):
            if other >= 0:
                matrix[i, other] = -1
    for k in range(number):
        pivot = 1 / matrix[k, k]
        matrix[k, k] = 1
        matrix[k] *= pivot
        for i in range(number):
            if i != k and matrix[i, k] != 0:
                share = matrix[i, k]
                matrix[i, k] = 0
                for j in range(number):
                    matrix[i, j] -= share * matrix[k, j]
    return cells, matrix.astype(np.float32)


@compiled
def ring_of(mask: Mask) -> Integers:
    """Return row and column (in the grid) of the known cells next to unknown ones, row by row."""
    height, width = mask.shape[0] - 2, mask.shape[1] - 2
    found = np.empty((height * width, 2), np.int64)
    number = 0
    for y in range(1, height + 1):
        for x in range(1, width + 1):
            if mask[y, x] == 0:
                beside = mask[y, x + 1] == 1 or mask[y, x - 1] == 1
                if beside or mask[y + 1, x] == 1 or mask[y - 1, x] == 1:
                    found[number, 0], found[number, 1] = y - 1, x - 1
                    number += 1
    return found[:number].copy()


@bare
def add_boundary(mask: Mask, ring: Integers, values: Floats, pool: Floats, level: Integers) -> None:
    """Put known values (N, C) on the right-hand side of the unknowns next to them, else 0."""
    channels, size = values.shape[1], level[HEIGHT] * level[PITCH]
    _paint(pool, level[RED], size, 0)
    _paint(pool, level[BLACK], size, 0)
    for i in range(len(ring)):
        for side in range(4):
            y = ring[i, 0] + (0, 0, 1, -1)[side]
            x = ring[i, 1] + (1, -1, 0, 0)[side]
            if mask[y + 1, x + 1] == 1:
                plane = level[BLACK] if (x + y) & 1 else level[RED]
                start = plane + y * level[PITCH] + channels * (x // 2 + 1)
                for c in range(channels):
                    pool[start + c] += values[i, c]


@bare
def choose(image: Floats, other: Floats, region: NDArray[np.bool_]) -> None:
    """Copy the pixels of a region from another image: numpy takes ten times as long."""
    for y in range(region.shape[0]):
        for x in range(region.shape[1]):
            if region[y, x]:
                for c in range(image.shape[2]):
                    image[y, x, c] = other[y, x, c]
