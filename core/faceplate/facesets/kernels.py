"""Loops over pairs of faces, compiled by numba.

Each looks at all pairs, so that nothing is missed; what makes a hundred thousand faces a matter of
seconds is that almost every pair is settled by the few numbers that say most.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numba import njit
from numpy.typing import NDArray

__all__ = ["LEADING", "chain", "farthest_first", "group", "twins"]

Function = TypeVar("Function", bound=Callable[..., Any])
Floats = NDArray[np.float32]
Float = np.floating[Any]

LEADING = 8
"""Numbers of a vector that are compared before the others."""

_S1, _S2, _S4, _S56 = np.uint64(1), np.uint64(2), np.uint64(4), np.uint64(56)
_M1, _M2 = np.uint64(0x5555555555555555), np.uint64(0x3333333333333333)
_M4, _H01 = np.uint64(0x0F0F0F0F0F0F0F0F), np.uint64(0x0101010101010101)


def _compiled(function: Function) -> Function:
    decorate: Any = njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
    made: Function = decorate(function)
    return made


@_compiled
def _distance(rows: Floats, at: int, one: Floats, most: Float) -> Float:
    """Return the squared distance of a row to `one`, or something above `most`."""
    total: Float = np.float32(0)
    for k in range(LEADING):
        total += (rows[at, k] - one[k]) ** 2
    if total >= most:
        return total
    for k in range(LEADING, rows.shape[1]):
        total += (rows[at, k] - one[k]) ** 2
    return total


@_compiled
def _chain(leading: Floats, rest: Floats, start: int) -> tuple[NDArray[np.int64], Floats]:
    count = len(leading)
    order, steps = np.empty(count, np.int64), np.zeros(count, np.float32)
    where = np.arange(count)
    at, step = start, np.float32(0)
    one, more = np.empty_like(leading[0]), np.empty_like(rest[0])
    for place in range(count):
        order[place], steps[place] = where[at], step
        one[:], more[:] = leading[at], rest[at]
        last = count - 1 - place
        # the last one takes the place of the one taken: what is left lies together
        where[at], leading[at], rest[at] = where[last], leading[last], rest[last]
        step = np.float32(np.inf)
        for j in range(last):
            total = np.float32(0)
            for k in range(LEADING):
                total += (leading[j, k] - one[k]) ** 2
            if total < step:
                for k in range(rest.shape[1]):
                    total += (rest[j, k] - more[k]) ** 2
                if total < step:
                    step, at = total, j
    return order, steps


def chain(vectors: Floats, start: int) -> tuple[NDArray[np.int64], Floats]:
    """Order vectors so that each is followed by the nearest of those that are left.

    Args:
        vectors: N x M, M above `LEADING`; those that vary most first.
        start: Which one is first.

    Returns:
        Places in their new order, and the squared distance of each to the one before.
    """
    leading, rest = vectors[:, :LEADING].copy(), vectors[:, LEADING:].copy()
    return _chain(leading, rest, start)


@_compiled
def farthest_first(vectors: Floats, count: int) -> NDArray[np.int64]:
    """Pick vectors that differ: the first, then always the one farthest from those picked."""
    picked = np.zeros(count, np.int64)
    nearest = np.full(len(vectors), np.float32(3e38))
    at = 0
    for place in range(count):
        picked[place] = at
        nearest[at] = np.float32(-1)
        best, one = np.float32(-1), vectors[at]
        following = at
        for j in range(len(vectors)):
            if nearest[j] < 0:
                continue
            nearest[j] = min(nearest[j], _distance(vectors, j, one, nearest[j]))
            if nearest[j] > best:
                best, following = nearest[j], j
        at = following
    return picked


@_compiled
def group(
    vectors: Floats, kinds: NDArray[np.int64], radius: Float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Put each vector to the nearest leader within `radius`; one without becomes a leader.

    Args:
        vectors: N x M.
        kinds: Only vectors of the same kind are compared.
        radius: Distance, not squared.

    Returns:
        For each vector which leader it belongs to, and for each leader which vector it is.
    """
    count = len(vectors)
    owner, leaders, found = np.empty(count, np.int64), np.empty(count, np.int64), 0
    for at in range(count):
        best, mine = np.float32(radius * radius), -1
        for number in range(found):
            if kinds[leaders[number]] == kinds[at]:
                away = _distance(vectors, leaders[number], vectors[at], best)
                if away < best:
                    best, mine = np.float32(away), number
        if mine < 0:
            leaders[found], mine = at, found
            found += 1
        owner[at] = mine
    return owner, leaders[:found].copy()


@_compiled
def _bits(word: np.uint64) -> np.uint64:
    word -= (word >> _S1) & _M1
    word = (word & _M2) + ((word >> _S2) & _M2)
    word = (word + (word >> _S4)) & _M4
    return (word * _H01) >> _S56


@_compiled
def twins(
    prints: NDArray[np.uint64], shapes: Floats, most_bits: int, most_apart: float
) -> NDArray[np.int64]:
    """Return for each face, best first, which kept one before it is its near twin; -1: none.

    Args:
        prints: N perceptual hashes.
        shapes: N x M numbers of where the points lie.
        most_bits: Hashes that differ in more bits are of different pictures.
        most_apart: And points that lie further apart, as a distance of the M numbers.
    """
    count, limit = len(prints), np.float32(most_apart * most_apart)
    found = np.full(count, -1, np.int64)
    kept, kept_prints, number = np.empty(count, np.int64), np.empty_like(prints), 0
    most = np.uint64(most_bits)
    for at in range(count):
        for j in range(number):
            if _bits(kept_prints[j] ^ prints[at]) > most:
                continue
            if _distance(shapes, kept[j], shapes[at], limit + np.float32(1e-9)) <= limit:
                found[at] = kept[j]
                break
        if found[at] < 0:
            kept[number], kept_prints[number] = at, prints[at]
            number += 1
    return found
