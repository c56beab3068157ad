"""How sharp or coarse a face is: sharpening, the plate's own fine detail, and degrading.

All of it works on float in the working encoding, on values beyond 0..1 too, and clips nothing.
"""

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from faceplate.color.relight import lowpass
from faceplate.merge.recipe import Recipe

__all__ = ["bicubic_degrade", "color_degrade", "denoise", "degrade", "reinject_detail", "sharpen"]

Image = NDArray[np.float32]
Matte = NDArray[np.float32]

_COLORS_LOG2 = 8
_PALETTE_FROM = 1 << 14  # pixels that the palette is found from, spread evenly
_SMALLEST = 0.02  # of the side of a face that is degraded; below, nothing is left of it


def sharpen(face: Image, mode: str, amount: float, size: int = 3) -> Image:
    """Sharpen a face against a filter, or soften it where `amount` is below 0.

    `box` is delta + (delta - box) * amount, `gaussian` is (1 + amount / 2) * face - amount / 2 *
    blurred, as DeepFaceLab's merger has them. Below 0 the face goes through 5 x 5 medians, one for
    each ten, the last of them in part.

    Args:
        face: float32 HxWx3.
        mode: none, box or gaussian.
        amount: -100 to 100.
        size: Side of the filter's kernel in pixels; an even one counts as the next odd one.
    """
    if mode == "none" or amount == 0:
        return face
    if amount < 0:
        return _medians(face, [min(part, 1.0) for part in np.arange(-amount / 10, 0, -1)])
    side = size | 1
    if mode == "box":
        soft = cv2.blur(face, (side, side), borderType=cv2.BORDER_REPLICATE)
        return np.asarray(face + (face - soft) * np.float32(amount), np.float32)
    soft = cv2.GaussianBlur(face, (side, side), 0, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(face + (face - soft) * np.float32(amount / 2), np.float32)


def reinject_detail(face: Image, plate: Image, matte: Matte, amount: float, sigma: float) -> Image:
    """Lay the plate's high band over a face: pores, stubble, the film's own texture.

    Args:
        face: float32 HxWx3, working encoding, at its place in the plate.
        plate: float32 HxWx3, working encoding.
        matte: float32 HxW: what does not lie under it has no say in what is detail.
        amount: Per cent.
        sigma: Of the low pass that tells detail from form, plate pixels.
    """
    if amount == 0:
        return face
    band = plate - lowpass(plate, matte, sigma)
    return np.asarray(np.where(matte[..., None] > 0, face + amount / 100 * band, face), np.float32)


def degrade(face: Image, recipe: Recipe, matte: Matte) -> Image:
    """Make a face as coarse as a poor plate: medians, lost resolution, few colours."""
    face = denoise(face, recipe.denoise)
    face = bicubic_degrade(face, recipe.bicubic_degrade)
    return color_degrade(face, recipe.color_degrade, matte)


def denoise(face: Image, power: float) -> Image:
    """Run 5 x 5 medians over a face: with `power` per cent, then 10 per cent less, and so on.

    Above 100 a median counts whole, so 500 is 41 whole ones and nine in part.
    """
    if power <= 0:
        return face
    return _medians(face, [min(part / 100, 1.0) for part in np.arange(power, 0, -10)])


def bicubic_degrade(face: Image, power: float) -> Image:
    """Make a face smaller and larger again: its scale is 1 - power / 101, at both steps bicubic."""
    if power <= 0:
        return face
    height, width = face.shape[:2]
    scale = max(1 - power / 101, _SMALLEST)
    small = (max(round(width * scale), 1), max(round(height * scale), 1))
    shrunk = cv2.resize(face, small, interpolation=cv2.INTER_CUBIC)
    grown = cv2.resize(shrunk, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(grown, np.float32)


def color_degrade(face: Image, power: float, matte: Matte) -> Image:
    """Mix a face with itself in 256 colours, found by median cuts of what lies under the matte."""
    seen = face[matte > 0]
    if power <= 0 or not len(seen):
        return face
    palette = _median_cuts(seen[:: max(len(seen) // _PALETTE_FROM, 1)])
    nearest = cKDTree(palette).query(face.reshape(-1, 3))[1]
    few = palette[nearest].reshape(face.shape)
    return np.asarray(face + (few - face) * np.float32(power / 100), np.float32)


def _medians(face: Image, parts: list[float]) -> Image:
    for part in parts:
        smooth = np.asarray(cv2.medianBlur(face, 5), np.float32)
        face = smooth if part == 1 else face + (smooth - face) * np.float32(part)
    return face


def _median_cuts(colors: Image) -> Image:
    """Cut the colours in two at the median of their longest axis, eight times; return the means."""
    boxes = [colors]
    for _ in range(_COLORS_LOG2):
        boxes = [half for box in boxes for half in _halves(box)]
    return np.array([box.mean(axis=0, dtype=np.float64) for box in boxes], np.float32)


def _halves(box: Image) -> list[Image]:
    if len(box) < 2:
        return [box]
    axis = int(np.argmax(np.ptp(box, axis=0)))
    ordered = box[np.argsort(box[:, axis], kind="stable")]
    return [ordered[: len(box) // 2], ordered[len(box) // 2 :]]
