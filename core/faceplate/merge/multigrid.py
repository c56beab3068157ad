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
from dataclasses import dataclass, field, replace

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


@dataclass(frozen=True, eq=False)
class _Grid:
    """One level: what stays, and room for one solution."""

    size: tuple[int, int]
    inverse: Colours
    degree: Colours
    span: Spans
    rhs: Colours
    first: Colours
    second: Colours
    left: Floats
    plain: Floats
    twice: bool
    dense: tuple[Integers, Floats] | None
    figures: NDArray[np.float64] = field(default_factory=lambda: np.zeros((2, 3)))

    @classmethod
    def of(cls, inverse: Floats, channels: int, dense: bool, twice: bool) -> "_Grid":
        height, width = inverse.shape
        columns = (width + 1) // 2 + 2
        red, black = (np.zeros((height + 4, columns), np.float32) for _ in range(2))
        red_degree, black_degree = np.zeros_like(red), np.zeros_like(black)
        span = np.zeros((height + 4, 2), np.uint64)
        setup.split(inverse, (red, black), (red_degree, black_degree), span)

        def room() -> Colours:
            shape = (channels, height + 4, columns)
            return np.zeros(shape, np.float32), np.zeros(shape, np.float32)

        return cls(
            size=(height, width),
            inverse=(red, black),
            degree=(red_degree, black_degree),
            span=span,
            rhs=room(),
            first=room(),
            second=room(),
            left=np.zeros((height + 4, columns), np.float32),
            plain=np.zeros((channels, height + 4, 2 * columns), np.float32),
            twice=twice,
            dense=setup.dense_inverse(inverse) if dense else None,
            figures=np.zeros((2, channels)),
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
    setup.add_boundary(mask, ring, values / scale, solver.grids[0].rhs)
    found = solver.solve(iterations)
    return replace(found, field=found.field * scale)


class _Solver:
    def __init__(self, mask: Mask, channels: int) -> None:
        self.grids = [_Grid.of(setup.unit_inverse(mask), channels, dense=False, twice=False)]
        edges = (mask[0, 1], mask[-1, 1], mask[1, 0], mask[1, -1])
        self._open = np.array([edge == 2 for edge in edges], np.int64)
        sides = np.zeros((4, 1, 1), np.float32)
        while self.grids[-1].dense is None:
            mask, sides, inverse, number = setup.coarsen(mask, sides)
            if not number:
                break
            twice = len(self.grids) <= _TWICE or number >= _MANY
            self.grids.append(_Grid.of(inverse, channels, number <= _DENSE, twice))

    def solve(self, iterations: int) -> Harmonic:
        """Run conjugate gradients on the red cells of the finest grid."""
        fine = self.grids[0]
        r, black = fine.rhs
        x, direction, image = (np.zeros_like(r) for _ in range(3))
        kernels.eliminate(fine.rhs, fine.inverse, fine.span, fine.first[1])
        before = np.zeros(len(r))
        curvature = np.zeros(len(r))
        update, count = 0.0, 0
        while count < iterations:
            self._cycle(0, fine.rhs, fine.first)
            now = fine.figures[0].copy()
            beta = _ratio(now, before)
            kernels.search(
                fine.first[0], direction, image, fine.first[1], fine.degree[0], fine.inverse[1],
                fine.span, beta, curvature,
            )  # fmt: skip
            kernels.step(x, r, direction, image, fine.span, _ratio(now, curvature))
            update, before, count = float(fine.figures[1].max()), now, count + 1
            if update < _ENOUGH:
                break
        out = np.zeros((*fine.size, len(r)), np.float32)
        kernels.assemble(x, black, fine.inverse[1], fine.span, fine.first[1], out)
        if not update <= _TOO_MUCH:
            logger.warning(
                "Poisson: iteration %d still changed %.1e of the largest boundary difference; "
                "take more of them", count, update,
            )  # fmt: skip
        return Harmonic(out, count, update)

    def _cycle(self, level: int, rhs: Colours, out: Colours) -> None:
        """Solve for a right-hand side approximately, from zero."""
        grid = self.grids[level]
        if level + 1 < len(self.grids):
            below = self.grids[level + 1]
            kernels.restrict(
                rhs, grid.inverse, grid.span, out, grid.left, below.rhs, self._open, grid.size,
                level == 0,
            )  # fmt: skip
            self._solve_coarse(level + 1)
            coarse = below.plain
        else:  # too thin for a coarser grid: relaxation alone reaches all of it
            height, width = grid.size
            coarse = np.zeros((len(out[0]), height // 2 + 5, width + 4), np.float32)
        # the black cells of the finest grid are eliminated
        kernels.correct(rhs, grid.inverse, grid.span, coarse, out, grid.figures, level == 0)

    def _solve_coarse(self, level: int) -> None:
        """Fill `plain` of a coarse grid: directly, or by one or two cycles."""
        grid = self.grids[level]
        if grid.dense is not None:
            cells, matrix = grid.dense
            kernels.solve_dense(matrix, cells, grid.rhs, grid.plain, self._open, grid.size)
            return
        self._cycle(level, grid.rhs, grid.first)
        if grid.twice:
            kernels.residual(grid.rhs, grid.degree[1], grid.span, grid.first)
            self._cycle(level, grid.rhs, grid.second)
        kernels.join(grid.first, grid.second, grid.plain, self._open, grid.size)


def _ratio(above: NDArray[np.float64], below: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return above / below; 0 where there is nothing left to divide by."""
    return np.divide(above, below, out=np.zeros_like(above), where=below > 0)
