"""Single rows of the grids of the multigrid solver, compiled by numba; see gridpasses.py.

All planes lie in one pool of floats, and a row is where it starts there. A cell has as many numbers
as there are channels, one after the other. What the neighbours of a cell are is in `Near`: the
starts of the other colour's rows here, above and below, and of the cell at the side.

Starts become unsigned first thing: with signed ones numba would ask at each access whether the
index counts from the end, and the loops would not become vectors.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numba import njit
from numpy.typing import NDArray

__all__ = [
    "Floats",
    "Near",
    "Weights",
    "add_row",
    "bare",
    "clear_row",
    "combine_row",
    "compiled",
    "dot_row",
    "gather_row",
    "relax_dot_row",
    "relax_free_row",
    "relax_row",
    "remain_row",
    "residual_row",
    "scale_row",
    "share_row",
    "spread_row",
]

Floats = NDArray[np.float32]
Weights = NDArray[np.float32] | NDArray[np.uint8]
Near = tuple[int, int, int, int]
Function = TypeVar("Function", bound=Callable[..., Any])

_FAST = {"reassoc", "contract", "nsz", "nnan", "ninf"}
_NEAR, _FAR, _ZERO, _WHOLE = np.float32(0.75), np.float32(0.25), np.float32(0), np.float32(1)


def compiled(function: Function) -> Function:
    """Compile a function to machine code when it is first called, and keep that in a file.

    Sums may be taken in another, fixed order. There must be no NaN and no infinity.
    """
    return _compile(function, counted=True)


def bare(function: Function) -> Function:
    """Compile as `compiled` does, but do not count who refers to arrays: the function makes none.

    The counting would take as long as the work on a row.
    """
    return _compile(function, counted=False)


def _compile(function: Function, counted: bool) -> Function:
    # `_nrt` is numba's own switch for reference counts; its stubs do not know it
    options: dict[str, Any] = {"fastmath": _FAST, "error_model": "numpy", "_nrt": counted}
    decorate: Any = njit(cache=True, nogil=True, **options)
    made: Function = decorate(function)
    return made


@bare
def clear_row(pool: Floats, out: int, number: int) -> None:
    """Fill a row with 0."""
    o = np.uint64(out)
    for j in range(np.uint64(number)):
        pool[o + j] = _ZERO


@bare
def share_row(pool: Floats, out: int, row: int, share: float, number: int) -> None:
    """Take a share of a row."""
    o, a, part = np.uint64(out), np.uint64(row), np.float32(share)
    for j in range(np.uint64(number)):
        pool[o + j] = part * pool[a + j]


@bare
def add_row(pool: Floats, out: int, row: int, share: float, number: int) -> None:
    """Add a share of a row."""
    o, a, part = np.uint64(out), np.uint64(row), np.float32(share)
    for j in range(np.uint64(number)):
        pool[o + j] += part * pool[a + j]


@bare
def dot_row(pool: Floats, first: int, second: int, number: int) -> np.float32:
    """Multiply two rows."""
    a, b, total = np.uint64(first), np.uint64(second), _ZERO
    for j in range(np.uint64(number)):
        total += pool[a + j] * pool[b + j]
    return total


@bare
def scale_row(
    pool: Floats, out: int, rhs: int, weights: Weights, at: int, whole: float, number: int
) -> None:
    """Relax a row from zero: its right-hand side by 1 / degree."""
    o, f, w, unit = np.uint64(out), np.uint64(rhs), np.uint64(at), _WHOLE / np.float32(whole)
    for j in range(np.uint64(number)):
        pool[o + j] = np.float32(weights[w + j]) * unit * pool[f + j]


@bare
def relax_row(
    pool: Floats, out: int, near: Near, rhs: int, weights: Weights, at: int, whole: float,
    number: int,
) -> None:  # fmt: skip
    """Solve each cell of a row for its own value, from the other colour."""
    o, f, w, unit = np.uint64(out), np.uint64(rhs), np.uint64(at), _WHOLE / np.float32(whole)
    a, b, c, d = np.uint64(near[0]), np.uint64(near[1]), np.uint64(near[2]), np.uint64(near[3])
    for j in range(np.uint64(number)):
        total = pool[a + j] + pool[b + j] + pool[c + j] + pool[d + j]
        pool[o + j] = np.float32(weights[w + j]) * unit * (pool[f + j] + total)


@bare
def relax_free_row(
    pool: Floats, out: int, near: Near, weights: Weights, at: int, whole: float, number: int
) -> None:
    """Relax a row whose right-hand side is 0."""
    o, w, unit = np.uint64(out), np.uint64(at), _WHOLE / np.float32(whole)
    a, b, c, d = np.uint64(near[0]), np.uint64(near[1]), np.uint64(near[2]), np.uint64(near[3])
    for j in range(np.uint64(number)):
        total = pool[a + j] + pool[b + j] + pool[c + j] + pool[d + j]
        pool[o + j] = np.float32(weights[w + j]) * unit * total


@bare
def relax_dot_row(
    pool: Floats, out: int, near: Near, rhs: int, weights: Weights, at: int, whole: float,
    number: int,
) -> tuple[np.float32, np.float32]:  # fmt: skip
    """Relax a row; return its product with the right-hand side, and its largest |value|."""
    o, f, w, unit = np.uint64(out), np.uint64(rhs), np.uint64(at), _WHOLE / np.float32(whole)
    a, b, c, d = np.uint64(near[0]), np.uint64(near[1]), np.uint64(near[2]), np.uint64(near[3])
    product, largest = _ZERO, np.int32(0)
    for j in range(np.uint64(number)):
        total = pool[a + j] + pool[b + j] + pool[c + j] + pool[d + j]
        right = pool[f + j]
        value = np.float32(weights[w + j]) * unit * (right + total)
        pool[o + j] = value
        product += value * right
        largest = max(largest, np.float32(abs(value)).view(np.int32))  # of floats: no vectors
    return product, np.int32(largest).view(np.float32)


@bare
def residual_row(
    pool: Floats, out: int, rhs: int, own: int, near: Near, weights: Weights, at: int,
    whole: float, number: int,
) -> None:  # fmt: skip
    """Return what a row leaves of its right-hand side."""
    o, f, s, w = np.uint64(out), np.uint64(rhs), np.uint64(own), np.uint64(at)
    a, b, c, d = np.uint64(near[0]), np.uint64(near[1]), np.uint64(near[2]), np.uint64(near[3])
    one = np.float32(whole)
    for j in range(np.uint64(number)):
        total = pool[a + j] + pool[b + j] + pool[c + j] + pool[d + j]
        weight = np.float32(weights[w + j])
        left = pool[f + j] + total - one / weight * pool[s + j]
        pool[o + j] = left if weight > _ZERO else _ZERO


@bare
def remain_row(
    pool: Floats, out: int, rhs: int, near: Near, weights: Weights, at: int, number: int
) -> None:
    """Return what a row of 0 leaves of its right-hand side."""
    o, f, w = np.uint64(out), np.uint64(rhs), np.uint64(at)
    a, b, c, d = np.uint64(near[0]), np.uint64(near[1]), np.uint64(near[2]), np.uint64(near[3])
    for j in range(np.uint64(number)):
        total = pool[a + j] + pool[b + j] + pool[c + j] + pool[d + j]
        pool[o + j] = pool[f + j] + total if np.float32(weights[w + j]) > _ZERO else _ZERO


@bare
def combine_row(
    pool: Floats, out: int, first: int, second: int, shares: tuple[float, float], number: int
) -> None:
    """Add two rows, weighted."""
    o, a, b = np.uint64(out), np.uint64(first), np.uint64(second)
    heavy, light = np.float32(shares[0]), np.float32(shares[1])
    for j in range(np.uint64(number)):
        pool[o + j] = heavy * pool[a + j] + light * pool[b + j]


@bare
def gather_row(pool: Floats, out: int, even: int, odd: int, channels: int, number: int) -> None:
    """Add up a line of coarse cells from their columns: their own two and one on each side."""
    o, a, b = np.uint64(out), np.uint64(even), np.uint64(odd)
    before, after = np.uint64(odd - channels), np.uint64(even + channels)
    for j in range(np.uint64(number)):
        own = pool[a + j] + pool[b + j]
        pool[o + j] = _FAR * (pool[before + j] + pool[after + j]) + _NEAR * own


@bare
def spread_row(pool: Floats, out: int, rows: Near, weights: Weights, at: int, number: int) -> None:
    """Spread a coarse solution on a row of fine cells, bilinear between cell centres.

    `rows`: where the coarse row next to it and the one further off start, and the same one cell to
    the side.
    """
    o, w = np.uint64(out), np.uint64(at)
    a, b, c, d = np.uint64(rows[0]), np.uint64(rows[1]), np.uint64(rows[2]), np.uint64(rows[3])
    for j in range(np.uint64(number)):
        middle = _NEAR * pool[a + j] + _FAR * pool[b + j]
        side = _NEAR * pool[c + j] + _FAR * pool[d + j]
        added = _NEAR * middle + _FAR * side
        pool[o + j] = added if np.float32(weights[w + j]) > _ZERO else _ZERO
