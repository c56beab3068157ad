"""Relight: the swap keeps its features and takes the plate's light, by exchanging low frequencies.

In a logarithmic working encoding the difference of two low passes is the ratio of two shadings.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["lowpass", "relight"]

Image = NDArray[np.float32]

_NO_WEIGHT = 1e-4  # below this the blurred matte says nothing about a pixel


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
    weighted = np.where(weights > 0, image, 0) * weights
    total = _blur(matte, sigma)
    near = total > _NO_WEIGHT
    divisor = np.where(near, total, 1)[..., None]
    mean = _blur(weighted, sigma) / divisor
    return np.where(near[..., None], mean, 0).astype(np.float32)


def relight(swap: Image, plate: Image, matte: Image, radii: Sequence[float]) -> Image:
    """Exchange the low frequencies of the swap for those of the plate, averaged over the radii.

    Pixels that are not finite on either side count for nothing.

    Args:
        swap: HxWx3 float32, working encoding.
        plate: Likewise.
        matte: HxW float32, 0..1.
        radii: Sigmas in pixels, each > 0.
    """
    matte = matte * (np.isfinite(swap) & np.isfinite(plate)).all(axis=2)
    swaps = sum(lowpass(swap, matte, radius) for radius in radii)
    plates = sum(lowpass(plate, matte, radius) for radius in radii)
    return np.asarray(swap + (plates - swaps) / np.float32(len(radii)), np.float32)


def _blur(image: Image, sigma: float) -> Image:
    # Zeros beyond the border carry no weight, so the normalisation makes up for them too.
    return np.asarray(
        cv2.GaussianBlur(image, (0, 0), sigma, borderType=cv2.BORDER_CONSTANT), np.float32
    )
