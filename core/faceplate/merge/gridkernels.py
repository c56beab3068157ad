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
A row is worked on as soon as those it needs are done, in buffers of four rows that stay in the
cache. There is one thread: a frame has one core.
"""

import numpy as np
from numpy.typing import NDArray

from faceplate.merge.gridrows import (
    Floats,
    Integers,
    advance,
    apply,
    combine,
    compiled,
    dot_and_peak,
    gather,
    neighbours_row,
    next_direction,
    relax,
    relax_row,
    remain,
    scale,
    spread,
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

_PAD = 2
_ZERO = np.float32(0)


@compiled
def restrict(
    rhs: tuple[Floats, Floats],
    inverse: tuple[Floats, Floats],
    span: Integers,
    room: tuple[Floats, Floats],
    coarse: tuple[Floats, Floats],
    open_sides: Integers,
    size: tuple[int, int],
) -> None:
    """Relax from zero and bring what is left to the coarse grid: the transpose of `spread`.

    Args:
        rhs: Red and black right-hand side, (C, H + 4, J + 2).
        inverse: Red and black 1 / degree, (H + 4, J + 2).
        span: First and last active cell of each row, (H + 4, 2).
        room: Red and black cells to work in, 0 outside the spans.
        coarse: Red and black right-hand side of the coarse grid, filled.
        open_sides: Whether the domain goes on to the array's top, bottom, left, right edge.
        size: Height and width of the grid.
    """
    channels, rows, columns = rhs[0].shape
    height, width = size
    even, odd = np.zeros(columns, np.float32), np.zeros(columns, np.float32)
    line = np.zeros(columns + 2, np.float32)
    left = np.zeros((4, columns), np.float32)
    for c in range(channels):
        red, black = room[0][c], room[1][c]
        left[:] = _ZERO
        for step_y in range(_PAD, rows + 2):
            y = step_y
            if y < height + _PAD:
                cells = slice(span[y, 0], span[y, 1])
                scale(red[y, cells], inverse[0][y, cells], rhs[0][c, y, cells])
            y = step_y - 1
            if _PAD <= y < height + _PAD:
                relax_row(black, inverse[1], rhs[1][c], red, y, span, 1 - 2 * (y & 1))
            y = step_y - 2
            left[y & 3, :] = _ZERO
            if _PAD <= y < height + _PAD:
                neighbours_row(left[y & 3], inverse[0], black, y, span, 2 * (y & 1) - 1)
            if y < 4 or y & 1:
                continue
            row = (y - 4) // 2  # of the coarse grid; it takes rows y - 3 to y, odd, even, odd, even
            if 2 * row >= height:
                continue
            top = 1.0 if row == 0 and open_sides[0] else 0.75
            end = 1.0 if 2 * row + 2 == height and open_sides[1] else 0.75
            combine(even, left[(y - 2) & 3], left[y & 3], top, 0.25)
            combine(odd, left[(y - 1) & 3], left[(y - 3) & 3], end, 0.25)
            odd[0] = even[1] if open_sides[2] else _ZERO
            even[-1] = odd[-2] if open_sides[3] and width % 2 == 0 else _ZERO
            gather(line[1 : columns - 1], even[1:-1], odd[1:-1], odd[:-2], even[2:])
            first, second = coarse[row & 1], coarse[1 - (row & 1)]
            for j in range(1, first.shape[2] - 1):
                first[c, row + _PAD, j] = line[2 * j - 1]
                second[c, row + _PAD, j] = line[2 * j]


@compiled
def correct(
    rhs: tuple[Floats, Floats],
    inverse: tuple[Floats, Floats],
    span: Integers,
    coarse: Floats,
    out: tuple[Floats, Floats],
    figures: NDArray[np.float64],
) -> None:
    """Relax from zero, add the correction of the coarse grid, relax black, relax red.

    Args:
        rhs: As for `restrict`.
        inverse: As for `restrict`.
        span: As for `restrict`.
        coarse: The coarse grid's solution, plain, (C, Hc + 4, Wc + 2): row y at y + 2, x at x + 1.
        out: Red and black solution, filled; 0 outside the spans.
        figures: (2, C): sum of rhs * out over red cells and largest |out| there, filled.
    """
    channels, rows, _ = rhs[0].shape
    height = rows - 2 * _PAD
    for c in range(channels):
        red, black = out[0][c], out[1][c]
        total, largest = 0.0, 0.0
        for step_y in range(_PAD, rows):
            y = step_y
            if y < height + _PAD:
                first, last = span[y, 0], span[y, 1]
                side = 2 * (y & 1) - 1  # of the rows too: even rows lean up, odd ones down
                near, far = coarse[c, y // 2 + 1], coarse[c, y // 2 + 1 + side]
                spread(
                    red[y, first:last],
                    inverse[0][y, first:last],
                    rhs[0][c, y, first:last],
                    near[first:last],
                    far[first:last],
                    near[first + side : last + side],
                    far[first + side : last + side],
                )
            y = step_y - 1
            if _PAD <= y < height + _PAD:
                relax_row(black, inverse[1], rhs[1][c], red, y, span, 1 - 2 * (y & 1))
            y = step_y - 2
            if y < _PAD:
                continue
            relax_row(red, inverse[0], rhs[0][c], black, y, span, 2 * (y & 1) - 1)
            dot, peak = dot_and_peak(
                red[y, span[y, 0] : span[y, 1]], rhs[0][c, y, span[y, 0] : span[y, 1]]
            )
            total += float(dot)
            largest = max(largest, float(peak))
        figures[0, c], figures[1, c] = total, largest


@compiled
def residual(
    rhs: tuple[Floats, Floats],
    degree_black: Floats,
    span: Integers,
    solution: tuple[Floats, Floats],
) -> None:
    """Turn a right-hand side into what `solution` leaves of it: nothing at red cells (relaxed last)."""  # noqa: E501
    channels, rows, _ = rhs[0].shape
    red, black = solution
    for c in range(channels):
        for y in range(_PAD, rows - _PAD):
            first, last = span[y, 0], span[y, 1]
            side = 1 - 2 * (y & 1)
            rhs[0][c, y, :] = _ZERO
            remain(
                rhs[1][c, y, first:last],
                black[c, y, first:last],
                degree_black[y, first:last],
                red[c, y, first:last],
                red[c, y, first + side : last + side],
                red[c, y - 1, first:last],
                red[c, y + 1, first:last],
            )


@compiled
def join(
    first: tuple[Floats, Floats],
    second: tuple[Floats, Floats],
    out: Floats,
    open_sides: Integers,
    size: tuple[int, int],
) -> None:
    """Add two solutions into a plain grid with its pads, which repeat the grid at open sides."""
    channels, _, columns = first[0].shape
    height, width = size
    for c in range(channels):
        for y in range(_PAD, height + _PAD):
            colour = y & 1
            for j in range(1, columns - 1):
                out[c, y, 2 * j - 1] = first[colour][c, y, j] + second[colour][c, y, j]
                out[c, y, 2 * j] = first[1 - colour][c, y, j] + second[1 - colour][c, y, j]
        _close(out[c], open_sides, height, width)


@compiled
def _close(plain: Floats, open_sides: Integers, height: int, width: int) -> None:
    plain[:, width + 1] = plain[:, width] if open_sides[3] else np.zeros_like(plain[:, width])
    if open_sides[2]:
        plain[:, 0] = plain[:, 1]
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
    for c in range(out.shape[0]):
        for i in range(number):
            y, x = cells[i, 0], cells[i, 1]
            right[i] = rhs[(x + y) & 1][c, y + _PAD, x // 2 + 1]
        for i in range(number):
            total = dot_and_peak(matrix[i], right)[0]
            out[c, cells[i, 0] + _PAD, cells[i, 1] + 1] = total
        _close(out[c], open_sides, size[0], size[1])


@compiled
def search(
    gradient: Floats,
    direction: Floats,
    image: Floats,
    degree_red: Floats,
    inverse_black: Floats,
    span: Integers,
    beta: NDArray[np.float64],
    curvature: NDArray[np.float64],
) -> None:
    """Make the next search direction and its image under the operator with black eliminated.

    Args:
        gradient: Preconditioned residual at red cells, (C, H + 4, J + 2).
        direction: Search direction at red cells, updated.
        image: Its image, filled.
        degree_red: Degree of the red cells, 0 outside.
        inverse_black: 1 / degree of the black ones.
        span: As for `restrict`.
        beta: Share of the last direction, (C,).
        curvature: direction * image, (C,), filled.
    """
    channels, rows, columns = direction.shape
    height = rows - 2 * _PAD
    black = np.zeros((4, columns), np.float32)
    for c in range(channels):
        own = direction[c]
        black[:] = _ZERO
        total = 0.0
        for step_y in range(_PAD, rows):
            y = step_y
            if y < height + _PAD:
                cells = slice(span[y, 0], span[y, 1])
                next_direction(own[y, cells], gradient[c, y, cells], beta[c])
            y = step_y - 1
            black[y & 3, :] = _ZERO
            if _PAD <= y < height + _PAD:
                cells = slice(span[y, 0], span[y, 1])
                neighbours_row(black[y & 3], inverse_black, own, y, span, 1 - 2 * (y & 1))
                scale(black[y & 3, cells], black[y & 3, cells], inverse_black[y, cells])
            y = step_y - 2
            if y < _PAD:
                continue
            first, last = span[y, 0], span[y, 1]
            side = 2 * (y & 1) - 1
            total += float(
                apply(
                    image[c, y, first:last],
                    own[y, first:last],
                    degree_red[y, first:last],
                    black[y & 3, first:last],
                    black[y & 3, first + side : last + side],
                    black[(y - 1) & 3, first:last],
                    black[(y + 1) & 3, first:last],
                )
            )
        curvature[c] = total


@compiled
def step(
    x: Floats,
    r: Floats,
    direction: Floats,
    image: Floats,
    span: Integers,
    alpha: NDArray[np.float64],
) -> None:
    """Go `alpha` (C,) along the direction: x += alpha * direction, r -= alpha * image."""
    channels, rows, _ = x.shape
    for c in range(channels):
        for y in range(_PAD, rows - _PAD):
            cells = slice(span[y, 0], span[y, 1])
            advance(
                x[c, y, cells], r[c, y, cells], direction[c, y, cells], image[c, y, cells], alpha[c]
            )


@compiled
def eliminate(
    rhs: tuple[Floats, Floats], inverse: tuple[Floats, Floats], span: Integers, out: Floats
) -> None:
    """Fill `out` with the right-hand side at red cells once the black ones are eliminated."""
    channels, rows, _ = out.shape
    for c in range(channels):
        for y in range(_PAD, rows - _PAD):
            side = 2 * (y & 1) - 1
            for j in range(span[y, 0], span[y, 1]):
                if inverse[0][y, j] > _ZERO:
                    near = inverse[1][y, j] * rhs[1][c, y, j]
                    near += inverse[1][y, j + side] * rhs[1][c, y, j + side]
                    near += inverse[1][y - 1, j] * rhs[1][c, y - 1, j]
                    near += inverse[1][y + 1, j] * rhs[1][c, y + 1, j]
                    out[c, y, j] = rhs[0][c, y, j] + near


@compiled
def assemble(
    red: Floats,
    rhs_black: Floats,
    inverse_black: Floats,
    span: Integers,
    out: Floats,
) -> None:
    """Solve for the black cells and fill the active cells of an image, (H, W, C)."""
    channels, rows, columns = red.shape
    buffer = np.zeros((4, columns), np.float32)
    width = out.shape[1]
    for c in range(channels):
        for y in range(_PAD, rows - _PAD):
            first, last = span[y, 0], span[y, 1]
            side = 1 - 2 * (y & 1)
            if first == last:
                continue
            relax(
                buffer[0, first:last],
                inverse_black[y, first:last],
                rhs_black[c, y, first:last],
                red[c, y, first:last],
                red[c, y, first + side : last + side],
                red[c, y - 1, first:last],
                red[c, y + 1, first:last],
            )
            lean = y & 1
            for j in range(first, last):
                out[y - _PAD, 2 * (j - 1) + lean, c] = red[c, y, j]
                other = 2 * (j - 1) + 1 - lean
                if other < width:
                    out[y - _PAD, other, c] = buffer[0, j]
