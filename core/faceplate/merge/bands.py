"""The bands of a picture, from its finest detail on: an undecimated wavelet of B-splines.

J.-L. Starck and F. Murtagh, "Automatic noise estimation from the multiresolution support", PASP
1998: in smooth parts the finest bands hold the noise and nothing else.
"""

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["BANDS", "GRAIN_SIGMAS", "bands", "gains"]

Image = NDArray[np.float32]

BANDS = 4
GRAIN_SIGMAS = (0.0, 0.7, 1.3, 2.4)
"""Sizes of grain that noise is described with: sigmas of a blur of white noise, pixels."""

_SPLINE = np.array([1, 4, 6, 4, 1], np.float32) / 16
_ROOM = 96  # side of the picture in which the answer to one pixel is looked at


def bands(image: Image, count: int = BANDS) -> list[Image]:
    """Return the bands of an image, the finest first; what is left below them is not returned.

    Args:
        image: float32 HxW or HxWxC.
        count: How many.
    """
    found = []
    for level in range(count):
        spaced = np.zeros(4 * (1 << level) + 1, np.float32)
        spaced[:: 1 << level] = _SPLINE
        smooth = cv2.sepFilter2D(image, -1, spaced, spaced, borderType=cv2.BORDER_REFLECT_101)
        found.append(image - smooth)
        image = np.asarray(smooth, np.float32)
    return found


@cache
def gains() -> NDArray[np.float64]:
    """Return the variance in each band (row) of noise of each size (column) and variance 1."""
    found = np.empty((BANDS, len(GRAIN_SIGMAS)))
    for column, sigma in enumerate(GRAIN_SIGMAS):
        one = np.zeros((_ROOM, _ROOM), np.float32)
        one[_ROOM // 2, _ROOM // 2] = 1
        if sigma:
            one = np.asarray(cv2.GaussianBlur(one, (0, 0), sigma), np.float32)
            one /= np.linalg.norm(one)
        found[:, column] = [float((band.astype(np.float64) ** 2).sum()) for band in bands(one)]
    return found
