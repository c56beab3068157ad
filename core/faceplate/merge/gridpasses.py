"""The passes of the multigrid solver (multigrid.py) over its grids, compiled by numba.

The operator is A u = degree * u - sum of the four neighbours. Black cells follow from red ones, and
so each grid is solved for its red ones. A pass takes a grid from top to bottom once and does all
that is to be done: row y is relaxed for the second time as soon as row y + 1 has been relaxed for
the first, and so on. So the rows at work, some 16 of each colour, stay in the cache, and the memory
is read and written once in a pass: that is what a pass costs. There is one thread: a frame has one
core.

Layout: gridplan.py; what is done to single rows: gridwork.py.
"""

import numpy as np

from faceplate.merge.gridplan import (
    BLACK,
    BLACK_WEIGHT,
    HEIGHT,
    LEFT,
    LINES,
    PITCH,
    PLAIN,
    RED,
    RED_WEIGHT,
    SLOTS,
    SOLUTION,
    SPAN,
    WHOLE,
    WIDE,
    WIDTH,
)
from faceplate.merge.gridrows import (
    Floats,
    Weights,
    add_row,
    bare,
    clear_row,
    dot_row,
    relax_dot_row,
    remain_row,
    residual_row,
    scale_row,
    share_row,
    spread_row,
)
from faceplate.merge.gridwork import (
    Doubles,
    Frame,
    Integers,
    clear_around,
    combine,
    gather,
    join,
    near_of,
    relax,
    slot,
)

__all__ = ["advance", "ascend_coarse", "ascend_fine", "assemble", "descend", "direct", "fold"]

_ZERO = np.float32(0)
_SWEEPS = 3  # relaxations of each colour


@bare
def _enter(
    pool: Floats, weights: Weights, spans: Integers, level: Integers, coarse: int, frame: Frame,
    y: int, added_to: int,
) -> None:  # fmt: skip
    """Bring row y to work: the coarse correction, and what it is added to (-1: nothing).

    `coarse`: where the coarse solution starts; -1 for none.
    """
    pitch, channels = level[PITCH], frame[0]
    red = slot(level, frame, 0, y)
    clear_around(pool, level, spans, red, y)
    clear_around(pool, level, spans, slot(level, frame, SLOTS, y), y)
    if y >= level[HEIGHT]:
        return
    start, number = spans[level[SPAN] + y, 0], spans[level[SPAN] + y, 1]
    if coarse < 0:
        clear_row(pool, red + start, number)
    else:
        # even rows lie in the upper half of a coarse cell, odd ones below; red cells lie in its
        # left half in even rows
        toward, side = (-pitch, -channels) if y & 1 == 0 else (pitch, channels)
        here = coarse + (y // 2 + 1) * pitch + start
        rows = (here, here + toward, here + side, here + toward + side)
        at = level[RED_WEIGHT] + y * pitch + start
        spread_row(pool, red + start, rows, weights, at, number)
    if added_to >= 0:
        add_row(pool, red + start, added_to + y * pitch + start, 1.0, number)


@bare
def descend(
    pool: Floats, weights: Weights, spans: Integers, level: Integers, below: Integers,
    frame: Frame, whole: float, store: bool, further: bool,
) -> None:  # fmt: skip
    """Take black cells out of a right-hand side and bring it to the coarse grid.

    Args:
        pool: See gridplan.py.
        weights: `whole` / degree of all cells, 0 outside the domain.
        spans: Per row, where the work starts and how many numbers, first and last cell.
        level: Fields of the grid.
        below: Fields of the coarser grid.
        frame: See `Frame`.
        whole: Its reciprocal is the unit of `weights`.
        store: Write the red right-hand side back; black is 0 for it.
        further: There is a coarser grid, and what is left is brought to it.
    """
    height, pitch = level[HEIGHT], level[PITCH]
    clear_row(pool, slot(level, frame, SLOTS, -1), pitch)
    clear_row(pool, slot(level, frame, LEFT, -1), pitch)
    for t in range(height + 4):
        black = slot(level, frame, SLOTS, t)
        clear_around(pool, level, spans, black, t)
        if t < height:
            start, number = spans[level[SPAN] + t, 0], spans[level[SPAN] + t, 1]
            along = t * pitch + start
            at = level[BLACK_WEIGHT] + along
            scale_row(pool, black + start, level[BLACK] + along, weights, at, whole, number)
        y = t - 1
        if y < 0:
            continue
        left = slot(level, frame, LEFT, y)
        clear_around(pool, level, spans, left, y)
        if y < height:
            start, number = spans[level[SPAN] + y, 0], spans[level[SPAN] + y, 1]
            near, along = near_of(level, spans, frame, SLOTS, y), y * pitch + start
            at = level[RED_WEIGHT] + along
            remain_row(pool, left + start, level[RED] + along, near, weights, at, number)
            if store:
                share_row(pool, level[RED] + along, left + start, 1.0, number)
        if further and y % 2 == 0:  # of rows 2 I - 1 to 2 I + 2 the last is done
            gather(pool, spans, level, below, frame, y // 2 - 1)


@bare
def advance(
    pool: Floats, weights: Weights, spans: Integers, level: Integers, below: Integers,
    frame: Frame, shares: Doubles, further: bool,
) -> None:  # fmt: skip
    """Take shares of the solutions kept off the right-hand side and bring the rest to the coarse grid.

    Args as for `descend`; right-hand sides of black cells are 0.
    """  # noqa: E501
    height, pitch = level[HEIGHT], level[PITCH]
    clear_row(pool, slot(level, frame, 0, -1), pitch)
    clear_row(pool, slot(level, frame, SLOTS, -1), pitch)
    clear_row(pool, slot(level, frame, LEFT, -1), pitch)
    for t in range(height + 5):
        clear_around(pool, level, spans, slot(level, frame, 0, t), t)
        clear_around(pool, level, spans, slot(level, frame, SLOTS, t), t)
        if t < height:
            combine(pool, spans, level, frame, shares, t)
        relax(pool, weights, spans, level, frame, WHOLE, t - 1, False, True)
        y = t - 2
        if y < 0:
            continue
        left = slot(level, frame, LEFT, y)
        clear_around(pool, level, spans, left, y)
        if y < height:
            start, number = spans[level[SPAN] + y, 0], spans[level[SPAN] + y, 1]
            near, along = near_of(level, spans, frame, SLOTS, y), y * pitch + start
            own = slot(level, frame, 0, y) + start
            rhs, at = level[RED] + along, level[RED_WEIGHT] + along
            residual_row(pool, left + start, rhs, own, near, weights, at, WHOLE, number)
            share_row(pool, rhs, left + start, 1.0, number)
        if further and y % 2 == 0:
            gather(pool, spans, level, below, frame, y // 2 - 1)


@bare
def ascend_fine(
    pool: Floats, weights: Weights, spans: Integers, level: Integers, coarse: int, frame: Frame,
    kept: int, sums: Doubles,
) -> None:  # fmt: skip
    """Add the coarse correction on the finest grid and relax.

    Args:
        pool: As for `descend`; so are those not named.
        weights: See there.
        spans: See there.
        level: See there.
        coarse: Where the coarse solution starts, -1 for none.
        frame: See there.
        kept: Which of the solutions kept becomes this one.
        sums: Filled: its product with the right-hand side, its largest |value|, and the products of
            its image under the operator with each solution kept up to this one.
    """
    height, pitch = level[HEIGHT], level[PITCH]
    plane, spare = height * pitch, frame[1] + (LINES + 3) * pitch
    image = frame[1] + LINES * pitch
    clear_row(pool, slot(level, frame, 0, -1), pitch)
    clear_row(pool, slot(level, frame, SLOTS, -1), pitch)
    clear_row(pool, spare, pitch)
    for i in range(len(sums)):
        sums[i] = 0
    for t in range(height + 2 * _SWEEPS + 2):
        _enter(pool, weights, spans, level, coarse, frame, t, -1)
        for sweep in range(1, 2 * _SWEEPS):
            relax(
                pool, weights, spans, level, frame, WHOLE, t - sweep, sweep & 1 == 0, sweep & 1 == 1
            )
        y = t - 2 * _SWEEPS
        if 0 <= y < height:
            start, number = spans[level[SPAN] + y, 0], spans[level[SPAN] + y, 1]
            along, out = y * pitch + start, slot(level, frame, 0, y) + start
            near = near_of(level, spans, frame, SLOTS, y)
            rhs, at = level[RED] + along, level[RED_WEIGHT] + along
            product, peak = relax_dot_row(pool, out, near, rhs, weights, at, WHOLE, number)
            sums[0] += np.float64(product)
            sums[1] = max(sums[1], np.float64(peak))
            share_row(pool, level[SOLUTION] + kept * plane + along, out, 1.0, number)
        relax(pool, weights, spans, level, frame, WHOLE, y - 1, False, True)
        y -= 2
        if 0 <= y < height:
            start, number = spans[level[SPAN] + y, 0], spans[level[SPAN] + y, 1]
            along, own = y * pitch + start, slot(level, frame, 0, y) + start
            near, at = near_of(level, spans, frame, SLOTS, y), level[RED_WEIGHT] + along
            residual_row(pool, image, spare, own, near, weights, at, WHOLE, number)
            for i in range(kept):
                row = level[SOLUTION] + i * plane + along
                sums[2 + i] -= np.float64(dot_row(pool, row, image, number))
            sums[2 + kept] -= np.float64(dot_row(pool, own, image, number))


@bare
def ascend_coarse(
    pool: Floats, spans: Integers, level: Integers, coarse: int, below: Integers, frame: Frame,
    added_to: int, again: bool,
) -> None:  # fmt: skip
    """Add the coarse correction on a coarse grid and relax.

    Args:
        pool: As for `descend`.
        spans: See there.
        level: See there.
        coarse: Where the coarse solution starts, -1 for none.
        below: Fields of the coarser grid.
        frame: See there.
        added_to: Where the solution starts that the correction is added to; -1 for none.
        again: Keep the solution and bring what it leaves to the coarser grid; else it is filled in
            as a plain grid.
    """
    height, pitch = level[HEIGHT], level[PITCH]
    clear_row(pool, slot(level, frame, 0, -1), pitch)
    clear_row(pool, slot(level, frame, SLOTS, -1), pitch)
    clear_row(pool, slot(level, frame, LEFT, -1), pitch)
    for t in range(height + 2 * _SWEEPS + 6):
        _enter(pool, pool, spans, level, coarse, frame, t, added_to)
        for sweep in range(1, 2 * _SWEEPS + 2):
            relax(pool, pool, spans, level, frame, 1.0, t - sweep, sweep & 1 == 0, False)
        y = t - 2 * _SWEEPS - 1
        if not again and 0 <= y < height:
            _fill(pool, spans, level, frame, y)
        y -= 1
        if again and y >= 0:
            _leave(pool, spans, level, below, frame, y)
    if not again:
        _close(pool, level, frame)


@bare
def _leave(
    pool: Floats, spans: Integers, level: Integers, below: Integers, frame: Frame, y: int
) -> None:
    """Keep row y of a solution, and bring what it leaves to the coarse grid."""
    left = slot(level, frame, LEFT, y)
    clear_around(pool, level, spans, left, y)
    if y < level[HEIGHT]:
        start, number = spans[level[SPAN] + y, 0], spans[level[SPAN] + y, 1]
        along, own = y * level[PITCH] + start, slot(level, frame, 0, y) + start
        near = near_of(level, spans, frame, SLOTS, y)
        rhs, at = level[RED] + along, level[RED_WEIGHT] + along
        residual_row(pool, left + start, rhs, own, near, pool, at, 1.0, number)
        share_row(pool, level[SOLUTION] + along, own, 1.0, number)
    if y % 2 == 0:
        gather(pool, spans, level, below, frame, y // 2 - 1)


@bare
def _fill(pool: Floats, spans: Integers, level: Integers, frame: Frame, y: int) -> None:
    """Fill row y of a plain grid."""
    wide, channels = level[WIDE], frame[0]
    line = level[PLAIN] + (y + 1) * wide
    clear_row(pool, line, wide)
    first, last = spans[level[SPAN] + y, 2], spans[level[SPAN] + y, 3]
    if last < 0:
        return
    red, black = slot(level, frame, 0, y), slot(level, frame, SLOTS, y)
    even, odd = (red, black) if y & 1 == 0 else (black, red)
    join(pool, line, even, odd, first // 2, last // 2 + 1, channels)


@bare
def _close(pool: Floats, level: Integers, frame: Frame) -> None:
    """Fill the cells around a plain grid: 0, or at open sides the cells next to them."""
    height, width, channels = level[HEIGHT], level[WIDTH], frame[0]
    wide = level[WIDE]
    top = level[PLAIN]
    if frame[4] or frame[5]:
        for y in range(1, height + 1):
            for c in range(channels):
                row = top + y * wide + c
                if frame[4]:
                    pool[row] = pool[row + channels]
                if frame[5]:
                    pool[row + (width + 1) * channels] = pool[row + width * channels]
    share_row(pool, top, top + wide, 1.0 if frame[2] else 0.0, wide)
    end = top + height * wide
    share_row(pool, end + wide, end, 1.0 if frame[3] else 0.0, wide)


@bare
def direct(
    pool: Floats, level: Integers, cells: Integers, matrix: Floats, frame: Frame, right: Floats
) -> None:
    """Apply the inverse of the coarsest grid's operator, (N, N), to its unknowns, (N, 2).

    `right` is room for N numbers.
    """
    channels, number, wide = frame[0], len(cells), level[WIDE]
    clear_row(pool, level[PLAIN], (level[HEIGHT] + 2) * wide)
    for c in range(channels):
        for i in range(number):
            y, x = cells[i, 0], cells[i, 1]
            plane = level[BLACK] if (x + y) & 1 else level[RED]
            right[i] = pool[plane + y * level[PITCH] + (x // 2 + 1) * channels + c]
        for i in range(number):
            total = _ZERO
            for k in range(number):
                total += matrix[i, k] * right[k]
            at = (cells[i, 0] + 1) * wide + (cells[i, 1] + 1) * channels + c
            pool[level[PLAIN] + at] = total
    _close(pool, level, frame)


@bare
def assemble(
    pool: Floats, weights: Weights, spans: Integers, level: Integers, frame: Frame,
    shares: Doubles, scale: float, out: Floats, origin: tuple[int, int],
) -> None:  # fmt: skip
    """Add shares of the solutions kept to an image, (H, W * C), black cells solved for.

    Args:
        pool: As for `descend`; so are those not named.
        weights: See there.
        spans: See there.
        level: Fields of the finest grid.
        frame: See there.
        shares: Of each solution kept.
        scale: All are multiplied by this.
        out: Added to in the domain.
        origin: Row and column of the image where the grid lies.
    """
    height, pitch, channels = level[HEIGHT], level[PITCH], frame[0]
    clear_row(pool, slot(level, frame, 0, -1), pitch)
    line = frame[1] + LINES * pitch
    by, first_cell = np.float32(scale), np.uint64(line + channels)
    for t in range(height + 1):
        clear_around(pool, level, spans, slot(level, frame, 0, t), t)
        clear_around(pool, level, spans, slot(level, frame, SLOTS, t), t)
        if t < height:
            combine(pool, spans, level, frame, shares, t)
        y = t - 1
        relax(pool, weights, spans, level, frame, WHOLE, y, False, False)
        if y < 0:
            continue
        first, last = spans[level[SPAN] + y, 2], spans[level[SPAN] + y, 3]
        if last < 0:
            continue
        red, black = slot(level, frame, 0, y), slot(level, frame, SLOTS, y)
        even, odd = (red, black) if y & 1 == 0 else (black, red)
        join(pool, line, even, odd, first // 2, last // 2 + 1, channels)
        row, start = np.uint64(origin[0] + y), np.uint64(channels * origin[1])
        for j in range(np.uint64(channels * first), np.uint64(channels * (last + 1))):
            out[row, start + j] += by * pool[first_cell + j]


@bare
def fold(pool: Floats, spans: Integers, level: Integers, frame: Frame, shares: Doubles) -> None:
    """Replace the first of the solutions kept by shares of all of them."""
    for y in range(level[HEIGHT]):
        combine(pool, spans, level, frame, shares, y)
        start, number = spans[level[SPAN] + y, 0], spans[level[SPAN] + y, 1]
        row = level[SOLUTION] + y * level[PITCH] + start
        share_row(pool, row, slot(level, frame, 0, y) + start, 1.0, number)
