"""The matte of a swap, worked out in the crop.

Learned and hull mattes are multiplied, drawn in and feathered at a size of their own (256 to 512
pixels), so that a matte is smooth although the network's is small. The result is exactly 0 at the
crop's border, whatever goes in: the paste can never show the square.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from faceplate.merge.recipe import matte_terms

__all__ = ["choose_matte", "clean_matte", "erode_feather", "matte_size", "resize_matte"]

Matte = NDArray[np.float32]

_SMALLEST, _LARGEST = 256, 512
_NOISE = 0.02  # a sigmoid never quite reaches 0 or 1; what lies beyond these ends is meant as them


def matte_size(crop_size: int) -> int:
    """Return the side of the square in which mattes of a crop of `crop_size` pixels are made."""
    return min(max(crop_size, _SMALLEST), _LARGEST)


def clean_matte(matte: NDArray[np.floating]) -> Matte:
    """Return a network's matte as float32 in 0..1, its noise near both ends cut off, NaN as 0."""
    finite = np.nan_to_num(np.asarray(matte, np.float32), nan=0.0, posinf=1.0, neginf=0.0)
    return np.asarray(np.clip((finite - _NOISE) / (1 - 2 * _NOISE), 0, 1), np.float32)


def resize_matte(matte: Matte, size: int) -> Matte:
    """Resize a square matte; smaller by area, larger by cubic, clamped to 0..1."""
    if matte.shape == (size, size):
        return matte
    method = cv2.INTER_AREA if size < matte.shape[0] else cv2.INTER_CUBIC
    resized = cv2.resize(matte, (size, size), interpolation=method)
    return np.asarray(np.clip(resized, 0, 1), np.float32)


def choose_matte(choice: str, learned: Matte, hull: Matte) -> Matte:
    """Multiply the mattes that the recipe names. Both float32 of one shape, in 0..1."""
    terms = matte_terms(choice)
    if terms == ("learned",):
        return learned
    return hull if terms == ("hull",) else np.asarray(learned * hull, np.float32)


def erode_feather(matte: Matte, erode_px: float, feather_px: float) -> Matte:
    """Draw a matte in and soften its edge.

    The edge rises from 0 to full over `feather_px`, all of it inside the matte drawn in by
    `erode_px`: erosion goes half a feather further, and the blur has a finite reach of that half.

    Args:
        matte: float32 HxW in 0..1.
        erode_px: Pixels, >= 0.
        feather_px: Pixels, >= 0.

    Returns:
        float32 HxW in 0..1, exactly 0 in the outermost pixels.
    """
    reach = round(feather_px / 2)
    inset = round(erode_px) + reach
    # Beyond the crop nothing is known: a frame of zeros is eroded and feathered like any edge.
    framed = cv2.copyMakeBorder(matte[1:-1, 1:-1], 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0.0)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * inset + 1, 2 * inset + 1))
    drawn_in = cv2.erode(framed, kernel, borderType=cv2.BORDER_CONSTANT, borderValue=0.0)
    if reach:
        side = 2 * reach + 1
        drawn_in = cv2.GaussianBlur(
            drawn_in, (side, side), reach / 2, borderType=cv2.BORDER_CONSTANT
        )
    return np.clip(drawn_in, 0, 1).astype(np.float32)
