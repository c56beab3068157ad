"""Colour transfers that match whole distributions, slice by slice: idt, sot and mix.

A map is fitted on a coarse grid of the swap's pixels and is a sequence of steps; in each step a
colour is pushed along some directions until the swap's marginals are the plate's. The directions
are fixed (nothing is random), so that the plate's marginals along them can be measured once for a
frame, averaged over the shot, and used by any frame. Beyond the measured range a colour moves as
the nearest measured one does.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from faceplate.color.linear import deviation_ratios, mkl
from faceplate.color.statistics import (
    BASES,
    OPPONENT,
    PLANE_AXES,
    PROBABILITIES,
    ColorStatistics,
    moments_of,
    sampled,
    weighted_quantiles,
)

__all__ = ["idt", "mix", "sot"]

Image = NDArray[np.float32]
Array = NDArray[np.float64]

_IDT_ROUNDS = 4
_SOT_STEPS = 8
_PLANE_STEPS = 6
_STEEPEST = 8.0
"""Most that a range of colours may be stretched: a nearly flat swap must not show its noise."""
_CELLS = 48
"""Cells of the table of one slice, between the swap's lowest and highest quantile."""
_LEAST_LENGTH = 1e-6
"""Of such a table, in the working encoding: all colours may be one."""


@dataclass(frozen=True, eq=False)
class _Plan:
    """In which order distributions are matched along which directions."""

    axes: Array
    """K x 3, of length 1."""
    steps: Sequence[Sequence[int]]
    """Axes of each step, as many in each; they see the same colour, and their pushes are added."""
    rate: float
    """Share of each push that is done: dimensions over the axes of a step, so that a step moves a
    distribution that is only shifted all the way."""


_IDT = _Plan(
    BASES.reshape(-1, 3),
    [[3 * b, 3 * b + 1, 3 * b + 2] for b in range(len(BASES))] * _IDT_ROUNDS,
    1.0,
)
_SOT = _Plan(BASES.reshape(-1, 3), [list(range(15))] * _SOT_STEPS, 3 / 15)
_PLANE = _Plan(PLANE_AXES, [list(range(8))] * _PLANE_STEPS, 2 / 8)


def idt(swap: Image, matte: Image, statistics: ColorStatistics) -> Image:
    """Match the marginals along one basis after the other, round and round.

    Source: Pitié, Kokaram and Dahyot, "N-dimensional probability density function transfer",
    ICCV 2005.
    """
    return _matched(swap, matte, statistics, _quantiles(statistics)[:15], _IDT)


def sot(swap: Image, matte: Image, statistics: ColorStatistics) -> Image:
    """Follow the gradient of the sliced Wasserstein distance: all directions in every step.

    Source: Rabin et al., "Wasserstein barycenter and its application to texture mixing", SSVM
    2011.
    """
    return _matched(swap, matte, statistics, _quantiles(statistics)[:15], _SOT)


def mix(swap: Image, matte: Image, statistics: ColorStatistics) -> Image:
    """Match mean and deviation of the lightness, and the distribution of the colours beside it."""
    colored = _matched(swap, matte, statistics, _quantiles(statistics)[15:], _PLANE)
    axis = OPPONENT[0].astype(np.float32)
    return np.asarray(colored + _lightness_move(swap, statistics)[..., None] * axis)


def _quantiles(statistics: ColorStatistics) -> Array:
    """Return the plate's quantiles, a direction to a row."""
    return np.array(statistics.plate_quantiles).reshape(-1, len(PROBABILITIES))


def _lightness_move(swap: Image, statistics: ColorStatistics) -> Image:
    """Return how far each pixel moves along the axis of lightness, HxW."""
    axis = OPPONENT[0]
    ratio = float(deviation_ratios(OPPONENT[:1], statistics)[0])
    mean, wanted = axis @ np.array(statistics.swap_mean), axis @ np.array(statistics.plate_mean)
    along = swap @ axis.astype(np.float32)
    return np.asarray((along - np.float32(mean)) * np.float32(ratio) + np.float32(wanted) - along)


def _matched(
    swap: Image, matte: Image, statistics: ColorStatistics, wanted: Array, plan: _Plan
) -> Image:
    colors, weights = sampled(swap, matte)
    if not weights.size:
        return swap
    colors = _as_measured(colors, weights, statistics)
    slices = _fit(colors, weights, wanted, plan)
    return _pushed(swap.reshape(-1, 3), slices, plan).reshape(swap.shape)


def _as_measured(colors: Array, weights: Array, statistics: ColorStatistics) -> Array:
    """Give a frame's colours the mean and covariance of the shot, so that the map is the shot's."""
    mean, covariance = moments_of(colors, weights)
    own = replace(
        statistics,
        swap_mean=mean,
        swap_covariance=covariance,
        plate_mean=statistics.swap_mean,
        plate_covariance=statistics.swap_covariance,
    )
    matrix = mkl(own)
    return np.asarray(colors @ matrix[:, :3].T + matrix[:, 3])


def _fit(colors: Array, weights: Array, wanted: Array, plan: _Plan) -> Array:
    """Return the slices of all steps, T x (5 + _CELLS + 1), in the order of the plan.

    A slice is a direction, where its table begins, cells per unit, and the pushes at the ends of
    the cells.

    Args:
        colors: N x 3.
        weights: N.
        wanted: K x 17: the plate's quantiles along the plan's axes.
        plan: What to do.
    """
    wanted = _within_reach(weighted_quantiles(colors @ plan.axes.T, weights), wanted)
    slices = []
    for step in plan.steps:
        axes = plan.axes[step]
        tables = _tables(weighted_quantiles(colors @ axes.T, weights), wanted[step])
        slices.append(np.concatenate([axes, tables], axis=1))
        colors = _pushed(colors, slices[-1], plan)
    return np.concatenate(slices)


def _within_reach(found: Array, wanted: Array) -> Array:
    """Return the wanted quantiles (K x 17), none further apart than the swap's may be stretched."""
    gaps = np.minimum(np.diff(wanted, axis=1), _STEEPEST * np.diff(found, axis=1))
    reached = np.concatenate([np.zeros((len(gaps), 1)), np.cumsum(gaps, axis=1)], axis=1)
    middle = found.shape[1] // 2
    return np.asarray(reached + (wanted - reached)[:, middle : middle + 1])


def _tables(found: Array, wanted: Array) -> Array:
    """Return start, cells per unit, and the pushes on an even grid of places, K x (3 + _CELLS)."""
    first, last = found[:, :1], found[:, -1:]
    length = np.maximum(last - first, _LEAST_LENGTH)
    places = first + length * np.linspace(0, 1, _CELLS + 1)
    distinct = found + np.arange(found.shape[1]) * 1e-9  # knots of np.interp must rise
    pushes = [np.interp(*line) for line in zip(places, distinct, wanted - found, strict=True)]
    return np.concatenate([first, _CELLS / length, np.array(pushes)], axis=1)


def _pushed(colors: NDArray[Any], slices: Array, plan: _Plan) -> NDArray[Any]:
    """Run steps on N x 3 colours of any float type."""
    moved = np.empty_like(colors)
    _push(np.ascontiguousarray(colors), moved, slices, len(plan.steps[0]), plan.rate)
    return moved


@numba.njit(cache=True)
def _push(colors: NDArray[Any], moved: NDArray[Any], slices: Array, size: int, rate: float) -> None:
    last = slices.shape[1] - 7  # index of the last cell
    for index in range(colors.shape[0]):
        red, green, blue = colors[index, 0], colors[index, 1], colors[index, 2]
        for begin in range(0, slices.shape[0], size):
            d_red = d_green = d_blue = 0.0
            for number in range(begin, begin + size):
                x, y, z = slices[number, 0], slices[number, 1], slices[number, 2]
                along = red * x + green * y + blue * z
                place = min(max((along - slices[number, 3]) * slices[number, 4], 0.0), last + 1.0)
                cell = min(int(place), last) if place == place else 0
                low = slices[number, 5 + cell]
                push = low + (place - cell) * (slices[number, 6 + cell] - low)
                d_red += push * x
                d_green += push * y
                d_blue += push * z
            red += rate * d_red
            green += rate * d_green
            blue += rate * d_blue
        moved[index, 0], moved[index, 1], moved[index, 2] = red, green, blue
