"""Single rows of the grids of the multigrid solver, compiled by numba; see gridkernels.py.

Row and cell numbers are unsigned: with signed ones numba would ask at each access whether the index
counts from the end, and the loops would not become vectors.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numba import njit
from numpy.typing import NDArray

__all__ = [
    "Floats",
    "Spans",
    "advance_row",
    "apply_row",
    "combine_row",
    "compiled",
    "direct_row",
    "gather_row",
    "neighbours_row",
    "relax_dot_row",
    "relax_free_row",
    "relax_row",
    "remain_row",
    "scale_row",
    "spread_row",
]

Floats = NDArray[np.float32]
Spans = NDArray[np.uint64]
Function = TypeVar("Function", bound=Callable[..., Any])

_FAST = {"reassoc", "contract", "nsz", "nnan", "ninf"}
_NEAR, _FAR, _ZERO = np.float32(0.75), np.float32(0.25), np.float32(0)
_WHOLE, _HALF = np.float32(1), np.float32(0.5)
_ONE = np.uint64(1)


def compiled(function: Function) -> Function:
    """Compile a function to machine code when it is first called, and keep that in a file.

    Sums may be taken in another, fixed order. There must be no NaN and no infinity.
    """
    decorate: Any = njit(cache=True, nogil=True, fastmath=_FAST, error_model="numpy")
    made: Function = decorate(function)
    return made


@compiled
def relax_row(
    out: Floats, inverse: Floats, rhs: Floats, other: Floats, y: np.uint64, span: Spans,
    lean: np.uint64,
) -> None:  # fmt: skip
    """Solve each cell of row y for its own value, from the other colour.

    `lean` is 0 where the neighbour at the side is the one before, 2 where it is the one after.
    """
    for j in range(span[y, 0], span[y, 1]):
        near = other[y, j] + other[y, j + lean - _ONE] + other[y - _ONE, j] + other[y + _ONE, j]
        out[y, j] = inverse[y, j] * (rhs[y, j] + near)


@compiled
def relax_free_row(
    out: Floats, inverse: Floats, other: Floats, y: np.uint64, span: Spans, lean: np.uint64
) -> None:
    """Relax row y as `relax_row` does, where the right-hand side is 0."""
    for j in range(span[y, 0], span[y, 1]):
        near = other[y, j] + other[y, j + lean - _ONE] + other[y - _ONE, j] + other[y + _ONE, j]
        out[y, j] = inverse[y, j] * near


@compiled
def relax_dot_row(
    out: Floats, inverse: Floats, rhs: Floats, other: Floats, y: np.uint64, span: Spans,
    lean: np.uint64,
) -> tuple[np.float32, np.float32]:  # fmt: skip
    """Relax row y; return its product with the right-hand side, and its largest |value|."""
    total, largest = _ZERO, np.int32(0)
    for j in range(span[y, 0], span[y, 1]):
        near = other[y, j] + other[y, j + lean - _ONE] + other[y - _ONE, j] + other[y + _ONE, j]
        right = rhs[y, j]
        value = inverse[y, j] * (right + near)
        out[y, j] = value
        total += value * right
        largest = max(largest, np.float32(abs(value)).view(np.int32))  # of floats: no vectors
    return total, np.int32(largest).view(np.float32)


@compiled
def neighbours_row(
    out: Floats, inverse: Floats, other: Floats, y: np.uint64, span: Spans, lean: np.uint64
) -> None:
    """Sum the neighbours of row y: what relaxing red, then black, from 0 leaves at red cells."""
    for j in range(span[y, 0], span[y, 1]):
        near = other[y, j] + other[y, j + lean - _ONE] + other[y - _ONE, j] + other[y + _ONE, j]
        out[y, j] = near if inverse[y, j] > _ZERO else _ZERO


@compiled
def scale_row(out: Floats, inverse: Floats, rhs: Floats, y: np.uint64, span: Spans) -> None:
    """Multiply row y by 1 / degree: relax it from zero."""
    for j in range(span[y, 0], span[y, 1]):
        out[y, j] = inverse[y, j] * rhs[y, j]


@compiled
def combine_row(
    out: Floats, cells: Floats, a: np.uint64, b: np.uint64, share_a: float, share_b: float
) -> None:
    """Add rows a and b, weighted."""
    heavy, light = np.float32(share_a), np.float32(share_b)
    for j in range(np.uint64(out.size)):
        out[j] = heavy * cells[a, j] + light * cells[b, j]


@compiled
def gather_row(out: Floats, even: Floats, odd: Floats) -> None:
    """Add up a line of coarse cells from their columns: their own two and one on each side."""
    for j in range(_ONE, np.uint64(even.size) - _ONE):
        out[j] = _FAR * (odd[j - _ONE] + even[j + _ONE]) + _NEAR * (even[j] + odd[j])


@compiled
def spread_row(
    out: Floats, inverse: Floats, rhs: Floats, coarse: Floats, y: np.uint64, span: Spans,
    lean: np.uint64,
) -> None:  # fmt: skip
    """Relax a red row from zero and add the coarse correction, bilinear between cell centres."""
    near = y // np.uint64(2) + _ONE
    far = near + lean - _ONE  # even rows lie in the upper half of a coarse cell, odd ones below
    for j in range(span[y, 0], span[y, 1]):
        middle = _NEAR * coarse[near, j] + _FAR * coarse[far, j]
        side = _NEAR * coarse[near, j + lean - _ONE] + _FAR * coarse[far, j + lean - _ONE]
        added = _NEAR * middle + _FAR * side
        out[y, j] = inverse[y, j] * rhs[y, j] + (added if inverse[y, j] > _ZERO else _ZERO)


@compiled
def remain_row(
    out: Floats, own: Floats, degree: Floats, other: Floats, y: np.uint64, span: Spans,
    lean: np.uint64,
) -> None:  # fmt: skip
    """Take what a solution explains off row y of a right-hand side."""
    for j in range(span[y, 0], span[y, 1]):
        near = other[y, j] + other[y, j + lean - _ONE] + other[y - _ONE, j] + other[y + _ONE, j]
        left = out[y, j] + near - degree[y, j] * own[y, j]
        out[y, j] = left if degree[y, j] > _ZERO else _ZERO


@compiled
def direct_row(direction: Floats, gradient: Floats, beta: float, y: np.uint64, span: Spans) -> None:
    """Turn a search direction: gradient + beta * direction."""
    share = np.float32(beta)
    for j in range(span[y, 0], span[y, 1]):
        direction[y, j] = gradient[y, j] + share * direction[y, j]


@compiled
def apply_row(
    out: Floats, own: Floats, inverse: Floats, other: Floats, y: np.uint64, span: Spans,
    lean: np.uint64,
) -> np.float32:  # fmt: skip
    """Apply the operator to row y; return its product with the row."""
    total = _ZERO
    for j in range(span[y, 0], span[y, 1]):
        near = other[y, j] + other[y, j + lean - _ONE] + other[y - _ONE, j] + other[y + _ONE, j]
        degree = np.floor(_WHOLE / inverse[y, j] + _HALF)  # on the finest grid a whole number
        value = degree * own[y, j] - near if inverse[y, j] > _ZERO else _ZERO
        out[y, j] = value
        total += value * own[y, j]
    return total


@compiled
def advance_row(
    x: Floats, r: Floats, direction: Floats, image: Floats, alpha: float, y: np.uint64, span: Spans
) -> None:
    """Go along a direction: x += alpha * direction, r -= alpha * image."""
    length = np.float32(alpha)
    for j in range(span[y, 0], span[y, 1]):
        x[y, j] += length * direction[y, j]
        r[y, j] -= length * image[y, j]
