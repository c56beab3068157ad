"""Where everything of the multigrid solver lies in its pool of floats (gridpasses.py).

A grid is stored by colour, as a chess board is: red cells are those with x + y even. Row y holds
its red cells at x // 2 of one plane and its black cells likewise of another, so that relaxing all
cells of a colour runs along memory and compiles to vectors. The channels of a cell lie side by
side. One cell of 0 comes before each row, and some after it.
"""

import threading
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from faceplate.merge.gridrows import Floats

__all__ = ["AT_ONCE", "KEPT", "LINES", "SLOTS", "Plan", "pool_of"]

Integers = NDArray[np.int64]

AT_ONCE = 32  # numbers of a row that are worked on together
SLOTS = 16  # rows of each colour that are at work at a time
LEFT = 2 * SLOTS  # after the slots of red and black rows: what is left of right-hand sides
LINES = 3 * SLOTS  # where the rows of other use begin, in rows from the first slot
KEPT = 4  # solutions that are kept: those that conjugate gradients combine
WHOLE = 12.0  # weights of the finest grid are this over the degree: whole numbers, in a byte

# Fields of a level.
HEIGHT, WIDTH, PITCH, SPAN, RED, BLACK, RED_WEIGHT, BLACK_WEIGHT, SOLUTION, PLAIN, WIDE = range(11)


@dataclass(frozen=True, eq=False)
class Plan:
    """Where the planes of each level lie, and how much room they take."""

    levels: Integers
    """(L, 11): height, width, numbers in a row, first row in the table of spans, and where planes
    start: right-hand side red and black, 1 / degree red and black (of the finest grid in an array
    of their own), solution red, solution plain (its rows as long as those of the next finer grid,
    with one more above and below)."""
    work: int
    """Where the rows at work start, each as long as one of the finest grid."""
    rows: int
    """Rows of all levels."""
    size: int
    """Numbers in the pool."""

    @classmethod
    def of(cls, height: int, width: int, channels: int) -> "Plan":
        """Lay out all grids down to a single cell."""
        levels: list[list[int]] = []
        at, rows, finer = 0, 0, 0
        while True:
            pitch = channels * ((width + 1) // 2 + 2) + AT_ONCE
            plane = height * pitch
            # the finest grid keeps its 1 / degree elsewhere and several solutions
            planes = [1, 1, 0, 0, KEPT] if not levels else [1, 1, 1, 1, 1]
            starts = [at + plane * sum(planes[:i]) for i in range(5)]
            at += plane * sum(planes)
            levels.append([height, width, pitch, rows, *starts, at, finer])
            at += (height + 2) * finer
            rows, finer = rows + height, pitch
            if height * width == 1:
                break
            height, width = (height + 1) // 2, (width + 1) // 2
        first = levels[0]
        first[RED_WEIGHT], first[BLACK_WEIGHT] = 0, first[HEIGHT] * first[PITCH]
        return cls(np.array(levels, np.int64), at, rows, at + (LINES + 4) * first[PITCH])


_KEPT = threading.local()
_MOST = 1 << 24


def pool_of(size: int) -> Floats:
    """Return room for one solution, kept for the next one of this thread: new pages cost more than work.

    Finite numbers, of any value. Not kept beyond 64 MB.
    """  # noqa: E501
    kept: Floats | None = getattr(_KEPT, "pool", None)
    if kept is None or kept.size < size:
        kept = np.zeros(size, np.float32)
        if size <= _MOST:
            _KEPT.pool = kept
    return kept
