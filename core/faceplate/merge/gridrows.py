"""Single rows of the grids of the multigrid solver, compiled by numba; see gridkernels.py.

Every argument is a run of memory of the same length, so that each loop compiles to vectors.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numba import njit
from numpy.typing import NDArray

__all__ = [
    "Floats",
    "Integers",
    "advance",
    "apply",
    "combine",
    "compiled",
    "dot_and_peak",
    "gather",
    "neighbours",
    "neighbours_row",
    "next_direction",
    "relax",
    "relax_row",
    "remain",
    "scale",
    "spread",
]

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]
Function = TypeVar("Function", bound=Callable[..., Any])

_FAST = {"reassoc", "contract", "nsz", "nnan", "ninf"}
_NEAR, _FAR, _ZERO = np.float32(0.75), np.float32(0.25), np.float32(0)


def compiled(function: Function) -> Function:
    """Compile a function to machine code when it is first called, and keep that in a file.

    Sums may be taken in another, fixed order. There must be no NaN and no infinity.
    """
    decorate: Any = njit(cache=True, nogil=True, fastmath=_FAST, error_model="numpy")
    made: Function = decorate(function)
    return made


@compiled
def relax(
    out: Floats, inverse: Floats, rhs: Floats, mid: Floats, side: Floats, up: Floats, down: Floats
) -> None:
    """Solve each cell for its own value: inverse * (rhs + neighbours)."""
    for j in range(out.size):
        out[j] = inverse[j] * (rhs[j] + mid[j] + side[j] + up[j] + down[j])


@compiled
def relax_row(
    out: Floats, inverse: Floats, rhs: Floats, other: Floats, y: int, span: Integers, side: int
) -> None:
    """Relax row y of one colour from the other colour."""
    first, last = span[y, 0], span[y, 1]
    relax(
        out[y, first:last],
        inverse[y, first:last],
        rhs[y, first:last],
        other[y, first:last],
        other[y, first + side : last + side],
        other[y - 1, first:last],
        other[y + 1, first:last],
    )


@compiled
def neighbours(
    out: Floats, inverse: Floats, mid: Floats, side: Floats, up: Floats, down: Floats
) -> None:
    """Sum the four neighbours of the cells inside the domain."""
    for j in range(out.size):
        total = mid[j] + side[j] + up[j] + down[j]
        out[j] = total if inverse[j] > _ZERO else _ZERO


@compiled
def neighbours_row(
    out: Floats, inverse: Floats, other: Floats, y: int, span: Integers, side: int
) -> None:
    """Sum the neighbours of row y: what relaxing red, then black, from 0 leaves at red cells."""
    first, last = span[y, 0], span[y, 1]
    neighbours(
        out[first:last],
        inverse[y, first:last],
        other[y, first:last],
        other[y, first + side : last + side],
        other[y - 1, first:last],
        other[y + 1, first:last],
    )


@compiled
def scale(out: Floats, inverse: Floats, rhs: Floats) -> None:
    """Multiply by 1 / degree: relax from zero."""
    for j in range(out.size):
        out[j] = inverse[j] * rhs[j]


@compiled
def combine(out: Floats, a: Floats, b: Floats, weight_a: float, weight_b: float) -> None:
    """Add two rows, weighted."""
    heavy, light = np.float32(weight_a), np.float32(weight_b)
    for j in range(out.size):
        out[j] = heavy * a[j] + light * b[j]


@compiled
def gather(out: Floats, even: Floats, odd: Floats, odd_before: Floats, even_after: Floats) -> None:
    """Add up a line of coarse cells from their columns: two of their own and one on each side."""
    for j in range(out.size):
        out[j] = _FAR * (odd_before[j] + even_after[j]) + _NEAR * (even[j] + odd[j])


@compiled
def spread(
    out: Floats, inverse: Floats, rhs: Floats, near: Floats, far: Floats, near_side: Floats,
    far_side: Floats,
) -> None:  # fmt: skip
    """Relax a red row from zero and add the coarse correction, bilinear between cell centres."""
    for j in range(out.size):
        middle = _NEAR * near[j] + _FAR * far[j]
        side = _NEAR * near_side[j] + _FAR * far_side[j]
        added = _NEAR * middle + _FAR * side
        out[j] = inverse[j] * rhs[j] + (added if inverse[j] > _ZERO else _ZERO)


@compiled
def dot_and_peak(a: Floats, b: Floats) -> tuple[np.float32, np.float32]:
    """Return the sum of a * b, and the largest of |a|."""
    total, largest = _ZERO, _ZERO
    for j in range(a.size):
        total += a[j] * b[j]
        largest = max(largest, abs(a[j]))
    return total, largest


@compiled
def remain(
    out: Floats, own: Floats, degree: Floats, mid: Floats, side: Floats, up: Floats, down: Floats
) -> None:
    """Take what a solution explains off a right-hand side."""
    for j in range(out.size):
        value = out[j] + mid[j] + side[j] + up[j] + down[j] - degree[j] * own[j]
        out[j] = value if degree[j] > _ZERO else _ZERO


@compiled
def next_direction(direction: Floats, gradient: Floats, beta: float) -> None:
    """Turn a search direction: gradient + beta * direction."""
    scale = np.float32(beta)
    for j in range(direction.size):
        direction[j] = gradient[j] + scale * direction[j]


@compiled
def apply(
    out: Floats, own: Floats, degree: Floats, mid: Floats, side: Floats, up: Floats, down: Floats
) -> np.float32:
    """Apply the operator to a row; return its product with the row."""
    total = _ZERO
    for j in range(out.size):
        value = degree[j] * own[j] - mid[j] - side[j] - up[j] - down[j]
        value = value if degree[j] > _ZERO else _ZERO
        out[j] = value
        total += value * own[j]
    return total


@compiled
def advance(x: Floats, r: Floats, direction: Floats, image: Floats, alpha: float) -> None:
    """Go along a direction."""
    length = np.float32(alpha)
    for j in range(x.size):
        x[j] += length * direction[j]
        r[j] -= length * image[j]
