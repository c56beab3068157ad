"""What brings a predicted face to the light of the plate. All in the working encoding.

Each transfer maps (swap, plate, matte, radius) to a new swap, where swap and plate are crops,
float32 HxWx3, matte is float32 HxW in 0..1 and radius is a sigma in crop pixels. Only pixels under
the matte count, so that hair and background do not bleed into the face.
"""

from collections.abc import Callable
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from faceplate.errors import BadShape

__all__ = ["TransferName", "lowpass", "rct", "relight", "transfer"]

Image = NDArray[np.float32]
TransferName = Literal["none", "rct", "relight"]

_NO_WEIGHT = 1e-4  # below this the blurred matte says nothing about a pixel
_FLAT = 1e-6  # a channel with less deviation than this has none to scale


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
    weighted = np.where(matte[..., None] > 0, image * matte[..., None], 0).astype(np.float32)
    total = _blur(matte, sigma)
    near = total > _NO_WEIGHT
    divisor = np.where(near, total, 1)[..., None]
    mean = _blur(weighted, sigma) / divisor
    return np.where(near[..., None], mean, 0).astype(np.float32)


def relight(swap: Image, plate: Image, matte: Image, radius: float) -> Image:
    """Exchange the low frequencies of the swap for those of the plate.

    The plate's light (its coloured key and fill) and its overall tone survive, and so does the
    likeness's detail. In a logarithmic working encoding this multiplies the swap by the ratio of
    the two shadings.
    """
    return swap - lowpass(swap, matte, radius) + lowpass(plate, matte, radius)


def rct(swap: Image, plate: Image, matte: Image, radius: float = 0.0) -> Image:
    """Give each channel of the swap the mean and the deviation of the plate, under the matte.

    Source: Reinhard et al., "Color transfer between images", IEEE CG&A 2001; here in the working
    encoding itself, so that no value is clipped. `radius` is not used.
    """
    weight = float(matte.sum(dtype=np.float64))
    if weight < 1.0:
        return swap
    swap_mean, swap_deviation = _statistics(swap, matte, weight)
    plate_mean, plate_deviation = _statistics(plate, matte, weight)
    flat = swap_deviation < _FLAT
    ratio = np.where(flat, 1.0, plate_deviation / np.where(flat, 1.0, swap_deviation))
    return ((swap - swap_mean) * ratio + plate_mean).astype(np.float32)


def transfer(name: TransferName, swap: Image, plate: Image, matte: Image, radius: float) -> Image:
    """Apply the transfer of that name.

    Raises:
        BadShape: The crops or the matte differ in size.
    """
    if not swap.shape == plate.shape == (*matte.shape, 3):
        raise BadShape(
            "colour transfer", f"{swap.shape}, {plate.shape}, {matte.shape}", "HxWx3, HxWx3, HxW"
        )
    return _TRANSFERS[name](swap, plate, matte, radius)


def _none(swap: Image, plate: Image, matte: Image, radius: float) -> Image:
    return swap


_TRANSFERS: dict[TransferName, Callable[[Image, Image, Image, float], Image]] = {
    "none": _none,
    "rct": rct,
    "relight": relight,
}


def _blur(image: Image, sigma: float) -> Image:
    # Zeros beyond the border carry no weight, so the normalisation makes up for them too.
    return np.asarray(
        cv2.GaussianBlur(image, (0, 0), sigma, borderType=cv2.BORDER_CONSTANT), np.float32
    )


def _statistics(
    image: Image, matte: Image, weight: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    pixels = image.reshape(-1, 3).astype(np.float64)  # (H*W, C)
    weights = matte.reshape(-1, 1).astype(np.float64) / weight
    mean = (pixels * weights).sum(axis=0)
    deviation = np.sqrt((((pixels - mean) ** 2) * weights).sum(axis=0))
    return mean, deviation
