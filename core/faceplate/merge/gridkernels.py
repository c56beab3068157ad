"""The inner loops of the multigrid solver (multigrid.py), compiled by numba.

Layout: a grid is stored by colour, as a chess board is: red cells are those with x + y even. Row y
holds its red cells at x // 2 of one array and its black cells likewise of another, so that relaxing
all cells of a colour runs along memory and compiles to vectors. Arrays carry two rows and one
column of zeros around the grid: row y lies at y + 2, cell j at j + 1. The neighbours of a red cell
(y, j) are the black cells (y, j), (y - 1, j), (y + 1, j) and, at its side, (y, j - 1) in even rows,
(y, j + 1) in odd ones; for a black cell it is the other way round.

The operator is A u = degree * u - sum of the four neighbours; `inverse` holds 1 / degree, and 0
outside the domain, where u is 0. Red is relaxed first and black last on the way down, black first
and red last on the way up, which keeps the whole cycle symmetric, as conjugate gradients need it.
A row is worked on as soon as those it needs are done, while they are still in the
cache. There is one thread: a frame has one core.
"""

import numpy as np
from numpy.typing import NDArray

from faceplate.merge.gridrows import (
    Floats,
    Spans,
    advance_row,
    apply_row,
    combine_row,
    compiled,
    direct_row,
    gather_row,
    neighbours_row,
    relax_dot_row,
    relax_free_row,
    relax_row,
    remain_row,
    scale_row,
    spread_row,
)

__all__ = [
    "assemble",
    "correct",
    "eliminate",
    "join",
    "residual",
    "restrict",
    "search",
    "solve_dense",
    "step",
]

Integers = NDArray[np.int64]
Doubles = NDArray[np.float64]

_PAD = 2
_ZERO = np.float32(0)


@compiled
def _red_lean(y: int) -> np.uint64:
    return np.uint64(2 * (y & 1))


@compiled
def _black_lean(y: int) -> np.uint64:
    return np.uint64(2 - 2 * (y & 1))


@compiled
def restrict(
    rhs: tuple[Floats, Floats],
    inverse: tuple[Floats, Floats],
    span: Spans,
    room: tuple[Floats, Floats],
    left: Floats,
    coarse: tuple[Floats, Floats],
    open_sides: Integers,
    size: tuple[int, int],
    red_only: bool,
) -> None:
    """Relax from zero and bring what is left to the coarse grid: the transpose of `spread_row`.

    Args:
        rhs: Red and black right-hand side, (C, H + 4, J + 2).
        inverse: Red and black 1 / degree, (H + 4, J + 2).
        span: First and last active cell of each row, (H + 4, 2).
        room: Red and black cells to work in, 0 outside the spans.
        left: Another red plane to work in, (H + 4, J + 2), 0 outside the spans.
        coarse: Red and black right-hand side of the coarse grid, filled.
        open_sides: Whether the domain goes on to the array's top, bottom, left, right edge.
        size: Height and width of the grid.
        red_only: The right-hand side is 0 at black cells, and not read there.
    """
    height = size[0]
    columns = left.shape[1]
    buffers = np.zeros((3, columns + 2), np.float32)
    for c in range(len(rhs[0])):
        red, black, red_rhs, black_rhs = room[0][c], room[1][c], rhs[0][c], rhs[1][c]
        for y in range(_PAD, height + 6):
            if y < height + _PAD:
                scale_row(red, inverse[0], red_rhs, np.uint64(y), span)
            if _PAD <= y - 1 < height + _PAD:
                row, lean = np.uint64(y - 1), _black_lean(y - 1)
                if red_only:
                    relax_free_row(black, inverse[1], red, row, span, lean)
                else:
                    relax_row(black, inverse[1], black_rhs, red, row, span, lean)
            if _PAD <= y - 2 < height + _PAD:
                lean = _red_lean(y - 2)
                neighbours_row(left, inverse[0], black, np.uint64(y - 2), span, lean)
            if y >= 6 and y % 2 == 0:  # of rows 2 I - 1 to 2 I + 2 the last is done
                _gather(left, (y - 6) // 2, c, coarse, open_sides, size, buffers)


@compiled
def _gather(
    left: Floats,
    row: int,
    c: int,
    coarse: tuple[Floats, Floats],
    open_sides: Integers,
    size: tuple[int, int],
    buffers: Floats,
) -> None:
    """Fill one row of the coarse right-hand side."""
    height, width = size
    columns = left.shape[1]
    if 2 * row >= height:
        return
    even, odd, line = buffers[0, :columns], buffers[1, :columns], buffers[2]
    y = np.uint64(2 * row + _PAD)
    one = np.uint64(1)
    last = y + np.uint64(2) if y + np.uint64(2) < np.uint64(left.shape[0]) else np.uint64(0)
    top = 1.0 if row == 0 and open_sides[0] else 0.75
    end = 1.0 if 2 * row + 2 == height and open_sides[1] else 0.75
    combine_row(even, left, y, last, top, 0.25)
    combine_row(odd, left, y + one, y - one, end, 0.25)
    odd[0] = even[1] if open_sides[2] else _ZERO
    even[columns - 1] = odd[columns - 2] if open_sides[3] and width % 2 == 0 else _ZERO
    gather_row(line, even, odd)
    line[columns - 1] = _ZERO
    first, second = coarse[row & 1], coarse[1 - (row & 1)]
    for j in range(np.uint64(1), np.uint64(first.shape[2] - 1)):
        first[c, np.uint64(row + _PAD), j] = line[j + j - one]
        second[c, np.uint64(row + _PAD), j] = line[j + j]


@compiled
def correct(
    rhs: tuple[Floats, Floats],
    inverse: tuple[Floats, Floats],
    span: Spans,
    coarse: Floats,
    out: tuple[Floats, Floats],
    figures: Doubles,
    red_only: bool,
) -> None:
    """Relax from zero, add the correction of the coarse grid, relax black, relax red.

    Args:
        rhs: As for `restrict`.
        inverse: As for `restrict`.
        span: As for `restrict`.
        coarse: The coarse grid's solution, plain, (C, Hc + 4, Wc + 2): row y at y + 2, x at x + 1.
        out: Red and black solution, filled; 0 outside the spans.
        figures: (2, C): sum of rhs * out over red cells and largest |out| there, filled.
        red_only: As for `restrict`.
    """
    height = rhs[0].shape[1] - 2 * _PAD
    for c in range(len(rhs[0])):
        red, black, red_rhs, black_rhs = out[0][c], out[1][c], rhs[0][c], rhs[1][c]
        plain = coarse[c]
        total, largest = 0.0, 0.0
        for y in range(_PAD, height + 2 * _PAD):
            if y < height + _PAD:
                spread_row(red, inverse[0], red_rhs, plain, np.uint64(y), span, _red_lean(y))
            if _PAD <= y - 1 < height + _PAD:
                row, lean = np.uint64(y - 1), _black_lean(y - 1)
                if red_only:
                    relax_free_row(black, inverse[1], red, row, span, lean)
                else:
                    relax_row(black, inverse[1], black_rhs, red, row, span, lean)
            if y - 2 >= _PAD:
                row = np.uint64(y - 2)
                lean = _red_lean(y - 2)
                dot, peak = relax_dot_row(red, inverse[0], red_rhs, black, row, span, lean)
                total += float(dot)
                largest = max(largest, float(peak))
        figures[0, c], figures[1, c] = total, largest


@compiled
def residual(
    rhs: tuple[Floats, Floats],
    degree_black: Floats,
    span: Spans,
    solution: tuple[Floats, Floats],
) -> None:
    """Turn a right-hand side into what a solution leaves: nothing at red cells, relaxed last."""
    height = rhs[0].shape[1] - 2 * _PAD
    rhs[0][:] = _ZERO
    for c in range(len(rhs[0])):
        red, black, out = solution[0][c], solution[1][c], rhs[1][c]
        for y in range(_PAD, height + _PAD):
            remain_row(out, black, degree_black, red, np.uint64(y), span, _black_lean(y))


@compiled
def join(
    first: tuple[Floats, Floats],
    second: tuple[Floats, Floats],
    out: Floats,
    open_sides: Integers,
    size: tuple[int, int],
) -> None:
    """Add two solutions into a plain grid with its pads, which repeat the grid at open sides."""
    one = np.uint64(1)
    columns = np.uint64(first[0].shape[2] - 1)
    for c in range(len(out)):
        for row in range(_PAD, size[0] + _PAD):
            y = np.uint64(row)
            a, b = first[row & 1][c], second[row & 1][c]
            d, e = first[1 - (row & 1)][c], second[1 - (row & 1)][c]
            plain = out[c]
            for j in range(one, columns):
                plain[y, j + j - one] = a[y, j] + b[y, j]
                plain[y, j + j] = d[y, j] + e[y, j]
        _close(out[c], open_sides, size[0], size[1])


@compiled
def _close(plain: Floats, open_sides: Integers, height: int, width: int) -> None:
    for y in range(plain.shape[0]):
        plain[y, width + 1] = plain[y, width] if open_sides[3] else _ZERO
        plain[y, 0] = plain[y, 1] if open_sides[2] else _ZERO
    if open_sides[0]:
        plain[_PAD - 1] = plain[_PAD]
    if open_sides[1]:
        plain[height + _PAD] = plain[height + _PAD - 1]


@compiled
def solve_dense(
    matrix: Floats,
    cells: Integers,
    rhs: tuple[Floats, Floats],
    out: Floats,
    open_sides: Integers,
    size: tuple[int, int],
) -> None:
    """Apply the inverse of the coarsest grid's operator.

    Args:
        matrix: The inverse, (N, N).
        cells: Row and column of each unknown, (N, 2).
        rhs: As for `restrict`.
        out: The solution, plain, filled.
        open_sides: As for `restrict`.
        size: Height and width of the grid.
    """
    number = len(cells)
    right = np.empty(number, np.float32)
    for c in range(len(out)):
        for i in range(number):
            y, x = cells[i, 0], cells[i, 1]
            right[i] = rhs[(x + y) & 1][c, y + _PAD, x // 2 + 1]
        for i in range(number):
            total = _ZERO
            for k in range(number):
                total += matrix[i, k] * right[k]
            out[c, cells[i, 0] + _PAD, cells[i, 1] + 1] = total
        _close(out[c], open_sides, size[0], size[1])


@compiled
def search(
    gradient: Floats,
    direction: Floats,
    image: Floats,
    room: Floats,
    degree_red: Floats,
    inverse_black: Floats,
    span: Spans,
    beta: Doubles,
    curvature: Doubles,
) -> None:
    """Make the next search direction and its image under the operator with black eliminated.

    Args:
        gradient: Preconditioned residual at red cells, (C, H + 4, J + 2).
        direction: Search direction at red cells, updated.
        image: Its image, filled.
        room: Black cells to work in, 0 outside the spans.
        degree_red: Degree of the red cells, 0 outside.
        inverse_black: 1 / degree of the black ones.
        span: As for `restrict`.
        beta: Share of the last direction, (C,).
        curvature: direction * image, (C,), filled.
    """
    height = direction.shape[1] - 2 * _PAD
    for c in range(len(direction)):
        own, black, out, turned = direction[c], room[c], image[c], gradient[c]
        total = 0.0
        for y in range(_PAD, height + 2 * _PAD):
            if y < height + _PAD:
                direct_row(own, turned, beta[c], np.uint64(y), span)
            if _PAD <= y - 1 < height + _PAD:
                row = np.uint64(y - 1)
                relax_free_row(black, inverse_black, own, row, span, _black_lean(y - 1))
            if y - 2 >= _PAD:
                row, lean = np.uint64(y - 2), _red_lean(y - 2)
                total += float(apply_row(out, own, degree_red, black, row, span, lean))
        curvature[c] = total


@compiled
def step(
    x: Floats, r: Floats, direction: Floats, image: Floats, span: Spans, alpha: Doubles
) -> None:
    """Go `alpha` (C,) along the direction: x += alpha * direction, r -= alpha * image."""
    for c in range(len(x)):
        x_c, r_c, direction_c, image_c = x[c], r[c], direction[c], image[c]
        for y in range(_PAD, x.shape[1] - _PAD):
            advance_row(x_c, r_c, direction_c, image_c, alpha[c], np.uint64(y), span)


@compiled
def eliminate(
    rhs: tuple[Floats, Floats], inverse: tuple[Floats, Floats], span: Spans, room: Floats
) -> None:
    """Turn the red right-hand side into that of the system with the black cells eliminated.

    Args:
        rhs: As for `restrict`; the red one is changed.
        inverse: As for `restrict`.
        span: As for `restrict`.
        room: Black cells to work in.
    """
    one, two = np.uint64(1), np.uint64(2)
    for c in range(len(room)):
        red, black, scaled = rhs[0][c], rhs[1][c], room[c]
        for row in range(_PAD, room.shape[1] - _PAD):
            scale_row(scaled, inverse[1], black, np.uint64(row), span)
        for row in range(_PAD, room.shape[1] - _PAD):
            y, lean = np.uint64(row), np.uint64(2 * (row & 1))
            for j in range(span[y, 0], span[y, 1]):
                near = scaled[y, j] + scaled[y, j + lean - one]
                near += scaled[y - one, j] + scaled[y + two - one, j]
                red[y, j] += near if inverse[0][y, j] > _ZERO else _ZERO


@compiled
def assemble(
    red: Floats, rhs_black: Floats, inverse_black: Floats, span: Spans, room: Floats, out: Floats
) -> None:
    """Solve for the black cells and fill the active cells of an image, (H, W, C).

    Args:
        red: The solution at red cells.
        rhs_black: Right-hand side of the black ones.
        inverse_black: 1 / their degree.
        span: As for `restrict`.
        room: Black cells to work in.
        out: Filled in the spans.
    """
    channels = len(red)
    width = out.shape[1]
    for y in range(_PAD, red.shape[1] - _PAD):
        for c in range(channels):
            relax_row(
                room[c], inverse_black, rhs_black[c], red[c], np.uint64(y), span, _black_lean(y)
            )
        first, last = int(span[y, 0]), int(span[y, 1])
        lean = y & 1
        for j in range(first, last):
            x = 2 * (j - 1)
            for c in range(channels):
                out[y - _PAD, x + lean, c] = red[c, y, j]
            if x + 1 - lean < width:
                for c in range(channels):
                    out[y - _PAD, x + 1 - lean, c] = room[c, y, j]
