"""The inner loops of the multigrid solver (multigrid.py), compiled by numba.

Layout: a grid is stored by colour, as a chess board is: red cells are those with x + y even. Row y
holds its red cells at x // 2 of one array and its black cells likewise of another, so that relaxing
all cells of a colour runs along memory and compiles to vectors. Channels lie one after the other in
each row, `pitch` cells apart, and a row of all of them is worked on as one: rows of coarse grids
are short, and the loop around them costs more than they do. Arrays carry two rows and one column of
zeros around the grid: row y lies at y + 2, cell j at j + 1. The neighbours of a red cell (y, j) are
the black cells (y, j), (y - 1, j), (y + 1, j) and, at its side, (y, j - 1) in even rows, (y, j + 1)
in odd ones; for a black cell it is the other way round.

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
    shape: tuple[int, int, int],
    red_only: bool,
) -> None:
    """Relax from zero and bring what is left to the coarse grid: the transpose of `spread_row`.

    Args:
        rhs: Red and black right-hand side, (H + 4, N).
        inverse: Red and black 1 / degree, (H + 4, N).
        span: First and last active cell of each row, (H + 4, 2).
        room: Red and black cells to work in, 0 outside the spans.
        left: Another red plane to work in, (H + 4, N), 0 outside the spans.
        coarse: Red and black right-hand side of the coarse grid, filled.
        open_sides: Whether the domain goes on to the array's top, bottom, left, right edge.
        size: Height and width of the grid.
        shape: Channels, the pitch of this grid and of the coarse one.
        red_only: The right-hand side is 0 at black cells, and not read there.
    """
    height = size[0]
    buffers = np.zeros((3, left.shape[1] + 2), np.float32)
    red, black = room
    for y in range(_PAD, height + 6):
        if y < height + _PAD:
            scale_row(red, inverse[0], rhs[0], np.uint64(y), span)
        if _PAD <= y - 1 < height + _PAD:
            row, lean = np.uint64(y - 1), _black_lean(y - 1)
            if red_only:
                relax_free_row(black, inverse[1], red, row, span, lean)
            else:
                relax_row(black, inverse[1], rhs[1], red, row, span, lean)
        if _PAD <= y - 2 < height + _PAD:
            neighbours_row(left, inverse[0], black, np.uint64(y - 2), span, _red_lean(y - 2))
        if y >= 6 and y % 2 == 0:  # of rows 2 I - 1 to 2 I + 2 the last is done
            _gather(left, (y - 6) // 2, coarse, open_sides, size, shape, buffers)


@compiled
def _gather(
    left: Floats,
    row: int,
    coarse: tuple[Floats, Floats],
    open_sides: Integers,
    size: tuple[int, int],
    shape: tuple[int, int, int],
    buffers: Floats,
) -> None:
    """Fill one row of the coarse right-hand side."""
    height, width = size
    if 2 * row >= height:
        return
    channels, pitch, coarse_pitch = shape
    columns = (width + 1) // 2 + 2
    even, odd, line = buffers[0, :-2], buffers[1, :-2], buffers[2]
    y, one = np.uint64(2 * row + _PAD), np.uint64(1)
    last = y + np.uint64(2) if y + np.uint64(2) < np.uint64(left.shape[0]) else np.uint64(0)
    top = 1.0 if row == 0 and open_sides[0] else 0.75
    end = 1.0 if 2 * row + 2 == height and open_sides[1] else 0.75
    combine_row(even, left, y, last, top, 0.25)
    combine_row(odd, left, y + one, y - one, end, 0.25)
    for c in range(channels):
        first = c * pitch
        beyond = first + columns - 1
        odd[first] = even[first + 1] if open_sides[2] else _ZERO
        even[beyond] = odd[beyond - 1] if open_sides[3] and width % 2 == 0 else _ZERO
    gather_row(line, even, odd)
    here = np.uint64(row + _PAD)
    first_out, second_out = coarse[row & 1], coarse[1 - (row & 1)]
    for c in range(channels):
        line[c * pitch + columns - 1] = _ZERO
        to, start = np.uint64(c * coarse_pitch), np.uint64(c * pitch)
        for j in range(one, np.uint64((columns + 1) // 2)):
            first_out[here, to + j] = line[start + j + j - one]
            second_out[here, to + j] = line[start + j + j]


@compiled
def correct(
    rhs: tuple[Floats, Floats],
    inverse: tuple[Floats, Floats],
    span: Spans,
    coarse: Floats,
    out: tuple[Floats, Floats],
    red_only: bool,
) -> tuple[float, float]:
    """Relax red from zero, add the coarse correction, relax black, then red.

    Args:
        rhs: As for `restrict`.
        inverse: As for `restrict`.
        span: As for `restrict`.
        coarse: The coarse grid's solution, plain, (Hc + 4, N): row y at y + 2, x at x + 1, channels
            as far apart as in this grid.
        out: Red and black solution, filled; 0 outside the spans.
        red_only: As for `restrict`.

    Returns:
        The sum of rhs * out over red cells and the largest |out| there.
    """
    height = rhs[0].shape[0] - 2 * _PAD
    red, black = out
    total, largest = 0.0, 0.0
    for y in range(_PAD, height + 2 * _PAD):
        if y < height + _PAD:
            spread_row(red, inverse[0], rhs[0], coarse, np.uint64(y), span, _red_lean(y))
        if _PAD <= y - 1 < height + _PAD:
            row, lean = np.uint64(y - 1), _black_lean(y - 1)
            if red_only:
                relax_free_row(black, inverse[1], red, row, span, lean)
            else:
                relax_row(black, inverse[1], rhs[1], red, row, span, lean)
        if y - 2 >= _PAD:
            row, lean = np.uint64(y - 2), _red_lean(y - 2)
            if red_only:
                dot, peak = relax_dot_row(red, inverse[0], rhs[0], black, row, span, lean)
                total += float(dot)
                largest = max(largest, float(peak))
            else:
                relax_row(red, inverse[0], rhs[0], black, row, span, lean)
    return total, largest


@compiled
def residual(
    rhs: tuple[Floats, Floats],
    degree_black: Floats,
    span: Spans,
    solution: tuple[Floats, Floats],
) -> None:
    """Turn a right-hand side into what a solution leaves: nothing at red cells, relaxed last."""
    height = rhs[0].shape[0] - 2 * _PAD
    rhs[0][:] = _ZERO
    for y in range(_PAD, height + _PAD):
        remain_row(
            rhs[1], solution[1], degree_black, solution[0], np.uint64(y), span, _black_lean(y)
        )


@compiled
def join(
    first: tuple[Floats, Floats],
    second: tuple[Floats, Floats],
    out: Floats,
    open_sides: Integers,
    size: tuple[int, int],
    shape: tuple[int, int, int],
) -> None:
    """Add two solutions into a plain grid with its pads, which repeat the grid at open sides.

    `shape`: channels, the pitch of this grid and of the plain one.
    """
    one, columns = np.uint64(1), np.uint64((size[1] + 1) // 2 + 1)
    for row in range(_PAD, size[0] + _PAD):
        y = np.uint64(row)
        a, b = first[row & 1], second[row & 1]
        d, e = first[1 - (row & 1)], second[1 - (row & 1)]
        for c in range(shape[0]):
            start, to = np.uint64(c * shape[1]), np.uint64(c * shape[2])
            for j in range(one, columns):
                out[y, to + j + j - one] = a[y, start + j] + b[y, start + j]
                out[y, to + j + j] = d[y, start + j] + e[y, start + j]
    _close(out, open_sides, size, shape)


@compiled
def _close(
    plain: Floats, open_sides: Integers, size: tuple[int, int], shape: tuple[int, int, int]
) -> None:
    height, width = size
    for c in range(shape[0]):
        first = c * shape[2]
        last = first + width
        for y in range(plain.shape[0]):
            plain[y, last + 1] = plain[y, last] if open_sides[3] else _ZERO
            plain[y, first] = plain[y, first + 1] if open_sides[2] else _ZERO
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
    shape: tuple[int, int, int],
) -> None:
    """Apply the inverse of the coarsest grid's operator.

    Args:
        matrix: The inverse, (N, N).
        cells: Row and column of each unknown, (N, 2).
        rhs: As for `restrict`.
        out: The solution, plain, filled.
        open_sides: As for `restrict`.
        size: Height and width of the grid.
        shape: As for `join`.
    """
    number = len(cells)
    right = np.empty(number, np.float32)
    for c in range(shape[0]):
        for i in range(number):
            y, x = cells[i, 0], cells[i, 1]
            right[i] = rhs[(x + y) & 1][y + _PAD, c * shape[1] + x // 2 + 1]
        for i in range(number):
            total = _ZERO
            for k in range(number):
                total += matrix[i, k] * right[k]
            out[cells[i, 0] + _PAD, c * shape[2] + cells[i, 1] + 1] = total
    _close(out, open_sides, size, shape)


@compiled
def search(
    gradient: Floats,
    direction: Floats,
    image: Floats,
    room: Floats,
    inverse_red: Floats,
    inverse_black: Floats,
    span: Spans,
    beta: float,
) -> float:
    """Make the next search direction and its image under the operator with black eliminated.

    Args:
        gradient: Preconditioned residual at red cells, (H + 4, N).
        direction: Search direction at red cells, updated.
        image: Its image, filled.
        room: Black cells to work in, 0 outside the spans.
        inverse_red: 1 / degree of the red cells.
        inverse_black: 1 / degree of the black ones.
        span: As for `restrict`.
        beta: Share of the last direction.

    Returns:
        direction * image.
    """
    height = direction.shape[0] - 2 * _PAD
    total = 0.0
    for y in range(_PAD, height + 2 * _PAD):
        if y < height + _PAD:
            direct_row(direction, gradient, beta, np.uint64(y), span)
        if _PAD <= y - 1 < height + _PAD:
            row = np.uint64(y - 1)
            relax_free_row(room, inverse_black, direction, row, span, _black_lean(y - 1))
        if y - 2 >= _PAD:
            row, lean = np.uint64(y - 2), _red_lean(y - 2)
            total += float(apply_row(image, direction, inverse_red, room, row, span, lean))
    return total


@compiled
def step(x: Floats, r: Floats, direction: Floats, image: Floats, span: Spans, alpha: float) -> None:
    """Go `alpha` along the direction: x += alpha * direction, r -= alpha * image."""
    for y in range(_PAD, x.shape[0] - _PAD):
        advance_row(x, r, direction, image, alpha, np.uint64(y), span)


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
    red, black = rhs
    for row in range(_PAD, room.shape[0] - _PAD):
        scale_row(room, inverse[1], black, np.uint64(row), span)
    for row in range(_PAD, room.shape[0] - _PAD):
        y, lean = np.uint64(row), np.uint64(2 * (row & 1))
        for j in range(span[y, 0], span[y, 1]):
            near = room[y, j] + room[y, j + lean - one]
            near += room[y - one, j] + room[y + two - one, j]
            red[y, j] += near if inverse[0][y, j] > _ZERO else _ZERO


@compiled
def assemble(
    red: Floats,
    rhs_black: Floats,
    inverse_black: Floats,
    span: Spans,
    room: Floats,
    pitch: int,
    scale: float,
    out: Floats,
) -> None:
    """Solve for the black cells and fill the active cells of an image, (H, W, C).

    Args:
        red: The solution at red cells.
        rhs_black: Right-hand side of the black ones.
        inverse_black: 1 / their degree.
        span: As for `restrict`.
        room: Black cells to work in.
        pitch: Cells from one channel to the next.
        scale: The solution is multiplied by this.
        out: Filled in the spans.
    """
    width, channels = out.shape[1], out.shape[2]
    by, one = np.float32(scale), np.uint64(1)
    for row in range(_PAD, red.shape[0] - _PAD):
        y = np.uint64(row)
        relax_row(room, inverse_black, rhs_black, red, y, span, _black_lean(row))
        if span[y, 1] == 0:
            continue
        even, odd = (red, room) if row % 2 == 0 else (room, red)
        line = out[row - _PAD]
        for c in range(channels):
            start = np.uint64(c * pitch + 1)
            for j in range(np.uint64((width + 1) // 2)):
                line[j + j, c] = even[y, start + j] * by
            for j in range(np.uint64(width // 2)):
                line[j + j + one, c] = odd[y, start + j] * by
