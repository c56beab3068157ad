"""Histogram match: each channel of the swap takes the distribution of the plate's."""

import numpy as np
from numpy.typing import NDArray

from faceplate.color.statistics import check_crops

__all__ = ["hist_match"]

Image = NDArray[np.float32]

_LEVELS = 256
_SAMPLES = 256
"""Distributions are measured on a grid of at most so many pixels a side."""
_STEEPEST = 8.0
"""Most that a range of values may be stretched: a nearly flat swap must not show its noise."""


def hist_match(swap: Image, plate: Image, matte: Image, threshold: float, masked: bool) -> Image:
    """Match the histograms, channel by channel.

    The quantile q of the swap goes to the quantile q of the plate, up to q = `threshold`. What is
    brighter moves as the swap's value at the threshold does: a highlight of the plate is not spread
    over the face, and none of the face's own is lost. What is darker than everything measured moves
    as the darkest does. So values of any range come through, and the map rises everywhere.

    Pixels that are not finite count for nothing and stay as they are. Where nothing can be measured
    (an empty matte) the swap comes back as it is; a constant colour is moved and not stretched.

    Args:
        swap: HxWx3 float32, working encoding.
        plate: Likewise.
        matte: HxW float32, 0..1: weights.
        threshold: 0 to 1: share of the distribution that is matched; 0 moves the darkest value
            to the darkest.
        masked: Measure under the matte; else all pixels count alike.

    Raises:
        BadShape: The pictures or the matte differ in size.
    """
    check_crops(swap, plate, matte)
    steps = [max(side // _SAMPLES, 1) for side in matte.shape]
    grid = tuple(slice(step // 2, None, step) for step in steps)
    weights = matte[grid] if masked else np.ones_like(matte[grid])
    usable = np.isfinite(swap[grid]).all(axis=2) & np.isfinite(plate[grid]).all(axis=2)
    chosen = usable & (weights > 0)
    if not chosen.any():
        return swap
    shares = weights[chosen].astype(np.float64)
    moved = np.empty_like(swap)
    for channel in range(3):
        places = _quantiles(swap[grid][..., channel][chosen], shares, threshold)
        wanted = _quantiles(plate[grid][..., channel][chosen], shares, threshold)
        pushes = _bounded(places, wanted) - places
        rising = places + np.arange(_LEVELS) * 1e-9  # knots of np.interp must rise
        values = swap[..., channel]
        moved[..., channel] = values + np.interp(values, rising, pushes).astype(np.float32)
    return moved


def _quantiles(
    values: NDArray[np.float32], weights: NDArray[np.float64], threshold: float
) -> NDArray[np.float64]:
    order = np.argsort(values)
    heights = weights[order]
    shares = (np.cumsum(heights) - heights / 2) / heights.sum()
    return np.interp(np.linspace(0, threshold, _LEVELS), shares, values[order].astype(np.float64))


def _bounded(places: NDArray[np.float64], wanted: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return where the places go, none stretched more than allowed; the middle one goes all way."""
    gaps = np.minimum(np.diff(wanted), _STEEPEST * np.diff(places))
    reached = np.concatenate([[0.0], np.cumsum(gaps)])
    middle = _LEVELS // 2
    return np.asarray(reached + wanted[middle] - reached[middle])
