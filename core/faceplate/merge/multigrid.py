"""Harmonic extension: the smoothest field with given values along the edge of a region.

The 5-point Laplace equation inside a mask of any shape, by conjugate gradients on the red cells of
a chess board (the black ones follow from them), preconditioned by a multigrid W-cycle with one
red-black relaxation before and one after. An iteration takes the error down by a factor of about
ten at every size (docs/poisson.md).

References: U. Trottenberg, C. Oosterlee, A. Schüller, "Multigrid", 2001 (W-cycles, red-black
relaxation, multigrid as a preconditioner); Y. Saad, "Iterative Methods for Sparse Linear Systems",
2003, section 9.2 (preconditioned conjugate gradients).
"""

import logging
import threading
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from faceplate.merge import gridkernels as kernels
from faceplate.merge import gridsetup as setup
from faceplate.merge.gridrows import Floats, Spans

__all__ = ["Harmonic", "harmonic"]

logger = logging.getLogger(__name__)

Mask = NDArray[np.uint8]
Integers = NDArray[np.int64]
Colours = tuple[Floats, Floats]

_DENSE = 160  # unknowns that are solved directly
# Coarse grids that take two cycles: the finest two of them, and all with so many unknowns. With
# two on every grid the result is no better, with fewer it takes an iteration more.
_TWICE, _MANY = 2, 5000
# Shares of the largest boundary value that the last iteration changed; the error that is left is
# about a tenth of it (docs/poisson.md).
_ENOUGH = 3e-4
_TOO_MUCH = 1e-3


class _Room:
    """Memory for one solution, kept for the next one of this thread: new pages cost more than work.

    Not kept beyond 64 MB.
    """

    _KEPT = threading.local()
    _MOST = 1 << 24

    def __init__(self, number: int) -> None:
        kept: Floats | None = getattr(self._KEPT, "cells", None)
        if kept is None or kept.size < number:
            kept = np.empty(number, np.float32)
            if number <= self._MOST:
                self._KEPT.cells = kept
        self._cells = kept[:number]
        self._cells[:] = 0

    def take(self, rows: int, columns: int) -> Floats:
        """Return zeros."""
        taken, self._cells = np.split(self._cells, [rows * columns])
        return taken.reshape(rows, columns)


@dataclass(frozen=True, eq=False)
class _Grid:
    """One level: what stays, and room for one solution."""

    size: tuple[int, int]
    pitch: int
    inverse: Colours
    degree_black: Floats
    span: Spans
    rhs: Colours
    first: Colours
    second: Colours
    left: Floats
    plain: Floats
    twice: bool
    dense: tuple[Integers, Floats] | None

    @classmethod
    def of(
        cls, inverse: Floats, channels: int, wide: int, room: _Room, dense: bool, twice: bool
    ) -> "_Grid":
        height, width = inverse.shape
        pitch = _pitch(width)
        rows, columns = height + 4, _columns(channels, width)

        def pair() -> Colours:
            return room.take(rows, columns), room.take(rows, columns)

        colours = pair()
        degree = room.take(rows, columns if wide else 0)
        span = np.zeros((rows, 2), np.uint64)
        setup.split(inverse, colours, degree, span, channels, pitch)
        return cls(
            size=(height, width),
            pitch=pitch,
            inverse=colours,
            degree_black=degree,
            span=span,
            rhs=pair(),
            first=pair(),
            second=pair(),
            left=room.take(rows, columns),
            plain=room.take(rows, wide),
            twice=twice,
            dense=setup.dense_inverse(inverse) if dense else None,
        )


@dataclass(frozen=True, eq=False)
class Harmonic:
    """A solution and how it was come by."""

    field: Floats
    """HxWxC; 0 outside the unknowns."""
    iterations: int
    update: float
    """Largest change of the last iteration over the largest boundary value; the error is smaller."""  # noqa: E501


def harmonic(mask: Mask, ring: Integers, values: Floats, iterations: int) -> Harmonic:
    """Extend boundary values into a region.

    Args:
        mask: (H + 2) x (W + 2): 1 unknown, 0 known; in the padding, 2 where the region goes on to
            the edge of the frame (no flow across it), else 0.
        ring: Row and column of the known cells next to unknown ones, N x 2 (`ring_of`); not empty.
        values: Their values, N x C, finite.
        iterations: The most that are done; fewer where the last changed next to nothing.
    """
    scale = np.abs(values).max(initial=0.0)
    height, width = mask.shape[0] - 2, mask.shape[1] - 2
    if scale == 0:
        return Harmonic(np.zeros((height, width, values.shape[1]), np.float32), 0, 0.0)
    solver = _Solver(mask, values.shape[1])
    fine = solver.grids[0]
    setup.add_boundary(mask, ring, values / scale, fine.rhs, fine.pitch)
    return solver.solve(iterations, float(scale))


class _Solver:
    def __init__(self, mask: Mask, channels: int) -> None:
        self._channels = channels
        height, width = mask.shape[0] - 2, mask.shape[1] - 2
        room = _Room(_cells(height, width, channels))
        inverse = setup.unit_inverse(mask)
        self.grids = [_Grid.of(inverse, channels, 0, room, dense=False, twice=False)]
        edges = (mask[0, 1], mask[-1, 1], mask[1, 0], mask[1, -1])
        self._open = np.array([edge == 2 for edge in edges], np.int64)
        sides = np.zeros((4, 1, 1), np.float32)
        while self.grids[-1].dense is None:
            mask, sides, inverse, number = setup.coarsen(mask, sides)
            if not number:
                break
            twice = len(self.grids) <= _TWICE or number >= _MANY
            wide = self.grids[-1].left.shape[1]
            self.grids.append(_Grid.of(inverse, channels, wide, room, number <= _DENSE, twice))

    def solve(self, iterations: int, scale: float) -> Harmonic:
        """Run conjugate gradients on the red cells of the finest grid."""
        fine = self.grids[0]
        r, black = fine.rhs
        (x, direction), image = fine.second, fine.left
        kernels.eliminate(fine.rhs, fine.inverse, fine.span, fine.first[1])
        before, update, count = 0.0, 0.0, 0
        while count < iterations:
            now, largest = self._cycle(0, fine.rhs, fine.first)
            curvature = kernels.search(
                fine.first[0], direction, image, fine.first[1], fine.inverse[0], fine.inverse[1],
                fine.span, now / before if before > 0 else 0.0,
            )  # fmt: skip
            kernels.step(
                x, r, direction, image, fine.span, now / curvature if curvature > 0 else 0.0
            )
            update, before, count = largest, now, count + 1
            if update < _ENOUGH:
                break
        out = np.zeros((*fine.size, self._channels), np.float32)
        kernels.assemble(
            x, black, fine.inverse[1], fine.span, fine.first[1], fine.pitch, scale, out
        )
        if not update <= _TOO_MUCH:
            logger.warning(
                "Poisson: iteration %d still changed %.1e of the largest boundary difference; "
                "take more of them", count, update,
            )  # fmt: skip
        return Harmonic(out, count, update)

    def _cycle(self, level: int, rhs: Colours, out: Colours) -> tuple[float, float]:
        """Solve for a right-hand side approximately, from zero."""
        grid = self.grids[level]
        if level + 1 < len(self.grids):
            below = self.grids[level + 1]
            kernels.restrict(
                rhs, grid.inverse, grid.span, out, grid.left, below.rhs, self._open, grid.size,
                (self._channels, grid.pitch, below.pitch), level == 0,
            )  # fmt: skip
            self._solve_coarse(level + 1)
            coarse = below.plain
        else:  # too thin for a coarser grid: relaxation alone reaches all of it
            coarse = np.zeros((grid.size[0] // 2 + 6, grid.left.shape[1]), np.float32)
        # the black cells of the finest grid are eliminated
        return kernels.correct(rhs, grid.inverse, grid.span, coarse, out, level == 0)

    def _solve_coarse(self, level: int) -> None:
        """Fill `plain` of a coarse grid: directly, or by one or two cycles."""
        grid = self.grids[level]
        shape = (self._channels, grid.pitch, self.grids[level - 1].pitch)
        if grid.dense is not None:
            cells, matrix = grid.dense
            kernels.solve_dense(matrix, cells, grid.rhs, grid.plain, self._open, grid.size, shape)
            return
        self._cycle(level, grid.rhs, grid.first)
        if grid.twice:
            kernels.residual(grid.rhs, grid.degree_black, grid.span, grid.first)
            self._cycle(level, grid.rhs, grid.second)
        kernels.join(grid.first, grid.second, grid.plain, self._open, grid.size, shape)


def _pitch(width: int) -> int:
    """Return how far channels are apart in a row of a grid (gridkernels.py)."""
    return (width + 1) // 2 + 2


def _columns(channels: int, width: int) -> int:
    return channels * _pitch(width) + setup.AT_ONCE


def _cells(height: int, width: int, channels: int) -> int:
    """Return how much memory the grids take together, at most."""
    total, wide = 0, 0
    while True:
        columns = _columns(channels, width)
        total += (height + 4) * ((10 if wide else 9) * columns + wide)
        if height * width <= _DENSE:
            return total
        height, width, wide = (height + 1) // 2, (width + 1) // 2, columns
