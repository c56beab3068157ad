"""Harmonic extension, solved whatever it takes: more iterations, then directly, else said.

The multigrid solver (multigrid.py) needs four iterations as a rule. Where the number asked for does
not bring the error below 1e-4 of the largest boundary value, it goes on to 30. Where that does not
do either, a region of up to 200,000 pixels is solved by a sparse LU factorisation; for a larger
one, which would take minutes, a warning is logged.
"""

import logging
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix, csc_matrix
from scipy.sparse.linalg import splu

from faceplate.merge.gridrows import Floats
from faceplate.merge.gridsetup import Mask
from faceplate.merge.gridwork import Integers
from faceplate.merge.multigrid import Solver

__all__ = ["Harmonic", "add_harmonic"]

logger = logging.getLogger(__name__)

# Errors, over the largest boundary value.
_ENOUGH = 4e-5
_TOO_MUCH = 1e-4
_MOST = 30  # iterations
_DIRECT = 200_000  # unknowns that are solved directly where iterations do not do


@dataclass(frozen=True)
class Harmonic:
    """How a solution was come by."""

    iterations: int
    error: float
    """What is left, over the largest boundary value; estimated. 0 where solved directly."""
    direct: bool = False


def add_harmonic(
    image: Floats, mask: Mask, ring: Integers, values: Floats, iterations: int, name: str = "",
    place: tuple[slice, slice] = (slice(0, None), slice(0, None)),
) -> Harmonic:  # fmt: skip
    """Add to an image the extension of boundary values into a region.

    Args:
        image: An image of C channels, contiguous; changed in the region.
        mask: (H + 2) x (W + 2): 1 unknown, 0 known; in the padding, 2 where the region goes on to
            the edge of the frame (no flow across it), else 0.
        ring: Row and column of the known cells next to unknown ones, N x 2 (`ring_of`); not empty.
        values: Their values, N x C, finite.
        iterations: After so many it should stand; fewer where it does earlier.
        name: What is solved for, as the log is to name it.
        place: Where the H x W of the mask lie in the image.
    """
    scale = float(np.abs(values).max(initial=0.0))
    if scale == 0:
        return Harmonic(0, 0.0)
    solver = Solver(mask, ring, values / np.float32(scale))
    solver.iterate(iterations, _ENOUGH)
    name = name or "a region"
    if solver.error > _TOO_MUCH:
        solver.iterate(max(_MOST, iterations), _ENOUGH)
    if solver.error > _TOO_MUCH:
        unknowns = int(np.count_nonzero(mask == 1))
        if unknowns <= _DIRECT:
            logger.info("Poisson, %s: solved directly, %d pixels", name, unknowns)
            image[place] += _solved(mask, ring, values).astype(np.float32)
            return Harmonic(solver.done, 0.0, direct=True)
        logger.warning(
            "Poisson, %s: after %d iterations %.1e of the largest boundary difference is still "
            "wrong (residual %.1e), and %d pixels are too many to solve directly; look at the edge "
            "of the face, or draw a simpler matte",
            name, solver.done, solver.error, solver.left(), unknowns,
        )  # fmt: skip
    logger.debug("Poisson, %s: %d iterations, an error of %.1e", name, solver.done, solver.error)
    solver.add_to(image, scale, (place[0].start, place[1].start))
    return Harmonic(solver.done, solver.error)


def _solved(mask: Mask, ring: Integers, values: Floats) -> NDArray[np.float64]:
    """Return the field, HxWxC, by sparse LU in double precision; 0 outside the region."""
    inside = mask == 1
    number = int(np.count_nonzero(inside))
    index = np.full(mask.shape, -1)
    index[inside] = np.arange(number)
    known = np.zeros((*mask.shape, values.shape[1]))
    known[ring[:, 0] + 1, ring[:, 1] + 1] = values
    y, x = np.nonzero(inside)
    degree, right = np.zeros(number), np.zeros((number, values.shape[1]))
    rows: list[NDArray[Any]] = []
    for dy, dx in ((0, 1), (0, -1), (1, 0), (-1, 0)):
        beside = mask[y + dy, x + dx]
        degree += beside != 2
        right += np.where((beside == 0)[:, None], known[y + dy, x + dx], 0)
        own = np.flatnonzero(beside == 1)
        rows.append(np.stack([own, index[y[own] + dy, x[own] + dx]]))
    first, second = np.concatenate(rows, axis=1)
    diagonal = np.arange(number)
    weights = np.concatenate([degree, -np.ones(len(first))])
    at = (np.concatenate([diagonal, first]), np.concatenate([diagonal, second]))
    matrix = csc_matrix(coo_matrix((weights, at), shape=(number, number)))
    factors = splu(matrix, permc_spec="MMD_AT_PLUS_A", options={"SymmetricMode": True})
    field = np.zeros((*mask.shape, values.shape[1]))
    field[inside] = np.asarray(factors.solve(right), np.float64)
    return field[1:-1, 1:-1]
