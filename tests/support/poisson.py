"""Blending problems, and their exact answer by a sparse direct solver."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix, csc_matrix
from scipy.sparse.linalg import splu

__all__ = ["boundary_field", "problem"]

FloatArray = NDArray[np.float32]
BoolArray = NDArray[np.bool_]


def problem(size: int, highlight: float = 30.0) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Return swap, plate and region: a ragged face with two holes, a slit and a highlight at its edge."""  # noqa: E501
    rng = np.random.default_rng(size)
    y, x = np.mgrid[:size, :size] / size - 0.5
    angle, radius = np.arctan2(y, x), np.hypot(x, 0.92 * y)
    wavy = 0.41 + 0.03 * np.sin(5 * angle + 1) + 0.015 * np.sin(13 * angle)
    region = radius < wavy + 0.006 * np.sin(61 * angle)
    region &= (np.hypot(x - 0.1, y - 0.05) > 0.04) & (np.hypot(x + 0.2, y - 0.1) > 0.01)
    region &= ~((np.abs(x + 0.15) < 0.02) & (y < -0.1))
    tint = np.array([1, 0.5, 0.2])
    light = 0.45 + 0.3 * x[..., None] * tint + 0.2 * y[..., None]
    plate = light * rng.lognormal(0, 0.1, (size, size, 3))
    skin = 0.35 + 0.15 * np.sin(9 * x + 4 * y)[..., None]
    swap = skin * rng.lognormal(0, 0.05, (size, size, 3))
    if highlight:
        plate[np.hypot(x - 0.4, y) < 0.05] = highlight
    return swap.astype(np.float32), plate.astype(np.float32), region


def boundary_field(difference: NDArray[Any], region: BoolArray) -> NDArray[np.float64]:
    """Solve the 5-point Laplace equation in a region by LU, in double precision.

    Args:
        difference: HxWxC; its values next to the region are the boundary values.
        region: HxW; where it touches the array's edge nothing flows across that.
    """
    index = np.full(region.shape, -1)
    index[region] = np.arange(region.sum())
    rows, columns = np.nonzero(region)
    number = len(rows)
    degree = np.zeros(number)
    right = np.zeros((number, difference.shape[2]))
    pairs: list[NDArray[Any]] = []
    for dy, dx in ((0, 1), (0, -1), (1, 0), (-1, 0)):
        y, x = rows + dy, columns + dx
        there = (y >= 0) & (y < region.shape[0]) & (x >= 0) & (x < region.shape[1])
        degree += there
        own = np.nonzero(there)[0]
        other = index[y[there], x[there]]
        known = other < 0
        right[own[known]] += difference[y[there][known], x[there][known]]
        pairs.append(np.stack([own[~known], other[~known]]))
    first, second = np.concatenate(pairs, axis=1)
    diagonal = np.arange(number)
    matrix = coo_matrix(
        (
            np.concatenate([degree, -np.ones(len(first))]),
            (np.concatenate([diagonal, first]), np.concatenate([diagonal, second])),
        )
    )
    factors = splu(csc_matrix(matrix), permc_spec="MMD_AT_PLUS_A", options={"SymmetricMode": True})
    field = np.zeros(difference.shape)
    field[region] = factors.solve(right)
    return field
