"""Integer pixels to float and back: a share of the largest value, no colour change."""

import numpy as np
from numpy.typing import NDArray

from faceplate.errors import BadShape
from faceplate.io.frame import FloatArray

__all__ = ["decode", "encode"]


def decode(pixels: NDArray[np.uint8] | NDArray[np.uint16]) -> FloatArray:
    """Return 8- or 16-bit integers as float32 in 0..1. Raises BadShape for any other type.

    Example:
        >>> decode(np.array([0, 51, 255], np.uint8)).tolist()
        [0.0, 0.20000000298023224, 1.0]
    """
    if pixels.dtype not in (np.uint8, np.uint16):
        raise BadShape("integer pixels", pixels.dtype, "uint8 or uint16")
    return (pixels / np.float32(np.iinfo(pixels.dtype).max)).astype(np.float32)


def encode(pixels: FloatArray, bits: int = 8) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """Return floats as integers of 8 to 16 bits, rounded to the nearest.

    Values outside 0..1 are held at the ends; NaN becomes 0.

    Example:
        >>> encode(np.array([-1.0, 0.5, 7.0], np.float32)).tolist()
        [0, 128, 255]
    """
    held = np.clip(np.nan_to_num(pixels, nan=0.0), 0.0, 1.0)
    rounded: FloatArray = np.rint(held * np.float32(2**bits - 1))
    return rounded.astype(np.uint8) if bits == 8 else rounded.astype(np.uint16)
