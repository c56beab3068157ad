"""Harmonic extension: the smoothest field with given values along the edge of a region.

The 5-point Laplace equation inside a mask of any shape, by conjugate gradients on the red cells of
a chess board (the black ones follow from them), preconditioned by a multigrid cycle that relaxes
three times on its way up and goes twice through the first coarse grid. As that is not symmetric,
each new solution is made conjugate to all kept ones, not to the last alone. An iteration takes the
error down by a factor of fifteen to thirty at every size (docs/poisson.md).

References: U. Trottenberg, C. Oosterlee, A. Schüller, "Multigrid", 2001 (red-black relaxation,
multigrid as a preconditioner); Y. Saad, "Iterative Methods for Sparse Linear Systems", 2003,
section 9.4 (flexible preconditioning).
"""

import numpy as np

from faceplate.merge import gridpasses as passes
from faceplate.merge import gridsetup as setup
from faceplate.merge.gridplan import (
    HEIGHT,
    KEPT,
    PITCH,
    PLAIN,
    RED,
    SOLUTION,
    WHOLE,
    Plan,
    pool_of,
)
from faceplate.merge.gridrows import Floats
from faceplate.merge.gridsetup import Mask
from faceplate.merge.gridwork import Doubles, Integers

__all__ = ["Solver"]

_DENSE = 64  # unknowns that are solved directly
_TWICE = 1  # the grid that takes two cycles
_RATE = 0.1  # of its last change an iteration leaves no less than this as error: a cautious guess


class Solver:
    """The grids of a region, and the solutions kept on the finest.

    Values along the boundary are of the order of 1. Attributes:
        done: Iterations so far.
        error: The largest error that is left, estimated: the last iteration's largest change, less
            by as much as that was less than the one before, but to a tenth at most.
    """

    def __init__(self, mask: Mask, ring: Integers, values: Floats) -> None:
        """Lay the grids.

        Args:
            mask: (H + 2) x (W + 2): 1 unknown, 0 known; in the padding, 2 where the region goes on
                to the edge of the frame (no flow across it), else 0.
            ring: Row and column of the known cells next to unknown ones, N x 2; not empty.
            values: Their values, N x C, finite.
        """
        height, width, channels = mask.shape[0] - 2, mask.shape[1] - 2, values.shape[1]
        plan = Plan.of(height, width, channels)
        self._pool = pool_of(plan.size)
        self._spans = np.empty((plan.rows, 4), np.int64)
        self._frame = (
            channels, plan.work, int(mask[0, 1] == 2), int(mask[-1, 1] == 2),
            int(mask[1, 0] == 2), int(mask[1, -1] == 2),
        )  # fmt: skip
        fine = plan.levels[0]
        self._weights = np.empty(2 * fine[HEIGHT] * fine[PITCH], np.uint8)
        setup.lay_fine(self._weights, mask, self._spans, fine, channels)
        setup.add_boundary(mask, ring, values, self._pool, fine)
        self._cells, self._matrix = np.empty((0, 2), np.int64), np.empty((0, 0), np.float32)
        self._levels = list(plan.levels[: self._coarsen(mask, plan)])
        self._shares, self._steps = np.zeros(0), np.zeros(0)
        self._gram, self._update = np.zeros((KEPT, KEPT)), 1.0
        self.done, self.error = 0, 1.0

    def _coarsen(self, mask: Mask, plan: Plan) -> int:
        """Lay the coarse grids; return how many grids there are."""
        sides, channels = np.ones((4, 1, 1), np.float32), self._frame[0]
        for i, level in enumerate(plan.levels[1:], 1):
            coarse, number = setup.coarsen(mask)
            if not number:
                return i
            sides = setup.lay_coarse(
                self._pool, coarse, mask, sides, self._spans, level, channels
            )  # fmt: skip
            mask = coarse
            if number <= _DENSE:
                self._cells, self._matrix = setup.dense_inverse(self._pool, mask, level, channels)
                return i + 1
        return len(plan.levels)

    def iterate(self, most: int, enough: float) -> None:
        """Go on until so many iterations are done or the error is small enough."""
        sums = np.empty(2 + KEPT)
        while self.done < most and self.error > enough:
            if len(self._shares) == KEPT:
                self._fold()
            kept = len(self._shares)
            self._cycle(kept, sums)
            self._gram[kept, : kept + 1] = self._gram[: kept + 1, kept] = sums[2 : 3 + kept]
            self._steps = self._next_steps(kept, float(sums[0]))
            self._shares = np.append(self._shares, 0.0) + self._steps
            self.done += 1
            update = abs(self._steps[-1]) * sums[1]
            rate = update / self._update
            self.error = float(update * min(max(rate, _RATE), 1.0))
            self._update = max(update, 1e-30)

    def _next_steps(self, kept: int, product: float) -> Doubles:
        """Return how far to go along each solution kept, the new one made conjugate to the rest."""
        side = self._gram[:kept, kept]
        shares = np.asarray(np.linalg.solve(self._gram[:kept, :kept], side), np.float64)
        curvature = self._gram[kept, kept] - shares @ side
        last = product / curvature if curvature > 0 and product > 0 else 0.0
        return np.append(-shares * last, last)

    def _fold(self) -> None:
        """Make room: let one solution stand for all that are kept."""
        self._advance(further=False)
        passes.fold(self._pool, self._spans, self._levels[0], self._frame, self._shares)
        self._gram[0, 0] = self._shares @ self._gram @ self._shares
        self._shares, self._steps = np.ones(1), np.zeros(1)

    def _advance(self, further: bool) -> None:
        """Take the last steps off the right-hand side."""
        levels = self._levels
        passes.advance(
            self._pool, self._weights, self._spans, levels[0], levels[further], self._frame,
            self._steps, further,
        )  # fmt: skip

    def _cycle(self, kept: int, sums: Doubles) -> None:
        """Solve for what is left of the right-hand side approximately."""
        levels, further = self._levels, len(self._levels) > 1
        if len(self._steps):
            self._advance(further)
        else:
            passes.descend(
                self._pool, self._weights, self._spans, levels[0], levels[further], self._frame,
                WHOLE, True, further,
            )  # fmt: skip
        if further:
            self._solve_coarse()
        coarse = int(levels[1][PLAIN]) if further else -1
        passes.ascend_fine(
            self._pool, self._weights, self._spans, levels[0], coarse, self._frame, kept, sums
        )

    def _solve_coarse(self) -> None:
        """Solve on the first coarse grid: two cycles, with one for all below."""
        if len(self._levels) == _TWICE + 1:
            self._solve_last()
            return
        self._descend(_TWICE)
        self._solve_below()
        self._ascend(_TWICE, -1, again=True)
        self._solve_below()
        self._ascend(_TWICE, int(self._levels[_TWICE][SOLUTION]), again=False)

    def _solve_below(self) -> None:
        """Solve on the second coarse grid by one cycle."""
        last = len(self._levels) - 1
        for i in range(_TWICE + 1, last):
            self._descend(i)
        self._solve_last()
        for i in range(last - 1, _TWICE, -1):
            self._ascend(i, -1, again=False)

    def _solve_last(self) -> None:
        last = self._levels[-1]
        if len(self._cells):
            right = np.empty(len(self._cells), np.float32)
            passes.direct(self._pool, last, self._cells, self._matrix, self._frame, right)
        else:  # too thin for a coarser grid: relaxation alone reaches all of it
            passes.ascend_coarse(self._pool, self._spans, last, -1, last, self._frame, -1, False)

    def _descend(self, i: int) -> None:
        level, below = self._levels[i : i + 2]
        passes.descend(
            self._pool, self._pool, self._spans, level, below, self._frame, 1.0, False, True
        )

    def _ascend(self, i: int, added_to: int, again: bool) -> None:
        level, below = self._levels[i : i + 2]
        passes.ascend_coarse(
            self._pool, self._spans, level, int(below[PLAIN]), below, self._frame, added_to, again
        )

    def left(self) -> float:
        """Return the largest residual, over the largest right-hand side of 1."""
        self._advance(further=False)
        self._steps = np.zeros(len(self._shares))
        fine = self._levels[0]
        size = fine[HEIGHT] * fine[PITCH]
        return float(np.abs(self._pool[fine[RED] : fine[RED] + size]).max())

    def add_to(self, image: Floats, scale: float, origin: tuple[int, int]) -> None:
        """Add the solution, times `scale`, to an image of C channels, contiguous.

        `origin` is the row and column where the grid lies in it.
        """
        passes.assemble(
            self._pool, self._weights, self._spans, self._levels[0], self._frame, self._shares,
            scale, image.reshape(image.shape[0], -1), origin,
        )  # fmt: skip
