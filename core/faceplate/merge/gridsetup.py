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

from faceplate.merge.gridrows import Floats, Spans, compiled

__all__ = ["add_boundary", "choose", "coarsen", "dense_inverse", "ring_of", "split", "unit_inverse"]

Mask = NDArray[np.uint8]
Integers = NDArray[np.int64]

AT_ONCE = 32
_NEAREST, _FARTHEST = 0.5, 2.0  # where a boundary may lie, in cells from a centre


@compiled
def unit_inverse(mask: Mask) -> Floats:
    """Return 1 / degree of the finest grid, (H, W): each neighbour counts 1, none beyond the frame."""  # noqa: E501
    height, width = mask.shape[0] - 2, mask.shape[1] - 2
    inverse = np.zeros((height, width), np.float32)
    for y in range(1, height + 1):
        for x in range(1, width + 1):
            if mask[y, x] == 1:
                beyond = (mask[y, x + 1] == 2) + (mask[y, x - 1] == 2)
                beyond += (mask[y + 1, x] == 2) + (mask[y - 1, x] == 2)
                inverse[y - 1, x - 1] = np.float32(1) / np.float32(max(4 - beyond, 1))
    return inverse


@compiled
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


@compiled
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
def coarsen(mask: Mask, sides: Floats) -> tuple[Mask, Floats, Floats, int]:
    """Make the next coarser grid.

    Args:
        mask: (H + 2, W + 2).
        sides: 1 / distance of the boundary to the right, left, bottom and top of its cells,
            (4, H + 2, W + 2); of shape (4, 1, 1) on the finest grid, where all are 1.

    Returns:
        The coarse mask, its sides, its 1 / degree (H, W) and the number of unknowns.
    """
    height, width = (mask.shape[0] - 1) // 2, (mask.shape[1] - 1) // 2
    coarse = np.zeros((height + 2, width + 2), np.uint8)
    coarse[0, :], coarse[-1, :] = mask[0, 1], mask[-1, 1]
    coarse[:, 0], coarse[:, -1] = mask[1, 0], mask[1, -1]
    number = 0
    for y in range(1, height + 1):
        for x in range(1, width + 1):
            above = mask[2 * y - 1, 2 * x - 1] and mask[2 * y - 1, 2 * x]
            if above and mask[2 * y, 2 * x - 1] and mask[2 * y, 2 * x]:
                coarse[y, x] = 1
                number += 1
    found = np.zeros((4, height + 2, width + 2), np.float32)
    inverse = np.zeros((height, width), np.float32)
    for y in range(1, height + 1):
        for x in range(1, width + 1):
            if coarse[y, x] != 1:
                continue
            degree = 0.0
            for side in range(4):
                there = coarse[y + (0, 0, 1, -1)[side], x + (1, -1, 0, 0)[side]]
                if there == 1:
                    degree += 1
                elif there == 0:
                    found[side, y, x] = max(_side(mask, sides, y, x, side), 1 / _FARTHEST)
                    degree += found[side, y, x]
            inverse[y - 1, x - 1] = 1 / max(degree, 1e-3)
    return coarse, found, inverse, number


@compiled
def split(
    plain: Floats,
    inverse: tuple[Floats, Floats],
    degree_black: Floats,
    span: Spans,
    channels: int,
    pitch: int,
) -> None:
    """Store 1 / degree (H, W) by colour (gridkernels.py), black degrees, active cells of rows.

    Rows are worked on in whole vectors: what that takes in beyond the last cell has 0. On
    the finest grid `degree_black` has no columns.
    """
    height, width = plain.shape
    coarse = degree_black.shape[1] > 0
    for row in range(height):
        first, last = width, -1
        y = row + 2
        for x in range(width):
            value = plain[row, x]
            if value != 0:
                first, last = min(first, x), x
                colour = (x + row) & 1
                inverse[colour][y, x // 2 + 1] = value
                if colour == 1 and coarse:
                    degree_black[y, x // 2 + 1] = np.float32(1) / value
        if last < 0:
            continue
        for colour in range(2):
            for c in range(1, channels):
                start = c * pitch
                inverse[colour][y, start : start + pitch] = inverse[colour][y, :pitch]
                if colour == 1 and coarse:
                    degree_black[y, start : start + pitch] = degree_black[y, :pitch]
        start = first // 2 + 1
        number = (channels - 1) * pitch + last // 2 + 2 - start
        span[y, 0], span[y, 1] = start, start + (number + AT_ONCE - 1) // AT_ONCE * AT_ONCE


@compiled
def dense_inverse(inverse: Floats) -> tuple[Integers, Floats]:
    """Return the unknowns (N, 2) of a small grid and the inverse (N, N) of its operator.

    By Gauss-Jordan elimination; the operator is symmetric and positive, so there is no pivoting.
    """
    height, width = inverse.shape
    index = np.full((height + 2, width + 2), -1, np.int64)
    cells = np.argwhere(inverse > 0)
    number = len(cells)
    for i in range(number):
        index[cells[i, 0] + 1, cells[i, 1] + 1] = i
    matrix = np.zeros((number, number), np.float64)
    for i in range(number):
        y, x = cells[i, 0], cells[i, 1]
        matrix[i, i] = 1 / inverse[y, x]
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


@compiled
def add_boundary(
    mask: Mask, ring: Integers, values: Floats, rhs: tuple[Floats, Floats], pitch: int
) -> None:
    """Add known values (N, C) to the right-hand side of the unknowns next to them."""
    for i in range(len(ring)):
        for side in range(4):
            y = ring[i, 0] + (0, 0, 1, -1)[side]
            x = ring[i, 1] + (1, -1, 0, 0)[side]
            if mask[y + 1, x + 1] == 1:
                for c in range(values.shape[1]):
                    rhs[(x + y) & 1][y + 2, c * pitch + x // 2 + 1] += values[i, c]


@compiled
def choose(image: Floats, other: Floats, region: NDArray[np.bool_]) -> None:
    """Copy the pixels of a region from another image: numpy takes ten times as long."""
    for y in range(region.shape[0]):
        for x in range(region.shape[1]):
            if region[y, x]:
                for c in range(image.shape[2]):
                    image[y, x, c] = other[y, x, c]
