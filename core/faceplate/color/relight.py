"""Relight: the swap keeps its features and takes the plate's light, by exchanging low frequencies.

In a logarithmic working encoding the low pass of plate - swap is the ratio of the two shadings.
"""

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["lowpass", "relight"]

Image = NDArray[np.float32]

_NO_WEIGHT = 1e-4  # below this the blurred matte says nothing about a pixel
_COARSE_SIGMA = 4.0  # pixels; wider blurs run on a smaller picture, which loses nothing of them
_LIGHT_SIGMA = 8.0  # pixels; light is worked out on a picture on which its radius is about this
_FEATURE = 0.1
"""How unlike its surroundings a feature is that edge = 1 leaves out, in the working encoding."""
_ROUNDS = 2  # the weights have settled by then


def lowpass(image: Image, matte: Image, sigma: float) -> Image:
    """Blur what lies under the matte, as if nothing else were there (normalised convolution).

    Args:
        image: float32 HxWx3.
        matte: Weights, float32 HxW in 0..1.
        sigma: Standard deviation of the Gaussian, pixels, > 0.

    Returns:
        float32 HxWx3: the weighted local mean; 0 where no weight is near.

    Source: Knutsson and Westin, "Normalized and differential convolution", CVPR 1993.
    """
    weights = matte[..., None]
    weighted = np.concatenate([np.where(weights > 0, image, 0) * weights, weights], axis=2)
    blurred = _blur(weighted, sigma)
    total = blurred[..., 3:]
    near = total > _NO_WEIGHT
    return np.where(near, blurred[..., :3] / np.where(near, total, 1), 0).astype(np.float32)


def relight(
    swap: Image, plate: Image, matte: Image, radii: Sequence[float], edge: float = 0.0
) -> Image:
    """Exchange the low frequencies of the swap for those of the plate, averaged over the radii.

    A brow or a beard that only one of the two faces has is no light, but a plain Gaussian spreads
    it over its surroundings as if it were. With `edge` above 0, pixels whose difference from plate
    to swap is unlike the local mean count for less in it (a bilateral kernel around that mean, so
    that such a pixel is not kept either).

    Pixels that are not finite on either side count for nothing.

    Args:
        swap: HxWx3 float32, working encoding.
        plate: Likewise.
        matte: HxW float32, 0..1.
        radii: Sigmas in pixels, each > 0.
        edge: 0 to 1.

    Source: of the robust mean: Chu, Glad, Godtliebsen and Marron, "Edge-preserving smoothers for
    image processing", JASA 1998.
    """
    usable = (np.isfinite(swap) & np.isfinite(plate)).all(axis=2)
    weights = np.where(usable, matte, 0).astype(np.float32)
    difference = np.where(weights[..., None] > 0, plate, 0) - np.where(
        weights[..., None] > 0, swap, 0
    )
    light = sum(_light(difference, weights, radius, edge) for radius in radii)
    return np.asarray(swap + light / np.float32(len(radii)), np.float32)


def _light(difference: Image, matte: Image, radius: float, edge: float) -> Image:
    """Return the low pass of a difference, worked out on a picture no larger than it needs."""
    factor = int(radius / _LIGHT_SIGMA)
    if factor < 2:
        return _robust(difference, matte, radius, edge)
    weighted = np.dstack([difference * matte[..., None], matte])
    coarse = _shrunk(weighted, factor)
    total = coarse[..., 3]
    mean = np.asarray(coarse[..., :3] / np.maximum(total, _NO_WEIGHT)[..., None], np.float32)
    light = _robust(mean, np.ascontiguousarray(total), radius / factor, edge)
    return _grown(light, factor, difference.shape)


def _robust(difference: Image, matte: Image, radius: float, edge: float) -> Image:
    light = lowpass(difference, matte, radius)
    if edge <= 0:
        return light
    spread = np.float32(2 * (_FEATURE / edge) ** 2)
    for _ in range(_ROUNDS):
        apart = np.square(difference - light).sum(axis=2)
        # a thousandth is left to every pixel: somewhere all of them may be unlike their mean
        light = lowpass(difference, matte * (np.exp(-apart / spread) + np.float32(1e-3)), radius)
    return light


def _blur(image: Image, sigma: float) -> Image:
    # Zeros beyond the border carry no weight, so the normalisation makes up for them too.
    factor = int(sigma / _COARSE_SIGMA)
    if factor < 2:
        return _gauss(image, sigma)
    # averaging over a cell and going back linearly have a variance of their own, in cells
    variance = (sigma / factor) ** 2 - 1 / 12 - 1 / 6
    return _grown(_gauss(_shrunk(image, factor), float(np.sqrt(variance))), factor, image.shape)


def _shrunk(image: NDArray[Any], factor: int) -> Image:
    """Average over cells; what lies beyond the border is black, and one cell of it is kept."""
    height, width = image.shape[:2]
    padded = cv2.copyMakeBorder(
        image, 0, -height % factor, 0, -width % factor, cv2.BORDER_CONSTANT, value=(0,) * 4
    )
    cells = (padded.shape[1] // factor, padded.shape[0] // factor)
    coarse = cv2.resize(padded, cells, interpolation=cv2.INTER_AREA)
    border = cv2.copyMakeBorder(coarse, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=(0,) * 4)
    return np.asarray(border, np.float32)


def _grown(coarse: Image, factor: int, shape: tuple[int, ...]) -> Image:
    """Return a picture that `_shrunk` made to its size, linearly."""
    size = (coarse.shape[1] * factor, coarse.shape[0] * factor)
    large = cv2.resize(coarse, size, interpolation=cv2.INTER_LINEAR)
    return np.ascontiguousarray(large[factor : factor + shape[0], factor : factor + shape[1]])


def _gauss(image: NDArray[Any], sigma: float) -> Image:
    return np.asarray(
        cv2.GaussianBlur(image, (0, 0), sigma, borderType=cv2.BORDER_CONSTANT), np.float32
    )
