"""Grain: the plate's noise, measured by luminance, and as much of it for the face.

Measured is the deviation of each of the four finest bands of the plate, per channel, in bins of
luminance. It is described as a sum of noises of four sizes of grain, whose share of each band is
known, so grain that is larger than a pixel stays as large. What noise the face has of its own
counts. The noise is a function of frame, place and seed (noise.py).

Texture would pass for noise: the deviation comes from the median of the absolute values, over the
pixels around which the picture is smoothest.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from faceplate.geometry.points import Box
from faceplate.merge.bands import GRAIN_SIGMAS, bands, gains
from faceplate.merge.noise import white_noise

__all__ = ["Grain", "add_grain", "luminance", "measure_grain"]

Image = NDArray[np.float32]
Matte = NDArray[np.float32]

_LUMINANCE = np.array([0.27, 0.67, 0.06], np.float32)  # of AP1; near enough for any wide space
_MOST_BINS, _FEWEST_PIXELS = 8, 400
_SMOOTH_SHARE = 0.25  # of the pixels
_LEAST_SHARE = 0.15  # of those of a bin, where it has few that are smooth
_SMOOTH = 2.0  # sigma in pixels of what counts as the picture beneath the noise
_CLEANEST = 0.1  # quantile of the bins and channels
_TRUST = np.array([1.0, 1.0, 0.5, 0.2])  # of the bands
_LEAST_RATIO = 1e-6
_LEAST_IN_THE_DARK = 0.3  # of the noise of the darkest bin
_NORMAL_MEDIAN = 0.6744897501960817  # of the absolute value of a normal variable
_REACH = 10  # pixels that the blur of the largest grain reads
_LEAST_MATTE = 1e-3


@dataclass(frozen=True, eq=False)
class Grain:
    """The noise of a picture."""

    levels: NDArray[np.float64]
    """N luminances, rising."""
    variances: NDArray[np.float64]
    """N x C x K: variance at each luminance of each channel in each of `GRAIN_SIGMAS`."""
    mixing: NDArray[np.float64]
    """C x C lower triangle with rows of length 1: how the channels go together."""

    def deviation(self, level: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return the deviation of the whole noise at these luminances, ... x C."""
        total = self.variances.sum(axis=2)
        at = [np.interp(level, self.levels, total[:, c]) for c in range(total.shape[1])]
        return np.asarray(np.sqrt(np.stack(at, axis=-1)), np.float64)


def luminance(image: Image) -> Image:
    """Return the luminance of scene-linear colours, HxW."""
    return np.asarray(image @ _LUMINANCE, np.float32)


def measure_grain(image: Image, matte: Matte) -> Grain:
    """Measure the noise of a picture under a matte.

    Args:
        image: float32 HxWx3, finite, scene-linear.
        matte: float32 HxW; pixels above 0.5 are looked at. Under 400 of them count as no noise.
    """
    level = _smooth(luminance(image))
    parts = bands(image)
    inside = matte > 0.5
    edges = _bins(level[inside])
    if len(edges) < 2:
        return Grain(np.zeros(1), np.zeros((1, 3, len(GRAIN_SIGMAS))), np.eye(3))
    chosen = _smoothest(level, inside, edges)
    levels = np.array([float(level[one].mean()) for one in chosen])
    found = np.array([[_variance(part[one]) for part in parts] for one in chosen])  # (N, BANDS, C)
    shape = _shape(found)
    amounts = found[:, 0] / max(float(gains()[0] @ shape), 1e-30)
    levels, amounts = _into_the_dark(levels, amounts)
    return Grain(
        levels, amounts[..., None] * shape, _mixing(parts[0][np.logical_or.reduce(chosen)])
    )


def add_grain(
    face: Image,
    grain: Grain,
    own: Grain | None,
    matte: Matte,
    box: Box,
    frame: int,
    *,
    amount: float = 100.0,
    seed: int = 0,
) -> Image:
    """Add noise to a face, so that with the plate under its matte the noise is that of the plate.

    Where the matte m is partial the plate brings 1 - m of its noise and the face m of its own;
    independent noises add up by their squares, so the face gets sqrt((2 - m) / m) as much there.

    Args:
        face: float32 HxWx3, scene-linear.
        grain: Of the plate.
        own: What noise the face has already; it is left out. None: none.
        matte: float32 HxW that the face is laid in with.
        box: Where the face lies in the plate: x0, y0, x1, y1.
        frame: Number of the frame.
        amount: Per cent.
        seed: Another one gives other grain.
    """
    level = _smooth(luminance(np.nan_to_num(face)))
    total = np.zeros_like(face)
    for size, sigma in enumerate(GRAIN_SIGMAS):
        if grain.variances[..., size].any():
            total += _noise(box, frame, seed, size, sigma, grain) * _missing(
                grain, own, size, level
            )
    lift = np.sqrt((2 - matte) / np.maximum(matte, _LEAST_MATTE))
    lift[matte <= _LEAST_MATTE] = 0
    return np.asarray(face + total * (lift * (amount / 100))[..., None], np.float32)


def _missing(grain: Grain, own: Grain | None, size: int, level: Image) -> Image:
    """Return the deviation that the face lacks in one size of grain, HxWx3."""
    found = np.empty((*level.shape, 3), np.float32)
    for channel in range(3):
        variance = np.interp(level, grain.levels, grain.variances[:, channel, size])
        if own is not None:
            variance -= np.interp(level, own.levels, own.variances[:, channel, size])
        found[..., channel] = np.sqrt(np.maximum(variance, 0))
    return found


def _noise(box: Box, frame: int, seed: int, size: int, sigma: float, grain: Grain) -> Image:
    """Return noise of one size, variance 1, its channels going together as measured: HxWx3."""
    reach = _REACH if sigma else 0
    wide = (box[0] - reach, box[1] - reach, box[2] + reach, box[3] + reach)
    fields = [white_noise(wide, frame, 3 * size + channel, seed) for channel in range(3)]
    noise = np.stack(fields, axis=-1)
    if sigma:
        side = 2 * reach + 1
        kernel = np.asarray(cv2.getGaussianKernel(side, sigma, cv2.CV_32F), np.float32)
        kernel = kernel / np.linalg.norm(kernel)
        soft = np.asarray(cv2.sepFilter2D(noise, -1, kernel, kernel), np.float32)
        noise = soft[reach:-reach, reach:-reach]
    return np.asarray(noise @ grain.mixing.T.astype(np.float32), np.float32)


def _smooth(image: Image) -> Image:
    return np.asarray(cv2.GaussianBlur(image, (0, 0), _SMOOTH), np.float32)


def _smoothest(
    level: Image, inside: NDArray[np.bool_], edges: NDArray[np.float64]
) -> list[NDArray[np.bool_]]:
    """Return, for each bin of luminance, the pixels where the picture beneath changes least."""
    across = cv2.Sobel(level, cv2.CV_32F, 1, 0)
    down = cv2.Sobel(level, cv2.CV_32F, 0, 1)
    # by the level's own size: noise grows with the light, and so would what is taken for smooth
    slope = np.hypot(across, down) / (np.abs(level) + np.abs(level[inside]).mean() * 0.05 + 1e-9)
    smooth = np.quantile(slope[inside], _SMOOTH_SHARE)
    bin_of = np.clip(np.searchsorted(edges, level, side="right") - 1, 0, len(edges) - 2)
    chosen = []
    for index in range(len(edges) - 1):
        within = inside & (bin_of == index)
        limit = max(smooth, np.quantile(slope[within], _LEAST_SHARE))
        chosen.append(within & (slope <= limit))
    return chosen


def _bins(levels: Image) -> NDArray[np.float64]:
    """Return the edges of bins with equally many pixels; none where there are too few."""
    count = min(_MOST_BINS, len(levels) // _FEWEST_PIXELS)
    if count < 1:
        return np.zeros(0)
    edges = np.unique(np.quantile(levels.astype(np.float64), np.linspace(0, 1, count + 1)))
    return edges if len(edges) > 1 else np.array([edges[0], edges[0] + 1])


def _into_the_dark(
    levels: NDArray[np.float64], amounts: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Let the noise go on as far below the darkest bin as the next one is above it."""
    if len(levels) < 2:
        return levels, amounts
    below = np.clip(2 * amounts[0] - amounts[1], _LEAST_IN_THE_DARK * amounts[0], amounts[0])
    return np.append(2 * levels[0] - levels[1], levels), np.vstack([below, amounts])


def _variance(values: Image) -> NDArray[np.float64]:
    """Return the variance of the noise in N x C values of a band."""
    deviation = np.median(np.abs(values), axis=0) / _NORMAL_MEDIAN
    return np.asarray(deviation.astype(np.float64) ** 2, np.float64)


def _shape(found: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the shares of the sizes of grain, K, adding up to 1.

    They are the same at all luminances and in all channels. What texture is left in a bin makes
    its coarser bands larger, so the ratios are those of the bins that have least of it.
    """
    finest = found[:, :1]  # (N, BANDS, C)
    if not finest.any():
        return np.asarray(np.eye(1, len(GRAIN_SIGMAS))[0], np.float64)
    ratios = np.moveaxis(found / np.maximum(finest, finest.max() * 1e-9), 1, 2)
    least = np.quantile(ratios.reshape(-1, found.shape[1]), _CLEANEST, axis=0)
    scale = _TRUST / np.maximum(least, _LEAST_RATIO)  # relative errors count, fine bands most
    sizes = nnls(gains() * scale[:, None], least * scale)[0]
    return np.asarray(sizes / max(sizes.sum(), 1e-30), np.float64)


def _mixing(finest: Image) -> NDArray[np.float64]:
    """Return the lower triangle that gives independent noises the channels' correlation."""
    limit = 4 * np.median(np.abs(finest), axis=0) / _NORMAL_MEDIAN + 1e-12
    clipped = np.clip(finest, -limit, limit).astype(np.float64)
    spread = clipped.std(axis=0)
    if (spread < 1e-12).any():
        return np.eye(3)
    together = np.corrcoef(clipped.T)
    return np.asarray(np.linalg.cholesky(0.999 * together + 0.001 * np.eye(3)), np.float64)
